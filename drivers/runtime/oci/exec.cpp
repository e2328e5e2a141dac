#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <schema/error.hpp>
#include <schema/json.hpp>

#include "driver.hpp"
#include "fs.hpp"

namespace skerry::drivers::oci {
namespace {

constexpr size_t output_bytes_max = 10 * 1024;  ///< as kubelet's probes keep
constexpr uint32_t kill_ms_max = 10'000;

int signal_number(std::string name) {
  static constexpr std::pair<const char*, int> names[] = {
      {"HUP", SIGHUP},     {"INT", SIGINT},   {"QUIT", SIGQUIT}, {"ABRT", SIGABRT}, {"KILL", SIGKILL},
      {"USR1", SIGUSR1},   {"USR2", SIGUSR2}, {"PIPE", SIGPIPE}, {"ALRM", SIGALRM}, {"TERM", SIGTERM},
      {"CONT", SIGCONT},   {"STOP", SIGSTOP}, {"TSTP", SIGTSTP}, {"IO", SIGIO},     {"PWR", SIGPWR},
      {"WINCH", SIGWINCH}, {"POLL", SIGPOLL}, {"URG", SIGURG}};
  if (name.starts_with("SIG")) name = name.substr(3);
  if (name.empty()) return SIGTERM;
  if (name.find_first_not_of("0123456789") == std::string::npos)
    return atoi(name.c_str()) < SIGRTMAX ? atoi(name.c_str()) : SIGTERM;
  if (name.starts_with("RTMIN+")) return SIGRTMIN + atoi(name.c_str() + 6);
  for (auto& [n, number] : names)
    if (name == n) return number;
  return SIGTERM;
}

}  // namespace

/// One command inside a container, while it runs.
struct driver::execution {
  std::string container, pid_file, process_file;
  child process;
  std::string output;
  uint64_t number = 0, output_ticket = 0, end_ticket = 0, timer = 0;
  bool ended = false;
  done<ports::exec_result> f;
};

void driver::send_signal(const std::string& id, int64_t pid, int signal) const {
  if (pid <= 0) return;
  descriptor fd{open_process(static_cast<pid_t>(pid))};
  // Of two processes with this number in turn, only ours is in the container's control group.
  auto group = read_file("/proc/" + std::to_string(pid) + "/cgroup", 64 * 1024);
  if (!fd || !group || group->find(id) == std::string::npos) return;
  syscall(SYS_pidfd_send_signal, fd.get(), signal, nullptr, 0);
}

void driver::do_stop(const std::string& id, uint32_t grace_ms, done<ports::container_state> f) {
  container_record r;
  {
    std::unique_lock lock{mutex_};
    auto i = containers_.find(id);
    if (i == containers_.end() || i->second.record.at == phase::making) {
      lock.unlock();
      return f(make_error(errc::not_found, "there is no container " + id));
    }
    r = i->second.record;
    if (r.at != phase::ready) {
      lock.unlock();
      return f(r.state);
    }
    i->second.waiters.push_back(f);
  }
  send_signal(id, r.state.pid, grace_ms == 0 ? SIGKILL : signal_number(r.stop_signal));
  loop_.after(grace_ms, [this, id, pid = r.state.pid] {
    {
      std::lock_guard guard{mutex_};
      auto i = containers_.find(id);
      if (i == containers_.end() || i->second.record.at != phase::ready) return;
    }
    send_signal(id, pid, SIGKILL);
    loop_.after(kill_ms_max, [this, id] {
      std::vector<done<ports::container_state>> waiters;
      {
        std::lock_guard guard{mutex_};
        auto i = containers_.find(id);
        if (i == containers_.end()) return;
        waiters.swap(i->second.waiters);
      }
      for (auto& w : waiters)
        w(make_error(errc::timed_out,
                     "container " + id + " did not end within " + std::to_string(kill_ms_max) + " ms of SIGKILL"));
    });
  });
}

void driver::do_exec(const std::string& id, const std::vector<std::string>& line, uint32_t timeout_ms,
                     done<ports::exec_result> f) {
  auto e = std::make_shared<execution>();
  {
    std::unique_lock lock{mutex_};
    auto i = containers_.find(id);
    if (i == containers_.end() || i->second.record.at != phase::ready) {
      bool known = i != containers_.end();
      lock.unlock();
      return f(
          make_error(errc::not_found, known ? "container " + id + " does not run" : "there is no container " + id));
    }
    e->number = ++last_;
  }
  if (line.empty()) return f(make_error(errc::invalid, "exec in container " + id + ": no command"));
  auto text = read_file(at_.bundle(id) + "/config.json");
  std::string error = text ? "" : message_of(text.error());
  auto config = text ? parse_json(*text, error) : json::value{};
  auto* process = error.empty() ? find(config, "process") : nullptr;
  if (!process || !process->is_object()) return f(make_error(errc::io, "exec in container " + id + ": " + error));
  json::array arguments;
  for (auto& a : line) arguments.emplace_back(a);
  process->get_object()["args"] = std::move(arguments);
  process->get_object()["terminal"] = false;
  e->container = id;
  e->f = f;
  e->process_file = at_.container(id) + "/exec-" + std::to_string(e->number) + ".json";
  e->pid_file = at_.container(id) + "/exec-" + std::to_string(e->number) + ".pid";
  if (auto w = write_atomic(e->process_file, json::serialize(*process), 0600); !w) return f(std::move(w.error()));
  auto c = runtime_command({"exec", "--pid-file", e->pid_file, "--process", e->process_file, id});
  auto started = start(c, true);
  if (!started) {
    unlink(e->process_file.c_str());
    return f(std::move(started.error()));
  }
  e->process = *started;
  {
    std::lock_guard guard{mutex_};
    executions_[e->number] = e;
  }
  // All that follows happens on the loop's thread.
  loop_.after(0, [this, e, timeout_ms] {
    read_output(e);
    e->end_ticket = loop_.when_readable(e->process.pidfd, [this, e] { end_execution(e, false); });
    e->timer = loop_.after(timeout_ms, [this, e] { end_execution(e, true); });
  });
}

void driver::read_output(const std::shared_ptr<execution>& e) {
  char buffer[4096];
  for (;;) {
    auto n = read(e->process.output_fd, buffer, sizeof buffer);
    if (n == 0) return;
    if (n < 0) break;
    e->output.append(buffer, std::min(static_cast<size_t>(n), output_bytes_max - e->output.size()));
  }
  if (!e->ended) e->output_ticket = loop_.when_readable(e->process.output_fd, [this, e] { read_output(e); });
}

void driver::end_execution(const std::shared_ptr<execution>& e, bool timed_out) {
  if (std::exchange(e->ended, true)) return;
  {
    std::lock_guard guard{mutex_};
    executions_.erase(e->number);
  }
  if (timed_out) {
    // The command itself first: the runtime's process that waits for it does not take it along.
    auto text = read_file(e->pid_file, 64);
    if (auto pid = text ? atoi(text->c_str()) : 0; pid > 0) {
      auto group = read_file("/proc/" + std::to_string(pid) + "/cgroup", 64 * 1024);
      if (group && group->find(e->container) != std::string::npos) kill_tree(pid);
    }
    kill_tree(e->process.pid);
  }
  loop_.forget(e->output_ticket);
  loop_.forget(e->end_ticket);
  loop_.forget(e->timer);
  if (e->process.output_fd >= 0) read_output(e);
  ports::exec_result r;
  r.exit_code = reap(e->process);
  r.timed_out = timed_out;
  r.output = std::move(e->output);
  unlink(e->process_file.c_str());
  unlink(e->pid_file.c_str());
  e->f(std::move(r));
}

// -- logs
// --------------------------------------------------------------------------------------------------------------

void driver::plan_rotation() {
  loop_.after(o_.log_check_ms, [this] {
    pool_.post("", [this] { rotate_logs(); });
    plan_rotation();
  });
}

/// conmon's own limit (--log-size-max) throws the old file away; so the files are moved here, and conmon is told to
/// open a new one (its control pipe: type 2, "reopen logs"). Between the two, lines go to the moved file: none is lost.
void driver::rotate_logs() {
  std::vector<std::pair<std::string, std::string>> running;
  {
    std::lock_guard guard{mutex_};
    for (auto& [id, e] : containers_)
      if (e.record.at == phase::ready) running.emplace_back(id, e.record.log_path);
  }
  for (auto& [id, path] : running) {
    struct stat st {};
    if (stat(path.c_str(), &st) != 0 || static_cast<uint64_t>(st.st_size) <= o_.log_bytes_max) continue;
    for (auto n = std::max(o_.log_files_max, 2U) - 1; n > 1; --n)
      rename((path + "." + std::to_string(n - 1)).c_str(), (path + "." + std::to_string(n)).c_str());
    if (rename(path.c_str(), (path + ".1").c_str()) != 0) continue;
    descriptor control{open((at_.bundle(id) + "/ctl").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)};
    if (!control || write(control.get(), "2 0 0\n", 6) != 6)
      log_.warning("oci", "container " + id + ": its monitor did not take the word to open a new log");
  }
}

}  // namespace skerry::drivers::oci
