#pragma once
#include <map>
#include <variant>

#include "actors/link/messages.hpp"

namespace skerry::node {

using report =
    std::variant<link::report_pod_status, link::report_pod_gone, link::report_node_status, link::report_event>;

/// What the agent still has to hand to the link (whose journal keeps it from then on). The latest of a pod's status and
/// of the node's; every end of a pod; events, bounded.
class reports {
public:
  static constexpr size_t events_max = 1000;

  void add(report r);
  /// Calls `send(key, version, report)` for what is not on its way.
  template <class F>
  void hand_over(F&& send) {
    for (auto& [key, i] : items_)
      if (!i.in_flight) {
        i.in_flight = true;
        send(key, i.version, i.what);
      }
  }
  /// The link has it. A newer one of the same key stays.
  void done(const std::string& key, uint64_t version);
  /// The link has it not; it is handed over again.
  void failed(const std::string& key, uint64_t version);
  bool empty() const { return items_.empty(); }
  uint64_t events_dropped() const { return events_dropped_; }

private:
  struct item {
    report what;
    uint64_t version = 0;
    bool in_flight = false;
  };
  std::map<std::string, item> items_;
  uint64_t versions_ = 0, events_dropped_ = 0;
  size_t events_ = 0;
};

}  // namespace skerry::node
