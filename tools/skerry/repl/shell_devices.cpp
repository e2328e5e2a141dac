#include <charconv>
#include <cstdio>
#include <map>

#include "schema/error.hpp"
#include "schema/path.hpp"
#include "schema/telemetry.capnp.h"
#include "schema/twin.capnp.h"
#include "tools/skerry/repl/shell.hpp"
#include "tools/skerry/repl/spark.hpp"
#include "tools/skerry/repl/table.hpp"

/// Devices: what they are now, and what they were.
namespace skerry::tools::repl {
namespace {

constexpr uint32_t answer_ms_max = 12'000;
constexpr int64_t places = 60;  ///< of a line
constexpr const char* samples_path = "/cloud/api/samples";

std::string_view bytes_of(capnp::Data::Reader d) { return {reinterpret_cast<const char*>(d.begin()), d.size()}; }

caf::expected<json::value> parsed(capnp::Data::Reader d) {
  std::string error;
  auto v = parse_json(bytes_of(d), error);
  if (!error.empty()) return make_error(errc::corrupt, "the answer is no JSON: " + error);
  return v;
}

std::string age_of(std::string_view stamp, int64_t now_ms) {
  int64_t ms = 0;
  auto r = std::from_chars(stamp.data(), stamp.data() + stamp.size(), ms);
  return r.ec != std::errc{} || ms == 0 ? "-" : span(std::max<int64_t>(now_ms - ms, 0));
}

/// For a place in a query (RFC 3986, 2.1).
std::string escaped(std::string_view text) {
  std::string out;
  for (auto ch : text) {
    char hex[4];
    auto plain =
        (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '-' || ch == '_';
    std::snprintf(hex, sizeof hex, "%%%02x", static_cast<unsigned char>(ch));
    out += plain ? std::string(1, ch) : hex;
  }
  return out;
}

/// What is said of one property over the time of a line.
struct history {
  std::vector<std::optional<double>> averages = std::vector<std::optional<double>>(places);
  int64_t count = 0;
};

std::string number(double d) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, d, std::chars_format::general, 6).ptr};
}

std::string lines_of(const json::value& answer, int64_t from_ms, int64_t step_ms, const style& how) {
  std::map<std::string, history, std::less<>> all;
  for (const auto& item : array_at(answer, "items")) {
    auto at = parse_time(string_at(item, "time"));
    const auto* value = find(item, "value");
    if (!at || value == nullptr || !value->is_number()) continue;
    auto& h = all[printable(string_at(item, "property"))];
    auto place = (*at - from_ms) / step_ms;
    if (place >= 0 && place < places) h.averages[static_cast<size_t>(place)] = value->to_number<double>();
    h.count += int_at(item, "count");
  }
  if (all.empty()) return "no numbers in this time\n";
  table t{{"PROPERTY", "SAMPLES", "LOW", "HIGH", "LAST", "FROM THEN TO NOW"}};
  for (const auto& [property, h] : all) {
    double low = 0, high = 0, last = 0;
    bool first = true;
    for (const auto& v : h.averages) {
      if (!v) continue;
      low = first ? *v : std::min(low, *v);
      high = first ? *v : std::max(high, *v);
      last = *v;
      first = false;
    }
    t.add({property, std::to_string(h.count), number(low), number(high), number(last), sparkline(h.averages)});
  }
  return t.text(how.width);
}

}  // namespace

int shell::twin(const call& c) {
  if (auto e = reachable(c.path)) return fail(c, e);
  auto question = letter<schema::AskTwin>::build([](auto) {});
  auto answer = remote_.ask_for<schema::TwinView>(c.path, question, answer_ms_max);
  if (!answer) return fail(c, explain(std::move(answer.error()), c.path));
  auto status = parsed((**answer).getStatus());
  if (!status) return fail(c, status.error());
  if (json_) return show_json(std::move(*status));
  auto newest = int64_t{0};
  for (const auto& t : array_at(*status, "twins")) {
    auto stamp = string_at(t, "reported.metadata.timestamp");
    int64_t ms = 0;
    std::from_chars(stamp.data(), stamp.data() + stamp.size(), ms);
    newest = std::max(newest, ms);
  }
  // Ages are by the node's own clock, as of its newest reading: this machine's may be another.
  table t{{"PROPERTY", "REPORTED", "QUALITY", "READ", "DESIRED TAKEN", "WHY"}};
  for (const auto& p : array_at(*status, "twins")) {
    auto why = string_at(p, "reported.metadata.why");
    if (why.empty()) why = string_at(p, "reported.metadata.desiredError");
    t.add({printable(string_at(p, "propertyName")), printable(string_at(p, "reported.value")),
           printable(string_at(p, "reported.metadata.quality")),
           age_of(string_at(p, "reported.metadata.timestamp"), newest) + " before",
           printable(string_at(p, "observedDesired.value", "-")), printable(why)});
  }
  out(text_of((**answer).getNamespace()) + "/" + text_of((**answer).getName()) + " is " +
      text_of((**answer).getState()) + "\n" + t.text(how().width));
  return 0;
}

int shell::samples(const call& c) {
  auto segments = paths::segments_of(c.path);
  if (segments.size() != 5 || segments[2] != "twin")
    return fail(c, make_error(errc::invalid, "PATH is that of a twin, /node/NODE/twin/NAMESPACE/NAME")), 2;
  if (auto e = reachable(samples_path)) return fail(c, e);
  auto seconds = static_cast<int64_t>(c.seconds.value_or(3'600));
  auto step_ms = std::max<int64_t>(seconds * 1'000 / places, 1);
  auto query = "from=-" + std::to_string(seconds) + "s&limit=100000";
  if (!json_) query += "&agg=avg&step=" + std::to_string(step_ms) + "ms";
  if (!c.rest.empty()) query += "&property=" + escaped(c.rest);
  auto question = letter<schema::AskSamples>::build([&](schema::AskSamples::Builder b) {
    b.setNamespace(std::string{segments[3]});
    b.setName(std::string{segments[4]});
    b.setQuery(query);
  });
  auto answer = remote_.ask_for<schema::SamplesAnswer>(samples_path, question, answer_ms_max);
  if (!answer) return fail(c, explain(std::move(answer.error()), samples_path));
  auto value = parsed((**answer).getBody());
  if (!value) return fail(c, value.error());
  if (json_) return show_json(std::move(*value));
  auto from_ms = parse_time(string_at(*value, "metadata.from")).value_or(0);
  out(lines_of(*value, from_ms - from_ms % step_ms, step_ms, how()));
  return 0;
}

}  // namespace skerry::tools::repl
