#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <schema/error.hpp>
#include <schema/json.hpp>

#include "bundle.hpp"
#include "driver.hpp"
#include "fs.hpp"
#include "namespaces.hpp"

namespace skerry::drivers::oci {
namespace {

/// The runtime's complaint, without the frame of its log line.
std::string complaint(std::string text) {
  auto at = text.rfind("msg=\"");
  if (at != std::string::npos) {
    auto end = text.rfind('"');
    text = text.substr(at + 5, end > at + 5 ? end - at - 5 : std::string::npos);
  }
  for (size_t i; (i = text.find("\\\"")) != std::string::npos;) text.erase(i, 1);
  auto last = text.find_last_not_of("\r\n ");
  return text.substr(0, last == std::string::npos ? 0 : last + 1);
}

/// Reads conmon's one line, {"data": pid, "message": ...}.
std::string read_report(int fd, int timeout_ms) {
  std::string out;
  char buffer[4096];
  while (out.find('\n') == std::string::npos && out.size() < 64 * 1024) {
    pollfd p{fd, POLLIN, 0};
    if (poll(&p, 1, timeout_ms) <= 0) break;
    auto n = read(fd, buffer, sizeof buffer);
    if (n <= 0) break;
    out.append(buffer, static_cast<size_t>(n));
  }
  return out;
}

}  // namespace

caf::expected<ports::container_state> driver::do_start(const ports::container_spec& spec) {
  if (spec.name.empty() || spec.name.size() > 63 ||
      spec.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string::npos)
    return make_error(errc::invalid, "container name \"" + spec.name + "\" is not a DNS label");
  auto id = container_id(spec.pod_uid, spec.name, spec.attempt);
  sandbox_record sandbox;
  {
    std::lock_guard guard{mutex_};
    if (auto i = containers_.find(id); i != containers_.end()) return i->second.record.state;
    auto s = sandboxes_.find(spec.pod_uid);
    if (s == sandboxes_.end())
      return make_error(errc::not_found, "pod " + spec.pod_uid + " has no sandbox here: make it first");
    sandbox = s->second;
  }
  if (!state_of(sandbox).ready)
    return make_error(errc::unavailable, "the sandbox of pod " + spec.pod_uid + " lost its network: make it again");
  auto name = parse_reference(spec.image);
  if (!name) return std::move(name.error());
  container_record record;
  {
    // Under the lock from the look-up to the entry: the image cannot be removed between.
    std::lock_guard guard{mutex_};
    auto image = images_.lookup(*name);
    if (!image) return make_error(errc::not_found, "image " + name->text() + " is not here: pull it first");
    auto& s = record.state;
    s.id = id;
    s.pod_uid = spec.pod_uid;
    s.name = spec.name;
    s.attempt = spec.attempt;
    s.image = spec.image;
    s.image_id = image->digest_name;
    s.labels = spec.labels;
    record.config_digest = image->config;
    record.log_path = at_.logs(sandbox.spec) + "/" + spec.name + "/" + std::to_string(spec.attempt) + ".log";
    containers_[id].record = record;
  }
  auto image = images_.lookup(*name);
  auto done =
      image ? launch(record, spec, sandbox, *image)
            : caf::expected<void>{make_error(errc::not_found, "image " + name->text() + " was removed meanwhile")};
  if (!done) {
    (void)destroy(id, spec.pod_uid);
    std::lock_guard guard{mutex_};
    containers_.erase(id);
    auto e = done.error();
    return make_error(code_of(e), "container " + spec.name + ": " + message_of(e));
  }
  {
    std::lock_guard guard{mutex_};
    containers_[id].record = record;
  }
  watch(id);
  return record.state;
}

caf::expected<void> driver::launch(container_record& r, const ports::container_spec& spec,
                                   const sandbox_record& sandbox, const image_record& image) {
  auto& id = r.state.id;
  for (auto& d : {at_.bundle(id), at_.root(id), at_.container(id) + "/upper", at_.container(id) + "/work",
                  at_.container(id) + "/sub"})
    if (auto m = make_directories(d); !m) return m;
  if (auto m = make_directories(r.log_path.substr(0, r.log_path.rfind('/'))); !m) return m;
  r.at = phase::making;
  if (auto w = write_atomic(at_.container_file(id), to_json(r)); !w) return w;
  step("container.recorded");
  auto config = images_.config(image.config);
  if (!config) return std::move(config.error());
  r.stop_signal = config->stop_signal;
  if (auto m = mount_root(id, image); !m) return m;
  step("container.mounted");
  auto who = find_identity(at_.root(id), config->user, spec.user, spec.group, spec.run_as_non_root);
  if (!who) return std::move(who.error());
  auto sources = mount_sources(id, spec);
  if (!sources) return std::move(sources.error());
  if (auto w = write_atomic(at_.container(id) + "/termination-log", "", 0666); !w) return w;
  chmod((at_.container(id) + "/termination-log").c_str(), 0666);
  auto text =
      make_bundle_config({spec, sandbox.spec, *config, *who, at_, groups_, id, capabilities_, std::move(*sources)});
  if (!text) return std::move(text.error());
  if (auto w = write_atomic(at_.bundle(id) + "/config.json", *text, 0600); !w) return w;
  auto pid = create(r, spec);
  if (!pid) return std::move(pid.error());
  step("container.created");
  auto started = run(runtime_command({"start", id}), o_.step_ms_max);
  if (!started) return std::move(started.error());
  if (!started->ok()) return make_error(errc::invalid, complaint(started->output));
  step("container.started");
  r.state.pid = *pid;
  r.state.started_ms = clock_.wall_ms();
  r.state.phase = ports::container_phase::running;
  r.at = phase::ready;
  if (auto w = write_atomic(at_.container_file(id), to_json(r)); !w) return w;
  step("container.running");
  return caf::unit;
}

caf::expected<void> driver::mount_root(const std::string& id, const image_record& image) {
  // Lower layers by short names below layers/: a mount's options hold 4 KiB, which is about 150 layers so.
  std::string options;
  for (auto& d : oci::images::lower_directories(image.diff_ids)) options += (options.empty() ? "lowerdir=" : ":") + d;
  options += ",upperdir=" + at_.container(id) + "/upper,workdir=" + at_.container(id) + "/work";
  if (options.size() > 4000) return make_error(errc::unsupported, "the image has too many layers for overlayfs");
  if (chdir(images_.layers_directory().c_str()) != 0) return io_error("cannot enter", images_.layers_directory());
  if (mount("overlay", at_.root(id).c_str(), "overlay", 0, options.c_str()) != 0)
    return io_error("cannot mount the root", at_.root(id));
  return caf::unit;
}

caf::expected<std::vector<std::string>> driver::mount_sources(const std::string& id,
                                                              const ports::container_spec& spec) {
  std::vector<std::string> out;
  for (auto& m : spec.mounts) {
    if (m.target.empty() || m.target.front() != '/')
      return make_error(errc::invalid, "mountPath \"" + m.target + "\" is not absolute");
    if (!exists(m.source))
      return make_error(errc::invalid, "mount of " + m.target + ": " + m.source + " is not on the node");
    if (m.sub_path.empty()) {
      out.push_back(m.source);
      continue;
    }
    // Held by a bind mount of what was opened: a container that swaps a link meanwhile changes nothing.
    auto fd = open_beneath(m.source, m.sub_path, true);
    if (!fd) return make_error(errc::invalid, "subPath of " + m.target + ": " + message_of(fd.error()));
    auto place = at_.container(id) + "/sub/" + std::to_string(out.size());
    struct stat st {};
    fstat(fd->get(), &st);
    if (S_ISDIR(st.st_mode)) {
      mkdir(place.c_str(), 0755);
    } else {
      descriptor file{open(place.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0644)};
    }
    if (mount(("/proc/self/fd/" + std::to_string(fd->get())).c_str(), place.c_str(), nullptr, MS_BIND | MS_REC,
              nullptr) != 0)
      return io_error("cannot mount", place);
    out.push_back(place);
  }
  return out;
}

caf::expected<int64_t> driver::create(const container_record& r, const ports::container_spec& spec) {
  auto& id = r.state.id;
  int pair[2];
  if (pipe2(pair, O_CLOEXEC) != 0) return io_error("cannot make a pipe for", conmon_);
  descriptor ours{pair[0]}, theirs{pair[1]};
  command c;
  c.arguments = {conmon_,
                 "--api-version",
                 "1",
                 "-c",
                 id,
                 "-u",
                 id,
                 "-n",
                 spec.name,
                 "-r",
                 runtime_,
                 "-b",
                 at_.bundle(id),
                 "-p",
                 at_.container(id) + "/init.pid",
                 "-P",
                 at_.container(id) + "/conmon.pid",
                 "-l",
                 "k8s-file:" + r.log_path,
                 "--exit-dir",
                 o_.data_dir + "/exits",
                 "--socket-dir-path",
                 o_.run_dir + "/sockets",
                 "--log-level",
                 "error",
                 "--no-sync-log",
                 "--runtime-arg",
                 "--root",
                 "--runtime-arg",
                 at_.runtime_root()};
  if (spec.tty) c.arguments.push_back("-t");
  if (spec.open_stdin) c.arguments.insert(c.arguments.end(), {"-i", "--leave-stdin-open"});
  c.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "_OCI_SYNCPIPE=3", "GOMAXPROCS=2"};
  c.pass_fd = theirs.get();
  c.own_session = true;
  c.cgroup_files = monitor_groups_;
  c.output_file = at_.container(id) + "/conmon.out";
  auto child = start(c, false);
  if (!child) return std::move(child.error());
  theirs.reset();
  auto report = read_report(ours.get(), static_cast<int>(o_.step_ms_max));
  if (!ended_within(child->pidfd, report.empty() ? 0 : 2'000)) kill_tree(child->pid);
  int code = reap(*child);
  std::string error;
  auto v = parse_json(std::string_view{report}.substr(0, report.find('\n')), error);
  auto pid = error.empty() ? int_at(v, "data", -1) : -1;
  if (pid > 0) return pid;
  auto message = error.empty() ? std::string{string_at(v, "message")} : std::string{};
  if (message.empty()) message = read_tail(c.output_file, 2000);
  if (message.empty())
    return make_error(errc::timed_out, "conmon (exit code " + std::to_string(code) +
                                           ") did not report a container within " + std::to_string(o_.step_ms_max) +
                                           " ms");
  return make_error(errc::invalid, complaint(message));
}

void driver::watch(const std::string& id) {
  auto pid = static_cast<pid_t>(read_number(at_.container(id) + "/conmon.pid"));
  int fd = pid > 0 ? open_process(pid) : -1;
  std::string key;
  {
    std::lock_guard guard{mutex_};
    auto& e = containers_[id];
    key = e.record.state.pod_uid;
    e.monitor = fd;
  }
  auto ended = [this, id, key] { pool_.post(key, [this, id] { finish(id); }); };
  if (fd < 0) return ended();
  auto ticket = loop_.when_readable(fd, ended);
  std::lock_guard guard{mutex_};
  containers_[id].ticket = ticket;
}

}  // namespace skerry::drivers::oci
