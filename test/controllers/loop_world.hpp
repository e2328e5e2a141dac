#pragma once
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <functional>
#include <mutex>

#include "actors/base/actor.hpp"
#include "actors/controllers/args.hpp"
#include "actors/store/store.hpp"
#include "drivers/clock/system_clock.hpp"
#include "drivers/random/system_random.hpp"
#include "sim/ports/memory_kv.hpp"
#include "test/controllers/cluster.hpp"

namespace skerry::test {

/// The real store actor, on a thread of its own over memory, controllers as actors around it, and a client that sees
/// each change in order and plays kubelet.
class loop_world {
public:
  loop_world();
  ~loop_world();

  void start_store();
  /// Ends the store as a crash would; `start_store` begins it anew over the same kv.
  void stop_store();

  template <class State, class... Args>
  caf::actor spawn(caf::behavior (*factory)(base::stateful<State>*, controllers::controller_args, Args...),
                   std::common_type_t<Args>... args) {
    auto a = system.spawn(factory, arguments(), std::move(args)...);
    actors_.push_back(a);
    return a;
  }
  /// Ends a controller.
  void stop(const caf::actor& a);
  controllers::controller_args arguments();

  void create(std::string_view resource, const char* text) { create(resource, parsed(text)); }
  void create(std::string_view resource, json::value value);
  void change(std::string_view resource, std::string_view name, const std::function<void(json::value&)>& edit);
  void erase(std::string_view resource, std::string_view name);
  json::value at(std::string_view resource, std::string_view name) const;
  /// Objects of a resource that satisfy a condition.
  size_t count(std::string_view resource, const std::function<bool(const store::object&)>& which = {}) const;
  size_t ready(std::string_view image) const;

  /// Plays kubelet and follows the store until `done` holds; fails the test after 30 s.
  void until(const char* what, const std::function<bool()>& done);
  /// Lines of the log that warn.
  size_t warnings() const { return log_.warnings; }
  /// Called with each change, in order, once.
  std::function<void(const store::event&)> each;
  bool kubelet = true;
  std::string broken_image;

private:
  bool commit(std::vector<store::change> changes);
  void act();
  void subscribe();

  drivers::system_clock clock_;
  drivers::system_random random_;
  struct counting_log final : ports::log {
    std::atomic<size_t> warnings{0};
    bool enabled(ports::severity) const override { return true; }
    void write(ports::severity s, std::string_view, std::string_view) override {
      warnings += s >= ports::severity::warning;
    }
  } log_;
  context ctx_{clock_, random_, log_};
  caf::actor_system_config config_;

public:
  sim::memory_kv kv;
  std::shared_ptr<store::publisher> views = std::make_shared<store::publisher>();
  caf::actor_system system;
  caf::scoped_actor client;

private:
  mutable std::mutex mutex_;
  caf::actor store_;
  std::vector<caf::actor> actors_;
  uint64_t seen_ = 0;
};

}  // namespace skerry::test
