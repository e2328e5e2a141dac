// What befalls a simulated network: cuts, silence, held lines; and what it counts.
#include <algorithm>

#include "schema/error.hpp"
#include "sim/ports/sim_transport.hpp"

namespace skerry::sim {

/// The connection is lost; who is told drops what is on its way to it.
void sim_network::cut(pipe& p, fault_plan::told who) {
  ++faults_.cuts;
  faults_.half_open += who != fault_plan::told::both;
  for (int side : {0, 1}) {
    auto& e = p.ends[side];
    e.silent = true;
    bool told =
        who == fault_plan::told::both || who == (side == 0 ? fault_plan::told::connector : fault_plan::told::listener);
    if (!told || e.over) continue;
    e.over = true;
    e.inbound.clear();
    e.inbound_bytes = 0;
    if (!e.closing) e.why = make_error(errc::unavailable, "the connection is lost");
  }
}

void sim_network::cut_all(fault_plan::told who) {
  std::lock_guard lock{mutex_};
  for (auto& p : pipes_)
    if (!p->ends[0].over || !p->ends[1].over) cut(*p, who);
  refresh_all(nullptr);
}

void sim_network::cut(const std::string& line, fault_plan::told who) {
  std::lock_guard lock{mutex_};
  auto* way = &line_of(line);
  for (auto& p : pipes_)
    if (p->way == way && (!p->ends[0].over || !p->ends[1].over)) cut(*p, who);
  refresh_all(way);
}

void sim_network::freeze() {
  std::lock_guard lock{mutex_};
  for (auto& p : pipes_) {
    p->frozen = true;
    for (auto& e : p->ends) e.inbound.clear(), e.inbound_bytes = 0;
  }
  refresh_all(nullptr);
}

void sim_network::hold(const std::string& line, bool up, bool down) {
  std::lock_guard lock{mutex_};
  auto& way = line_of(line);
  way.up_held = up;
  way.down_held = down;
  if (!up && !down) {
    // In the order in which they came.
    for (auto& a : waiting_)
      if (a->way == &way) attempts_.push_back(a);
    std::erase_if(waiting_, [&](const auto& a) { return a->way == &way; });
  }
  refresh_all(&way);
}

void sim_network::release(const std::string& line) { hold(line, false, false); }

void sim_network::slow_down(int64_t by_ms) {
  std::lock_guard lock{mutex_};
  for (auto& p : pipes_)
    for (auto* way : {&p->plan.up, &p->plan.down})
      way->delay_ms = static_cast<uint32_t>(std::max<int64_t>(0, int64_t{way->delay_ms} + by_ms));
}

void sim_network::split_one_in(uint32_t n) {
  std::lock_guard lock{mutex_};
  split_one_in_ = n;
}

void sim_network::set_faults(std::function<fault_plan()> draw, const ports::clock* time, bool sealed) {
  std::lock_guard lock{mutex_};
  draw_ = std::move(draw);
  time_ = time;
  sealed_ = sealed;
}

void sim_network::clear_faults() {
  std::lock_guard lock{mutex_};
  draw_ = {};
  for (auto& p : pipes_) {
    p->plan = {};
    for (auto& e : p->ends) {
      e.takes_again_ms = 0;
      for (auto& i : e.inbound) i.due_ms = 0;
    }
  }
  refresh_all(nullptr);
}

std::optional<int64_t> sim_network::next_due_ms() const {
  std::lock_guard lock{mutex_};
  return later_.empty() ? std::nullopt : std::optional{later_.begin()->first};
}

sim_network::fault_counts sim_network::faults() const {
  std::lock_guard lock{mutex_};
  return faults_;
}

void sim_network::partition(bool on) {
  std::lock_guard lock{mutex_};
  partition_ = on;
}

size_t sim_network::connections() const {
  std::lock_guard lock{mutex_};
  return static_cast<size_t>(std::count_if(pipes_.begin(), pipes_.end(),
                                           [](const pipe_ptr& p) { return !p->ends[0].over || !p->ends[1].over; }));
}

uint64_t sim_network::bytes_delivered() const {
  std::lock_guard lock{mutex_};
  return delivered_;
}

}  // namespace skerry::sim
