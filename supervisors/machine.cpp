#include "supervisors/machine.hpp"

#include <algorithm>
#include <functional>

namespace skerry::supervisors {
namespace {

bool has(const std::deque<size_t>& all, size_t child) { return std::find(all.begin(), all.end(), child) != all.end(); }

void append(steps& out, steps more) { out.insert(out.end(), more.begin(), more.end()); }

}  // namespace

machine::machine(supervision rules, std::vector<child_rule> children)
    : how_(rules), rules_(std::move(children)), state_(rules_.size()) {
  if (how_.how == strategy::rest_for_one)
    for (auto& r : rules_) r.awaits_ready = true;
}

// -- what happened ----------------------------------------------------------------------------------------------------

steps machine::begin() {
  begun_ = true;
  for (size_t i = 0; i < rules_.size(); ++i) start_.push_back(i);
  return run();
}

steps machine::on_started(size_t child) {
  auto& c = state_[child];
  if (c.now != phase::spawning) return {};
  c.added = false;
  steps out;
  if (rules_[child].awaits_ready) {
    c.now = phase::unready;
    arm(out, child, rules_[child].ready_ms);
  } else {
    c.now = phase::up;
  }
  append(out, run());
  return out;
}

steps machine::on_ready(size_t child) {
  auto& c = state_[child];
  if (c.now != phase::unready) return {};
  c.now = phase::up;
  c.generation = 0;
  return run();
}

steps machine::on_down(size_t child, ending how, int64_t now_ms) {
  auto& c = state_[child];
  if (c.now == phase::down) return {};
  bool ours = stopping(child);
  bool late = c.now == phase::killed && !ours;
  bool unstarted = c.now == phase::spawning || c.now == phase::unready || late;
  c.now = phase::down;
  c.generation = 0;
  std::erase(stop_, child);
  if (quitting_) return run();
  if (!ours) {
    if (c.added)
      c.gone = true;  // who added it is told
    else if (first_ && unstarted && how_.at_first == failed_start::give_up)
      give_up(farewell::failed_start, child);
    else  // A child that was too late to be ready was killed by us, and yet crashed.
      matters_.push_back({matter::kind::ended, child, late ? ending::abnormal : how, now_ms});
  }
  if (rules_[child].when == restart::temporary && !has(start_, child)) c.gone = true;
  return run();
}

steps machine::on_deadline(uint64_t generation, int64_t now_ms) {
  auto found = std::find_if(state_.begin(), state_.end(), [generation](auto& c) { return c.generation == generation; });
  if (generation == 0 || found == state_.end()) return {};
  size_t child = found - state_.begin();
  steps out;
  switch (found->now) {
    case phase::unready:
    case phase::asked:
      // An asked child stays in stop_ until it is down, one that is late to be ready never was in it.
      found->now = phase::killed;
      out.push_back({step::kind::kill, child});
      arm(out, child, kill_ms_max);
      return out;
    case phase::killed:
      out.push_back({step::kind::abandon, child});
      append(out, on_down(child, ending::abnormal, now_ms));
      return out;
    default:
      return {};
  }
}

steps machine::on_shutdown() {
  if (quitting_) return {};
  give_up(farewell::asked, std::nullopt);
  return run();
}

// -- what somebody wants ----------------------------------------------------------------------------------------------

steps machine::on_restart(size_t child) {
  if (quitting_) return {};
  matters_.push_back({matter::kind::restart, child});
  return run();
}

steps machine::on_terminate(size_t child) {
  if (quitting_) return {};
  matters_.push_back({matter::kind::terminate, child});
  return run();
}

steps machine::on_add(const child_rule& rule) {
  if (quitting_) return {};
  rules_.push_back(rule);
  if (how_.how == strategy::rest_for_one) rules_.back().awaits_ready = true;
  state_.push_back({});
  state_.back().added = true;
  if (begun_) start_.push_back(rules_.size() - 1);  // else it is started with the others
  settled_ = false;
  return run();
}

steps machine::on_delete(size_t child) {
  if (quitting_ || !idle(child)) return {};
  state_[child].gone = true;
  return run();
}

bool machine::idle(size_t child) const { return begun_ && state_[child].now == phase::down && !planned(child); }

bool machine::planned(size_t child) const {
  if (has(start_, child)) return true;
  return std::any_of(matters_.begin(), matters_.end(), [&](auto& m) {
    if (m.child != child) return false;
    return m.what == matter::kind::restart || (m.what == matter::kind::ended && restarts(rules_[child].when, m.how));
  });
}

bool machine::stopping(size_t child) const {
  auto now = state_[child].now;
  if (now == phase::asked) return true;
  return now == phase::killed && has(stop_, child);
}

// -- what to do -------------------------------------------------------------------------------------------------------

void machine::give_up(farewell why, std::optional<size_t> culprit) {
  quitting_ = true;
  why_ = why;
  culprit_ = culprit;
  start_.clear();
  matters_.clear();
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
      c.generation = 0;
      out.push_back({step::kind::ask, i});
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
  state_[i].gone = false;
  out.push_back({step::kind::start, i});
  return true;
}

/// Nothing goes on now, so no index is in use anywhere.
void machine::drop_gone(steps& out) {
  for (size_t i = state_.size(); i-- > 0;) {
    if (!state_[i].gone) continue;
    state_.erase(state_.begin() + static_cast<ptrdiff_t>(i));
    rules_.erase(rules_.begin() + static_cast<ptrdiff_t>(i));
    out.push_back({step::kind::drop, i});
  }
}

/// Plans the stop and the new start of a child that need not have ended.
void machine::renew(size_t child) {
  auto p = restart_plan(how_.how, rules_, child);
  p.stop.push_back(child);
  std::sort(p.stop.begin(), p.stop.end(), std::greater<>{});
  stop_.assign(p.stop.begin(), p.stop.end());
  for (auto i : p.start)
    if (!has(start_, i)) start_.push_back(i);
  std::sort(start_.begin(), start_.end());
}

void machine::judge(const matter& m) {
  switch (m.what) {
    case matter::kind::ended:
      return judge_end(m);
    case matter::kind::restart:
      return renew(m.child);
    case matter::kind::terminate:
      std::erase(start_, m.child);
      stop_.assign({m.child});
  }
}

void machine::judge_end(const matter& m) {
  if (state_[m.child].now != phase::down) return;
  if (!restarts(rules_[m.child].when, m.how)) {
    std::vector<bool> active;
    for (size_t i = 0; i < state_.size(); ++i) active.push_back(state_[i].now != phase::down || planned(i));
    if (ends_supervisor(how_.on_significant, rules_, active, m.child, m.how)) give_up(farewell::significant, m.child);
    return;
  }
  if (!admit(past_, how_.window, m.at_ms)) return give_up(farewell::overrun, m.child);
  ++state_[m.child].restarts;
  auto p = restart_plan(how_.how, rules_, m.child);
  // A crash in the middle of a start from left to right: what was still to be started comes after.
  for (auto i : start_)
    if (std::find(p.start.begin(), p.start.end(), i) == p.start.end()) p.start.push_back(i);
  std::sort(p.start.begin(), p.start.end());
  stop_.assign(p.stop.begin(), p.stop.end());
  start_.assign(p.start.begin(), p.start.end());
  // Other ends that wait are answered by this plan if it starts those children anyway.
  std::erase_if(matters_, [&](auto& x) { return x.what == matter::kind::ended && has(start_, x.child); });
}

steps machine::run() {
  steps out;
  if (!begun_ && !quitting_) return out;
  for (;;) {
    if (waits_for_a_stop()) return out;
    if (stop_next(out)) return out;
    if (quitting_) {
      out.push_back({step::kind::quit});
      return out;
    }
    if (waits_for_a_start()) return out;
    if (!matters_.empty()) {
      auto m = matters_.front();
      matters_.pop_front();
      settled_ = false;
      judge(m);
      continue;
    }
    if (start_next(out)) return out;
    drop_gone(out);
    if (!settled_) {
      settled_ = true;
      first_ = false;
      out.push_back({step::kind::settled});
    }
    return out;
  }
}

void machine::arm(steps& out, size_t child, uint32_t ms) {
  state_[child].generation = ++generations_;
  out.push_back({step::kind::arm, child, ms, generations_});
}

}  // namespace skerry::supervisors
