#include "supervisors/decide.hpp"

namespace skerry::supervisors {

bool restarts(restart when, ending how) {
  switch (when) {
    case restart::permanent:
      return true;
    case restart::transient:
      return how == ending::abnormal;
    case restart::temporary:
      return false;
  }
  return false;
}

bool admit(std::deque<int64_t>& past, restart_window window, int64_t now_ms) {
  while (!past.empty() && now_ms - past.front() > window.period_ms) past.pop_front();
  past.push_back(now_ms);
  if (past.size() <= window.intensity) return true;
  past.pop_front();
  return false;
}

plan restart_plan(strategy s, const std::vector<child_rule>& children, size_t ended) {
  plan p;
  auto first = s == strategy::one_for_all ? 0 : ended;
  auto last = s == strategy::one_for_one ? ended : children.size() - 1;
  for (auto i = last + 1; i-- > first;)
    if (i != ended) p.stop.push_back(i);
  for (auto i = first; i <= last; ++i)
    if (i == ended || children[i].when != restart::temporary) p.start.push_back(i);
  return p;
}

}  // namespace skerry::supervisors
