#include <signal.h>
#include <unistd.h>

#include <schema/error.hpp>

#include "driver.hpp"
#include "fs.hpp"

namespace skerry::drivers::oci {
namespace {

constexpr int monitor_end_ms = 10'000;                  ///< from a container's SIGKILL to its monitor's end
constexpr size_t termination_message_bytes_max = 4096;  ///< core/v1 ContainerStateTerminated.message

}  // namespace

void driver::finish(const std::string& id) {
  container_record r;
  {
    std::lock_guard guard{mutex_};
    auto i = containers_.find(id);
    if (i == containers_.end() || i->second.record.at != phase::ready) return;
    r = i->second.record;
  }
  auto& s = r.state;
  auto group = layout::pod_group(s.pod_uid) + "/" + id;
  auto exit_file = at_.exit_file(id);
  if (auto text = read_file(exit_file, 64); text && !text->empty()) {
    s.exit_code = atoi(text->c_str());
    s.finished_ms = modified_ms(exit_file);
  } else {
    for (int pid : groups_.processes(group)) kill(pid, SIGKILL);
    s.exit_code = 128 + SIGKILL;
    s.finished_ms = clock_.wall_ms();
    s.termination_message = "its monitor (conmon) died";
  }
  s.finished_ms = std::max(s.finished_ms, s.started_ms);
  s.oom_killed = s.exit_code != 0 && groups_.oom_kills(group) > 0;
  if (auto said = read_tail(at_.container(id) + "/termination-log", termination_message_bytes_max); !said.empty())
    s.termination_message = std::move(said);
  s.phase = ports::container_phase::exited;
  s.pid = 0;
  r.at = phase::exited;
  if (auto w = write_atomic(at_.container_file(id), to_json(r)); !w) log_.error("oci", message_of(w.error()));
  step("exit.recorded");
  std::vector<done<ports::container_state>> waiters;
  std::function<void(ports::container_state)> exited;
  {
    std::lock_guard guard{mutex_};
    auto& e = containers_[id];
    e.record = r;
    waiters = std::move(e.waiters);
    e.waiters.clear();
    if (e.monitor >= 0) {
      loop_.forget(e.ticket);
      close(e.monitor);
      e.monitor = -1;
    }
    exited = exited_;
  }
  if (exited) exited(s);
  for (auto& f : waiters) f(s);
  release(r);
}

/// Gives back what an ended container still holds in the kernel; its record, log and writable layer stay.
void driver::release(const container_record& r) {
  auto& id = r.state.id;
  if (exists(at_.runtime_root() + "/" + id))
    if (auto d = run(runtime_command({"delete", "--force", id}), o_.step_ms_max); !d || !d->ok())
      log_.warning("oci", "cannot delete container " + id + ": " + (d ? d->output : message_of(d.error())));
  unmount_below(at_.container(id));
  unlink((o_.run_dir + "/sockets/" + id).c_str());
  groups_.remove(layout::pod_group(r.state.pod_uid) + "/" + id);
}

caf::expected<void> driver::kill_and_finish(const std::vector<std::string>& ids) {
  std::vector<std::pair<std::string, int>> running;
  {
    std::lock_guard guard{mutex_};
    for (auto& id : ids)
      if (auto i = containers_.find(id); i != containers_.end() && i->second.record.at == phase::ready)
        running.emplace_back(id, i->second.monitor);
  }
  for (auto& [id, monitor] : running) {
    std::unique_lock lock{mutex_};
    auto state = containers_[id].record.state;
    lock.unlock();
    send_signal(id, state.pid, SIGKILL);
    for (int pid : groups_.processes(layout::pod_group(state.pod_uid) + "/" + id)) kill(pid, SIGKILL);
  }
  for (auto& [id, monitor] : running) {
    if (monitor >= 0 && !ended_within(monitor, monitor_end_ms))
      return make_error(errc::timed_out,
                        "container " + id + " did not end within " + std::to_string(monitor_end_ms) + " ms of SIGKILL");
    finish(id);
  }
  return caf::unit;
}

}  // namespace skerry::drivers::oci
