#include "actors/telemetry/query.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cmath>

#include "schema/device/limits.hpp"
#include "schema/duration.hpp"
#include "schema/error.hpp"
#include "schema/json.hpp"

namespace skerry::telemetry {
namespace {

using ports::quality;

struct row {
  std::string property;
  sample what;
};

bool before(const row& a, const row& b) {
  return a.what.time_ms != b.what.time_ms ? a.what.time_ms < b.what.time_ms : a.property < b.property;
}

caf::error too_much() {
  return make_error(errc::too_large,
                    "more than " + std::to_string(limits::query_scan_max) +
                        " samples would have to be looked at; ask for a shorter time, or one property");
}

/// "2026-11-27T18:30:00.123Z"
std::string stamp_of(int64_t ms) {
  auto text = format_micro_time(ms);
  return text.substr(0, text.size() - 4) + "Z";
}

std::optional<int64_t> read_moment(std::string_view text, int64_t now_ms) {
  if (text == "now") return now_ms;
  if (text.starts_with('-')) {
    auto back = parse_duration(text.substr(1));
    return back ? std::optional{now_ms - *back} : std::nullopt;
  }
  int64_t n = 0;
  auto r = std::from_chars(text.data(), text.data() + text.size(), n);
  if (r.ec == std::errc{} && r.ptr == text.data() + text.size()) return n;
  return parse_time(text);
}

std::optional<aggregate> aggregate_of(std::string_view text) {
  constexpr std::string_view names[] = {"", "avg", "min", "max", "sum", "count", "first", "last"};
  for (size_t i = 0; i < std::size(names); ++i)
    if (names[i] == text) return static_cast<aggregate>(i);
  return std::nullopt;
}

std::string csv_text(std::string text) {  // RFC 4180
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  for (size_t at = 0; (at = text.find('"', at)) != std::string::npos; at += 2) text.insert(at, 1, '"');
  return '"' + text + '"';
}

std::string json_value(const sample& s) {
  if (s.value.index() == 0) return "null";
  auto text = text_of(s);
  auto bare = !std::holds_alternative<std::string>(s.value) || text == "true" || text == "false";
  return bare ? text : json::serialize(json::string{text});
}

/// Writes rows as they are wanted.
class writer {
public:
  explicit writer(const query& q) : q_(q) {
    if (q.csv) out_ = q.how == aggregate::none ? "time,property,value,quality\n" : "time,property,value,count\n";
  }
  void add(const std::string& property, const sample& s, uint64_t count) {
    auto aggregated = q_.how != aggregate::none;
    if (q_.csv) {
      out_ += stamp_of(s.time_ms) + "," + csv_text(property) + "," + csv_text(text_of(s)) + "," +
              (aggregated ? std::to_string(count) : std::string{name_of(s.state)}) + "\n";
      return;
    }
    if (!out_.empty()) out_ += ",\n";
    out_ += R"({"property":)" + json::serialize(json::string{property}) + R"(,"time":")" + stamp_of(s.time_ms) +
            R"(","value":)" + json_value(s);
    if (aggregated)
      out_ += R"(,"count":)" + std::to_string(count);
    else if (s.state != quality::good)
      out_ += R"(,"quality":")" + std::string{name_of(s.state)} + "\"";
    out_ += "}";
  }
  answer finish(const std::string& next) {
    if (q_.csv) return {"text/csv; charset=utf-8; header=present", std::move(out_)};
    auto meta = R"({"from":")" + stamp_of(q_.where.from_ms) + R"(","to":")" + stamp_of(q_.where.to_ms) + "\"";
    meta += next.empty() ? std::string{"}"} : R"(,"continue":")" + next + "\"}";
    return {"application/json", R"({"kind":"SampleList","apiVersion":"telemetry.skerry.io/v1","metadata":)" + meta +
                                    ",\"items\":[\n" + out_ + "\n]}\n"};
  }

private:
  static std::string_view name_of(quality q) {
    return q == quality::good ? "good" : q == quality::uncertain ? "uncertain" : "bad";
  }
  const query& q_;
  std::string out_;
};

/// The first samples of a range by time: never more than twice as many in memory as are wanted.
class earliest {
public:
  explicit earliest(size_t wanted) : wanted_(wanted) {}
  void add(std::string_view property, sample s) {
    rows_.push_back({std::string{property}, std::move(s)});
    if (rows_.size() >= 2 * wanted_) cut();
  }
  bool complete(int64_t until_ms) {
    if (rows_.size() < wanted_) return false;
    cut();
    return rows_.back().what.time_ms < until_ms;
  }
  std::vector<row>& take() {
    cut();
    return rows_;
  }

private:
  void cut() {
    std::stable_sort(rows_.begin(), rows_.end(), before);
    if (rows_.size() > wanted_) rows_.erase(rows_.begin() + static_cast<ptrdiff_t>(wanted_), rows_.end());
  }
  size_t wanted_;
  std::vector<row> rows_;
};

caf::expected<answer> list(const series_store& store, const query& q) {
  size_t looked_at = 0;
  earliest rows{q.skip + q.limit + 1};
  auto e = store.scan(
      q.where,
      [&](std::string_view property, sample s) {
        rows.add(property, std::move(s));
        return ++looked_at <= limits::query_scan_max;
      },
      [&](int64_t until_ms) { return !rows.complete(until_ms); });
  if (e) return e;
  if (looked_at > limits::query_scan_max) return too_much();
  auto& all = rows.take();
  writer out{q};
  std::string next;
  auto end = std::min(all.size(), q.skip + q.limit);
  for (size_t i = q.skip; i < end; ++i) out.add(all[i].property, all[i].what, 1);
  if (all.size() > end) {
    auto at = all[end].what.time_ms;
    size_t same = 0;
    for (size_t i = 0; i < end; ++i) same += all[i].what.time_ms == at ? 1 : 0;
    next = std::to_string(at) + "." + std::to_string(same);
  }
  return out.finish(next);
}

struct bucket {
  uint64_t count = 0, numbers = 0;
  double sum = 0, min = 0, max = 0;
  sample first, last;

  void add(sample s) {
    std::optional<double> n;
    if (const auto* i = std::get_if<int64_t>(&s.value)) n = static_cast<double>(*i);
    if (const auto* d = std::get_if<double>(&s.value)) n = *d;
    if (const auto* t = std::get_if<std::string>(&s.value); t != nullptr && (*t == "true" || *t == "false"))
      n = *t == "true" ? 1 : 0;
    if (n) {
      min = numbers == 0 ? *n : std::min(min, *n);
      max = numbers == 0 ? *n : std::max(max, *n);
      sum += *n;
      ++numbers;
    }
    if (count == 0 || s.time_ms < first.time_ms) first = s;
    if (count++ == 0 || s.time_ms >= last.time_ms) last = std::move(s);
  }
  bool has(aggregate how) const {
    return numbers > 0 || how == aggregate::count || how == aggregate::first || how == aggregate::last;
  }
  /// Of one that it has.
  sample result(aggregate how, int64_t at_ms) const {
    if (how == aggregate::count) return {at_ms, quality::good, static_cast<int64_t>(count)};
    if (how == aggregate::first) return {at_ms, quality::good, first.value};
    if (how == aggregate::last) return {at_ms, quality::good, last.value};
    auto mean = sum / static_cast<double>(numbers);
    return {at_ms, quality::good,
            how == aggregate::avg   ? mean
            : how == aggregate::min ? min
            : how == aggregate::max ? max
                                    : sum};
  }
};

caf::expected<answer> aggregate_all(const series_store& store, const query& q) {
  size_t looked_at = 0;
  std::map<std::pair<int64_t, std::string>, bucket> buckets;
  auto begin = [&](int64_t ms) { return q.step_ms == 0 ? q.where.from_ms : ms - ms % q.step_ms; };
  auto e = store.scan(
      q.where,
      [&](std::string_view property, sample s) {
        if (s.state != quality::bad) buckets[{begin(s.time_ms), std::string{property}}].add(std::move(s));
        return ++looked_at <= limits::query_scan_max && buckets.size() <= q.limit;
      },
      [](int64_t) { return true; });
  if (e) return e;
  if (looked_at > limits::query_scan_max) return too_much();
  if (buckets.size() > q.limit)
    return make_error(errc::too_large, "more than " + std::to_string(q.limit) +
                                           " results (limit); ask for a longer step or a shorter time");
  writer out{q};
  for (const auto& [key, b] : buckets)
    if (b.has(q.how)) out.add(key.second, b.result(q.how, key.first), b.count);
  return out.finish({});
}

}  // namespace

caf::expected<query> read_query(std::string_view ns, std::string_view name,
                                const std::function<std::string_view(std::string_view)>& get, bool csv,
                                int64_t now_ms) {
  auto wrong = [&](std::string_view key, const std::string& what) {
    return make_error(errc::invalid, std::string{key} + ": Invalid value: \"" + std::string{get(key)} + "\": " + what);
  };
  constexpr const char* moments = "must be RFC 3339, Unix milliseconds, now, or a duration back from now such as -1h";
  query q;
  q.where = {std::string{ns}, std::string{name}, std::string{get("property")}, now_ms - 3'600'000, now_ms + 1};
  for (auto [key, to] : {std::pair{"from", &q.where.from_ms}, {"to", &q.where.to_ms}}) {
    if (get(key).empty()) continue;
    auto t = read_moment(get(key), now_ms);
    if (!t) return wrong(key, moments);
    *to = std::max<int64_t>(*t, 0);
  }
  if (auto text = get("step"); !text.empty()) {
    auto ms = parse_duration(text);
    if (!ms || *ms < 1) return wrong("step", "must be a duration such as 500ms, 30s, 5m or 1h");
    q.step_ms = *ms;
    q.how = aggregate::avg;
  }
  if (auto text = get("agg"); !text.empty()) {
    auto how = aggregate_of(text);
    if (!how) return wrong("agg", "must be one of avg, min, max, sum, count, first, last");
    q.how = *how;
  }
  if (auto text = get("limit"); !text.empty()) {
    auto r = std::from_chars(text.data(), text.data() + text.size(), q.limit);
    if (r.ec != std::errc{} || r.ptr != text.data() + text.size() || q.limit < 1 || q.limit > limits::query_samples_max)
      return wrong("limit", "must be 1 to " + std::to_string(limits::query_samples_max));
  }
  auto format = get("format");
  if (!format.empty() && format != "json" && format != "csv") return wrong("format", "must be json or csv");
  q.csv = format.empty() ? csv : format == "csv";
  if (auto text = get("continue"); !text.empty()) {
    auto end = text.data() + text.size();
    auto r = std::from_chars(text.data(), end, q.where.from_ms);
    auto point = r.ec == std::errc{} && r.ptr != end && *r.ptr == '.';
    if (point) r = std::from_chars(r.ptr + 1, end, q.skip);
    if (!point || r.ec != std::errc{} || r.ptr != end || q.skip > limits::query_samples_max)
      return wrong("continue", "must be metadata.continue of an answer");
  }
  return q;
}

caf::expected<answer> run_query(const series_store& store, const query& q) {
  return q.how == aggregate::none ? list(store, q) : aggregate_all(store, q);
}

}  // namespace skerry::telemetry
