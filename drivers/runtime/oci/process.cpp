#include "process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <schema/error.hpp>

#include "fs.hpp"

namespace skerry::drivers::oci {
namespace {

int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

struct prepared {
  std::vector<char*> arguments, environment;
  std::vector<const char*> cgroups;
  int in = -1, out = -1, pass = -1;
  bool session = false;
};

/// Runs in the parent's memory after vfork: system calls only.
[[noreturn]] void run_child(const prepared& p) {
  if (p.session)
    setsid();
  else
    prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (auto* file : p.cgroups) {
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    if (fd < 0) continue;
    [[maybe_unused]] auto n = write(fd, "0", 1);
    close(fd);
  }
  // All descriptors here are above 3 and close on exec; dup2 gives copies that stay.
  dup2(p.in, 0);
  dup2(p.out, 1);
  dup2(p.out, 2);
  if (p.pass >= 0) dup2(p.pass, 3);
  // Whatever else somebody forgot to mark: nothing of ours stays open in a monitor that outlives us.
  syscall(SYS_close_range, p.pass >= 0 ? 4U : 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
  sigset_t none;
  sigemptyset(&none);
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int s : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGUSR1, SIGUSR2}) sigaction(s, &standard, nullptr);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(p.arguments[0], p.arguments.data(), p.environment.data());
  _exit(127);
}

/// A descriptor above 3, so that dup2 in the child cannot overwrite it.
int high(int fd) {
  if (fd < 0 || fd > 3) return fd;
  int up = fcntl(fd, F_DUPFD_CLOEXEC, 4);
  close(fd);
  return up;
}

std::vector<char*> pointers(const std::vector<std::string>& list) {
  std::vector<char*> out;
  out.reserve(list.size() + 1);
  for (auto& s : list) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

void read_some(int fd, std::string& to, size_t max, bool& open) {
  char buffer[4096];
  for (;;) {
    auto n = read(fd, buffer, sizeof buffer);
    if (n > 0) {
      if (to.size() < max) to.append(buffer, std::min<size_t>(static_cast<size_t>(n), max - to.size()));
      continue;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) open = false;
    if (n < 0 && errno == EINTR) continue;
    return;
  }
}

std::string last_lines(const std::string& text) {
  auto end = text.find_last_not_of("\r\n ");
  if (end == std::string::npos) return "it said nothing";
  auto from = end > 1500 ? end - 1500 : 0;
  return text.substr(from, end + 1 - from);
}

}  // namespace

namespace {
/// Alone in a function that is not inlined: the child borrows this frame, and nothing else that lives in registers.
[[gnu::noinline]] std::pair<pid_t, int> start_child(const prepared& p) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  pid_t pid = vfork();
  if (pid == 0) run_child(p);
  int failure = errno;
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  return {pid, failure};
}
}  // namespace

caf::expected<child> start(const command& c, bool capture) {
  prepared p;
  p.arguments = pointers(c.arguments);
  p.environment = pointers(c.environment);
  for (auto& f : c.cgroup_files) p.cgroups.push_back(f.c_str());
  p.session = c.own_session;
  descriptor in_read, in_write, out_read, out_write;
  int fds[2];
  if (c.stdin_fd >= 0) {
    in_read.reset(fcntl(c.stdin_fd, F_DUPFD_CLOEXEC, 4));
  } else if (!c.input.empty()) {
    if (pipe2(fds, O_CLOEXEC) != 0) return make_error(errc::io, std::string{"pipe: "} + strerror(errno));
    in_read.reset(high(fds[0]));
    in_write.reset(fds[1]);
    [[maybe_unused]] auto n = write(in_write.get(), c.input.data(), std::min<size_t>(c.input.size(), 64 * 1024));
    in_write.reset();
  } else {
    in_read.reset(high(open("/dev/null", O_RDWR | O_CLOEXEC)));
  }
  if (capture) {
    if (pipe2(fds, O_CLOEXEC) != 0) return make_error(errc::io, std::string{"pipe: "} + strerror(errno));
    out_read.reset(fds[0]);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    out_write.reset(high(fds[1]));
  } else {
    auto* path = c.output_file.empty() ? "/dev/null" : c.output_file.c_str();
    out_write.reset(high(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)));
  }
  p.in = in_read.get();
  p.out = out_write.get();
  descriptor pass{c.pass_fd >= 0 ? fcntl(c.pass_fd, F_DUPFD_CLOEXEC, 4) : -1};
  p.pass = pass.get();
  if (p.in < 0 || p.out < 0) return make_error(errc::io, "no descriptors left to start " + c.arguments[0]);
  auto [pid, failure] = start_child(p);
  if (pid < 0) return make_error(errc::io, "cannot start " + c.arguments[0] + ": " + strerror(failure));
  child out;
  out.pid = pid;
  out.pidfd = open_process(pid);
  out.output_fd = out_read.release();
  return out;
}

int reap(child& c) {
  int status = 0;
  pid_t r;
  do r = waitpid(c.pid, &status, 0);
  while (r < 0 && errno == EINTR);
  if (c.pidfd >= 0) close(c.pidfd);
  if (c.output_fd >= 0) close(c.output_fd);
  c = child{};
  if (r < 0) return -1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

caf::expected<outcome> run(const command& c, uint32_t timeout_ms, size_t output_max) {
  auto started = start(c, true);
  if (!started) return std::move(started.error());
  auto deadline = now_ms() + timeout_ms;
  outcome out;
  bool open = true;
  for (bool alive = true; alive;) {
    pollfd fds[2] = {{started->pidfd, POLLIN, 0}, {open ? started->output_fd : -1, POLLIN, 0}};
    auto left = deadline - now_ms();
    bool cancelled = c.cancel && c.cancel->load();
    if ((left <= 0 || cancelled) && !out.timed_out) {
      out.timed_out = true;
      kill(started->pid, SIGKILL);
    }
    poll(fds, 2, static_cast<int>(out.timed_out ? 1000 : std::min<int64_t>(left, c.cancel ? 200 : left)));
    if (fds[1].revents) read_some(started->output_fd, out.output, output_max, open);
    alive = fds[0].revents == 0;
  }
  if (open) read_some(started->output_fd, out.output, output_max, open);
  out.exit_code = reap(*started);
  return out;
}

caf::expected<std::string> run_ok(const command& c, uint32_t timeout_ms, size_t output_max) {
  auto r = run(c, timeout_ms, output_max);
  if (!r) return std::move(r.error());
  if (r->ok()) return std::move(r->output);
  auto name = c.arguments[0].substr(c.arguments[0].rfind('/') + 1);
  if (r->timed_out)
    return make_error(errc::timed_out,
                      name + " did not end within " + std::to_string(timeout_ms) + " ms: " + last_lines(r->output));
  return make_error(errc::internal,
                    name + " ended with " + std::to_string(r->exit_code) + ": " + last_lines(r->output));
}

bool ended_within(int pidfd, int timeout_ms) {
  auto deadline = now_ms() + timeout_ms;
  for (;;) {
    pollfd p{pidfd, POLLIN, 0};
    auto left = std::max<int64_t>(deadline - now_ms(), 0);
    int r = poll(&p, 1, static_cast<int>(left));
    if (r > 0) return true;
    if (r == 0) return false;
  }
}

int open_process(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

void kill_tree(pid_t pid) {
  kill(pid, SIGSTOP);
  auto base = "/proc/" + std::to_string(pid) + "/task/";
  for (auto& task : names_in(base)) {
    auto children = read_file(base + task + "/children", 64 * 1024);
    if (!children) continue;
    const char* at = children->c_str();
    for (char* end = nullptr;; at = end) {
      long next = strtol(at, &end, 10);
      if (end == at) break;
      kill_tree(static_cast<pid_t>(next));
    }
  }
  kill(pid, SIGKILL);
}

std::string find_program(const std::string& name) {
  for (auto* dir : {"/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"})
    if (access((dir + name).c_str(), X_OK) == 0) return dir + name;
  return {};
}

}  // namespace skerry::drivers::oci
