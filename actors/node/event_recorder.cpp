#include "actors/node/event_recorder.hpp"

#include <boost/json/serialize.hpp>
#include <cstdio>

namespace skerry::node {

std::optional<std::string> event_recorder::add(const pod::pod_spec& about, const pod::ask::record& r, int64_t wall_ms,
                                               uint64_t unique) {
  return add(event_subject{"v1", "Pod", about.ns, about.name, about.uid, "kubelet"},
             event_text{r.warning, r.reason, r.message, r.field_path}, wall_ms, unique);
}

std::optional<std::string> event_recorder::add(const event_subject& about, const event_text& r, int64_t wall_ms,
                                               uint64_t unique) {
  auto key = about.uid + "\n" + r.reason + "\n" + r.field_path + "\n" + r.message;
  auto [i, fresh] = kept_.try_emplace(key);
  auto& k = i->second;
  if (fresh) {
    order_.push_back(key);
    if (order_.size() > kept_max) {
      kept_.erase(order_.front());
      order_.pop_front();
    }
    char suffix[24];
    std::snprintf(suffix, sizeof suffix, ".%016llx", static_cast<unsigned long long>(unique));
    k.name = about.name + suffix;
    k.first = format_time(wall_ms);
  }
  ++k.count;
  if (!fresh && wall_ms - k.reported_ms < repeat_ms && wall_ms >= k.reported_ms) return {};
  k.reported_ms = wall_ms;
  json::object involved{{"kind", about.kind},
                        {"namespace", about.ns},
                        {"name", about.name},
                        {"uid", about.uid},
                        {"apiVersion", about.api_version}};
  if (!r.field_path.empty()) involved["fieldPath"] = r.field_path;
  json::object e;
  e["kind"] = "Event";
  e["apiVersion"] = "v1";
  e["metadata"] = json::object{{"name", k.name}, {"namespace", about.ns}};
  e["involvedObject"] = std::move(involved);
  e["reason"] = r.reason;
  e["message"] = r.message.substr(0, 1024);
  e["source"] = json::object{{"component", about.component}, {"host", node_}};
  e["firstTimestamp"] = k.first;
  e["lastTimestamp"] = format_time(wall_ms);
  e["count"] = k.count;
  e["type"] = r.warning ? "Warning" : "Normal";
  e["eventTime"] = nullptr;
  e["reportingComponent"] = about.component;
  e["reportingInstance"] = node_;
  return json::serialize(e);
}

}  // namespace skerry::node
