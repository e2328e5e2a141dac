#pragma once
#include <deque>
#include <map>
#include <optional>

#include "actors/pod/pod_events.hpp"

namespace skerry::node {

/// What an event is about, and whose word it is (source.component).
struct event_subject {
  std::string api_version, kind, ns, name, uid, component;
};
struct event_text {
  bool warning = false;
  std::string reason, message, field_path;
};

/// Makes core/v1 Events of what pods and devices record. Equal ones are one event whose count grows; its repetitions
/// are reported at most every `repeat_ms`, so that a failing probe does not fill the journal.
class event_recorder {
public:
  static constexpr size_t kept_max = 256;
  static constexpr int64_t repeat_ms = 30'000;

  explicit event_recorder(std::string node) : node_(std::move(node)) {}

  /// The Event to report as JSON, or nothing if it only counted. `unique` makes a new event's name its own.
  std::optional<std::string> add(const event_subject& about, const event_text& what, int64_t wall_ms, uint64_t unique);
  std::optional<std::string> add(const pod::pod_spec& about, const pod::ask::record& r, int64_t wall_ms,
                                 uint64_t unique);

private:
  struct kept {
    std::string name, first;
    uint32_t count = 0;
    int64_t reported_ms = 0;
  };
  std::string node_;
  std::map<std::string, kept> kept_;
  std::deque<std::string> order_;
};

}  // namespace skerry::node
