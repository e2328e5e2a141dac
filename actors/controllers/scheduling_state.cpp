#include "actors/controllers/meta.hpp"
#include "actors/controllers/scheduler.hpp"

namespace skerry::controllers {

namespace {

/// False if no priority but 0, which is everyone's default, stands anywhere in the pod.
bool may_have_priority(std::string_view json) {
  constexpr std::string_view key = "\"priority\":";
  for (auto at = json.find(key); at != std::string_view::npos; at = json.find(key, at)) {
    at += key.size();
    if (json.substr(at, 1) != "0") return true;
  }
  return false;
}

/// A pod that names another scheduler waits for that one (it cannot change its mind: spec.schedulerName is immutable).
bool ours(const store::object& pod) {
  auto name = store::field_of(pod, "spec.schedulerName").value_or(std::string_view{});
  return name.empty() || name == scheduler_name;
}

}  // namespace

void scheduling_state::reset(const store::view& v) {
  nodes_.clear();
  bound_.clear();
  waiting_.clear();
  queue_.clear();
  v.scan(resources::nodes, "", "", [&](const store::object& o) {
    put_node(o);
    return true;
  });
  v.scan(resources::pods, "", "", [&](const store::object& o) {
    put_pod(o);
    return true;
  });
  list_present();
}

bool scheduling_state::observe(const store::event& e) {
  bool gone = e.type == store::event_type::deleted;
  bool useful = false;
  if (store::resource_of(e.now) == resources::nodes)
    useful = gone ? drop_node(e.now) : put_node(e.now);
  else if (store::resource_of(e.now) == resources::pods)
    return gone ? forget_pod(e.now) : put_pod(e.now);
  if (useful) unpark_all();
  return useful;
}

std::vector<store::object_key> scheduling_state::take(size_t max) {
  std::vector<store::object_key> out;
  while (out.size() < max && !queue_.empty()) out.push_back(std::move(queue_.extract(queue_.begin()).value().key));
  return out;
}

void scheduling_state::try_again(const store::object_key& pod) {
  if (auto w = waiting_.find(pod); w != waiting_.end()) queue_.insert(w->second);
}

void scheduling_state::unpark_all() {
  if (queue_.size() == waiting_.size()) return;
  for (const auto& [key, place] : waiting_) queue_.insert(place);
}

void scheduling_state::wait(const store::object& pod) {
  place p{0, (*pod).getCreatedMs(), store::key_of(pod)};
  // Few pods have one: that is not worth parsing all.
  if (may_have_priority(store::json_of(pod))) p.priority = int_at(store::parse(pod), "spec.priority");
  stop_waiting(p.key);
  queue_.insert(p);
  waiting_.emplace(p.key, p);
}

void scheduling_state::stop_waiting(const store::object_key& pod) {
  auto w = waiting_.find(pod);
  if (w == waiting_.end()) return;
  queue_.erase(w->second);
  waiting_.erase(w);
}

bool scheduling_state::put_node(const store::object& node) {
  auto [n, fresh] = nodes_.try_emplace(std::string{store::name_of(node)});
  bool was_present = n->second.present;
  bool changed = read_node(node, n->second);
  if (!was_present) list_present();
  return changed;
}

bool scheduling_state::drop_node(const store::object& node) {
  auto n = nodes_.find(store::name_of(node));
  if (n == nodes_.end()) return false;
  n->second.present = false;
  if (n->second.used.pods == 0) nodes_.erase(n);
  list_present();
  return !waiting_.empty();
}

void scheduling_state::list_present() {
  present_.clear();
  for (auto& [name, n] : nodes_)
    if (n.present) present_.push_back(&n);
}

bool scheduling_state::put_pod(const store::object& pod) {
  if (pod_ended(pod)) return forget_pod(pod);
  auto node = store::node_of(pod);
  if (node.empty()) {
    if (deleting(pod) || !ours(pod)) return forget_pod(pod);
    wait(pod);
    return true;
  }
  stop_waiting(store::key_of(pod));
  auto uid = std::string{store::uid_of(pod)};
  if (auto b = bound_.find(uid); b != bound_.end() && b->second.node == node) return false;
  bool released = forget_pod(pod);
  binding b{std::string{node}, read_request(store::parse(pod))};
  auto [n, fresh] = nodes_.try_emplace(b.node);
  n->second.name = b.node;
  n->second.take(b.request);
  bound_.emplace(std::move(uid), std::move(b));
  return released;
}

/// The pod takes nothing any more; what waits may now fit.
bool scheduling_state::forget_pod(const store::object& pod) {
  stop_waiting(store::key_of(pod));
  auto b = bound_.find(std::string{store::uid_of(pod)});
  if (b == bound_.end()) return false;
  if (auto n = nodes_.find(b->second.node); n != nodes_.end()) {
    n->second.release(b->second.request);
    if (!n->second.present && n->second.used.pods == 0) nodes_.erase(n);
  }
  bound_.erase(b);
  unpark_all();
  return !waiting_.empty();
}

}  // namespace skerry::controllers
