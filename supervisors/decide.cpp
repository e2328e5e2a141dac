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

bool ends_supervisor(auto_shutdown mode, const std::vector<child_rule>& children, const std::vector<bool>& active,
                     size_t ended, ending how) {
  if (mode == auto_shutdown::never || !children[ended].significant) return false;
  if (restarts(children[ended].when, how)) return false;
  if (mode == auto_shutdown::any_significant) return true;
  for (size_t i = 0; i < children.size(); ++i)
    if (i != ended && children[i].significant && active[i]) return false;
  return true;
}

std::string fault_of(const supervision& s, const child_rule& child) {
  if (!child.significant) return {};
  if (child.when == restart::permanent) return "a permanent child cannot be significant: it never ends for good";
  if (s.on_significant == auto_shutdown::never) return "it is significant, but its supervisor's auto_shutdown is never";
  return {};
}

}  // namespace skerry::supervisors
