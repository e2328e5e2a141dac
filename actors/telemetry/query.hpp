#pragma once
#include <caf/expected.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "actors/telemetry/series_store.hpp"

namespace skerry::telemetry {

enum class aggregate : uint8_t { none, avg, min, max, sum, count, first, last };

/// What somebody wants to know of a device's samples.
struct query {
  series_store::range where;
  int64_t step_ms = 0;  ///< one result for each multiple of it, counted from 1970; 0: one for the whole range
  aggregate how = aggregate::none;
  size_t limit = 10'000;
  bool csv = false;
  size_t skip = 0;  ///< so many at the very first time were in the page before
};

/// Reads a query by its parameters (`get` gives them decoded, empty if absent): `property` (all if absent); `from`,
/// `to` as RFC 3339, Unix ms, "now", or a duration back from now such as "-90s", "-1h", "-7d" (the last hour if
/// absent); `step` (a duration) and `agg` (avg, min, max, sum, count, first, last; avg if there is a step); `limit` (1
/// to limits::query_samples_max); `format` (json, csv); `continue` (of the page before). `csv`: what `format` is if
/// absent. Errors: errc::invalid, with the parameter and what is allowed.
caf::expected<query> read_query(std::string_view ns, std::string_view name,
                                const std::function<std::string_view(std::string_view)>& get, bool csv, int64_t now_ms);

struct answer {
  std::string content_type, body;
};

/// Answers it. JSON: {"kind":"SampleList","apiVersion":"telemetry.skerry.io/v1","metadata":{"from","to","continue"},
/// "items":[...]}
/// with items {"property","time","value"}, and "quality" where it is not good, or "count" of what an aggregate is of;
/// CSV: time,property,value,quality (or count). In the order of time, then of properties. Samples of bad quality have
/// no value and are in no aggregate; true and false count as 1 and 0 there, and other texts only for count, first and
/// last. Errors: of the store; errc::too_large for more than limits::query_scan_max samples or more buckets than the
/// limit.
caf::expected<answer> run_query(const series_store& store, const query& q);

}  // namespace skerry::telemetry
