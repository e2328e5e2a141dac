// Watches through the hub of their resource: started while others write, selected, crashed.
#include <caf/send.hpp>
#include <thread>

#include "test/api/manifests.hpp"
#include "test/api/world.hpp"

using namespace skerry;
using namespace skerry::test;

namespace {

struct seen {
  std::string type, name;
  uint64_t revision = 0;
  bool operator==(const seen&) const = default;
};
std::ostream& operator<<(std::ostream& out, const seen& s) {
  return out << s.type << ' ' << s.name << '@' << s.revision;
}

/// The frames of a stream whose mutex the caller holds (as `wait` does), or which is over.
std::vector<seen> frames(const std::string& text) {
  std::vector<seen> out;
  std::string error;
  size_t at = 0;
  for (size_t end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    auto v = parse_json(std::string_view{text}.substr(at, end - at), error);
    BOOST_TEST(error == "");
    out.push_back({std::string{string_at(v, "type")}, std::string{string_at(v, "object.metadata.name")},
                   std::stoull(std::string{string_at(v, "object.metadata.resourceVersion", "0")})});
  }
  return out;
}

std::string names(const std::string& text) {
  std::string out;
  for (const auto& s : frames(text)) out += s.type + " " + s.name + "\n";
  return out;
}

template <class F>
bool until(F holds) {
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

bool await(fake_exchange& e, const std::string& wanted) {
  bool ok = e.wait([&] { return names(e.text) == wanted; });
  if (!ok) BOOST_TEST_MESSAGE("saw:\n" << names(e.text));
  return ok;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(api_watches)

BOOST_AUTO_TEST_CASE(each_watch_gets_what_its_namespace_and_name_select) {
  api_world w;
  // From a revision: a watch without one begins with what is there when it gets to look.
  const auto from = "&resourceVersion=" + std::string{w.must(200, "GET", maps).at("metadata.resourceVersion")};
  auto all = w.stream("/api/v1/configmaps?watch=1" + from), here = w.stream(maps + "?watch=1" + from),
       one = w.stream(maps + "?watch=1&fieldSelector=metadata.name%3Da" + from),
       named = w.stream("/api/v1/configmaps?watch=1&fieldSelector=metadata.name%3Da" + from),
       table = w.stream(maps + "?watch=1" + from);
  const std::string system = "/api/v1/namespaces/kube-system/configmaps";
  w.must(201, "POST", maps, config_map("a"));
  w.must(201, "POST", maps, config_map("b"));
  w.must(201, "POST", system, config_map("a"));
  w.must(200, "DELETE", system + "/a");
  w.must(200, "DELETE", maps + "/b");
  BOOST_TEST(await(*all, "ADDED a\nADDED b\nADDED a\nDELETED a\nDELETED b\n"));
  BOOST_TEST(await(*here, "ADDED a\nADDED b\nDELETED b\n"));
  BOOST_TEST(await(*one, "ADDED a\n"));
  BOOST_TEST(await(*named, "ADDED a\nADDED a\nDELETED a\n"));
  BOOST_TEST(await(*table, "ADDED a\nADDED b\nDELETED b\n"));
}

/// Wherever a watch begins, at a list's revision or with the objects that are there, it gets each later change once and
/// in order, though others write all the time.
BOOST_AUTO_TEST_CASE(watches_that_begin_under_load_miss_nothing) {
  api_world w{store::history_options{.recent_events_max = 32}};
  constexpr int writes = 600, writers = 2;
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  auto reference = w.stream(maps + "?watch=1&resourceVersion=2");  // after the namespaces of the world
  for (int t = 0; t < writers; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < writes / writers; ++i, ++done) {
        auto name = "m" + std::to_string(t) + "-" + std::to_string(i % 7);
        if (i % 14 < 7)
          w.call("POST", maps, config_map(name));
        else
          w.call("DELETE", maps + "/" + name);
      }
    });
  std::vector<std::pair<uint64_t, std::shared_ptr<fake_exchange>>> all;
  for (int i = 0; done < writes; ++i) {
    auto listed = std::stoull(std::string{w.call("GET", maps).at("metadata.resourceVersion")});
    // At the list; some steps back, so that it must be replayed from memory or from the log; at the beginning.
    auto from = i % 3 == 0 ? listed : i % 3 == 1 && listed > 42 ? listed - 40 : 2;
    if (all.size() < 200) all.emplace_back(from, w.stream(maps + "?watch=1&resourceVersion=" + std::to_string(from)));
  }
  for (auto& t : threads) t.join();
  auto last = w.must(201, "POST", maps, config_map("last"));
  auto end = std::stoull(std::string{last.at("metadata.resourceVersion")});
  auto finished = [&](fake_exchange& e) {
    return e.wait([&] { return e.text.find("\"last\"") != std::string::npos; });
  };
  BOOST_REQUIRE(finished(*reference));
  auto whole = frames(reference->text);
  BOOST_REQUIRE(whole.size() == end - 2);
  BOOST_TEST(all.size() > 3u);
  for (auto& [from, e] : all) {
    BOOST_REQUIRE(finished(*e));
    std::vector<seen> wanted;
    for (const auto& s : whole)
      if (s.revision > from) wanted.push_back(s);
    auto got = frames(e->text);
    BOOST_TEST_CONTEXT("from " << from) BOOST_TEST(got == wanted, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(a_crashed_hub_ends_its_watches_and_they_go_on_where_they_stood) {
  api_world w;
  auto first = w.stream(maps + "?watch=1");
  w.must(201, "POST", maps, config_map("a"));
  BOOST_TEST(await(*first, "ADDED a\n"));
  auto from = frames(first->text).back().revision;
  auto hub = w.directory.find("/cloud/api/watches/configmaps");
  BOOST_REQUIRE(hub);
  caf::anon_send_exit(hub, caf::exit_reason::kill);
  w.must(201, "POST", maps, config_map("b"));
  // The fake exchange does not end with its last reference; the real one does (server_test: an exchange that is
  // dropped). Its holder is gone:
  BOOST_TEST(until([&] { return first.use_count() == 1; }));
  std::shared_ptr<fake_exchange> again;
  BOOST_REQUIRE(until([&] {  // the pool starts the next hub
    again = w.stream(maps + "?watch=1&resourceVersion=" + std::to_string(from));
    again->wait([&] { return again->code != 0; });
    return again->code == 200;
  }));
  w.must(201, "POST", maps, config_map("c"));
  BOOST_TEST(await(*again, "ADDED b\nADDED c\n"));
}

BOOST_AUTO_TEST_CASE(a_revision_that_is_yet_to_come_is_refused) {
  api_world w;
  auto early = w.stream(maps + "?watch=1&resourceVersion=1000");
  BOOST_REQUIRE(early->wait([&] { return early->done; }));
  BOOST_TEST(early->text.find("\"code\":410") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
