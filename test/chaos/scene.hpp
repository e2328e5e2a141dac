#pragma once
#include <algorithm>
#include <cstdlib>
#include <deque>
#include <map>
#include <set>

#include "sim/load/clients.hpp"
#include "sim/load/letters.hpp"
#include "sim/ports/fault_plan.hpp"
#include "sim/world/world.hpp"

namespace skerry::test::chaos {

using sim::call_ptr;
using sim::send;
using sim::start_book;
using sim::world;

/// Those who were killed, and the crash reports that they must leave: one each, that says who ended and why, and no
/// others but those of supervisors whose windows the kills overran.
class ledger {
public:
  /// Follows a victim of the island with this number, and its supervisor, who would report its end; null for a root.
  /// False if it has ended already.
  bool follow(size_t island, const std::string& path, const caf::actor& victim, const caf::actor& supervisor);
  /// Have all victims ended?
  bool over() const { return *open_ == 0; }
  /// Victims that crashed, as far as they have ended.
  size_t kills() const;
  /// What is not as it should be once all is quiet; empty: nothing.
  std::string fault(world& w) const;

private:
  struct ending {
    bool over = false;
    bool orphaned = false;  ///< its supervisor ended before it, and killed it: that is not our kill
    caf::error why;
    bool crashed() const;
  };
  struct victim {
    size_t island;
    std::string path;
    std::shared_ptr<ending> end;  ///< it may end later than anybody looks
  };
  static bool gave_up(const supervisors::crash_report& r, const std::vector<supervisors::crash_report>& all);
  std::vector<victim> victims_;
  std::shared_ptr<size_t> open_ = std::make_shared<size_t>(0);
};

/// Makes the next message of an actor end it by an exception, in the middle of whatever it was sent for.
struct thrower final : base::trace_sink {
  bool armed = false;
  void on_message(const base::actor&, const caf::mailbox_element&) override {
    if (std::exchange(armed, false)) throw std::runtime_error("chaos");
  }
};

/// A cloud with two nodes, under the load of several clients, and what befalls it.
struct scene {
  explicit scene(uint64_t seed);

  /// To the terminal, for SKERRY_TEST_LOG=1.
  struct loud_log final : ports::log {
    bool loud = std::getenv("SKERRY_TEST_LOG") != nullptr;
    const ports::clock* clock = nullptr;
    bool enabled(ports::severity) const override { return loud; }
    void write(ports::severity, std::string_view who, std::string_view text) override;
  } log;
  world w;
  thrower trap;
  sim::writer first{*w.front, "a", 16}, second{*w.front, "b", 16}, third{*w.front, "c", 16};
  sim::pod_maker pods{*w.front, 24};
  sim::scaler web{*w.front};
  sim::reflector maps, watched_pods;
  sim::courier letters{w};
  ledger crashes;
  std::set<std::string> standing;  ///< "island number + path" of what stands when nothing happens
  std::deque<std::string> history;
  uint64_t cuts = 0, partitions = 0;
  int64_t partition_ends_ms = 0;

  /// Until both nodes are ready and the Deployment has its pods; takes note of who stands then.
  void set_up();
  /// Lets the clients look at their answers and, `more`, change something, every few 100 ms at most.
  void load(bool more);
  /// Under load.
  void pass(int64_t virtual_ms);
  /// Without new load, until `holds`; false if that took longer.
  template <class F>
  bool until(F holds, int64_t virtual_ms) {
    auto end = w.clock.steady_ms() + virtual_ms;
    for (int n = 0; n % 64 != 0 || !holds(); ++n) {
      if (w.clock.steady_ms() > end) return false;
      if (n % 16 == 0) load(false);
      w.turn();
    }
    return true;
  }

  /// Kills one actor, drawn from all, by a kill or an exception, and now and then one of its children just before;
  /// waits for their ends.
  void kill_one();
  /// Cuts links, lets them die without a word, or the cloud be out of reach for a while.
  void cut_links();
  /// From now on connections break, stall, are slow and delayed, as a seed says; `off`: no more, nor those that stand.
  void faults(bool on);

  /// What is not as it should be once all is quiet; empty: nothing.
  std::string missing();
  /// What was done to containers that nobody asked for; empty: nothing.
  std::string restarted();
  /// What happened last, a line each.
  std::string story() const;

private:
  struct target {
    size_t island;
    std::string path;
    caf::actor who;
  };
  /// Who stands now. Takes note of it, for the supervisor of somebody may stand no more and not have ended yet.
  std::vector<target> everybody();
  bool follow(const target& t);
  void trip(const target& t);
  std::map<std::pair<size_t, std::string>, caf::actor> seen_;
  bool nodes_ready();
  std::string missing_pods(const json::value& list);
  void tell(std::string what);
};

}  // namespace skerry::test::chaos
