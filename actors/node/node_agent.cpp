#include "actors/node/node_agent.hpp"

#include <chrono>

#include "schema/error.hpp"

namespace skerry::node {
namespace {
constexpr std::chrono::milliseconds tick_ms{10'000};  ///< pressure, as kubelet's node status
constexpr std::chrono::milliseconds report_retry_ms{1'000};
constexpr std::chrono::milliseconds report_timeout_ms{10'000};
}  // namespace

agent_state::~agent_state() {
  if (args_) args_->runtime.on_exit([](const ports::container_state&) {});
}

caf::behavior agent_state::make(agent_args args) {
  args_ = std::make_unique<agent_args>(std::move(args));
  base::prepare(self_, args_->ctx, args_->path + "/agent");
  self_->set_down_handler([this](caf::scheduled_actor*, caf::down_msg& m) {
    if (m.source == pool_) on_pool_down();
  });
  start();
  return {
      [this](const link::get_inventory&) { return desired_->inventory(); },
      [this](const link::desired_changes& m) { return change(m); },
      [this](const link::link_state& m) {
        if (!m.connected) return;
        // While nothing was heard of this node the cloud has written over what it last said.
        told_node_ = false;
        report_node();
        hand_over();
      },
      [this](const heard& m) { std::visit([this](auto& e) { handle(e); }, m.event); },
      [this](const pod::status_changed& m) { on_status(m); },
      [this](const pod::event_recorded& m) { on_event(m); },
      [this](const pod::hello& m) { greet(m); },
      [this](const pod::ended& m) { on_ended(m); },
      [this](const get_pods&) { return summary(); },
      [this](const get_devices&) { return devices(); },
  };
}

/// Errors here end the actor: its supervisor tries again, and gives up where it is of no use.
void agent_state::start() {
  auto& log = args_->ctx.log;
  desired_ = std::make_unique<desired_set>(args_->kv);
  auto loaded = desired_->load();
  if (!loaded) {
    log.error(args_->path, "the desired set cannot be read: " + message_of(loaded.error()));
    self_->quit(loaded.error());
    return;
  }
  for (auto& why : loaded->refused) log.warning(args_->path, "left out of the desired set: " + why);
  recorder_ = std::make_unique<event_recorder>(args_->node);
  if (loaded->devices) tell_devices();
  make_host();
  auto me = caf::actor_cast<caf::actor>(self_);
  args_->runtime.on_exit([me](ports::container_state s) { caf::anon_send(me, heard{internal::exited{std::move(s)}}); });
  ask_list();
  report_node();
  self_->delayed_send(self_, tick_ms, heard{internal::tick{}});
  if (args_->supervisor) self_->send(args_->supervisor, base::ready{args_->path});  // also with a runtime that is down
}

void agent_state::make_host() {
  auto facts = args_->machine.facts();
  pod::host_facts h;
  h.node = args_->node;
  h.ips = facts.ips;
  h.cpu_milli = facts.cpu_milli;
  h.memory_bytes = allocatable_memory(facts);
  h.ephemeral_bytes = allocatable_disk(facts);
  h.dns_servers = facts.dns_servers;
  h.dns_searches = facts.dns_searches;
  h.dns_options = facts.dns_options;
  h.pods_directory = args_->pods_directory;
  host_ = std::make_shared<const pod::host_facts>(std::move(h));
  node_status_ = std::make_unique<node_status>(args_->node, args_->version, args_->labels, std::move(facts),
                                               args_->runtime.info());
}

caf::result<void> agent_state::change(const link::desired_changes& m) {
  auto effect = desired_->apply(m);
  if (!effect) {
    health_.store_problem = "the node's store does not take writes: " + message_of(effect.error());
    args_->ctx.log.error(args_->path, health_.store_problem);
    report_node();
    return effect.error();
  }
  if (!health_.store_problem.empty()) {
    health_.store_problem.clear();
    report_node();
  }
  for (auto& why : effect->refused) args_->ctx.log.warning(args_->path, "this object cannot be used: " + why);
  if (effect->devices) tell_devices();
  take_in(*effect);
  return caf::unit;
}

void agent_state::tell_devices() {
  auto to = args_->devices ? args_->devices() : caf::actor{};
  if (to) self_->send(to, devices_changed{});  // one that is not there asks when it starts
}

caf::result<device_objects> agent_state::devices() const {
  auto devices = desired_->objects_of(store::devices_resource);
  if (!devices) return devices.error();
  auto models = desired_->objects_of(store::device_models_resource);
  if (!models) return models.error();
  return device_objects{std::move(*devices), std::move(*models)};
}

void agent_state::take_in(const desired_set::effect& e) {
  if (!adopted_) return;  // what is there is looked at first; then everything is taken in at once
  for (auto& uid : e.dropped) drop_pod(uid);
  for (auto& uid : e.changed) want_pod(uid);
  std::set<std::string> told;
  for (auto& uid : e.configs) {
    auto i = pods_.find(uid);
    const auto* p = desired_->find(uid);
    if (i == pods_.end() || p == nullptr || !i->second.who || !told.insert(uid).second) continue;
    self_->send(i->second.who, pod::input{pod::on::configs_changed{desired_->configs_of(*p->spec)}});
  }
}

void agent_state::handle(const internal::tick&) {
  self_->delayed_send(self_, tick_ms, heard{internal::tick{}});
  if (!health_.store_problem.empty()) {
    ports::kv_batch probe;
    probe.put("desired-probe", "1");
    if (args_->kv.write(probe, true)) health_.store_problem.clear();
  }
  if (!health_.runtime_problem.empty()) ask_list();
  report_node();
}

void agent_state::handle(const internal::exited& m) {
  auto i = pods_.find(m.state.pod_uid);
  if (i != pods_.end() && i->second.who) self_->send(i->second.who, pod::input{pod::on::container_exited{m.state}});
}

void agent_state::report_node() {
  auto load = args_->machine.load();
  if (told_node_ && node_status_->same(load, health_)) return;
  told_node_ = true;
  tell(link::report_node_status{node_status_->render(load, health_, args_->ctx.clock.wall_ms())});
}

pods_summary agent_state::summary() const {
  pods_summary out;
  for (auto& [uid, p] : pods_) {
    pods_summary::pod one;
    one.uid = uid;
    if (p.spec) one.ns = p.spec->ns, one.name = p.spec->name;
    one.dropped = p.dropped;
    std::string error;
    auto status = parse_json(p.status.empty() ? "{}" : p.status, error);
    one.phase = string_at(status, "phase", "Pending");
    for (auto& c : array_at(status, "containerStatuses"))
      one.restarts += static_cast<uint32_t>(int_at(c, "restartCount"));
    for (auto& c : array_at(status, "conditions"))
      if (string_at(c, "type") == "Ready") one.ready = string_at(c, "status") == "True";
    out.pods.push_back(std::move(one));
  }
  out.problem = health_.runtime_problem.empty() ? health_.store_problem : health_.runtime_problem;
  out.ready = adopted_ && out.problem.empty();
  out.reports_waiting = reports_.empty() ? 0 : 1;
  return out;
}

// -- reports
// ------------------------------------------------------------------------------------------------------------

void agent_state::tell(report r) {
  reports_.add(std::move(r));
  hand_over();
}

void agent_state::handle(const internal::hand_over&) {
  retry_armed_ = false;
  hand_over();
}

/// Hands to the link what it has not got. What it refuses is tried again after a while.
void agent_state::hand_over() {
  auto to = args_->link ? args_->link() : caf::actor{};
  auto try_later = [this] {
    if (std::exchange(retry_armed_, true)) return;
    self_->delayed_send(self_, report_retry_ms, heard{internal::hand_over{}});
  };
  if (!to) {
    if (!reports_.empty()) try_later();
    return;
  }
  reports_.hand_over([&](const std::string& key, uint64_t version, const report& r) {
    auto send = [&](const auto& m) {
      self_->request(to, report_timeout_ms, m)
          .then([this, key, version] { reports_.done(key, version); },
                [this, key, version, try_later](const caf::error&) {
                  reports_.failed(key, version);
                  try_later();
                });
    };
    std::visit(send, r);
  });
}

caf::behavior node_agent(base::stateful<agent_state>* self, agent_args args) {
  return self->state.make(std::move(args));
}

}  // namespace skerry::node
