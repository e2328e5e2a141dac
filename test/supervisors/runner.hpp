#pragma once
#include <deque>
#include <string>

#include "supervisors/machine.hpp"

namespace skerry::test {

inline std::string text(const supervisors::steps& all) {
  static constexpr const char* names[] = {"start", "ask", "kill", "abandon", "arm", "drop", "settled", "quit"};
  std::string out;
  for (auto& s : all) {
    if (!out.empty()) out += ' ';
    out += names[static_cast<int>(s.what)];
    if (s.what != supervisors::step::kind::settled && s.what != supervisors::step::kind::quit)
      out += std::to_string(s.child);
    if (s.what == supervisors::step::kind::arm) out += ":" + std::to_string(s.ms);
  }
  return out;
}

/// Runs starts and stops that answer at once, and returns the order of things.
struct runner {
  supervisors::machine m;
  std::string log;
  uint64_t generation = 0;
  int64_t now = 0;

  void feed(supervisors::steps todo) {
    std::deque<supervisors::step> queue(todo.begin(), todo.end());
    while (!queue.empty()) {
      auto s = queue.front();
      queue.pop_front();
      log += text({s}) + " ";
      supervisors::steps more;
      if (s.what == supervisors::step::kind::start) more = m.on_started(s.child);
      if (s.what == supervisors::step::kind::ask) more = m.on_down(s.child, supervisors::ending::shutdown, now);
      if (s.what == supervisors::step::kind::kill) more = m.on_down(s.child, supervisors::ending::abnormal, now);
      queue.insert(queue.end(), more.begin(), more.end());
    }
  }
  std::string down(size_t child, supervisors::ending how) {
    log.clear();
    feed(m.on_down(child, how, now));
    return log;
  }
  std::string wish(supervisors::steps todo) {
    log.clear();
    feed(std::move(todo));
    return log;
  }
};

/// A machine whose children have all started (as far as they need not be ready), none with a deadline.
inline runner started(supervisors::supervision how, std::vector<supervisors::child_rule> rules) {
  for (auto& r : rules) r.shutdown.ms = supervisors::shutdown_rule::infinity;
  how.at_first = supervisors::failed_start::retry;
  runner r{supervisors::machine{how, std::move(rules)}, {}, 0, 0};
  r.feed(r.m.begin());
  return r;
}

}  // namespace skerry::test
