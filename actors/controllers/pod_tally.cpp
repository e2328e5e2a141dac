#include "actors/controllers/pod_tally.hpp"

#include <algorithm>

#include "actors/controllers/meta.hpp"

namespace skerry::controllers {
namespace {

bool fully_labeled(const store::object& pod, const json::object& labels) {
  return std::all_of(labels.begin(), labels.end(), [&](const auto& l) {
    const auto* s = l.value().if_string();
    return s != nullptr && label_of(pod, l.key()) == std::string_view{s->data(), s->size()};
  });
}

}  // namespace

void pod_tally::add(counted& c, const entry& e, int64_t sign) {
  c.strays += e.selected ? 0 : sign;
  c.labeled += e.selected && e.labeled ? sign : 0;
  c.ready += e.selected && e.ready ? sign : 0;
}

void pod_tally::erase(counted& c, const store::object& pod) {
  auto i = c.pods.find(std::string{store::uid_of(pod)});
  if (i == c.pods.end()) return;
  add(c, i->second, -1);
  c.pods.erase(i);
}

void pod_tally::put(counted& c, const store::object& pod) {
  if (!pod_active(pod)) return erase(c, pod);
  entry e;
  e.selected = selects(c.selector, pod);
  e.labeled = fully_labeled(pod, c.labels);
  std::tie(e.ready, e.ready_since_ms) = readiness_of(pod);
  auto [i, fresh] = c.pods.try_emplace(std::string{store::uid_of(pod)}, e);
  if (!fresh) {
    add(c, i->second, -1);
    i->second = e;
  }
  add(c, e, 1);
}

pod_tally::counted* pod_tally::of(const store::object& pod) {
  auto owner = controller_of(pod);
  if (!owner) return nullptr;
  auto i = sets_.find(std::string{owner->uid});
  return i == sets_.end() ? nullptr : &i->second;
}

void pod_tally::observe(const store::event& e) {
  auto* now = e.type == store::event_type::deleted ? nullptr : of(e.now);
  auto* before = e.before ? of(e.before) : nullptr;
  if (before != nullptr && before != now && e.revision > before->revision) erase(*before, e.before);
  if (now != nullptr && e.revision > now->revision) put(*now, e.now);
}

pod_counts pod_tally::of(const store::view& v, const store::object& set, const json::value& value,
                         const kube::label_selector& selector, int64_t now_ms) {
  auto i = sets_.find(std::string{store::uid_of(set)});
  if (i == sets_.end() || i->second.generation != (*set).getGeneration())
    return recount(v, set, value, selector, now_ms);
  return sum(i->second, now_ms);
}

pod_counts pod_tally::recount(const store::view& v, const store::object& set, const json::value& value,
                              const kube::label_selector& selector, int64_t now_ms) {
  auto& c = sets_[std::string{store::uid_of(set)}];
  c = {};
  c.revision = v.revision();
  c.generation = (*set).getGeneration();
  c.selector = selector;
  c.labels = object_at(value, "spec.template.metadata.labels");
  c.min_ready_ms = int_at(value, "spec.minReadySeconds") * 1000;
  for (const auto& o : v.owned_by(store::uid_of(set))) {
    auto owner = controller_of(o);
    if (store::resource_of(o) == resources::pods && store::namespace_of(o) == store::namespace_of(set) && owner &&
        owner->uid == store::uid_of(set))
      put(c, o);
  }
  return sum(c, now_ms);
}

pod_counts pod_tally::sum(const counted& c, int64_t now_ms) {
  pod_counts out;
  out.strays = c.strays;
  out.have = static_cast<int64_t>(c.pods.size()) - c.strays;
  out.labeled = c.labeled;
  out.ready = out.available = c.ready;
  if (c.min_ready_ms == 0) return out;
  out.available = 0;
  for (const auto& [uid, e] : c.pods) {
    if (!e.selected || !e.ready) continue;
    auto left = e.ready_since_ms + c.min_ready_ms - now_ms;
    if (left <= 0)
      ++out.available;
    else
      out.next_available_ms = std::min(out.next_available_ms.value_or(left), left);
  }
  return out;
}

}  // namespace skerry::controllers
