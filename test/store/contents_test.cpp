#include <boost/test/unit_test.hpp>
#include <map>
#include <set>
#include <thread>

#include "actors/store/publisher.hpp"
#include "test/store/fixture.hpp"

using namespace skerry;
using namespace skerry::store;
using test::make_draft;

namespace {

struct plain_order {
  static int compare(int a, int b) { return a < b ? -1 : a > b; }
};
using ints = persistent_set<int, plain_order>;

std::vector<int> list(const ints& s) {
  std::vector<int> out;
  s.visit_all([&](int i) {
    out.push_back(i);
    return true;
  });
  return out;
}

using place_text = std::pair<std::string, std::string>;
using model = std::map<std::string, std::map<place_text, uint64_t>>;  // resource -> (ns, name) -> revision

void check(const view& v, const model& m) {
  std::vector<std::string> resources;
  for (const auto& [resource, objects] : m) {
    if (objects.empty()) continue;
    resources.push_back(resource);
    BOOST_TEST(v.count(resource) == objects.size());
    std::vector<std::pair<place_text, uint64_t>> seen, expected{objects.begin(), objects.end()};
    v.scan(resource, "", "", [&](const object& o) {
      seen.push_back({{std::string{namespace_of(o)}, std::string{name_of(o)}}, revision_of(o)});
      return true;
    });
    BOOST_TEST((seen == expected));
    for (const auto& [at, revision] : objects)
      BOOST_TEST(revision_of(v.get(resource, at.first, at.second)) == revision);
  }
  BOOST_TEST((v.resources() == resources));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(views)

BOOST_AUTO_TEST_CASE(a_persistent_set_is_a_set_and_its_copies_stay_as_they_were) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937 random{seed};
      ints s;
      std::set<int> m;
      std::vector<std::pair<ints, std::set<int>>> copies;
      for (int i = 0; i < 2000; ++i) {
        int x = static_cast<int>(random() % 300);
        if (random() % 5 < (i / 500 % 2 == 0 ? 3u : 2u))
          BOOST_REQUIRE(s.insert(x) == m.insert(x).second);
        else
          BOOST_REQUIRE(s.erase(x) == (m.erase(x) == 1));
        if (random() % 40 == 0) copies.emplace_back(s, m);
        if (random() % 60 == 0 && !copies.empty())
          copies.erase(copies.begin() + static_cast<long>(random() % copies.size()));
      }
      BOOST_TEST(s.sound());
      BOOST_TEST(s.size() == m.size());
      BOOST_TEST((list(s) == std::vector<int>(m.begin(), m.end())));
      for (const auto& [copy, as_then] : copies) {
        BOOST_TEST(copy.sound());
        BOOST_TEST((list(copy) == std::vector<int>(as_then.begin(), as_then.end())));
      }
      for (int x = -1; x < 301; x += 7) {
        std::vector<int> after;
        s.visit_from(x, false, [&](int i) {
          after.push_back(i);
          return true;
        });
        BOOST_TEST((after == std::vector<int>(m.upper_bound(x), m.end())));
        BOOST_TEST((s.find(x) != nullptr) == m.contains(x));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_set_filled_in_order_stays_balanced) {
  ints s;
  for (int i = 0; i < 20'000; ++i) s.insert(i);
  BOOST_TEST(s.sound());
  for (int i = 0; i < 20'000; i += 2) s.erase(i);
  BOOST_TEST(s.sound());
  BOOST_TEST(s.size() == 10'000u);
}

BOOST_AUTO_TEST_CASE(contents_agree_with_a_model_and_published_views_never_change) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937 random{seed};
      contents c;
      model m;
      std::vector<std::pair<contents_view, model>> views;
      uint64_t revision = 0;
      const char* resources[] = {"pods", "nodes", "leases.coordination.k8s.io", "replicasets.apps"};
      for (int i = 0; i < 1500; ++i) {
        std::string resource = resources[random() % 4];
        std::string ns = resource == "nodes" ? "" : "ns" + std::to_string(random() % 4);
        std::string name = "o" + std::to_string(random() % 60);
        if (random() % 3 != 0) {
          c.put(freeze(make_draft(resource, ns, name), ++revision));
          m[resource][{ns, name}] = revision;
        } else {
          BOOST_TEST(static_cast<bool>(c.erase(resource, ns, name)) == (m[resource].erase({ns, name}) == 1));
        }
        if (random() % 200 == 0) views.emplace_back(contents_view{c, revision, 0}, m);
      }
      views.emplace_back(contents_view{c, revision, 0}, m);
      for (const auto& [view, as_then] : views) check(view, as_then);
    }
  }
}

BOOST_AUTO_TEST_CASE(scans_start_after_and_stop_when_told) {
  contents c;
  for (const char* ns : {"a", "b", "c"})
    for (const char* name : {"x", "y", "z"}) c.put(freeze(make_draft("pods", ns, name), 1));
  for (const char* name : {"n1", "n2", "n3"}) c.put(freeze(make_draft("nodes", "", name), 1));
  contents_view v{c, 1, 0};
  auto names = [&](const char* resource, const char* ns, const char* after, size_t most = 100) {
    std::string out;
    v.scan(resource, ns, after, [&](const object& o) {
      out += std::string{namespace_of(o)} + "/" + std::string{name_of(o)} + " ";
      return --most > 0;
    });
    return out;
  };
  BOOST_TEST(names("pods", "b", "") == "b/x b/y b/z ");
  BOOST_TEST(names("pods", "b", "x") == "b/y b/z ");
  BOOST_TEST(names("pods", "b", "xx") == "b/y b/z ");
  BOOST_TEST(names("pods", "b", "z") == "");
  BOOST_TEST(names("pods", "", "b/y") == "b/z c/x c/y c/z ");
  BOOST_TEST(names("pods", "", "", 2) == "a/x a/y ");
  BOOST_TEST(names("nodes", "", "n1") == "/n2 /n3 ");
  BOOST_TEST(names("pods", "none", "") == "");
  BOOST_TEST(names("things", "", "") == "");
}

BOOST_AUTO_TEST_CASE(indexes_follow_owners_and_nodes) {
  contents c;
  auto pod = [](const char* name, const char* owner, const char* node) {
    auto d = make_draft("pods", "default", name);
    if (*owner != 0) ensure(d.value, "metadata.ownerReferences") = json::array{{{"uid", owner}}, {{"uid", "shared"}}};
    if (*node != 0) ensure(d.value, "spec.nodeName") = node;
    return freeze(d, 1);
  };
  auto names = [](const std::vector<object>& all) {
    std::string out;
    for (const auto& o : all) out += std::string{name_of(o)} + " ";
    return out;
  };
  c.put(pod("a", "rs1", "n1"));
  c.put(pod("b", "rs1", "n2"));
  c.put(pod("c", "rs2", "n1"));
  c.put(pod("d", "", ""));
  BOOST_TEST(names(c.owned_by("rs1")) == "a b ");
  BOOST_TEST(names(c.owned_by("shared")) == "a b c ");
  BOOST_TEST(names(c.owned_by("rs")) == "");
  BOOST_TEST(names(c.pods_on("n1")) == "a c ");
  c.put(pod("a", "rs2", "n2"));
  BOOST_TEST(names(c.owned_by("rs1")) == "b ");
  BOOST_TEST(names(c.owned_by("rs2")) == "a c ");
  BOOST_TEST(names(c.pods_on("n1")) == "c ");
  BOOST_TEST(names(c.pods_on("n2")) == "a b ");
  c.erase("pods", "default", "a");
  BOOST_TEST(names(c.owned_by("shared")) == "b c ");
  BOOST_TEST(names(c.pods_on("n2")) == "b ");
  BOOST_TEST(c.pods_on("").empty());
}

BOOST_AUTO_TEST_CASE(views_are_read_and_dropped_on_other_threads_while_new_ones_come) {
  publisher p;
  BOOST_TEST(p.current()->revision() == 0u);
  std::atomic<bool> done{false};
  std::atomic<uint64_t> wrong{0}, reads{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t)
    readers.emplace_back([&] {
      uint64_t last = 0;
      while (!done) {
        auto v = p.current();
        if (v->revision() < last) ++wrong;
        last = v->revision();
        size_t n = 0;
        uint64_t newest = 0;
        v->scan("pods", "", "", [&](const object& o) {
          ++n;
          newest = std::max(newest, revision_of(o));
          return true;
        });
        if (n != v->count("pods") || newest > v->revision()) ++wrong;
        ++reads;
      }
    });
  contents c;
  std::mt19937 random{3};
  for (uint64_t r = 1; r <= 3000 || reads < 100; ++r) {
    auto name = "p" + std::to_string(random() % 200);
    if (random() % 4 == 0)
      c.erase("pods", "ns", name);
    else
      c.put(freeze(make_draft("pods", "ns", name), r));
    p.publish(std::make_shared<contents_view>(c, r, 0));
  }
  done = true;
  for (auto& t : readers) t.join();
  BOOST_TEST(wrong == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
