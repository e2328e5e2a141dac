#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <schema/error.hpp>
#include <thread>

#include "driver.hpp"
#include "fs.hpp"
#include "namespaces.hpp"

namespace skerry::drivers::oci {
namespace {
constexpr int half_made_tries = 40;
constexpr auto half_made_pause = std::chrono::milliseconds(50);

std::string one_line(const std::string& path) {
  auto text = read_file(path, 4096);
  return text ? text->substr(0, text->find('\n')) : std::string{};
}

caf::error check_options(const options& o) {
  for (auto& d : {o.data_dir, o.run_dir})
    if (d.empty() || d.front() != '/' || d.find_first_of(",: \\\n") != std::string::npos || d.back() == '/')
      return make_error(errc::invalid,
                        "directory \"" + d + "\" must be absolute, without , : \\ or spaces (overlayfs' options)");
  if (o.bridge.empty() || o.bridge.size() > 15 || o.bridge.find('/') != std::string::npos)
    return make_error(errc::invalid, "bridge name \"" + o.bridge + "\" must have 1 to 15 bytes");
  if (o.cgroup_parent.size() < 2 || o.cgroup_parent.front() != '/')
    return make_error(errc::invalid,
                      "control group parent \"" + o.cgroup_parent + "\" must be absolute and not the root");
  if (o.pod_cidr.find('/') == std::string::npos)
    return make_error(errc::invalid, "pod CIDR \"" + o.pod_cidr + "\" has no prefix length");
  return {};
}

}  // namespace

caf::expected<void> driver::find_tools() {
  auto need = [](const std::string& path, const std::string& what, const char* package) -> caf::error {
    if (!path.empty() && access(path.c_str(), X_OK) == 0) return {};
    return make_error(errc::not_found, what + " is missing: install the Debian package " + package);
  };
  conmon_ = find_program("conmon");
  if (auto e = need(conmon_, "conmon", "conmon")) return e;
  // crun 1.8 refuses all but v2.
  auto crun = find_program("crun");
  bool use_crun = groups_.unified() && !crun.empty();
  runtime_name_ = use_crun ? "crun" : "runc";
  runtime_ = use_crun ? crun : find_program("runc");
  if (auto e = need(runtime_, runtime_name_, groups_.unified() ? "crun" : "runc")) return e;
  for (auto* name : {"bridge", "host-local", "portmap"})
    if (auto e = need(o_.cni_dir + "/" + name, "CNI plugin " + std::string{name}, "containernetworking-plugins"))
      return e;
  if (auto e = need(find_program("iptables"), "iptables", "iptables")) return e;
  if (auto e = need(find_program("skopeo"), "skopeo", "skopeo")) return e;
  for (auto* name : {"tar", "gzip"})
    if (auto e = need(find_program(name), name, name)) return e;
  command c;
  c.arguments = {runtime_, "--version"};
  c.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
  auto text = run_ok(c, o_.step_ms_max);
  if (!text) return std::move(text.error());
  auto at = text->find("version ");
  runtime_version_ =
      at == std::string::npos ? "unknown" : text->substr(at + 8, text->find_first_of("+\n", at) - at - 8);
  return caf::unit;
}

caf::expected<void> driver::begin() {
  if (geteuid() != 0) return make_error(errc::forbidden, "containers need root: start the node agent as root");
  if (auto e = check_options(o_)) return e;
  if (auto r = find_tools(); !r) return r;
  for (auto* d : {"", "/pods", "/containers", "/exits", "/logs", "/tmp"})
    if (auto r = make_directories(o_.data_dir + d, 0711); !r) return r;
  for (auto* d : {"", "/ns", "/runtime", "/ipam", "/sockets"})
    if (auto r = make_directories(o_.run_dir + d, 0711); !r) return r;
  auto lock = o_.data_dir + "/lock";
  lock_.reset(open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_) return io_error("cannot open", lock);
  // A child that the agent before us was just starting may hold it for a moment more.
  for (int tries = 0; flock(lock_.get(), LOCK_EX | LOCK_NB) != 0; ++tries) {
    if (tries == 100)
      return make_error(errc::locked,
                        o_.data_dir + " is used by another agent: stop it, or use another data directory");
    usleep(10'000);
  }
  pool_.hold();  // also what load() hears of containers that end just now
  pull_pool_.hold();
  if (auto r = images_.load(); !r) return r;
  if (auto r = load(); !r) return r;
  if (auto status = read_file("/proc/self/status", 64 * 1024))
    if (auto at = status->find("CapBnd:"); at != std::string::npos)
      capabilities_ = strtoull(status->c_str() + at + 7, nullptr, 16);
  monitor_groups_ = groups_.group_for("monitors");
  collecting_ = start_thread(
      collector_,
      [](void* self) -> void* {
        auto& d = *static_cast<driver*>(self);
        d.collect_garbage();
        d.pool_.resume();
        d.pull_pool_.resume();
        return nullptr;
      },
      this);
  if (!collecting_) return make_error(errc::io, "no thread to collect garbage");
  plan_rotation();
  return caf::unit;
}

caf::expected<void> driver::load() {
  auto boot = one_line("/proc/sys/kernel/random/boot_id");
  auto before = one_line(o_.data_dir + "/boot");
  bool rebooted = boot != before;
  load_sandboxes(rebooted);
  load_containers(rebooted);
  if (!rebooted) return caf::unit;
  if (!before.empty()) log_.info("oci", "the machine has restarted: its pods are not ready, its containers have ended");
  return write_atomic(o_.data_dir + "/boot", boot + "\n");
}

void driver::load_sandboxes(bool rebooted) {
  for (auto& uid : names_in(o_.data_dir + "/pods")) {
    auto text = read_file(at_.sandbox_file(uid));
    auto r = text ? sandbox_from_json(*text) : caf::expected<sandbox_record>{text.error()};
    bool whole = r && r->spec.uid == uid && r->at == phase::ready;
    if (whole) {
      sandboxes_[uid] = *r;
      continue;
    }
    sandbox_record g;
    if (r && r->spec.uid == uid) g = *r;
    g.spec.uid = uid;
    garbage_sandboxes_.push_back(std::move(g));
  }
  if (!rebooted) return;
  // The kernel's part is gone, also if the directory is not on a tmpfs; addresses are given anew.
  for (auto& uid : names_in(o_.run_dir + "/ns")) (void)drop_namespaces(o_.run_dir + "/ns/" + uid);
  for (auto* d : {"/ipam", "/runtime", "/sockets"}) {
    (void)remove_tree(o_.run_dir + d);
    (void)make_directories(o_.run_dir + d, 0711);
  }
}

bool driver::adopt(container_entry& e) const {
  auto text = read_file(at_.container(e.record.state.id) + "/conmon.pid", 64);
  auto pid = text ? atoi(text->c_str()) : 0;
  if (pid <= 0) return false;
  descriptor fd{open_process(pid)};
  auto line = read_file("/proc/" + std::to_string(pid) + "/cmdline", 64 * 1024);
  return fd && line && line->find(e.record.state.id) != std::string::npos;
}

void driver::load_containers(bool rebooted) {
  std::vector<std::string> running;
  for (auto& id : names_in(o_.data_dir + "/containers")) {
    auto text = read_file(at_.container_file(id));
    auto r = text ? container_from_json(*text) : caf::expected<container_record>{text.error()};
    bool whole = r && r->state.id == id && (r->at == phase::ready || r->at == phase::exited);
    if (!whole || !sandboxes_.contains(r->state.pod_uid)) {
      garbage_containers_.emplace_back(id, r ? r->state.pod_uid : std::string{});
      continue;
    }
    container_entry e;
    e.record = *r;
    if (r->at == phase::ready) {
      if (rebooted && !exists(at_.exit_file(id))) {
        auto& s = e.record.state;
        s.exit_code = 128 + SIGKILL;
        s.finished_ms = std::max(clock_.wall_ms(), s.started_ms);
        s.termination_message = "gone: the machine restarted";
        s.phase = ports::container_phase::exited;
        s.pid = 0;
        e.record.at = phase::exited;
        if (auto w = write_atomic(at_.container_file(id), to_json(e.record)); !w)
          log_.error("oci", message_of(w.error()));
      } else {
        running.push_back(id);
      }
    }
    containers_[id] = std::move(e);
  }
  for (auto& id : running) {
    if (!rebooted && adopt(containers_[id])) {
      watch(id);
    } else {
      finish(id);  // it ended while we were away; list() says so
    }
  }
}

/// conmon processes of this data directory: container id -> pid.
std::multimap<std::string, pid_t> driver::find_monitors() const {
  std::multimap<std::string, pid_t> out;
  auto ours = o_.data_dir + "/containers/";
  for (auto& name : names_in("/proc")) {
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    auto line = read_file("/proc/" + name + "/cmdline", 64 * 1024);
    if (!line || line->find("conmon") == std::string::npos) continue;
    auto at = line->find(ours);
    if (at != std::string::npos && at + ours.size() + 64 <= line->size())
      out.emplace(line->substr(at + ours.size(), 64), atoi(name.c_str()));
  }
  return out;
}

void driver::collect_garbage() {
  auto complain = [this](const caf::expected<void>& r) {
    if (!r) log_.warning("oci", "collecting garbage: " + message_of(r.error()));
  };
  std::set<std::string> ids, running;
  std::set<std::string> uids;
  {
    std::lock_guard guard{mutex_};
    for (auto& [id, e] : containers_) {
      ids.insert(id);
      if (e.record.at == phase::ready) running.insert(id);
    }
    for (auto& [uid, r] : sandboxes_) uids.insert(uid);
  }
  for (auto& [id, pid] : find_monitors())
    if (!running.contains(id)) kill_tree(pid);
  for (auto& [id, uid] : garbage_containers_) complain(destroy(id, uid.empty() ? "-" : uid));
  for (auto& id : names_in(at_.runtime_root()))
    if (!running.contains(id)) complain(destroy_leftover(id));
  for (auto& [id, e] : containers_)
    if (!running.contains(id)) release(e.record);
  for (auto& r : garbage_sandboxes_) {
    complain(dismantle_sandbox(r));
    if (!r.spec.name.empty()) complain(remove_tree(at_.logs(r.spec)));
    complain(remove_tree(at_.pod(r.spec.uid)));
  }
  for (auto& uid : names_in(o_.run_dir + "/ns"))
    if (!uids.contains(uid)) complain(drop_namespaces(o_.run_dir + "/ns/" + uid));
  for (auto& uid : network_.holders())
    if (!uids.contains(uid)) complain(network_.detach(uid, "", {{1, 1, "tcp", ""}}, ""));
  for (auto& name : groups_.names())
    if (name.starts_with("pod") && !uids.contains(name.substr(3))) {
      for (int pid : groups_.processes(name)) kill(pid, SIGKILL);
      groups_.remove(name);
    }
  for (auto* directory : {"/exits", "/sockets"})
    for (auto& id : names_in((directory[1] == 'e' ? o_.data_dir : o_.run_dir) + directory))
      if (!ids.contains(id)) unlink(((directory[1] == 'e' ? o_.data_dir : o_.run_dir) + directory + "/" + id).c_str());
  // A helper of the agent that was killed is killed with it, and may still write while it ends.
  for (int tries = 0; tries < half_made_tries; ++tries) {
    auto half_made = names_in(o_.data_dir + "/tmp");
    if (half_made.empty()) break;
    if (tries > 0) std::this_thread::sleep_for(half_made_pause);
    for (auto& name : half_made) {
      unmount_below(o_.data_dir + "/tmp/" + name);
      auto r = remove_tree(o_.data_dir + "/tmp/" + name);
      if (tries == half_made_tries - 1) complain(r);
    }
  }
  std::set<std::string> logs;
  for (auto& [uid, r] : sandboxes_) logs.insert(r.spec.ns + "_" + r.spec.name + "_" + uid);
  for (auto& name : names_in(o_.data_dir + "/logs"))
    if (!logs.contains(name)) complain(remove_tree(o_.data_dir + "/logs/" + name));
  images_.collect(used_images());
  garbage_containers_.clear();
  garbage_sandboxes_.clear();
}

caf::expected<void> driver::destroy_leftover(const std::string& id) {
  auto r = run(runtime_command({"delete", "--force", id}), o_.step_ms_max);
  if (r && r->ok()) return caf::unit;
  return remove_tree(at_.runtime_root() + "/" + id);
}

caf::expected<void> driver::remove_everything() {
  if (collecting_) pthread_join(collector_, nullptr);
  collecting_ = false;
  pull_pool_.stop();
  pool_.stop();
  std::vector<std::string> uids;
  for (auto& [uid, r] : sandboxes_) uids.push_back(uid);
  for (auto& uid : uids)
    if (auto r = do_remove_sandbox(uid); !r) return r;
  network_.remove_all();
  for (auto& name : groups_.names()) groups_.remove(name);
  groups_.remove_parent();
  for (auto& d : {o_.run_dir, o_.data_dir}) {
    unmount_below(d);
    if (auto r = remove_tree(d); !r) return r;
  }
  return caf::unit;
}

caf::expected<std::unique_ptr<ports::runtime>> make_runtime(options o, ports::clock& clock, ports::log& log) {
  auto d = std::make_unique<driver>(std::move(o), clock, log);
  if (auto r = d->begin(); !r) return std::move(r.error());
  return std::unique_ptr<ports::runtime>{std::move(d)};
}

caf::expected<void> purge(const options& o, ports::clock& clock, ports::log& log) {
  driver d{o, clock, log};
  if (auto r = d.begin(); !r) return r;
  return d.remove_everything();
}

}  // namespace skerry::drivers::oci
