// What a twin tells the cloud, and what is kept of it.
#include "actors/twin/core.hpp"
#include "actors/twin/text.hpp"

namespace skerry::twin {
namespace {

using ports::quality;

std::string_view name_of(quality q) {
  return q == quality::good ? "good" : q == quality::uncertain ? "uncertain" : "bad";
}

}  // namespace

json::object core::twin_of(size_t i) const {
  const auto& s = spec_->properties[i];
  const auto& p = properties_[i];
  json::object metadata{{"type", device::name_of(s.type)}, {"quality", name_of(p.state)}};
  if (p.reported_ms != 0) metadata["timestamp"] = std::to_string(p.reported_ms);
  if (!p.why.empty()) metadata["why"] = p.why;
  if (!p.write_error.empty()) metadata["desiredError"] = p.write_error;
  json::object out{{"propertyName", s.name},
                   {"reported", json::object{{"value", p.reported}, {"metadata", std::move(metadata)}}}};
  if (p.observed_ms != 0)
    out["observedDesired"] =
        json::object{{"value", p.observed}, {"metadata", json::object{{"timestamp", std::to_string(p.observed_ms)}}}};
  return out;
}

json::object core::status() const {
  std::string_view state = "unknown";
  std::string reason = spec_->problem;
  if (health_) state = health_->online ? "online" : "offline";
  if (health_ && reason.empty()) reason = health_->why;
  json::object out{{"state", state}};
  if (last_online_ms_ != 0) out["lastOnlineTime"] = format_time(last_online_ms_);
  json::array twins;
  for (size_t i = 0; i < properties_.size(); ++i)
    if (spec_->properties[i].to_cloud) twins.push_back(twin_of(i));
  out["twins"] = std::move(twins);
  if (!reason.empty()) out["extensions"] = json::object{{"reason", cut(reason)}};
  return out;
}

letter<schema::TwinState> core::state() const {
  return letter<schema::TwinState>::build([&](schema::TwinState::Builder b) {
    b.setUid(spec_->uid);
    b.setLastOnlineMs(last_online_ms_);
    auto list = b.initProperties(static_cast<unsigned>(properties_.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      const auto& p = properties_[i];
      list[i].setName(spec_->properties[i].name);
      list[i].setReported(p.reported);
      list[i].setReportedMs(p.reported_ms);
      list[i].setObserved(p.observed);
      list[i].setObservedStamp(p.observed_stamp);
      list[i].setObservedMs(p.observed_ms);
    }
  });
}

}  // namespace skerry::twin
