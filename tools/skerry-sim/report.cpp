// One page without outside resources: what was played, what was checked, and plots over virtual time.
#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>

#include "schema/error.hpp"
#include "tools/skerry-sim/commands.hpp"

namespace skerry::tools {
namespace {

constexpr double left = 70, width = 860, height = 130, top = 14;

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string number(double n) {
  char text[64];
  for (auto [unit, of] : {std::pair{"G", 1e9}, {"M", 1e6}, {"k", 1e3}})
    if (n >= of) {
      std::snprintf(text, sizeof text, "%.3g%s", n / of, unit);
      return text;
    }
  std::snprintf(text, sizeof text, "%.4g", n);
  return text;
}

struct curve {
  const char* name;
  const char* colour;
  std::function<double(const sim::sample&)> value;
};

/// Faults as bands behind the curves: the more at a time, the darker.
std::string bands_of(const sim::outcome& o, double whole_ms) {
  std::string out;
  for (auto& b : o.bands) {
    auto x = left + width * static_cast<double>(b.from_ms) / whole_ms;
    auto w = std::max(1.0, width * static_cast<double>(b.to_ms - b.from_ms) / whole_ms);
    char text[160];
    std::snprintf(text, sizeof text, "<rect class='b' x='%.1f' y='%.0f' width='%.1f' height='%.0f'><title>", x, top, w,
                  height);
    out += text + escaped(b.text) + "</title></rect>";
  }
  return out;
}

std::string plot(const char* title, const sim::outcome& o, const std::vector<curve>& curves) {
  double most = 1, whole_ms = std::max<double>(1, static_cast<double>(o.virtual_ms));
  for (auto& c : curves)
    for (auto& s : o.samples) most = std::max(most, c.value(s));
  std::string out =
      "<figure><figcaption>" + std::string{title} + "</figcaption><svg viewBox='0 0 990 175'>" + bands_of(o, whole_ms);
  char text[240];
  for (int i = 0; i <= 2; ++i) {
    auto y = top + height - height * i / 2;
    std::snprintf(
        text, sizeof text,
        "<line class='g' x1='%.0f' x2='%.0f' y1='%.1f' y2='%.1f'/><text x='%.0f' y='%.1f' text-anchor='end'>%s</text>",
        left, left + width, y, y, left - 6, y + 4, number(most * i / 2).c_str());
    out += text;
  }
  for (int i = 0; i <= 4; ++i) {
    std::snprintf(text, sizeof text, "<text x='%.0f' y='%.0f' text-anchor='middle'>%s</text>", left + width * i / 4,
                  top + height + 18, sim::format_duration(o.virtual_ms * i / 4).c_str());
    out += text;
  }
  double label = left;
  for (auto& c : curves) {
    out += std::string{"<polyline fill='none' stroke='"} + c.colour + "' stroke-width='1.5' points='";
    for (auto& s : o.samples) {
      std::snprintf(text, sizeof text, "%.1f,%.1f ", left + width * static_cast<double>(s.at_ms) / whole_ms,
                    top + height - height * c.value(s) / most);
      out += text;
    }
    std::snprintf(text, sizeof text, "'/><text x='%.0f' y='10' fill='%s'>%s</text>", label, c.colour, c.name);
    out += text;
    label += 16 + 7.0 * static_cast<double>(std::string_view{c.name}.size());
  }
  return out + "</svg></figure>\n";
}

std::string plots(const sim::outcome& o) {
  auto of = [](auto member) { return [member](const sim::sample& s) { return static_cast<double>(s.*member); }; };
  auto out = plot(
      "Nodes", o,
      {{"Ready", "#2a7de1", of(&sim::sample::nodes_ready)}, {"connections", "#888", of(&sim::sample::connections)}});
  out += plot("Pods", o,
              {{"exist", "#888", of(&sim::sample::pods)}, {"Running", "#2e9e5b", of(&sim::sample::pods_running)}});
  out += plot("Letters that wait, on all links", o, {{"letters", "#b5542c", of(&sim::sample::waiting)}});
  out += plot("Lag of the slowest link", o, {{"ms", "#b5542c", of(&sim::sample::lag_ms)}});
  // What crossed between two samples, as bytes a second.
  std::vector<double> rate(o.samples.size(), 0);
  for (size_t i = 1; i < o.samples.size(); ++i) {
    auto ms = std::max<int64_t>(1, o.samples[i].at_ms - o.samples[i - 1].at_ms);
    rate[i] = static_cast<double>(o.samples[i].bytes - o.samples[i - 1].bytes) * 1000 / static_cast<double>(ms);
  }
  out += plot(
      "Bytes on the links", o,
      {{"bytes/s", "#7a4fc0", [&](const sim::sample& s) { return rate[static_cast<size_t>(&s - o.samples.data())]; }}});
  return out;
}

std::string rows(const recipe& r, const finished& f) {
  std::string out = "<table><tr><th>Invariant</th><th>checked</th><th></th></tr>";
  for (auto& [name, n] : f.out.invariants) {
    bool broke = f.out.broke == name;
    out += std::string{"<tr"} + (broke ? " class='no'" : "") + "><td>" + name + "</td><td>" + std::to_string(n) +
           "</td><td>" +
           (broke    ? escaped(f.out.why)
            : n == 0 ? "nothing to check in this scenario"
                     : "holds") +
           "</td></tr>";
  }
  out += "</table><h2>What befell it</h2><ol start='0'>";
  size_t shown = 0;
  for (auto& b : f.out.bands)
    if (++shown <= 200) out += "<li>" + escaped(b.text) + "</li>";
  out += "</ol>";
  if (f.out.bands.size() > shown) out += "<p>and more</p>";
  return out + "<h2>Again</h2><pre>" + escaped(r.line()) + "</pre>";
}

}  // namespace

caf::expected<void> write_report(const std::string& dir, const recipe& r, const finished& f) {
  std::error_code ec;
  std::filesystem::create_directories(dir, ec);
  auto path = dir + "/index.html";
  std::ofstream out{path};
  out << "<!doctype html><html lang='en'><meta charset='utf-8'><title>" << escaped(r.plan.name) << "</title><style>"
      << "body{font:15px/1.45 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#222}"
      << "figure{margin:1em 0}figcaption{font-weight:600}svg{width:100%;height:auto}svg text{font-size:11px;fill:#555}"
      << ".g{stroke:#ddd}.b{fill:#d33;opacity:.13}table{border-collapse:collapse}td,th{padding:.2em "
         ".8em;text-align:left;"
      << "border-bottom:1px solid #ddd}.no "
         "td{color:#b00;font-weight:600}pre{background:#f4f4f4;padding:.7em;overflow:auto}"
      << "</style><h1>" << escaped(r.plan.name) << ": "
      << (f.out.ok ? "all holds" : "<span style='color:#b00'>failed</span>") << "</h1><p>" << escaped(r.plan.about)
      << "</p><pre>" << escaped(text_of(r, f)) << "</pre>" << plots(f.out) << "<h2>What was checked</h2>" << rows(r, f)
      << "</html>\n";
  out.flush();
  if (!out) return make_error(errc::io, "cannot write " + path + "; choose another --report");
  return caf::unit;
}

}  // namespace skerry::tools
