#include <sys/resource.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>

#include "schema/error.hpp"
#include "tools/skerry-sim/commands.hpp"

namespace skerry::tools {
namespace {

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// The most memory that this process ever had.
uint64_t peak_rss() {
  rusage u{};
  ::getrusage(RUSAGE_SELF, &u);
  return static_cast<uint64_t>(u.ru_maxrss) * 1024;
}

/// What the islands log, with virtual time.
struct island_log final : ports::log {
  const sim::virtual_clock* clock = nullptr;
  bool enabled(ports::severity s) const override { return s >= ports::severity::info; }
  void write(ports::severity s, std::string_view who, std::string_view text) override {
    auto ms = clock == nullptr ? 0 : clock->steady_ms() - sim::virtual_clock::start_ms;
    static constexpr const char* words[] = {"debug", "info", "warning", "error"};
    std::fprintf(stderr, "%9.3f %-7s %.*s: %.*s\n", static_cast<double>(ms) / 1000, words[static_cast<int>(s)],
                 static_cast<int>(who.size()), who.data(), static_cast<int>(text.size()), text.data());
  }
};

/// Takes the times of a run.
struct stopwatch final : sim::part {
  double running_s = 0, ended_s = 0;
  uint64_t events_before = 0, events_after = 0;
  void start(sim::fleet& f) override {
    running_s = now_s();
    events_before = f.w.events();
  }
  void finish(sim::fleet& f) override {
    ended_s = now_s();
    events_after = f.w.events();
  }
};

std::string hex(uint64_t n) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(n));
  return text;
}

std::string number(double n, int digits = 1) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, n);
  return text;
}

}  // namespace

sim::run_options options_of(const recipe& r) {
  sim::run_options o;
  o.seed = r.seed;
  o.without = r.without;
  o.plant = r.plant;
  if (!r.manifests.empty()) {
    o.parts.push_back(std::make_shared<sim::manifests>(r.manifests));
    o.images = sim::manifests::images_of(r.manifests);
  }
  return o;
}

finished play(const recipe& r, bool quiet, bool log, const std::string& trace) {
  auto begin = now_s(), shown = begin;
  island_log to_people;
  auto o = options_of(r);
  if (log) o.log = &to_people;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{trace.empty() ? nullptr : std::fopen(trace.c_str(), "w"),
                                                       std::fclose};
  if (file)
    o.told = [&](int64_t at_ms, const char* kind, uint64_t n, std::string_view who) {
      std::fprintf(file.get(), "%lld %s %llu %.*s\n", static_cast<long long>(at_ms), kind,
                   static_cast<unsigned long long>(n), static_cast<int>(who.size()), who.data());
    };
  bool terminal = !quiet && !log && ::isatty(STDERR_FILENO) == 1;
  auto whole = r.plan.power_on_ms + r.plan.duration_ms;
  if (terminal)
    o.progress = [&](const sim::fleet& f) {
      auto now = now_s();
      if (now - shown < 0.2) return;
      shown = now;
      std::fprintf(stderr, "\r\033[K%3d %%  virtual %s  real %s s  nodes ready %zu/%u  pods running %zu  events %s M",
                   static_cast<int>(std::min<int64_t>(99, f.now_ms() * 100 / std::max<int64_t>(1, whole))),
                   sim::format_duration(f.now_ms()).c_str(), number(now - begin).c_str(), f.eyes->nodes_ready,
                   f.plan.nodes, f.eyes->pods_running, number(static_cast<double>(f.w.events()) / 1e6).c_str());
    };
  finished done;
  auto watch = std::make_shared<stopwatch>();
  o.parts.push_back(watch);
  try {
    sim::fleet f{r.plan, std::move(o)};
    to_people.clock = &f.w.clock;
    done.out = f.run();
    to_people.clock = nullptr;
    done.real_s = now_s() - begin;
  } catch (const std::exception& e) {
    done.out.broke = "time-passes";
    done.out.why = e.what();
    done.real_s = now_s() - begin;
  }
  if (terminal) std::fprintf(stderr, "\r\033[K");
  if (watch->running_s > 0) done.real_start_s = watch->running_s - begin;
  if (watch->ended_s > 0) done.real_life_s = watch->ended_s - watch->running_s;
  done.life_events = watch->events_after - watch->events_before;
  done.peak_rss_bytes = peak_rss();
  return done;
}

std::string json_of(const recipe& r, const finished& f) {
  auto seconds = [](int64_t ms) { return ms < 0 ? json::value(nullptr) : json::value(static_cast<double>(ms) / 1000); };
  json::object invariants;
  for (auto& [name, n] : f.out.invariants) invariants[name] = n;
  json::object o{{"scenario", r.plan.name},
                 {"seed", r.seed},
                 {"nodes", r.plan.nodes},
                 {"pods", uint64_t{r.plan.nodes} * r.plan.pods_per_node},
                 {"ok", f.out.ok},
                 {"virtual_s", seconds(f.out.virtual_ms)},
                 {"real_s", f.real_s},
                 {"real_start_s", f.real_start_s},
                 {"real_life_s", f.real_life_s},
                 {"life_events", f.life_events},
                 {"peak_rss_bytes", f.peak_rss_bytes},
                 {"events", f.out.events},
                 {"trace_hash", hex(f.out.trace)},
                 {"started_s", seconds(f.out.started_ms)},
                 {"converged_s", seconds(f.out.converged_ms)},
                 {"settle_bytes", f.out.settle_bytes},
                 {"faults", f.out.bands.size()},
                 {"invariants", std::move(invariants)},
                 {"metrics", f.out.metrics},
                 {"replay", r.line()}};
  if (!f.out.ok)
    o["failure"] = json::object{{"what", f.out.broke}, {"why", f.out.why}, {"at_s", seconds(f.out.broke_ms)}};
  return json::serialize(o);
}

std::string text_of(const recipe& r, const finished& f) {
  auto& o = f.out;
  std::string out = r.plan.name + ", seed " + std::to_string(r.seed) + ": " + std::to_string(r.plan.nodes) +
                    " nodes, " + std::to_string(uint64_t{r.plan.nodes} * r.plan.pods_per_node) + " pods\n";
  auto line = [&](const char* what, const std::string& text) {
    char head[32];
    std::snprintf(head, sizeof head, "  %-22s", what);
    out += head + text + "\n";
  };
  line("all Running after", o.started_ms < 0 ? "never" : sim::format_duration(o.started_ms));
  line("faults", std::to_string(o.bands.size()));
  line("converged", o.converged_ms < 0 ? "no"
                                       : sim::format_duration(o.converged_ms) + " after the last of them, with " +
                                             number(static_cast<double>(o.settle_bytes) / 1024) + " KB on the links");
  line("time", sim::format_duration(o.virtual_ms) + " virtual, " + number(f.real_s) + " s real, " +
                   number(static_cast<double>(o.events) / 1e6, 2) + " M events, " +
                   number(static_cast<double>(f.peak_rss_bytes) / 1e6, 0) + " MB at most");
  line("trace", hex(o.trace));
  for (auto& [name, n] : o.invariants) line(name.c_str(), "checked " + std::to_string(n) + " times");
  if (o.ok) return out + "ok\n";
  return out + "FAILED at " + sim::format_duration(o.broke_ms) + ": " + o.broke + ": " + o.why +
         "\n  again: " + r.line() + "\n";
}

}  // namespace skerry::tools
