#include "loop_world.hpp"

#include <caf/send.hpp>
#include <chrono>

#include "actors/controllers/meta.hpp"

namespace skerry::test {

namespace {
caf::actor_system_config& configured(caf::actor_system_config& c) {
  c.set("scheduler.policy", caf::atom("sharing"));
  c.set("scheduler.max-threads", size_t{4});
  return c;
}
}  // namespace

loop_world::loop_world() : system(configured(config_)), client(system) {
  start_store();
  create("namespaces", R"({"metadata":{"name":"default"}})");
}

loop_world::~loop_world() {
  for (const auto& a : actors_) stop(a);
  stop_store();
}

void loop_world::start_store() {
  auto s = system.spawn<caf::detached>(store::store_actor,
                                       store::store_args{ctx_, "/cloud/store", kv, views, caf::actor{}, {}});
  {
    std::lock_guard guard{mutex_};
    store_ = s;
  }
  subscribe();
}

void loop_world::stop_store() {
  caf::actor s;
  {
    std::lock_guard guard{mutex_};
    s = std::move(store_);
    store_ = nullptr;
  }
  if (s) stop(s);
}

void loop_world::stop(const caf::actor& a) {
  caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  client->wait_for(a);
}

controllers::controller_args loop_world::arguments() {
  return {ctx_, *views,
          [this] {
            std::lock_guard guard{mutex_};
            return store_;
          },
          registry()};
}

void loop_world::subscribe() {
  client->request(store_, std::chrono::seconds{20}, store::subscribe{{}, seen_, caf::actor{client}})
      .receive([](const store::subscribed&) {},
               [](const caf::error& e) { BOOST_FAIL("subscribe: " << message_of(e)); });
}

// -- client -----------------------------------------------------------------------------------------------------------

bool loop_world::commit(std::vector<store::change> changes) {
  bool ok = false;
  if (!store_) return false;
  client->request(store_, std::chrono::seconds{20}, store::commit{std::move(changes)})
      .receive([&](const store::committed&) { ok = true; }, [](const caf::error&) {});
  return ok;
}

void loop_world::create(std::string_view resource, json::value value) {
  auto ns = registry().find_id(resource)->namespaced ? "default" : "";
  json::value status = object_at(value, "status");
  auto c = controllers::create(registry(), resource, ns, std::move(value), {clock_.wall_ms(), random_});
  if (!status.get_object().empty()) c.object.value.as_object()["status"] = std::move(status);
  BOOST_REQUIRE(commit({std::move(c)}));
}

void loop_world::change(std::string_view resource, std::string_view name,
                        const std::function<void(json::value&)>& edit) {
  for (int tries = 0; tries < 100; ++tries) {
    auto ns = registry().find_id(resource)->namespaced ? "default" : "";
    auto before = views->current()->get(resource, ns, name);
    BOOST_REQUIRE(before);
    auto value = store::parse(before);
    edit(value);
    controllers::raise_generation(value);
    if (commit({controllers::update(before, std::move(value))})) return;
  }
  BOOST_FAIL("the change of " << name << " met a conflict each time");
}

void loop_world::erase(std::string_view resource, std::string_view name) {
  auto o = views->current()->get(resource, "default", name);
  BOOST_REQUIRE(o);
  BOOST_REQUIRE(commit({controllers::remove(o)}));
}

json::value loop_world::at(std::string_view resource, std::string_view name) const {
  auto o = views->current()->get(resource, "default", name);
  return o ? store::parse(o) : json::value{};
}

size_t loop_world::count(std::string_view resource, const std::function<bool(const store::object&)>& which) const {
  size_t n = 0;
  views->current()->scan(resource, "", "", [&](const store::object& o) {
    n += !which || which(o);
    return true;
  });
  return n;
}

size_t loop_world::ready(std::string_view image) const {
  return count("pods", [&](const store::object& o) {
    return controllers::pod_active(o) && store::phase_of(o) == "Running" &&
           string_at(array_at(store::parse(o), "spec.containers").at(0), "image") == image;
  });
}

// -- following --------------------------------------------------------------------------------------------------------

void loop_world::until(const char* what, const std::function<bool()>& done) {
  auto end = clock_.steady_ms() + 30'000;
  uint64_t held_at = 0;  // a view may be ahead of the events: those up to it are taken, too
  for (;;) {
    if (held_at == 0 && done()) held_at = views->current()->revision();
    if (held_at != 0 && seen_ >= held_at) return;
    auto left = end - clock_.steady_ms();
    BOOST_REQUIRE_MESSAGE(left > 0, "in vain: " << what);
    client->receive(
        [&](const store::events& e) {
          for (const auto& event : *e.batch) {
            if (event.revision <= seen_) continue;
            seen_ = event.revision;
            if (each) each(event);
          }
        },
        [](const store::lost& l) { BOOST_FAIL("lost: " << message_of(l.why)); },
        caf::after(std::chrono::milliseconds{std::min<int64_t>(left, 200)}) >> [] {});
    if (kubelet && held_at == 0) act();
  }
}

/// Pods that are bound become ready, those that are told to go do.
void loop_world::act() {
  std::vector<store::change> changes;
  views->current()->scan("pods", "", "", [&](const store::object& pod) {
    if (controllers::deleting(pod)) {
      changes.push_back(controllers::remove(pod));
    } else if (!store::node_of(pod).empty() && store::phase_of(pod) != "Running") {
      auto value = store::parse(pod);
      if (string_at(array_at(value, "spec.containers").at(0), "image") == broken_image) return true;
      ensure(value, "status.phase") = "Running";
      ensure(value, "status.conditions") = json::array{
          json::object{{"type", "Ready"}, {"status", "True"}, {"lastTransitionTime", format_time(clock_.wall_ms())}}};
      changes.push_back(controllers::update(pod, std::move(value)));
    }
    return true;
  });
  for (auto& c : changes) commit({std::move(c)});
}

}  // namespace skerry::test
