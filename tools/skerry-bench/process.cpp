#include "tools/skerry-bench/process.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace skerry::bench {
namespace {

pid_t spawn(const std::vector<std::string>& command, int out) {
  std::vector<char*> argv;
  for (const auto& c : command) argv.push_back(const_cast<char*>(c.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out, 1);
  posix_spawn_file_actions_adddup2(&actions, out, 2);
  pid_t pid = -1;
  int rc = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (rc != 0) throw std::runtime_error("cannot start " + command[0]);
  return pid;
}

std::string slurp(const std::string& path) {
  std::ifstream in{path};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace

process& process::operator=(process&& x) noexcept {
  if (this != &x) {
    stop();
    pid_ = x.pid_;
    x.pid_ = -1;
  }
  return *this;
}

process process::start(const std::vector<std::string>& command, const std::string& log_file) {
  int fd = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) throw std::runtime_error("cannot write " + log_file);
  process p;
  p.pid_ = spawn(command, fd);
  ::close(fd);
  return p;
}

bool process::alive() {
  if (pid_ < 0) return false;
  if (::waitpid(pid_, nullptr, WNOHANG) == 0) return true;
  pid_ = -1;
  return false;
}

void process::stop(uint32_t grace_ms) {
  if (pid_ < 0) return;
  ::kill(pid_, SIGTERM);
  for (auto end = now_ms() + grace_ms; now_ms() < end;) {
    if (!alive()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  kill();
}

void process::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::string run(const std::vector<std::string>& command) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  auto pid = spawn(command, ends[1]);
  ::close(ends[1]);
  std::string out;
  char buffer[4096];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) out.append(buffer, static_cast<size_t>(n));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (status != 0)
    throw std::runtime_error(command[0] + (command.size() > 1 ? " " + command[1] : "") + " failed: " + out);
  return out;
}

memory memory_of(pid_t pid) {
  std::ifstream in{"/proc/" + std::to_string(pid) + "/smaps_rollup"};
  memory m;
  std::string line;
  while (std::getline(in, line)) {
    std::istringstream words{line};
    std::string key;
    uint64_t kib = 0;
    words >> key >> kib;
    if (key == "Rss:") m.rss = kib * 1024;
    if (key == "Pss:") m.pss = kib * 1024;
    if (key == "Private_Dirty:") m.private_dirty = kib * 1024;
  }
  return m;
}

uint64_t cpu_us_of(pid_t pid) {
  // The scheduler's own count for each thread: /proc/PID/stat counts in ticks of 10 ms, which short turns fall between.
  uint64_t ns = 0;
  std::error_code ec;
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", ec)) {
    std::istringstream words{slurp(task.path() / "schedstat")};
    uint64_t ran = 0;
    words >> ran;
    ns += ran;
  }
  return ns / 1000;
}

std::vector<pid_t> pids_of(const std::string& name, const std::string& argument) {
  std::vector<pid_t> out;
  auto* dir = ::opendir("/proc");
  if (dir == nullptr) return out;
  while (auto* entry = ::readdir(dir)) {
    auto pid = static_cast<pid_t>(std::atoi(entry->d_name));
    if (pid <= 0) continue;
    auto base = std::string{"/proc/"} + entry->d_name;
    if (slurp(base + "/comm") != name + "\n") continue;
    if (slurp(base + "/cmdline").find(argument) != std::string::npos) out.push_back(pid);
  }
  ::closedir(dir);
  return out;
}

double now_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace skerry::bench
