#include "actors/controllers/expiry.hpp"

#include <algorithm>

#include "actors/controllers/meta.hpp"

namespace skerry::controllers {

namespace {

constexpr std::string_view path = "/cloud/controllers/expiry";

/// When the event was last seen; both generations of the Event API are read.
int64_t last_seen(const store::object& event) {
  auto value = store::parse(event);
  int64_t last = (*event).getCreatedMs();
  for (auto field : {"lastTimestamp", "series.lastObservedTime", "eventTime"})
    last = std::max(last, parse_time(string_at(value, field)).value_or(0));
  return last;
}

void oldest_first(std::vector<store::object>& objects) {
  std::sort(objects.begin(), objects.end(), [](const store::object& a, const store::object& b) {
    return store::revision_of(a) < store::revision_of(b);
  });
}

}  // namespace

effects expiry_core::reconcile(const store::view& v, const store::object_key&, const moment& now) const {
  std::vector<store::object> old, young, ended;
  v.scan(resources::events, "", "", [&](const store::object& e) {
    bool may_be_old = (*e).getCreatedMs() + event_ttl_ms <= now.now_ms;
    (may_be_old && last_seen(e) + event_ttl_ms <= now.now_ms ? old : young).push_back(e);
    return old.size() < removals_max;
  });
  if (young.size() > events_max) {
    oldest_first(young);
    old.insert(old.end(), young.begin(), young.end() - static_cast<std::ptrdiff_t>(events_max));
  }
  v.scan(resources::pods, "", "", [&](const store::object& pod) {
    if (pod_ended(pod) && !controller_of(pod)) ended.push_back(pod);
    return true;
  });
  if (ended.size() > ended_pods_max) {
    oldest_first(ended);
    old.insert(old.end(), ended.begin(), ended.end() - static_cast<std::ptrdiff_t>(ended_pods_max));
  }
  effects out;
  std::vector<store::change> changes;
  for (const auto& o : old) {
    if (changes.size() == removals_max) break;
    changes.push_back(remove(o));
  }
  out.requeue(changes.size() == removals_max ? 1 : period_ms);
  out.commit(std::move(changes));
  return out;
}

caf::behavior expiry_controller(base::stateful<expiry_state>* self, controller_args args) {
  base::prepare(self, args.ctx, std::string{path});
  auto& st = self->state;
  st.core = std::make_unique<expiry_core>();
  auto spec = spec_for(*st.core, std::string{path}, {std::string{resources::namespaces}});
  st.shell = std::make_unique<loop>(self, args, std::move(spec));
  st.shell->start();
  return st.shell->handlers();
}

}  // namespace skerry::controllers
