#include "sim/load/user_writes.hpp"

#include <algorithm>
#include <cmath>

#include "sim/fleet/fleet.hpp"

namespace skerry::sim {
namespace {
constexpr const char* config_maps = "/api/v1/namespaces/default/configmaps";
constexpr int keys_of_one = 20;
/// What one of them writes a second at most, for it waits for each answer.
constexpr double per_s_of_one = 5;
}  // namespace

void user_writes::start(fleet& f) {
  auto users = std::max(1.0, std::ceil(per_s_ / per_s_of_one));
  period_ms_ = std::max<int64_t>(50, static_cast<int64_t>(users * 1000 / per_s_));
  for (int i = 0; i < static_cast<int>(users); ++i)
    writers_.push_back(std::make_unique<writer>(*f.w.front, "user" + std::to_string(i), keys_of_one));
  watcher_ = std::make_unique<reflector>(*f.w.front, config_maps);
  more_ = true;
  work(f);
}

void user_writes::work(fleet& f) {
  auto now = f.w.clock.steady_ms();
  for (auto& w : writers_) w->work(more_, now);
  watcher_->work(now);
  f.after(more_ ? period_ms_ : 100, [this, &f] { work(f); });
}

void user_writes::finish(fleet&) { more_ = false; }

std::string user_writes::missing(fleet& f) {
  if (more_) return {};
  for (auto& w : writers_)
    if (!w->idle()) return "a write is not answered";
  if (watcher_ && !watcher_->agrees_with(f.w.get(config_maps))) return "a watcher does not see all ConfigMaps";
  return {};
}

std::string user_writes::lost(fleet& f, uint64_t& compared) const {
  auto v = f.w.views->current();
  for (auto& w : writers_)
    for (auto& [name, value] : w->acknowledged()) {
      if (w->pending() == name) continue;
      ++compared;
      auto o = v->get("configmaps", "default", name);
      if (!o) return "ConfigMap " + name + " was acknowledged, and is gone";
      auto is = string_at(store::parse(o), "data.value");
      if (is != value) return "ConfigMap " + name + " is " + std::string{is} + ", and " + value + " was acknowledged";
    }
  return {};
}

void user_writes::metrics(fleet&, json::object& out) {
  uint64_t n = 0;
  for (auto& w : writers_) n += w->writes();
  out["writesOfUsers"] = n;
}

}  // namespace skerry::sim
