#include "actors/controllers/scheduler.hpp"

#include <algorithm>

#include "actors/controllers/meta.hpp"

namespace skerry::controllers {

namespace {

constexpr std::string_view path = "/cloud/controllers/scheduler";
constexpr double weight_spread = 2, weight_taints = 3, weight_affinity = 2;
constexpr size_t all_nodes_below = 100;  ///< so many feasible nodes are always looked for, as kube-scheduler does

/// How many feasible nodes are enough to choose from (kube-scheduler's numFeasibleNodesToFind).
size_t enough(size_t nodes) {
  if (nodes < all_nodes_below) return nodes;
  auto percent = std::max<size_t>(5, 50 - std::min<size_t>(50, nodes / 125));
  return std::max(all_nodes_below, nodes * percent / 100);
}

struct candidate {
  node_state* node;
  double free = 0, same_owner = 0, bad_taints = 0, liked = 0;
};

double free_share(int64_t have, int64_t used) {
  return have <= 0 ? 0 : std::max(0.0, static_cast<double>(have - used) / static_cast<double>(have));
}

candidate rate(const pod_request& r, node_state& n) {
  candidate c{&n};
  auto cpu = free_share(n.allocatable.cpu_milli, n.used.cpu_milli + r.needs.cpu_milli);
  auto memory = free_share(n.allocatable.memory, n.used.memory + r.needs.memory);
  // Pods that ask for nothing still take something: their number counts, too.
  auto pods = free_share(n.allocatable.pods, n.used.pods + 1);
  c.free = (cpu + memory + pods) / 3 * 100;
  if (r.owner != 0) c.same_owner = static_cast<double>(n.pods_of(r.owner));
  for (const auto& t : n.taints)
    if (t.effect == "PreferNoSchedule" &&
        std::none_of(r.tolerations.begin(), r.tolerations.end(), [&](const toleration& x) { return x.tolerates(t); }))
      ++c.bad_taints;
  for (const auto& t : r.preferred)
    if (matches(t, n)) c.liked += static_cast<double>(t.weight);
  return c;
}

bool wants_scheduling(const store::object& pod, const json::value& value) {
  return store::node_of(pod).empty() && !deleting(pod) && !pod_ended(pod) &&
         string_at(value, "spec.schedulerName", scheduler_name) == scheduler_name &&
         array_at(value, "spec.schedulingGates").empty();
}

/// Sets PodScheduled; true if that changed it.
bool set_scheduled(json::value& pod, std::string_view status, std::string_view reason, std::string_view message,
                   int64_t now_ms) {
  auto& list = ensure(pod, "status.conditions");
  if (!list.is_array()) list.emplace_array();
  json::object c{{"type", "PodScheduled"}, {"status", status}, {"lastTransitionTime", format_time(now_ms)}};
  if (!reason.empty()) c["reason"] = reason;
  if (!message.empty()) c["message"] = message;
  for (auto& old : list.get_array()) {
    if (string_at(old, "type") != "PodScheduled") continue;
    if (string_at(old, "status") == status) {
      if (string_at(old, "reason") == reason && string_at(old, "message") == message) return false;
      c["lastTransitionTime"] = string_at(old, "lastTransitionTime");
    }
    old = std::move(c);
    return true;
  }
  list.get_array().push_back(std::move(c));
  return true;
}

}  // namespace

void scheduler_core::reset(const store::view& v, const marker& mark) {
  state_.reset(v);
  mark(pass());
}

void scheduler_core::resync(const store::view&, const marker& mark) {
  state_.unpark_all();
  mark(pass());
}

void scheduler_core::observe(const store::view&, const store::event& e, const marker& mark) {
  if (state_.observe(e)) mark(pass());
}

effects scheduler_core::reconcile(const store::view& v, const store::object_key&, const moment& now) {
  effects out;
  struct assumption {
    node_state* node;
    pod_request request;
  };
  std::vector<assumption> assumed;
  for (const auto& key : state_.take(pods_in_pass)) {
    auto pod = v.get(key.resource, key.ns, key.name);
    if (!pod) continue;
    auto value = store::parse(pod);
    if (!wants_scheduling(pod, value)) continue;
    auto request = read_request(value);
    // A pod stays parked when there is nothing left to say about it. What is written now may be refused by the store.
    if (auto* node = choose(request, now)) {
      out.commits.push_back(bind(v, pod, std::move(value), *node, now));
      node->take(request);
      assumed.push_back({node, std::move(request)});
      state_.try_again(key);
    } else if (auto c = refuse(v, pod, std::move(value), why_not(request), now)) {
      out.commits.push_back(std::move(*c));
      state_.try_again(key);
    }
  }
  // The bindings come back as events before the next pass, or were refused: in both cases they must not count twice.
  for (const auto& [node, request] : assumed) node->release(request);
  if (state_.has_work()) out.requeue(1);
  return out;
}

node_state* scheduler_core::choose(const pod_request& r, const moment& now) {
  const auto& nodes = state_.present();
  std::vector<candidate> found;
  auto wanted = enough(nodes.size());
  size_t looked = 0;
  for (; looked < nodes.size() && found.size() < wanted; ++looked) {
    auto& n = *nodes[(next_node_ + looked) % nodes.size()];
    if (!check_fit(r, n)) found.push_back(rate(r, n));
  }
  if (!nodes.empty()) next_node_ = (next_node_ + looked) % nodes.size();
  if (found.empty()) return nullptr;
  candidate most{nullptr};
  for (const auto& c : found) {
    most.same_owner = std::max(most.same_owner, c.same_owner);
    most.bad_taints = std::max(most.bad_taints, c.bad_taints);
    most.liked = std::max(most.liked, c.liked);
  }
  auto share = [](double x, double of) { return of > 0 ? x / of * 100 : 0; };
  node_state* best = nullptr;
  double best_score = -1;
  uint64_t equals = 0;
  for (const auto& c : found) {
    auto score = c.free + weight_spread * (100 - share(c.same_owner, most.same_owner)) +
                 weight_taints * (100 - share(c.bad_taints, most.bad_taints)) +
                 weight_affinity * share(c.liked, most.liked);
    if (score > best_score) {
      best = c.node;
      best_score = score;
      equals = 1;
    } else if (score == best_score && now.random.next() % ++equals == 0) {
      best = c.node;
    }
  }
  return best;
}

std::string scheduler_core::why_not(const pod_request& r) const {
  std::map<std::string, int64_t> reasons;
  for (const auto* n : state_.present()) count_reasons(r, *n, check_fit(r, *n), reasons);
  return fit_message(state_.present().size(), reasons);
}

store::commit scheduler_core::bind(const store::view& v, const store::object& pod, json::value value,
                                   const node_state& node, const moment& now) const {
  std::vector<store::change> events;
  auto name = std::string{store::namespace_of(pod)} + "/" + std::string{store::name_of(pod)};
  recorder_.record(v, value, {"Normal", "Scheduled", "Successfully assigned " + name + " to " + node.name}, now,
                   events);
  ensure(value, "spec.nodeName") = node.name;
  set_scheduled(value, "True", "", "", now.now_ms);
  store::commit c;
  c.changes.push_back(update(pod, std::move(value)));
  for (auto& e : events) c.changes.push_back(std::move(e));
  return c;
}

std::optional<store::commit> scheduler_core::refuse(const store::view& v, const store::object& pod, json::value value,
                                                    const std::string& why, const moment& now) const {
  std::vector<store::change> changes;
  recorder_.record(v, value, {"Warning", "FailedScheduling", why}, now, changes, event_repeat_ms);
  if (set_scheduled(value, "False", "Unschedulable", why, now.now_ms))
    changes.insert(changes.begin(), update(pod, std::move(value)));
  if (changes.empty()) return std::nullopt;
  return store::commit{std::move(changes)};
}

caf::behavior scheduler(base::stateful<scheduler_state>* self, controller_args args) {
  base::prepare(self, args.ctx, std::string{path});
  auto& st = self->state;
  st.core = std::make_unique<scheduler_core>(args.registry);
  st.shell = std::make_unique<loop>(
      self, args, spec_for(*st.core, std::string{path}, {std::string{resources::pods}, std::string{resources::nodes}}));
  st.shell->start();
  return st.shell->handlers();
}

}  // namespace skerry::controllers
