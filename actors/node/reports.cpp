#include "actors/node/reports.hpp"

#include <cstdio>

namespace skerry::node {
namespace {

std::string key_of(const report& r, uint64_t version) {
  if (auto* s = std::get_if<link::report_pod_status>(&r)) return "pod/" + s->pod.uid;
  if (auto* g = std::get_if<link::report_pod_gone>(&r)) return "gone/" + g->pod.uid;
  if (std::holds_alternative<link::report_node_status>(r)) return "node";
  char out[32];
  std::snprintf(out, sizeof out, "event/%016llx", static_cast<unsigned long long>(version));
  return out;
}

bool is_event(const std::string& key) { return key.starts_with("event/"); }

}  // namespace

void reports::add(report r) {
  auto version = ++versions_;
  if (auto* g = std::get_if<link::report_pod_gone>(&r)) items_.erase("pod/" + g->pod.uid);
  auto key = key_of(r, version);
  if (is_event(key) && ++events_ > events_max) {
    items_.erase(items_.lower_bound("event/"));
    --events_;
    ++events_dropped_;
  }
  items_[key] = {std::move(r), version, false};
}

void reports::done(const std::string& key, uint64_t version) {
  auto i = items_.find(key);
  if (i == items_.end() || i->second.version != version) return;
  if (is_event(key)) --events_;
  items_.erase(i);
}

void reports::failed(const std::string& key, uint64_t version) {
  auto i = items_.find(key);
  if (i != items_.end() && i->second.version == version) i->second.in_flight = false;
}

}  // namespace skerry::node
