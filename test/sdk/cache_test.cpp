// What an informer tells, given what a feed tells.
#include <boost/test/unit_test.hpp>

#include "actors/sdk/informer_cache.hpp"

using namespace skerry;

namespace {

sdk::object map_at(const std::string& name, uint64_t revision, const std::string& uid = "u",
                   const std::string& app = "web") {
  json::value v = json::object{{"apiVersion", "v1"},
                               {"kind", "ConfigMap"},
                               {"metadata", json::object{{"name", name},
                                                         {"namespace", "n"},
                                                         {"uid", uid},
                                                         {"resourceVersion", std::to_string(revision)},
                                                         {"labels", json::object{{"app", app}}}}}};
  return sdk::freeze_json("configmaps", std::move(v));
}

struct log_of_changes {
  std::string text;
  sdk::informer_cache cache;
  log_of_changes() {
    cache.add_index("app", [](const sdk::object& o) {
      return std::vector<std::string>{std::string{store::label_of(o, "app").value_or("")}};
    });
    auto name = [](const sdk::object& o) {
      return std::string{store::name_of(o)} + "@" + std::to_string(store::revision_of(o)) + " ";
    };
    cache.set_handlers({[this, name](auto& o) { text += "+" + name(o); },
                        [this, name](auto&, auto& o) { text += "~" + name(o); },
                        [this, name](auto& o) { text += "-" + name(o); }, [this] { text += "synced "; }});
  }
  std::string take() { return std::exchange(text, {}); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(informer_caches)

BOOST_AUTO_TEST_CASE(a_list_and_changes) {
  log_of_changes l;
  l.cache.begin_list();
  l.cache.present(map_at("a", 3));
  l.cache.present(map_at("b", 4));
  BOOST_TEST(!l.cache.synced());
  l.cache.end_list(5);
  BOOST_TEST(l.take() == "+a@3 +b@4 synced ");
  BOOST_TEST(l.cache.revision() == 5u);
  l.cache.put(map_at("a", 6));
  l.cache.put(map_at("a", 6));   // told twice: once
  l.cache.put(map_at("a", 5));   // old
  l.cache.gone(map_at("b", 3));  // old
  BOOST_TEST(l.take() == "~a@6 ");
  l.cache.gone(map_at("b", 7));
  l.cache.gone(map_at("b", 7));
  BOOST_TEST(l.take() == "-b@7 ");
  BOOST_TEST(l.cache.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_list_of_a_cloud_where_nothing_was_ever_written_is_complete) {
  log_of_changes l;
  l.cache.set_handlers({{}, {}, {}, [&] { l.text += l.cache.synced() ? "complete " : "not complete "; }});
  l.cache.begin_list();
  BOOST_TEST(!l.cache.synced());
  l.cache.end_list(0);
  BOOST_TEST(l.take() == "complete ");
  l.cache.begin_list();
  l.cache.end_list(7);
  BOOST_TEST(l.take().empty());
}

BOOST_AUTO_TEST_CASE(a_second_list_tells_the_difference_alone) {
  log_of_changes l;
  l.cache.begin_list();
  for (const char* n : {"a", "b", "c"}) l.cache.present(map_at(n, 3, n));
  l.cache.end_list(5);
  l.take();
  l.cache.begin_list();
  l.cache.present(map_at("a", 3, "a"));
  l.cache.present(map_at("b", 9, "b"));
  l.cache.present(map_at("d", 8, "d"));
  l.cache.end_list(10);
  BOOST_TEST(l.take() == "~b@9 +d@8 -c@3 ");
  l.cache.begin_list();
  l.cache.present(map_at("a", 12, "another"));
  l.cache.end_list(12);
  BOOST_TEST(l.take() == "-a@3 +a@12 -b@9 -d@8 ");
  // A list that is cut off half way says nothing of what it did not come to.
  l.cache.begin_list();
  l.cache.begin_list();
  l.cache.present(map_at("a", 12, "another"));
  l.cache.end_list(13);
  BOOST_TEST(l.take() == "");
  // Another history: lower revisions, and the list is right.
  l.cache.begin_list();
  l.cache.present(map_at("a", 2, "another"));
  l.cache.end_list(2);
  BOOST_TEST(l.take() == "~a@2 ");
  BOOST_TEST(l.cache.revision() == 2u);
}

BOOST_AUTO_TEST_CASE(indexes_follow) {
  log_of_changes l;
  l.cache.begin_list();
  l.cache.present(map_at("b", 3));
  l.cache.present(map_at("a", 3));
  l.cache.end_list(4);
  auto names = [&](const char* app) {
    std::string out;
    for (const auto& o : l.cache.by_index("app", app)) out += store::name_of(o);
    return out;
  };
  BOOST_TEST(names("web") == "ab");
  l.cache.put(map_at("a", 5, "u", "db"));
  BOOST_TEST(names("web") == "b");
  BOOST_TEST(names("db") == "a");
  l.cache.gone(map_at("a", 6, "u", "db"));
  BOOST_TEST(names("db") == "");
  BOOST_TEST(l.cache.by_index("none", "x").empty());
  l.take();
  l.cache.resync();
  BOOST_TEST(l.take() == "~b@3 ");
}

BOOST_AUTO_TEST_SUITE_END()
