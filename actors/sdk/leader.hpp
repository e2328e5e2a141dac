#pragma once
#include "actors/base/context.hpp"
#include "actors/sdk/lease.hpp"
#include "actors/sdk/objects.hpp"
#include "actors/sdk/timer.hpp"

namespace skerry::sdk {

struct leader_args {
  std::string ns = "kube-system";  ///< of the Lease; the namespace must be there
  std::string name{};              ///< of the Lease: one for what must be done by one
  std::string identity{};          ///< who this is, unlike all others: give each process its own
  lease_times times{};
};

/// Takes and keeps a leader lease (coordination.k8s.io/v1 Lease), in agreement with client-go's leader election, so
/// that of several replicas one works. Belongs to one actor, whose behavior has `with_wakes`. A leader that is cut off
/// from the cloud stops before another can begin, if no clock runs more than lease_ms / renew_ms (1.5) times as fast as
/// another.
class leader {
public:
  struct handlers {
    std::function<void()> started;                             ///< this one leads from now on
    std::function<void()> stopped;                             ///< ... no longer; begin nothing new
    std::function<void(const std::string& identity)> changed;  ///< somebody leads now, this one too
  };

  leader(caf::event_based_actor* self, const context& ctx, const objects& store, leader_args args);

  /// Begins to try. Call once.
  void start(handlers h);
  /// Gives the lease up at once, so that another need not wait; then tries no more. Ends with `stopped` if it led.
  void release();
  /// True while this one leads: ask before each write that only the leader may do.
  bool leads() const { return leading_ && core_.leads(ctx_.clock.steady_ms()); }
  /// Who leads, as last seen; empty: nobody.
  const std::string& holder() const { return core_.seen().holder; }

private:
  void turn();
  void took(const caf::expected<object>& o);
  void write(const lease_record& r);
  void later();
  void settle();

  caf::event_based_actor* self_;
  const context& ctx_;
  const objects& store_;
  leader_args args_;
  handlers handlers_;
  lease_core core_;
  key key_;
  json::value lease_;  ///< as last seen; null: none
  timer timer_, deadline_;
  std::string told_;
  bool leading_ = false;
  bool released_ = false;
};

}  // namespace skerry::sdk
