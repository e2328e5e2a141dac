#include "tools/skerry-bench/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "tools/skerry-bench/process.hpp"

namespace skerry::bench {

child::child(const std::vector<std::string>& arguments) {
  int to[2], from[2];
  if (::pipe2(to, O_CLOEXEC) != 0 || ::pipe2(from, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  std::vector<std::string> all{"skerry-bench"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& a : all) argv.push_back(a.data());
  argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(to[0], STDIN_FILENO);
    ::dup2(from[1], STDOUT_FILENO);
    ::execv("/proc/self/exe", argv.data());
    ::_exit(127);
  }
  ::close(to[0]);
  ::close(from[1]);
  in_ = to[1];
  out_ = from[0];
  if (pid_ < 0) throw std::runtime_error("cannot start a helper process");
}

child::~child() {
  ::close(in_);
  for (auto end = now_ms() + 5000; now_ms() < end;) {
    if (::waitpid(pid_, nullptr, WNOHANG) != 0) {
      pid_ = -1;
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  ::close(out_);
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void child::say(const std::string& line) {
  auto text = line + "\n";
  if (::write(in_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("the helper process is gone");
}

std::string child::hear(uint32_t deadline_ms) {
  for (auto end = now_ms() + deadline_ms;;) {
    if (auto at = buffer_.find('\n'); at != std::string::npos) {
      auto line = buffer_.substr(0, at);
      buffer_.erase(0, at + 1);
      return line;
    }
    auto left = end - now_ms();
    pollfd p{out_, POLLIN, 0};
    if (left <= 0 || ::poll(&p, 1, static_cast<int>(left) + 1) == 0)
      throw std::runtime_error("the helper process says nothing for " + std::to_string(deadline_ms) + " ms");
    char part[4096];
    auto n = ::read(out_, part, sizeof part);
    if (n <= 0) throw std::runtime_error("the helper process has ended");
    buffer_.append(part, static_cast<size_t>(n));
  }
}

std::map<std::string, double> child::figures(uint32_t deadline_ms) {
  auto line = hear(deadline_ms);
  std::istringstream words{line};
  std::map<std::string, double> out;
  std::string key;
  double value = 0;
  while (words >> key) {
    if (!(words >> value)) throw std::runtime_error("the helper process says: " + line);
    out[key] = value;
  }
  return out;
}

std::string hear_parent() {
  std::string line;
  std::getline(std::cin, line);
  return line;
}

void tell_parent(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

}  // namespace skerry::bench
