#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "actors/controllers/args.hpp"

namespace skerry::controllers {

/// What an event is about and says.
struct occurrence {
  std::string_view type = "Normal";  ///< or "Warning"
  std::string_view reason;           ///< "FailedScheduling"
  std::string message;               ///< cut at 1024 bytes, as Kubernetes does
};

/// Makes core/v1 Event objects. The name of an event is made of its object, reason and message, so that the same thing
/// seen again becomes one object whose count and lastTimestamp grow (as client-go's EventCorrelator).
class recorder {
public:
  /// `component` stands in source.component: "replicaset-controller".
  recorder(const kube::registry& registry, std::string component)
      : registry_(registry), component_(std::move(component)) {}

  /// Adds the event about `subject` (its JSON: apiVersion, kind, metadata) to `changes`: a new one, or an update of the
  /// one in the view. Nothing in a namespace that is on its way out. Repeats within `repeat_ms` are not written.
  void record(const store::view& v, const json::value& subject, const occurrence& what, const moment& now,
              std::vector<store::change>& changes, int64_t repeat_ms = usual_repeat_ms) const;

  static constexpr int64_t usual_repeat_ms = 10'000;

private:
  const kube::registry& registry_;
  std::string component_;
};

}  // namespace skerry::controllers
