#pragma once
#include "actors/base/actor.hpp"
#include "actors/base/context.hpp"
#include "actors/base/line_limit.hpp"
#include "actors/twin/messages.hpp"

namespace skerry::twin {

struct twin_args {
  const context& ctx;
  std::string path;  ///< "/node/<node>/twin/<namespace>/<name>"
  std::string id;    ///< "<namespace>/<name>"
  std::vector<ports::device_driver*> drivers;
  std::function<caf::actor()> samples;  ///< telemetry::courier; empty: samples are not kept
  caf::actor host;                      ///< when it ends, this actor ends too, and the next host starts it anew
};

/// Internal state of the twin; public only because CAF constructs it.
class twin_state {
public:
  static inline const char* name = "twin";
  explicit twin_state(base::actor* self) : self_(self) {}

  caf::behavior make(twin_args args);

private:
  void greet();
  void assign(const assignment& a);
  void number_points(const device_spec& spec);
  void connect();
  void handle(const internal::tick& m);
  void handle(const internal::health& m);
  void handle(const internal::news& m);
  void handle(const internal::readings& m);
  void handle(const internal::written& m);
  void step();
  void arm(int64_t wake_ms);
  void keep(std::vector<telemetry::point_sample> fresh);
  void hand_over();
  caf::result<letter<schema::TwinView>> view() const;
  moment now() const { return {args_->ctx.clock.steady_ms(), args_->ctx.clock.wall_ms()}; }

  base::actor* self_;
  std::unique_ptr<twin_args> args_;
  core core_;
  bool assigned_ = false;
  std::unique_ptr<ports::device_connection> device_;
  uint64_t connections_ = 0;  ///< the number of the present one
  int64_t armed_ms_ = 0;      ///< for when the timer is set, by the steady clock; 0: it is not
  uint64_t timers_ = 0;
  std::shared_ptr<const telemetry::device_points> points_;
  std::vector<telemetry::point_sample> samples_;  ///< for the courier
  bool handing_over_ = false, again_armed_ = false;
  base::line_limit lost_lines_;
};

/// The twin of one device around its core: has the driver of its protocol read and write, tells its host what changed;
/// whoever sends AskTwin (schema/twin.capnp) gets its status as it is now. A crash of it harms no other; the next one
/// begins with what its host has kept.
caf::behavior twin_actor(base::stateful<twin_state>* self, twin_args args);

}  // namespace skerry::twin
