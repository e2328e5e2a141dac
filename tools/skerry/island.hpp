#pragma once
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <functional>
#include <memory>
#include <string>

#include "actors/base/context.hpp"
#include "actors/base/directory.hpp"
#include "drivers/clock/system_clock.hpp"
#include "drivers/log/stream_log.hpp"
#include "drivers/random/system_random.hpp"
#include "supervisors/children.hpp"
#include "supervisors/crash_log.hpp"

namespace skerry::tools {

/// What every process is made of: one CAF actor system with the sharing scheduler (an idle one costs no CPU), the ports
/// that every actor needs, the directory of paths, and the root of the supervision tree.
class island {
public:
  /// `workers` threads run actors. Blocks the signals that await_end waits for in this thread and all started later.
  island(ports::severity least, int workers);
  ~island();

  caf::actor_system& system() { return *system_; }
  const context& ctx() const { return context_; }
  base::directory& directory() { return directory_; }
  const supervisors::services& parts() const { return services_; }
  ports::log& log() { return log_; }
  /// Keeps log entries of `least` and above from now on; returns what it was before.
  ports::severity set_log_level(ports::severity least) { return log_.set_least(least); }
  ports::clock& clock() { return clock_; }
  ports::random& random() { return random_; }

  /// Starts a tree, puts its root under watch (its end is the end of the process), and waits until all of it runs.
  /// `start` gets the actor that the root tells so. Errors: errc::timed_out, or what made the root give up.
  caf::expected<void> start_root(const std::function<caf::actor(caf::actor parent)>& start, uint32_t deadline_ms);
  /// Waits for SIGINT or SIGTERM (returns 0) or the end of the root (returns 1: it gave up).
  int await_end();
  /// Asks the root to stop, and waits for at most `deadline_ms`.
  void stop_root(uint32_t deadline_ms);

private:
  drivers::system_clock clock_;
  drivers::system_random random_;
  drivers::stream_log log_;
  context context_;
  base::directory directory_;
  supervisors::crash_log crashes_;
  supervisors::services services_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  caf::actor root_;
};

}  // namespace skerry::tools
