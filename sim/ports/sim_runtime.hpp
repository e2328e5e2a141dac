#pragma once
#include <deque>
#include <map>
#include <mutex>
#include <set>

#include "actors/ports/clock.hpp"
#include "actors/ports/runtime.hpp"

namespace skerry::sim {

/// Containers in memory. It outlives the agents that come and go around it, as containers do. Nothing happens by
/// itself: `poll` carries out what is due on the clock, on the thread that calls it.
///
/// It understands `sleep N`, `true`, `false`, `sh -c "exit N"` and refuses paths that do not exist ("/no/..."); every
/// other command runs until it is stopped.
class sim_runtime : public ports::runtime {
public:
  explicit sim_runtime(ports::clock& clock) : clock_(clock) {}

  ports::runtime_info info() const override { return {"skerry-sim", "1", "v2"}; }
  void list(done<std::pair<std::vector<ports::sandbox_state>, std::vector<ports::container_state>>> f) override;
  void on_exit(std::function<void(ports::container_state)> f) override;
  void ensure_image(std::string reference, ports::pull_policy policy, done<ports::image_info> f) override;
  void images(done<std::vector<ports::image_info>> f) override;
  void import_image(std::string archive_path, std::string name, done<ports::image_info> f) override;
  void remove_image(std::string reference, done<void> f) override;
  void make_sandbox(ports::sandbox_spec spec, done<ports::sandbox_state> f) override;
  void remove_sandbox(std::string pod_uid, done<void> f) override;
  void start_container(ports::container_spec spec, done<ports::container_state> f) override;
  void stop_container(std::string id, uint32_t grace_ms, done<ports::container_state> f) override;
  void remove_container(std::string id, done<void> f) override;
  void exec(std::string id, std::vector<std::string> command, uint32_t timeout_ms, done<ports::exec_result> f) override;
  std::string log_path(const std::string& id) const override { return "/sim/" + id + ".log"; }

  // -- what the test does -------------------------------------------------------------------------------------------

  /// Carries out what is due; returns how many things happened.
  size_t poll();
  /// When the next thing is due, steady milliseconds; none: nothing waits.
  std::optional<int64_t> next_ms() const;
  /// From now on `told` hears when each new thing will be due, so that nobody has to ask. It must not call back.
  void on_due(std::function<void(int64_t at_ms)> told);
  /// An image that the registry has.
  void offer_image(const std::string& reference);
  /// From now on there is whatever image is asked for.
  void offer_all() { all_offered_ = true; }
  /// A process ends by itself. False if no container of that name runs in the pod.
  bool end(const std::string& pod_uid, const std::string& name, int exit_code);
  /// The machine loses its power: nothing runs any more, networks are gone, the disk stays.
  void reboot();
  /// The next `times` calls of "make_sandbox", "start_container", "ensure_image", ... fail with this.
  void fail(const std::string& call, caf::error why, int times = 1);
  void set_delay_ms(int64_t ms);
  /// How long the pull of an image takes that is not here.
  void set_pull_ms(int64_t ms);
  /// False: the registry does not answer, and what is not here cannot be had.
  void set_registry(bool there);
  /// Calls `f` for each container; it must not call back.
  void visit(const std::function<void(const ports::container_state&)>& f) const;
  std::vector<ports::container_state> containers() const;
  std::vector<std::string> sandboxes() const;
  /// A container that was started.
  struct start {
    std::string pod_uid, name;
    uint32_t attempt = 0;
  };
  /// All containers that were ever started, in order.
  std::vector<start> started() const;
  /// What the last one was to be; none: none was started.
  std::optional<ports::container_spec> last_started() const;
  /// Changes whenever a container begins, ends or is removed.
  uint64_t version() const;

private:
  struct process {
    ports::container_state state;
    bool ignores_term = false;
  };
  struct task {
    int64_t at_ms;
    uint64_t order;
    bool operator<(const task& x) const { return at_ms != x.at_ms ? at_ms < x.at_ms : order < x.order; }
  };
  using lock = std::unique_lock<std::mutex>;

  void later(int64_t delay_ms, std::function<void(lock&)> what);
  std::optional<caf::error> planned(const std::string& call);
  void finish(lock& l, process& p, int code);
  process* find(const std::string& id);
  ports::image_info info_of(const std::string& reference) const;

  ports::clock& clock_;
  mutable std::mutex mutex_;
  std::map<task, std::function<void(lock&)>> tasks_;
  uint64_t order_ = 0;
  int64_t delay_ms_ = 0, pull_ms_ = 0;
  bool registry_ = true, all_offered_ = false;
  std::function<void(ports::container_state)> on_exit_;
  std::function<void(int64_t)> on_due_;
  std::map<std::string, ports::sandbox_state> sandboxes_;
  std::map<std::string, process> processes_;  // by id
  std::set<std::string> offered_, local_;
  std::vector<start> started_;
  std::optional<ports::container_spec> last_started_;
  uint64_t version_ = 0;
  std::map<std::string, std::deque<caf::error>> failures_;
  int next_ip_ = 2;
};

}  // namespace skerry::sim
