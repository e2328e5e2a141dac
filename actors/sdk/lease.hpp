#pragma once
#include <optional>
#include <string>

#include "schema/json.hpp"

namespace skerry::sdk {

/// How long a leader leads without news, as client-go's defaults. lease > renew > 1.2 * retry.
struct lease_times {
  uint32_t lease_ms = 15'000;  ///< others wait for so long after the last renewal that they saw
  uint32_t renew_ms = 10'000;  ///< a leader that could not renew for so long stops
  uint32_t retry_ms = 2'000;   ///< between tries, of all
};

/// What a coordination.k8s.io/v1 Lease says (LeaseSpec).
struct lease_record {
  std::string holder;  ///< empty: released
  int64_t duration_s = 0;
  int64_t acquired_ms = 0;  ///< Unix
  int64_t renewed_ms = 0;
  int64_t transitions = 0;
  bool operator==(const lease_record&) const = default;
};
lease_record read_lease(const json::value& lease);
/// The lease's JSON with this record as its spec; other fields stay.
json::value write_lease(json::value lease, const lease_record& r);

/// Who leads, by the rules of client-go's leader election: decided by one's own clock alone, from when a record was
/// seen to change, so that clocks of different machines need not agree. Pure.
class lease_core {
public:
  lease_core(std::string identity, lease_times times) : me_(std::move(identity)), times_(times) {}

  /// The lease was read or written, and says this now. `now_ms` is steady.
  void observe(const lease_record& r, int64_t now_ms);
  /// The lease is not there.
  void absent();
  /// What to write now to become or stay the leader; none while another one's record is fresh. `wall_ms` goes into the
  /// record.
  std::optional<lease_record> attempt(int64_t now_ms, int64_t wall_ms) const;
  /// The record that gives the lease up (client-go's ReleaseOnCancel).
  lease_record released(int64_t wall_ms) const;
  /// The write of `attempt` was accepted.
  void won(const lease_record& r, int64_t asked_ms);

  /// Does this one lead at `now_ms`? A leader whose last accepted renewal was asked for renew_ms ago or longer does
  /// not.
  bool leads(int64_t now_ms) const { return leads_for_ms(now_ms) > 0; }
  /// For how long it still leads if nothing more is accepted.
  int64_t leads_for_ms(int64_t now_ms) const;
  const lease_record& seen() const { return seen_; }
  const std::string& identity() const { return me_; }

private:
  std::string me_;
  lease_times times_;
  lease_record seen_;
  int64_t seen_ms_ = 0;  ///< when `seen_` was first seen
  bool any_ = false;
  bool holding_ = false;
  int64_t renewed_ms_ = 0;  ///< steady, when the last accepted write was begun
};

}  // namespace skerry::sdk
