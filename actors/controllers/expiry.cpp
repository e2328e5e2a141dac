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

/// Moves the oldest of them, by their last change, beyond the newest `max` to `out`.
void take_oldest(std::vector<store::object>& all, size_t max, std::vector<store::object>& out) {
  if (all.size() <= max) return;
  std::vector<std::pair<uint64_t, size_t>> by_age;  // reading a revision from the letter at each comparison costs
  by_age.reserve(all.size());
  for (size_t i = 0; i < all.size(); ++i) by_age.emplace_back(store::revision_of(all[i]), i);
  auto end = by_age.end() - static_cast<std::ptrdiff_t>(max);
  std::nth_element(by_age.begin(), end, by_age.end());
  std::sort(by_age.begin(), end);
  for (auto i = by_age.begin(); i != end; ++i) out.push_back(std::move(all[i->second]));
}

}  // namespace

void expiry_core::look(const store::view& v, const moment& now) {
  std::vector<store::object> young, ended;
  v.scan(resources::events, "", "", [&](const store::object& e) {
    bool may_be_old = (*e).getCreatedMs() + event_ttl_ms <= now.now_ms;
    (may_be_old && last_seen(e) + event_ttl_ms <= now.now_ms ? found_ : young).push_back(e);
    return true;
  });
  take_oldest(young, events_max, found_);
  v.scan(resources::pods, "", "", [&](const store::object& pod) {
    if (pod_ended(pod) && !controller_of(pod)) ended.push_back(pod);
    return true;
  });
  take_oldest(ended, ended_pods_max, found_);
  std::reverse(found_.begin(), found_.end());
}

effects expiry_core::reconcile(const store::view& v, const store::object_key&, const moment& now) {
  if (found_.empty()) look(v, now);
  effects out;
  std::vector<store::change> changes;
  while (!found_.empty() && changes.size() < removals_max) {
    auto o = std::move(found_.back());
    found_.pop_back();
    // One that has changed since it was found is young again.
    auto there = v.get(store::resource_of(o), store::namespace_of(o), store::name_of(o));
    if (there && store::revision_of(there) == store::revision_of(o)) changes.push_back(remove(o));
  }
  out.requeue(found_.empty() ? period_ms : 1);
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
