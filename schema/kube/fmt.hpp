#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace skerry::kube {

/// A span of time as in kubectl's AGE column (k8s.io/apimachinery/pkg/util/duration.HumanDuration): "0s", "5m30s",
/// "17m", "2d3h", "3y".
/// "<invalid>" below -1 s.
std::string human_duration(int64_t ms);

/// The age of an RFC 3339 time at `now_ms`; "<unknown>" if the text is none.
std::string human_age(std::string_view time, int64_t now_ms);

}  // namespace skerry::kube
