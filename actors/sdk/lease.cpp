#include "actors/sdk/lease.hpp"

#include <algorithm>

namespace skerry::sdk {

lease_record read_lease(const json::value& lease) {
  lease_record r;
  r.holder = string_at(lease, "spec.holderIdentity");
  r.duration_s = int_at(lease, "spec.leaseDurationSeconds");
  r.acquired_ms = parse_time(string_at(lease, "spec.acquireTime")).value_or(0);
  r.renewed_ms = parse_time(string_at(lease, "spec.renewTime")).value_or(0);
  r.transitions = int_at(lease, "spec.leaseTransitions");
  return r;
}

json::value write_lease(json::value lease, const lease_record& r) {
  auto& spec = ensure(lease, "spec");
  if (!spec.is_object()) spec = json::object{};
  auto& o = spec.get_object();
  o["holderIdentity"] = r.holder;
  o["leaseDurationSeconds"] = r.duration_s;
  o["acquireTime"] = format_micro_time(r.acquired_ms);
  o["renewTime"] = format_micro_time(r.renewed_ms);
  o["leaseTransitions"] = r.transitions;
  return lease;
}

void lease_core::observe(const lease_record& r, int64_t now_ms) {
  if (!any_ || r != seen_) {
    seen_ = r;
    seen_ms_ = now_ms;
    any_ = true;
  }
  if (r.holder != me_) holding_ = false;
}

std::optional<lease_record> lease_core::attempt(int64_t now_ms, int64_t wall_ms) const {
  bool mine = any_ && seen_.holder == me_;
  if (any_ && !seen_.holder.empty() && !mine && now_ms - seen_ms_ < static_cast<int64_t>(times_.lease_ms))
    return std::nullopt;
  lease_record r;
  r.holder = me_;
  r.duration_s = (times_.lease_ms + 999) / 1000;
  r.renewed_ms = wall_ms;
  r.acquired_ms = mine ? seen_.acquired_ms : wall_ms;
  r.transitions = mine || !any_ ? seen_.transitions : seen_.transitions + 1;
  return r;
}

lease_record lease_core::released(int64_t wall_ms) const {
  lease_record r;
  r.duration_s = 1;
  r.renewed_ms = r.acquired_ms = wall_ms;
  r.transitions = seen_.transitions;
  return r;
}

void lease_core::won(const lease_record& r, int64_t asked_ms) {
  seen_ = r;
  seen_ms_ = asked_ms;
  any_ = true;
  holding_ = r.holder == me_;
  renewed_ms_ = asked_ms;
}

void lease_core::absent() {
  seen_ = {};
  any_ = false;
}

int64_t lease_core::leads_for_ms(int64_t now_ms) const {
  return holding_ ? std::max<int64_t>(0, renewed_ms_ + static_cast<int64_t>(times_.renew_ms) - now_ms) : 0;
}

}  // namespace skerry::sdk
