#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <thread>

#include "schema/error.hpp"
#include "tools/skerry-sim/commands.hpp"

namespace skerry::tools {
namespace {

/// A run in a process of its own.
struct child {
  pid_t pid = 0;
  int out = -1;
  uint64_t seed = 0;
  std::string text;
};

child start(const recipe& r, bool json) {
  int pipe[2];
  if (::pipe(pipe) != 0) return {};
  std::fflush(stdout);
  auto pid = ::fork();
  if (pid == 0) {
    ::close(pipe[0]);
    auto f = play(r, true, false);
    auto text = json ? json_of(r, f) + "\n" : text_of(r, f);
    for (size_t at = 0; at < text.size();) {
      auto n = ::write(pipe[1], text.data() + at, text.size() - at);
      if (n <= 0) break;
      at += static_cast<size_t>(n);
    }
    ::_exit(f.out.ok ? 0 : 1);
  }
  ::close(pipe[1]);
  return {pid, pipe[0], r.seed, {}};
}

/// Waits for one of them to end; the others' output is taken in meanwhile. Returns its place.
size_t next_end(std::vector<child>& all) {
  while (true) {
    std::vector<pollfd> fds;
    for (auto& c : all) fds.push_back({c.out, POLLIN, 0});
    ::poll(fds.data(), fds.size(), -1);
    for (size_t i = 0; i < all.size(); ++i) {
      if (fds[i].revents == 0) continue;
      char buffer[4096];
      auto n = ::read(all[i].out, buffer, sizeof buffer);
      if (n <= 0) return i;
      all[i].text.append(buffer, static_cast<size_t>(n));
    }
  }
}

}  // namespace

/// Runs one seed after the other, some at a time, until one fails.
int run_seeds(const sim_options& o, const recipe& r) {
  auto jobs = o.jobs > 0 ? o.jobs : std::max(1u, std::thread::hardware_concurrency());
  std::vector<child> running;
  uint64_t next = 0, good = 0;
  bool terminal = ::isatty(STDERR_FILENO) == 1;
  std::string failure;
  using clock = std::chrono::steady_clock;
  auto end = clock::now() + std::chrono::milliseconds{o.within_ms};
  auto more = [&] { return next < o.seeds && (o.within_ms == 0 || clock::now() < end); };
  while (failure.empty() && (more() || !running.empty())) {
    while (running.size() < jobs && more()) {
      auto mine = r;
      mine.seed = o.seed + next++;
      auto c = start(mine, o.json);
      if (c.pid <= 0) return std::fprintf(stderr, "skerry-sim: cannot start a process\n"), 1;
      running.push_back(std::move(c));
    }
    auto i = next_end(running);
    auto c = std::move(running[i]);
    running.erase(running.begin() + static_cast<ptrdiff_t>(i));
    int status = 0;
    ::close(c.out);
    ::waitpid(c.pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
      ++good;
      if (terminal)
        std::fprintf(stderr, "\r\033[K%llu of %llu seeds", static_cast<unsigned long long>(good),
                     static_cast<unsigned long long>(o.seeds));
      continue;
    }
    auto mine = r;
    mine.seed = c.seed;
    failure = c.text.empty()
                  ? "the run of seed " + std::to_string(c.seed) + " ended by signal " +
                        std::to_string(WIFSIGNALED(status) ? WTERMSIG(status) : 0) + "\n  again: " + mine.line() + "\n"
                  : c.text;
  }
  for (auto& c : running) {
    ::kill(c.pid, SIGKILL);
    ::waitpid(c.pid, nullptr, 0);
    ::close(c.out);
  }
  if (terminal) std::fprintf(stderr, "\r\033[K");
  if (failure.empty()) {
    std::printf("%llu seeds from %llu on: ok\n", static_cast<unsigned long long>(good),
                static_cast<unsigned long long>(o.seed));
    return 0;
  }
  std::printf("%s%llu seeds before it passed\n", failure.c_str(), static_cast<unsigned long long>(good));
  return 1;
}

/// Tries smaller runs, and keeps each that fails by the same invariant.
int shrink(const sim_options& o, recipe r) {
  auto first = play(r, true, false);
  if (first.out.ok) {
    std::printf("it does not fail: nothing to shrink\n");
    return 1;
  }
  auto what = first.out.broke;
  int tries = 0;
  auto fails = [&](const recipe& smaller) {
    ++tries;
    auto f = play(smaller, true, false);
    if (::isatty(STDERR_FILENO) == 1)
      std::fprintf(stderr, "\r\033[K%d tries, now %u nodes, %s", tries, r.plan.nodes,
                   sim::format_duration(r.plan.duration_ms).c_str());
    return !f.out.ok && f.out.broke == what;
  };
  auto smaller = [&](auto change) {
    while (true) {
      auto s = r;
      if (!change(s) || !fails(s)) return;
      r = std::move(s);
    }
  };
  // What comes after the failure is not needed.
  smaller([](recipe& s) { return (s.plan.duration_ms /= 2) >= 1'000; });
  smaller([](recipe& s) { return (s.plan.nodes /= 2) >= 1; });
  smaller([](recipe& s) { return (s.plan.pods_per_node /= 2) >= 1; });
  // Halves of the faults, then smaller parts of them.
  auto all = sim::draw_schedule(r.plan, r.seed);
  for (auto size = std::max<size_t>(1, all.size() / 2);; size /= 2) {
    for (size_t at = 0; at < all.size(); at += size) {
      auto s = r;
      for (size_t i = at; i < std::min(all.size(), at + size); ++i)
        if (std::find(s.without.begin(), s.without.end(), i) == s.without.end())
          s.without.push_back(static_cast<uint32_t>(i));
      if (s.without.size() != r.without.size() && fails(s)) r = std::move(s);
    }
    if (size <= 1 || tries > 200) break;
  }
  if (::isatty(STDERR_FILENO) == 1) std::fprintf(stderr, "\r\033[K");
  auto last = play(r, true, false);
  std::fputs((o.json ? json_of(r, last) + "\n" : text_of(r, last)).c_str(), stdout);
  return 0;
}

}  // namespace skerry::tools
