#pragma once
#include <actors/ports/runtime.hpp>
#include <map>
#include <mutex>
#include <set>

#include "cgroup.hpp"
#include "fs.hpp"
#include "images.hpp"
#include "loop.hpp"
#include "network.hpp"
#include "oci.hpp"
#include "pool.hpp"
#include "process.hpp"
#include "state.hpp"

namespace skerry::drivers::oci {

/// The port. What is asked becomes a task of the pool, keyed by the pod, so that each pod's steps come one after the
/// other; `mutex_` guards the maps alone, and is never held over a system call that may wait.
///   driver.cpp     the port's operations, events
///   sandbox.cpp    making and removing a pod's world
///   container.cpp  making a container
///   ending.cpp, container_remove.cpp   its end, and what it leaves
///   exec.cpp       commands inside, signals, rotation of logs
///   recover.cpp    what is found at start
class driver : public ports::runtime {
public:
  driver(options o, ports::clock& clock, ports::log& log);
  ~driver() override;
  /// Looks for tools, takes the lock, reads what is there, begins to collect.
  caf::expected<void> begin();
  /// After begin(): removes everything. See oci::purge.
  caf::expected<void> remove_everything();

  ports::runtime_info info() const override;
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
  std::string log_path(const std::string& id) const override;

private:
  struct container_entry {
    container_record record;
    int monitor = -1;     ///< pidfd of its conmon
    uint64_t ticket = 0;  ///< of the loop's watch on it
    std::vector<done<ports::container_state>> waiters;
  };
  struct execution;

  // driver.cpp
  template <class T, class F>
  void post(pool& where, std::string key, done<T> f, F work);
  void pulled(const std::string& name, caf::expected<image_record> r);
  std::set<std::string> used_images() const;
  ports::sandbox_state state_of(const sandbox_record& r) const;
  /// Tests set options.crash_point: the process ends here by SIGKILL.
  void step(const char* name) const;
  command runtime_command(std::vector<std::string> arguments) const;

  // sandbox.cpp: on a thread of the pool, under the pod's key
  caf::expected<ports::sandbox_state> do_make_sandbox(const ports::sandbox_spec& spec);
  caf::expected<void> do_remove_sandbox(const std::string& uid);
  caf::expected<void> build_sandbox(sandbox_record& r);
  caf::expected<void> write_pod_files(const sandbox_record& r) const;
  caf::expected<void> dismantle_sandbox(const sandbox_record& r);
  std::vector<std::string> containers_of(const std::string& uid) const;

  // container.cpp: the same
  caf::expected<ports::container_state> do_start(const ports::container_spec& spec);
  caf::expected<void> launch(container_record& r, const ports::container_spec& spec, const sandbox_record& sandbox,
                             const image_record& image);
  caf::expected<std::vector<std::string>> mount_sources(const std::string& id, const ports::container_spec& spec);
  caf::expected<void> mount_root(const std::string& id, const image_record& image);
  caf::expected<int64_t> create(const container_record& r, const ports::container_spec& spec);
  void watch(const std::string& id);

  // ending.cpp: the same
  void finish(const std::string& id);
  caf::expected<void> do_remove_container(const std::string& id);
  caf::expected<void> kill_and_finish(const std::vector<std::string>& ids);
  void release(const container_record& r);
  caf::expected<void> destroy(const std::string& id, const std::string& pod_uid);

  // exec.cpp
  void do_stop(const std::string& id, uint32_t grace_ms, done<ports::container_state> f);
  void do_exec(const std::string& id, const std::vector<std::string>& command, uint32_t timeout_ms,
               done<ports::exec_result> f);
  void read_output(const std::shared_ptr<execution>& e);
  void end_execution(const std::shared_ptr<execution>& e, bool timed_out);
  void send_signal(const std::string& id, int64_t pid, int signal) const;
  void plan_rotation();
  void rotate_logs();

  // recover.cpp
  caf::expected<void> find_tools();
  caf::expected<void> load();
  void load_sandboxes(bool rebooted);
  void load_containers(bool rebooted);
  bool adopt(container_entry& e) const;
  void collect_garbage();
  caf::expected<void> destroy_leftover(const std::string& id);
  std::multimap<std::string, pid_t> find_monitors() const;

  const options o_;
  ports::clock& clock_;
  ports::log& log_;
  const layout at_;
  cgroups groups_;
  network network_;
  oci::images images_;
  std::string runtime_, runtime_name_, runtime_version_, conmon_;
  descriptor lock_;
  std::vector<std::string> monitor_groups_;
  uint64_t capabilities_ = 0;  ///< our own: bits by number

  mutable std::mutex mutex_;
  std::map<std::string, sandbox_record> sandboxes_;
  std::map<std::string, container_entry> containers_;
  std::map<std::string, std::vector<done<ports::image_info>>> pulls_;
  std::map<uint64_t, std::shared_ptr<execution>> executions_;
  std::function<void(ports::container_state)> exited_;
  uint64_t last_ = 0;
  bool stopping_ = false;

  std::vector<std::pair<std::string, std::string>> garbage_containers_;  ///< id, pod uid; of the start
  std::vector<sandbox_record> garbage_sandboxes_;
  pthread_t collector_{};
  bool collecting_ = false;

  loop loop_;
  pool pool_, pull_pool_;
};

}  // namespace skerry::drivers::oci
