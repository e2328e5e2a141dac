#include <signal.h>
#include <unistd.h>

#include "driver.hpp"
#include "fs.hpp"

namespace skerry::drivers::oci {
namespace {

constexpr int monitor_end_ms = 10'000;  ///< from the SIGKILL of a monitor to its end

}  // namespace

caf::expected<void> driver::do_remove_container(const std::string& id) {
  container_record r;
  {
    std::lock_guard guard{mutex_};
    auto i = containers_.find(id);
    if (i == containers_.end()) return caf::unit;
  }
  if (auto k = kill_and_finish({id}); !k) return k;
  {
    std::lock_guard guard{mutex_};
    auto& e = containers_[id];
    e.record.at = phase::removing;
    r = e.record;
  }
  if (auto w = write_atomic(at_.container_file(id), to_json(r)); !w) return w;
  step("container.removing");
  auto logs = r.log_path.substr(0, r.log_path.rfind('/'));
  auto prefix = r.log_path.substr(logs.size() + 1);
  for (auto& name : names_in(logs))
    if (name == prefix || name.starts_with(prefix + ".")) unlink((logs + "/" + name).c_str());
  rmdir(logs.c_str());
  if (auto d = destroy(id, r.state.pod_uid); !d) return d;
  step("container.removed");
  std::lock_guard guard{mutex_};
  containers_.erase(id);
  return caf::unit;
}

/// Removes all traces of a container, however far it came.
caf::expected<void> driver::destroy(const std::string& id, const std::string& pod_uid) {
  auto group = layout::pod_group(pod_uid) + "/" + id;
  if (auto monitor = static_cast<pid_t>(read_number(at_.container(id) + "/conmon.pid")); monitor > 0) {
    auto line = read_file("/proc/" + std::to_string(monitor) + "/cmdline", 64 * 1024);
    if (line && line->find(id) != std::string::npos) {
      descriptor fd{open_process(monitor)};
      kill_tree(monitor);
      if (fd) ended_within(fd.get(), monitor_end_ms);
    }
  }
  for (int pid : groups_.processes(group)) kill(pid, SIGKILL);
  if (exists(at_.runtime_root() + "/" + id))
    if (auto d = run(runtime_command({"delete", "--force", id}), o_.step_ms_max); !d || !d->ok())
      (void)remove_tree(at_.runtime_root() + "/" + id);
  unmount_below(at_.container(id));
  unlink((o_.run_dir + "/sockets/" + id).c_str());
  groups_.remove(group);
  unlink(at_.exit_file(id).c_str());
  return remove_tree(at_.container(id));
}

}  // namespace skerry::drivers::oci
