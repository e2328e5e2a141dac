// Informers over a real store, through all that a cloud goes through.
#include "actors/sdk/informer.hpp"

#include <random>
#include <thread>

#include "test/sdk/world.hpp"

using namespace skerry;
using namespace skerry::test;

namespace {

/// An informer in an actor; what it tells is folded into a map that must never be told wrong.
struct watcher {
  std::mutex mutex;
  std::map<std::string, uint64_t> known;  // name -> revision
  std::vector<std::string> wrong;
  std::atomic<size_t> told{0}, resyncs{0};
  std::atomic<bool> synced{false};
  std::shared_ptr<sdk::informer> informer;
  caf::actor actor;

  size_t size() {
    std::lock_guard l{mutex};
    return known.size();
  }
  uint64_t at(const std::string& name) {
    std::lock_guard l{mutex};
    return known.contains(name) ? known[name] : 0;
  }
};

std::shared_ptr<watcher> watch(sdk_world& w, sdk::informer_args args) {
  auto out = std::make_shared<watcher>();
  out->actor = w.spawn([&w, out, args](boxed* self) {
    auto i = std::make_shared<sdk::informer>(self, w.ctx, w.resolver(), args);
    self->state.parts.push_back(i);
    out->informer = i;
    auto name = [](const sdk::object& o) { return std::string{store::name_of(o)}; };
    sdk::informer_handlers h;
    h.added = [out, name](const sdk::object& o) {
      std::lock_guard l{out->mutex};
      if (!out->known.emplace(name(o), store::revision_of(o)).second) out->wrong.push_back("added twice: " + name(o));
      ++out->told;
    };
    h.updated = [out, name](const sdk::object& before, const sdk::object& o) {
      if (before.same(o)) {
        ++out->resyncs;
        return;
      }
      std::lock_guard l{out->mutex};
      auto k = out->known.find(name(o));
      if (k == out->known.end() || k->second != store::revision_of(before) || k->second >= store::revision_of(o))
        out->wrong.push_back("updated wrongly: " + name(o));
      else
        k->second = store::revision_of(o);
      ++out->told;
    };
    h.deleted = [out, name](const sdk::object& o) {
      std::lock_guard l{out->mutex};
      if (out->known.erase(name(o)) != 1) out->wrong.push_back("deleted twice: " + name(o));
      ++out->told;
    };
    h.synced = [out] { out->synced = true; };
    i->start(h);
  });
  return out;
}

const std::string maps = "/api/v1/namespaces/default/configmaps";

void put(sdk_world& w, const std::string& name, int value) {
  auto body = w.map_of(name, std::to_string(value));
  if (w.call("PUT", maps + "/" + name, body).code == 404) w.must(201, "POST", maps, body);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(informers)

BOOST_AUTO_TEST_CASE(lists_then_follows) {
  sdk_world w;
  for (int i = 0; i < 20; ++i) put(w, "m" + std::to_string(i), 1);
  auto x = watch(w, {.resource = "configmaps", .ns = "default"});
  until("synced", [&] { return x->synced.load(); });
  BOOST_TEST(x->size() == 20u);
  put(w, "m3", 2);
  put(w, "new", 1);
  w.must(200, "DELETE", maps + "/m4");
  until("followed", [&] { return x->size() == 20 && x->at("new") > 0 && x->at("m4") == 0; });
  until("the update", [&] { return x->told == 23; });
  BOOST_TEST(x->wrong.empty());
  BOOST_TEST(x->informer->listed() == 1u);
}

BOOST_AUTO_TEST_CASE(a_selector_is_entered_and_left) {
  sdk_world w;
  auto label = [&](const char* app) {
    w.must(200, "PATCH", maps + "/a", std::string{R"({"metadata":{"labels":{"app":")"} + app + "\"}}}",
           "application/merge-patch+json");
  };
  put(w, "a", 1);
  auto x = watch(w, {.resource = "configmaps", .label_selector = "app=web"});
  until("synced", [&] { return x->synced.load(); });
  BOOST_TEST(x->size() == 0u);
  label("web");
  until("entered", [&] { return x->size() == 1; });
  label("db");
  until("left", [&] { return x->size() == 0; });
  BOOST_TEST(x->wrong.empty());
}

BOOST_AUTO_TEST_CASE(more_than_a_batch_is_listed) {
  sdk_world w;
  std::string large(200'000, 'x');
  for (int i = 0; i < 12; ++i) w.must(201, "POST", maps, w.map_of("m" + std::to_string(i), large));
  auto x = watch(w, {.resource = "configmaps"});
  until("synced", [&] { return x->synced.load(); });
  BOOST_TEST(x->size() == 12u);
  BOOST_TEST(x->wrong.empty());
}

BOOST_AUTO_TEST_CASE(restarts_of_the_store_and_the_door_lose_nothing) {
  sdk_world w;
  auto x = watch(w, {.resource = "configmaps"});
  std::mt19937 chance{7};
  size_t restarts = 0;
  for (int i = 0; i < 400; ++i) {
    auto name = "m" + std::to_string(chance() % 20);
    if (chance() % 3 == 0)
      w.call("DELETE", maps + "/" + name);
    else
      put(w, name, i);
    if (i % 100 == 50) {
      w.stop(w.store);
      w.start_store();
      until("the store",
            [&] { return w.call("GET", maps).code == 200 && w.call("DELETE", maps + "/none").code == 404; });
      ++restarts;
      put(w, "mark", i);
      auto revision = w.views->current()->revision();
      until("it follows again", [&] { return x->at("mark") >= revision; });
    }
    if (i % 100 == 80) {
      w.stop(w.feeds);
      w.feeds = w.system.spawn(supervisors::pool, supervisors::pool_args{w.services, "/cloud/api/feeds"});
      w.directory.put("/cloud/api/feeds", w.feeds);
    }
  }
  put(w, "last", 1);
  until("the last", [&] { return x->at("last") > 0; });
  auto view = w.views->current();
  size_t there = 0;
  view->scan("configmaps", "default", "", [&](const store::object& o) {
    ++there;
    BOOST_TEST(x->at(std::string{store::name_of(o)}) == store::revision_of(o));
    return true;
  });
  BOOST_TEST(x->size() == there);
  BOOST_TEST(x->wrong.empty());
  BOOST_TEST(x->informer->listed() == 1u);  // the store remembers: each restart went on where it was
  BOOST_TEST(x->informer->opened() > restarts);
}

BOOST_AUTO_TEST_CASE(what_the_store_forgot_is_listed_anew) {
  // A store that remembers next to nothing.
  sdk_world w{{2, 1, 1, 1, 1}};
  for (int i = 0; i < 10; ++i) put(w, "m" + std::to_string(i), 1);
  auto x = watch(w, {.resource = "configmaps"});
  until("synced", [&] { return x->synced.load(); });
  // Away for so long that its revision is compacted.
  w.directory.erase("/cloud/api/objects", w.door.id());
  w.stop(w.feeds);
  w.feeds = w.system.spawn(supervisors::pool, supervisors::pool_args{w.services, "/cloud/api/feeds"});
  w.directory.put("/cloud/api/feeds", w.feeds);
  w.must(200, "DELETE", maps + "/m1");
  for (int i = 0; i < 50; ++i) put(w, "m2", 2 + i);
  until("compacted", [&] {
    put(w, "m3", static_cast<int>(w.views->current()->revision()));
    return w.views->current()->compacted() > x->informer->cache().revision();
  });
  w.directory.put("/cloud/api/objects", w.door);
  put(w, "last", 1);
  until("the last", [&] { return x->at("last") > 0; });
  BOOST_TEST(x->at("m1") == 0u);
  BOOST_TEST(x->size() == 10u);
  BOOST_TEST(x->wrong.empty());
  BOOST_TEST(x->informer->listed() == 2u);
}

BOOST_AUTO_TEST_CASE(a_slow_reader_is_ended_and_catches_up) {
  sdk_world w;
  api::feed_request r;
  r.info = w.registry.find_id("configmaps");
  api::feed_core core{r};
  BOOST_REQUIRE(core.begin(w.views->current()));
  std::string large(1'000'000, 'x');
  auto one = [&](int i) {
    auto o =
        store::freeze({{"configmaps", "default", "m" + std::to_string(i)},
                       json::object{{"metadata", json::object{{"name", "m"}}}, {"data", json::object{{"x", large}}}}},
                      1000 + static_cast<uint64_t>(i));
    auto batch = std::make_shared<const std::vector<store::event>>(
        std::vector<store::event>{{store::event_type::added, o, {}, store::revision_of(o)}});
    return store::events{batch, store::revision_of(o)};
  };
  int taken = 0;
  while (taken < 100 && !core.take(one(taken))) ++taken;
  BOOST_TEST(taken == 8);  // of 1 MB each, with limits::watch_queue_bytes_max of 8 MiB
  // What was lost with an answer is answered again; nothing else is.
  api::feed_core again{r};
  BOOST_REQUIRE(again.begin(w.views->current()));
  BOOST_TEST(again.next(0)->sequence == 1u);
  BOOST_TEST(again.next(0)->sequence == 1u);
  BOOST_TEST(again.next(1)->sequence == 2u);
  BOOST_TEST((code_of(again.next(0).error()) == errc::invalid));
}

BOOST_AUTO_TEST_CASE(resync_tells_of_each_again) {
  sdk_world w;
  put(w, "a", 1);
  put(w, "b", 1);
  auto x = watch(w, {.resource = "configmaps", .resync_ms = 30});
  until("resyncs", [&] { return x->resyncs >= 4; });
  BOOST_TEST(x->told == 2u);
  BOOST_TEST(x->wrong.empty());
}

BOOST_AUTO_TEST_SUITE_END()
