#include "supervisors/machine.hpp"

#include <algorithm>
#include <functional>

namespace skerry::supervisors {

machine::machine(strategy s, restart_window window, std::vector<child_rule> children)
    : strategy_(s), window_(window), rules_(std::move(children)), state_(rules_.size()) {}

steps machine::begin() {
  for (size_t i = 0; i < rules_.size(); ++i) start_.push_back(i);
  return run();
}

steps machine::on_started(size_t child) {
  auto& c = state_[child];
  if (c.now != phase::spawning) return {};
  steps out;
  if (rules_[child].awaits_ready) {
    c.now = phase::unready;
    arm(out, child, rules_[child].ready_ms);
  } else {
    c.now = phase::up;
  }
  auto more = run();
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

steps machine::on_ready(size_t child) {
  auto& c = state_[child];
  if (c.now != phase::unready) return {};
  c.now = phase::up;
  ++c.generation;
  return run();
}

steps machine::on_down(size_t child, ending how, int64_t now_ms) {
  auto& c = state_[child];
  if (c.now == phase::down) return {};
  bool ours = stopping(child);
  bool late = c.now == phase::killed && !ours;
  c.now = phase::down;
  ++c.generation;
  std::erase(stop_, child);
  if (!quitting_ && !ours) {
    // A child that was too late to be ready was killed by us, and yet crashed.
    deaths_.push_back({child, late ? ending::abnormal : how, now_ms});
  }
  return run();
}

bool machine::stopping(size_t child) const {
  auto now = state_[child].now;
  if (now == phase::asked) return true;
  return now == phase::killed && std::find(stop_.begin(), stop_.end(), child) != stop_.end();
}

steps machine::on_deadline(size_t child, uint64_t generation, int64_t now_ms) {
  auto& c = state_[child];
  if (c.generation != generation) return {};
  steps out;
  switch (c.now) {
    case phase::unready:
    case phase::asked:
      // An asked child stays in stop_ until it is down, one that is late to be ready never was in it.
      c.now = phase::killed;
      out.push_back({step::kind::kill, child});
      arm(out, child, kill_ms_max);
      return out;
    case phase::killed: {
      out.push_back({step::kind::abandon, child});
      auto more = on_down(child, ending::abnormal, now_ms);
      out.insert(out.end(), more.begin(), more.end());
      return out;
    }
    default:
      return {};
  }
}

steps machine::on_shutdown() {
  if (quitting_) return {};
  give_up();
  return run();
}

steps machine::on_restart(size_t child) {
  if (quitting_) return {};
  deaths_.push_back({child, ending::shutdown, 0, true});
  return run();
}

void machine::give_up() {
  quitting_ = true;
  start_.clear();
  deaths_.clear();
  stop_.clear();
  for (size_t i = rules_.size(); i-- > 0;) stop_.push_back(i);
}

bool machine::waits_for_a_stop() const {
  return std::any_of(state_.begin(), state_.end(),
                     [](auto& c) { return c.now == phase::asked || c.now == phase::killed; });
}

bool machine::waits_for_a_start() const {
  return std::any_of(state_.begin(), state_.end(),
                     [](auto& c) { return c.now == phase::spawning || c.now == phase::unready; });
}

/// Asks the next child to stop; returns false when there is none.
bool machine::stop_next(steps& out) {
  while (!stop_.empty()) {
    auto i = stop_.front();
    auto& c = state_[i];
    if (c.now == phase::down) {
      stop_.pop_front();
      continue;
    }
    auto ms = rules_[i].shutdown.ms;
    if (ms == shutdown_rule::brutal_kill) {
      c.now = phase::killed;
      out.push_back({step::kind::kill, i});
      arm(out, i, kill_ms_max);
    } else {
      c.now = phase::asked;
      out.push_back({step::kind::ask, i});
      ++c.generation;
      if (ms != shutdown_rule::infinity) arm(out, i, ms);
    }
    return true;
  }
  return false;
}

bool machine::start_next(steps& out) {
  if (start_.empty()) return false;
  auto i = start_.front();
  start_.pop_front();
  state_[i].now = phase::spawning;
  out.push_back({step::kind::start, i});
  return true;
}

/// Plans the stop and the new start of a child that need not have ended.
void machine::renew(size_t child) {
  auto p = restart_plan(strategy_, rules_, child);
  p.stop.push_back(child);
  std::sort(p.stop.begin(), p.stop.end(), std::greater<>{});
  stop_.assign(p.stop.begin(), p.stop.end());
  for (auto i : p.start)
    if (std::find(start_.begin(), start_.end(), i) == start_.end()) start_.push_back(i);
  std::sort(start_.begin(), start_.end());
}

void machine::judge(const death& d) {
  if (d.wanted) return renew(d.child);
  if (state_[d.child].now != phase::down) return;
  if (!restarts(rules_[d.child].when, d.how)) return;
  if (!admit(past_, window_, d.at_ms)) {
    culprit_ = d.child;
    give_up();
    return;
  }
  ++state_[d.child].restarts;
  auto p = restart_plan(strategy_, rules_, d.child);
  // A crash in the middle of a start from left to right: what was still to be started comes after.
  for (auto i : start_)
    if (std::find(p.start.begin(), p.start.end(), i) == p.start.end()) p.start.push_back(i);
  std::sort(p.start.begin(), p.start.end());
  stop_.assign(p.stop.begin(), p.stop.end());
  start_.assign(p.start.begin(), p.start.end());
  // Other ends that wait are answered by this plan if it starts those children anyway.
  std::erase_if(deaths_, [&](auto& x) { return std::find(start_.begin(), start_.end(), x.child) != start_.end(); });
}

steps machine::run() {
  steps out;
  for (;;) {
    if (waits_for_a_stop()) return out;
    if (stop_next(out)) return out;
    if (quitting_) {
      out.push_back({step::kind::quit});
      return out;
    }
    if (waits_for_a_start()) return out;
    if (!deaths_.empty()) {
      auto d = deaths_.front();
      deaths_.pop_front();
      settled_ = false;
      judge(d);
      continue;
    }
    if (start_next(out)) return out;
    if (!settled_) {
      settled_ = true;
      out.push_back({step::kind::settled});
    }
    return out;
  }
}

void machine::arm(steps& out, size_t child, uint32_t ms) {
  out.push_back({step::kind::arm, child, ms, ++state_[child].generation});
}

}  // namespace skerry::supervisors
