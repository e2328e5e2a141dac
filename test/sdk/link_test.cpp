// The SDK at the end of a link that is cut again and again: the same parts, by letters.
#include <boost/test/unit_test.hpp>
#include <set>

#include "actors/api/objects.hpp"
#include "actors/api/sessions.hpp"
#include "actors/sdk/informer.hpp"
#include "actors/store/store.hpp"
#include "supervisors/pool.hpp"
#include "test/mesh/world.hpp"

using namespace skerry;
using namespace skerry::test;

namespace {

struct holder {
  std::shared_ptr<void> it;
};

/// A cloud's store and API in the world of meshes, and a controller at /controller/t.
struct linked_world : mesh_world {
  explicit linked_world(uint64_t seed)
      : mesh_world(seed),
        parts{ctx, registry, *views, find("/cloud/store"), find("/cloud/api/sessions"), {}, {}, {}},
        front(parts) {
    auto& cloud = at("/cloud").directory;
    auto put_actor = [&](const char* path, caf::actor a) {
      cloud.put(path, a);
      actors.push_back(a);
    };
    put_actor("/cloud/store",
              sys.spawn(store::store_actor, store::store_args{ctx, "/cloud/store", kv, views, caf::actor{}, {}}));
    put_actor("/cloud/api/sessions", sys.spawn(api::sessions, &parts, "/cloud/api/sessions"));
    services = std::make_unique<supervisors::services>(supervisors::services{ctx, cloud, crashes});
    put_actor("/cloud/api/feeds", sys.spawn(supervisors::pool, supervisors::pool_args{*services, "/cloud/api/feeds"}));
    auto who = [this](const caf::strong_actor_ptr& sender) {
      return api::identity_of(at("/cloud").links.path_of(caf::actor_cast<caf::actor>(sender)));
    };
    put_actor("/cloud/api/objects", sys.spawn(api::objects, api::objects_args{parts, front, "/cloud/api/objects",
                                                                              find("/cloud/api/feeds"), who}));
    add("/controller/t");
    settle();
    commit("namespaces", "", "default", 0);
    commit("clusterroles.rbac.authorization.k8s.io", "", "all", 0);
    commit("clusterrolebindings.rbac.authorization.k8s.io", "", "all", 0);
  }
  ~linked_world() {  // its actors end before what they refer to
    for (auto& a : actors) caf::anon_send_exit(a, caf::exit_reason::kill);
    actors.clear();
    settle();
  }
  std::function<caf::actor()> find(const char* path) { return at("/cloud").directory.finder(path); }

  /// Writes past the API; an existing one is changed, value < 0 removes it.
  void commit(const char* resource, const char* ns, const std::string& name, int value) {
    store::change c;
    c.object.key = {resource, ns, name};
    auto there = views->current()->get(resource, ns, name);
    c.what = value < 0 ? store::verb::remove : there ? store::verb::update : store::verb::create;
    if (value < 0 && !there) return;
    json::value v = json::object{
        {"metadata", json::object{{"name", name},
                                  {"namespace", ns},
                                  {"uid", there ? std::string{store::uid_of(there)} : "u" + std::to_string(++uids)}}},
        {"data", json::object{{"x", std::to_string(value)}}}};
    if (std::string_view{resource} == "namespaces") ensure(v, "status.phase") = "Active";
    ensure(v, "rules") = json::array{json::object{
        {"verbs", json::array{"*"}}, {"apiGroups", json::array{"*"}}, {"resources", json::array{"configmaps"}}}};
    ensure(v, "subjects") = json::array{json::object{{"kind", "User"}, {"name", "skerry:controller:t"}}};
    ensure(v, "roleRef") = json::object{{"kind", "ClusterRole"}, {"name", "all"}};
    c.object.value = std::move(v);
    caf::anon_send(find("/cloud/store")(), store::commit{{c}});
    auto before = views->current()->revision();
    BOOST_REQUIRE(until([&] { return views->current()->revision() > before; }));
  }
  sdk::resolver resolver() {
    return [this](std::string_view path) {
      auto a = at("/controller/t").links.resolve(path);
      return a ? *a : caf::actor{};
    };
  }
  /// An actor of the controller's with the SDK's handlers.
  caf::actor controller(std::function<std::shared_ptr<void>(base::actor*)> make) {
    auto a = sys.spawn([this, make](base::stateful<holder>* self) -> caf::behavior {
      base::prepare(self, ctx, "/controller/t/it");
      self->state.it = make(self);
      return sdk::with_wakes();
    });
    at("/controller/t").directory.put("/controller/t/it", a);
    actors.push_back(a);
    return a;
  }

  kube::registry registry;
  sim::memory_kv kv;
  std::shared_ptr<store::publisher> views = std::make_shared<store::publisher>();
  supervisors::crash_log crashes;
  std::unique_ptr<supervisors::services> services;
  api::parts parts;
  api::front front;
  int uids = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(sdk_over_links)

BOOST_AUTO_TEST_CASE(objects_are_read_and_written_over_a_link) {
  linked_world w{1};
  w.join("/controller/t");
  std::vector<std::string> said;
  auto say = [&said](caf::expected<sdk::object> o) {
    said.push_back(o ? std::string{store::name_of(*o)} : to_string(code_of(o.error())));
  };
  json::value map = json::object{
      {"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", json::object{{"name", "a"}, {"namespace", "default"}}}};
  w.controller([&](base::actor* self) {
    auto o = std::make_shared<sdk::objects>(self, w.resolver());
    o->create("configmaps", map, [o, say, map](auto first) {
      say(first);
      o->create("configmaps", map, [o, say](auto again) {
        say(again);
        o->get({"configmaps", "default", "a"}, [o, say](auto there) {
          say(there);
          o->get({"secrets", "default", "a"}, say);
        });
      });
    });
    return o;
  });
  BOOST_REQUIRE(w.until([&] { return said.size() == 4; }));
  BOOST_TEST(said == (std::vector<std::string>{"a", "already_exists", "a", "forbidden"}),
             boost::test_tools::per_element());
  // Cut off, a call ends when its time is up.
  w.net.cut();
  w.settle();
  auto o = std::make_shared<std::shared_ptr<sdk::objects>>();
  w.controller([&, say](base::actor* self) {
    auto x = std::make_shared<sdk::objects>(self, w.resolver());
    x->get({"configmaps", "default", "a"}, say);
    return x;
  });
  BOOST_REQUIRE(w.until([&] { return said.size() == 5; }));
  BOOST_TEST((said[4] == "suspended" || said[4] == "timed_out"));
}

BOOST_AUTO_TEST_CASE(an_informer_misses_and_doubles_nothing_through_cuts) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    linked_world w{seed};
    w.join("/controller/t");
    std::map<std::string, uint64_t> known;
    std::vector<std::string> wrong;
    std::shared_ptr<sdk::informer> informer;
    w.controller([&](base::actor* self) {
      informer =
          std::make_shared<sdk::informer>(self, w.ctx, w.resolver(), sdk::informer_args{.resource = "configmaps"});
      auto name = [](const sdk::object& o) { return std::string{store::name_of(o)}; };
      informer->start({[&, name](auto& o) {
                         if (!known.emplace(name(o), store::revision_of(o)).second) wrong.push_back("twice " + name(o));
                       },
                       [&, name](auto& before, auto& o) {
                         if (before.same(o)) return;
                         if (known[name(o)] != store::revision_of(before)) wrong.push_back("update " + name(o));
                         known[name(o)] = store::revision_of(o);
                       },
                       [&, name](auto& o) {
                         if (known.erase(name(o)) != 1) wrong.push_back("gone " + name(o));
                       },
                       {}});
      return informer;
    });
    bool up = true;
    for (int i = 0; i < 120; ++i) {
      auto value = w.chance.below(4) == 0 ? -1 : i;
      w.commit("configmaps", "default", "m" + std::to_string(w.chance.below(12)), value);
      if (w.chance.below(10) == 0) {
        if (up) w.net.cut();
        if (!up) w.join("/controller/t");
        up = !up;
      }
      if (w.chance.below(3) == 0) w.pass(static_cast<int64_t>(w.chance.below(3000)));
    }
    if (!up) w.join("/controller/t");
    w.commit("configmaps", "default", "last", 1);
    BOOST_TEST_CONTEXT("seed " << seed) {
      BOOST_REQUIRE(w.until([&] { return known.contains("last"); }, 120'000));
      BOOST_TEST(wrong.empty());
      BOOST_TEST(informer->listed() == 1u);
      std::map<std::string, uint64_t> there;
      w.views->current()->scan("configmaps", "", "", [&](const store::object& o) {
        there[std::string{store::name_of(o)}] = store::revision_of(o);
        return true;
      });
      BOOST_TEST((known == there));
    }
    informer.reset();
  }
}

BOOST_AUTO_TEST_CASE(a_feed_has_a_path_that_nobody_guesses) {
  linked_world w{3};
  w.join("/controller/t");
  std::vector<std::string> opened;
  for (size_t n = 1; n <= 3; ++n) {
    w.controller([&](base::actor* self) {
      self->request(w.resolver()("/cloud/api/objects"), caf::infinite,
                    letter<schema::OpenFeed>::build([](schema::OpenFeed::Builder b) { b.setResource("configmaps"); }))
          .then([&](const letter<schema::FeedOpened>& o) { opened.emplace_back((*o).getPath().cStr()); });
      return nullptr;
    });
    BOOST_REQUIRE(w.until([&] { return opened.size() == n; }));
  }
  const std::string below = "/cloud/api/feeds/";
  std::set<std::string> parts;
  for (const auto& path : opened) {
    BOOST_REQUIRE(path.starts_with(below));
    auto id = path.substr(below.size());
    BOOST_TEST(id.size() == 32u);
    BOOST_TEST(id.find_first_not_of("0123456789abcdef") == std::string::npos);
    parts.insert(id.substr(0, 16));
    parts.insert(id.substr(16));
  }
  BOOST_TEST(parts.size() == 6u);  // no half of it is a count
}

BOOST_AUTO_TEST_CASE(an_informer_goes_on_as_soon_as_the_link_is_back) {
  // Cut at any moment: while it opens its feed, while it lists, while it waits for news.
  for (size_t turns : {0, 1, 2, 4, 8, 12, 16, 20, 24, 32, 48, 64, 400}) {
    linked_world w{turns + 1};
    w.join("/controller/t");
    w.commit("configmaps", "default", "first", 1);
    std::set<std::string> known;
    std::shared_ptr<sdk::informer> informer;
    w.controller([&](base::actor* self) {
      informer =
          std::make_shared<sdk::informer>(self, w.ctx, w.resolver(), sdk::informer_args{.resource = "configmaps"});
      informer->start({[&](auto& o) { known.emplace(store::name_of(o)); }, {}, {}, {}});
      return informer;
    });
    for (size_t i = 0; i < turns; ++i) w.turn();
    w.net.cut();
    w.commit("configmaps", "default", "meanwhile", 1);
    w.pass(500);
    w.join("/controller/t");
    auto back = w.clock.steady_ms();
    BOOST_TEST_CONTEXT("after " << turns << " turns") {
      BOOST_REQUIRE(w.until([&] { return known.contains("meanwhile"); }, 60'000));
      BOOST_TEST(w.clock.steady_ms() - back < 1'000);
      BOOST_TEST(known.contains("first"));
      BOOST_TEST(informer->listed() <= 2u);
    }
    informer.reset();
  }
}

BOOST_AUTO_TEST_SUITE_END()
