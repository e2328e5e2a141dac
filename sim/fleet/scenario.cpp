#include "sim/fleet/scenario.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "schema/error.hpp"

namespace skerry::sim {
namespace {

constexpr std::array<std::string_view, 7> kinds{"partition", "crash",     "clocks", "disks",
                                                "registry",  "reconnect", "delays"};

/// Reads the members of one object; the first thing that is wrong stays in `wrong`.
class fields {
public:
  fields(const json::value& v, std::string where, caf::error& wrong) : where_(std::move(where)), wrong_(wrong) {
    if (v.is_object())
      object_ = &v.get_object();
    else
      fail("", "is not an object");
  }
  ~fields() {
    if (object_ == nullptr || wrong_) return;
    for (auto& [key, value] : *object_)
      if (std::find(seen_.begin(), seen_.end(), key) == seen_.end()) fail(key, "is not known here");
  }
  const json::value* at(std::string_view key) {
    seen_.push_back(key);
    return object_ == nullptr ? nullptr : object_->if_contains(key);
  }
  void text(std::string_view key, std::string& out) {
    if (auto* v = at(key)) v->is_string() ? void(out = v->get_string()) : fail(key, "is not a string");
  }
  void flag(std::string_view key, bool& out) {
    if (auto* v = at(key)) v->is_bool() ? void(out = v->get_bool()) : fail(key, "is not true or false");
  }
  void number(std::string_view key, double& out, double least, double most) {
    auto* v = at(key);
    if (v == nullptr) return;
    std::optional<double> n;
    if (v->is_number()) n = v->to_number<double>();
    if (v->is_string() && v->get_string().ends_with('%')) {
      double x = 0;
      auto& s = v->get_string();
      if (auto r = std::from_chars(s.data(), s.data() + s.size() - 1, x); r.ptr == s.data() + s.size() - 1) n = x / 100;
    }
    if (!n || *n < least || *n > most || std::isnan(*n))
      return fail(key, "is not a number from " + std::to_string(least) + " to " + std::to_string(most));
    out = *n;
  }
  void count(std::string_view key, uint32_t& out, uint32_t most) {
    double n = out;
    number(key, n, 0, most);
    out = static_cast<uint32_t>(n);
  }
  void span(std::string_view key, int64_t& out) {
    auto* v = at(key);
    if (v == nullptr) return;
    auto text = v->is_string() ? std::string{v->get_string()} : v->is_number() ? json_text(*v) : std::string{"?"};
    bool back = text.starts_with('-');
    auto ms = parse_duration(back ? text.substr(1) : text);
    if (!ms) return fail(key, "is not a duration such as 30s, 5m or 24h");
    out = back ? -*ms : *ms;
  }
  void fail(std::string_view key, const std::string& what) {
    if (wrong_) return;
    auto name = where_ + (key.empty() || where_.empty() ? "" : ".") + std::string{key};
    wrong_ = make_error(errc::invalid, "scenario: " + (name.empty() ? "it" : name) + " " + what);
  }
  const std::string& where() const { return where_; }

private:
  static std::string json_text(const json::value& v) {
    return v.is_double() ? std::to_string(v.get_double()) : std::to_string(v.to_number<int64_t>());
  }
  const json::object* object_ = nullptr;
  std::string where_;
  caf::error& wrong_;
  std::vector<std::string_view> seen_;
};

selection read_selection(fields& f) {
  selection s;
  f.flag("cloud", s.cloud);
  f.text("region", s.region);
  f.number("share", s.share, 0, 1);
  f.count("nodes", s.count, 1'000'000);
  if (s.cloud + !s.region.empty() + (s.share > 0) + (s.count > 0) > 1)
    f.fail("", "says twice whom it befalls: one of cloud, region, share, nodes");
  return s;
}

std::optional<fault_kind> kind_of(std::string_view name) {
  auto i = std::find(kinds.begin(), kinds.end(), name);
  if (i == kinds.end()) return {};
  return static_cast<fault_kind>(i - kinds.begin());
}

fault_rule read_fault(const json::value& v, const std::string& where, caf::error& wrong) {
  fault_rule r;
  fields f{v, where, wrong};
  std::string kind, way;
  f.text("kind", kind);
  if (auto k = kind_of(kind))
    r.kind = *k;
  else
    f.fail("kind", "is '" + kind + "'; there are partition, crash, clocks, disks, registry, reconnect, delays");
  r.who = read_selection(f);
  f.span("at", r.at_ms);
  f.span("for", r.for_ms);
  f.span("every", r.every_ms);
  f.span("until", r.until_ms);
  f.text("way", way);
  if (!way.empty() && way != "up" && way != "down" && way != "both") f.fail("way", "is not up, down or both");
  r.up = way != "down";
  r.down = way != "up";
  f.flag("power", r.power);
  f.span("jump", r.jump_ms);
  f.span("latency", r.latency_ms);
  if (r.at_ms < 0 || r.for_ms < 0 || r.every_ms < 0) f.fail("", "lies before the beginning");
  if (r.every_ms > 0 && r.every_ms < 1'000) f.fail("every", "is less than a second");
  return r;
}

chaos_rule read_chaos(const json::value& v, caf::error& wrong) {
  chaos_rule r;
  fields f{v, "chaos", wrong};
  f.span("every", r.every_ms);
  f.span("for", r.for_ms_max);
  f.number("share", r.share_max, 0, 1);
  if (r.every_ms < 1'000 || r.for_ms_max < 1'000) f.fail("", "needs every and for of a second at least");
  if (auto* list = f.at("kinds")) {
    if (!list->is_array())
      f.fail("kinds", "is not a list");
    else
      for (auto& k : list->get_array()) {
        auto kind = kind_of(k.is_string() ? std::string_view{k.get_string()} : "");
        if (kind)
          r.kinds.push_back(*kind);
        else
          f.fail("kinds", "holds what is no kind of fault");
      }
  }
  if (r.kinds.empty())
    for (size_t i = 0; i < kinds.size(); ++i) r.kinds.push_back(static_cast<fault_kind>(i));
  return r;
}

change_rule read_change(const json::value& v, const std::string& where, uint32_t apps, caf::error& wrong) {
  change_rule r;
  fields f{v, where, wrong};
  std::string kind;
  f.text("kind", kind);
  if (kind == "scale")
    r.kind = change_rule::what::scale;
  else if (kind != "rollout")
    f.fail("kind", "is '" + kind + "'; there are rollout and scale");
  f.count("app", r.app, 10'000);
  if (r.app >= apps) f.fail("app", "is not below podsPerNode, the number of applications");
  f.span("at", r.at_ms);
  f.number("factor", r.factor, 0, 10);
  return r;
}

template <class F>
void each(fields& f, std::string_view key, F read) {
  auto* list = f.at(key);
  if (list == nullptr) return;
  if (!list->is_array()) return f.fail(key, "is not a list");
  for (size_t i = 0; i < list->get_array().size(); ++i)
    read(list->get_array()[i], std::string{key} + "[" + std::to_string(i) + "]");
}

}  // namespace

std::string_view name_of(fault_kind k) { return kinds[static_cast<size_t>(k)]; }

caf::expected<scenario> read_scenario(const json::value& document) {
  scenario s;
  caf::error wrong;
  {
    fields f{document, "", wrong};
    f.text("name", s.name);
    f.text("about", s.about);
    f.count("nodes", s.nodes, 1'000'000);
    f.count("podsPerNode", s.pods_per_node, 500);
    f.count("regions", s.regions, 1'000);
    f.span("duration", s.duration_ms);
    f.span("settle", s.settle_ms);
    f.span("start", s.start_ms);
    f.span("powerOn", s.power_on_ms);
    f.span("latencyMin", s.latency_ms_min);
    f.span("latencyMax", s.latency_ms_max);
    f.number("clockDriftPpm", s.clock_drift_ppm, 0, 10'000);
    f.span("pull", s.pull_ms);
    f.span("containerStart", s.container_ms);
    f.number("writesPerSecond", s.writes_per_s, 0, 10'000);
    f.span("lettersEvery", s.letters_every_ms);
    f.flag("split", s.split);
    each(f, "faults", [&](auto& v, auto where) { s.faults.push_back(read_fault(v, where, wrong)); });
    each(f, "changes",
         [&](auto& v, auto where) { s.changes.push_back(read_change(v, where, s.pods_per_node, wrong)); });
    if (auto* c = f.at("chaos")) s.chaos = read_chaos(*c, wrong);
    if (s.nodes == 0 || s.regions == 0) f.fail("", "needs at least one node and one region");
    if (s.latency_ms_min < 0 || s.latency_ms_max < s.latency_ms_min) f.fail("latencyMax", "is below latencyMin");
    if (s.letters_every_ms != 0 && s.letters_every_ms < 100) f.fail("lettersEvery", "is less than 100ms");
    if (s.settle_ms < 1'000 || s.duration_ms < 0 || s.power_on_ms < 0) f.fail("", "has a duration out of bounds");
  }
  if (wrong) return wrong;
  return s;
}

std::string format_duration(int64_t ms) {
  auto part = [](int64_t n, const char* unit) { return n == 0 ? std::string{} : " " + std::to_string(n) + unit; };
  if (ms < 60'000) return std::to_string(ms / 1000) + "." + std::to_string(ms % 1000 / 100) + " s";
  auto text = part(ms / 86'400'000, " d") + part(ms / 3'600'000 % 24, " h") + part(ms / 60'000 % 60, " min");
  if (ms < 3'600'000) text += part(ms / 1000 % 60, " s");
  return text.substr(1);
}

}  // namespace skerry::sim
