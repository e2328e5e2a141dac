#include <boost/json/serialize.hpp>
#include <chrono>

#include "actors/base/pool.hpp"
#include "actors/node/node_agent.hpp"
#include "actors/pod/pod_actor.hpp"
#include "schema/error.hpp"
#include "schema/limits.hpp"

namespace skerry::node {
namespace {
constexpr std::chrono::milliseconds pool_timeout_ms{10'000};
constexpr std::chrono::milliseconds start_retry_ms{1'000};
constexpr std::chrono::milliseconds list_retry_ms{2'000};
}  // namespace

// -- what the runtime has
// -------------------------------------------------------------------------------------------------

void agent_state::ask_list() {
  if (std::exchange(listing_, true)) return;
  greeters_ = std::exchange(next_greeters_, {});
  auto me = caf::actor_cast<caf::actor>(self_);
  args_->runtime.list([me](auto result) { caf::anon_send(me, heard{internal::listed{std::move(result)}}); });
}

void agent_state::handle(const internal::listed& m) {
  listing_ = false;
  if (!m.result) {
    health_.runtime_problem = "container runtime is down: " + message_of(m.result.error());
    args_->ctx.log.error(args_->path, health_.runtime_problem);
    next_greeters_.merge(greeters_);
    report_node();
    return;  // the next tick lists again
  }
  if (!health_.runtime_problem.empty()) {
    health_.runtime_problem.clear();
    report_node();
  }
  if (!adopted_) adopt_all(m);
  for (auto& uid : std::exchange(greeters_, {})) assign(uid, m);
  if (!next_greeters_.empty()) ask_list();
}

/// First listing: what is desired is wanted, what else is there ends, statuses of neither are forgotten.
void agent_state::adopt_all(const internal::listed& m) {
  adopted_ = true;

  std::set<std::string> there;
  for (auto& s : m.result->first) there.insert(s.spec.uid);
  for (auto& c : m.result->second) there.insert(c.pod_uid);
  for (auto& uid : there) want_pod(uid);  // first, that none of them is over the limit
  for (auto& [uid, p] : desired_->pods())
    if (!there.contains(uid)) want_pod(uid);
  for (auto& uid : args_->files.list(args_->pods_directory)) there.insert(uid);
  for (auto& uid : there) {
    if (pods_.contains(uid)) continue;
    args_->ctx.log.info(args_->path, "pod " + uid + " is no longer wanted here: it ends");
    pods_[uid].dropped = true;
    start_pod(uid);
  }
  for (auto& uid : desired_->statuses())
    if (!pods_.contains(uid)) desired_->forget_status(uid);
}

// -- pods that come and go
// ----------------------------------------------------------------------------------------------

void agent_state::want_pod(const std::string& uid) {
  const auto* p = desired_->find(uid);
  if (p == nullptr) return;
  auto [i, fresh] = pods_.try_emplace(uid);
  auto& entry = i->second;
  if (entry.dropped) return;  // it ends; when it has, `on_ended` sees that it is wanted again
  entry.spec = p->spec;
  if (fresh && pods_.size() > limits::pods_per_node_max && !p->spec->deleting) {
    entry.refused = true;
    refuse_pod(uid, *p->spec);
    return;
  }
  if (entry.refused && p->spec->deleting) {
    on_ended({uid});
    return;
  }
  if (entry.ended || entry.refused) return;
  if (fresh)
    start_pod(uid);
  else if (entry.who)
    self_->send(entry.who, pod::input{pod::on::spec_changed{p->spec}});
}

/// As kubelet's admission: the pod fails here and its controller makes another one elsewhere.
void agent_state::refuse_pod(const std::string& uid, const pod::pod_spec& spec) {
  auto max = std::to_string(limits::pods_per_node_max);
  json::object status{{"phase", "Failed"},
                      {"reason", "OutOfpods"},
                      {"message", "Pod was rejected: Node didn't have enough resource: pods, requested: 1, used: " +
                                      max + ", capacity: " + max},
                      {"startTime", format_time(args_->ctx.clock.wall_ms())}};
  pods_[uid].status = json::serialize(status);
  tell(link::report_pod_status{{spec.ns, spec.name, uid}, pods_[uid].status});
}

void agent_state::drop_pod(const std::string& uid) {
  auto i = pods_.find(uid);
  if (i == pods_.end()) return;
  auto& entry = i->second;
  if (entry.ended || entry.refused) {
    forget_pod(uid);
    return;
  }
  entry.dropped = true;
  if (entry.who) self_->send(entry.who, pod::input{pod::on::dropped{}});
}

void agent_state::start_pod(const std::string& uid) {
  auto& entry = pods_[uid];
  auto starts = ++entry.starts;
  auto pool = args_->pods();
  if (!pool) {
    spawn_failed(uid, make_error(errc::unavailable, "the pool of pods is not there just now"));
    return;
  }
  if (pool.address() != pool_) {
    pool_ = pool.address();
    self_->monitor(pool);
  }
  base::start_child child;
  child.id = uid;
  child.when = base::restart::transient;
  auto args = pod::pod_args{args_->ctx,    args_->path + "/pod/" + uid,       uid, args_->runtime, args_->files,
                            args_->prober, caf::actor_cast<caf::actor>(self_)};
  child.start = [args](caf::event_based_actor* supervisor) {
    return caf::actor_cast<caf::actor>(supervisor->spawn(pod::pod_actor, args));
  };
  self_->request(pool, pool_timeout_ms, child)
      .then([](const caf::actor&) {},
            [this, uid, pool, starts](const caf::error& e) {
              if (code_of(e) != errc::already_exists) return spawn_failed(uid, e);
              // one of an earlier agent: it goes, and its containers stay
              self_->request(pool, pool_timeout_ms, base::stop_child{uid, 2000})
                  .then(
                      [this, uid, starts] {
                        handle(internal::start_again{uid, starts});
                      },
                      [this, uid](const caf::error& x) { spawn_failed(uid, x); });
            });
}

/// Its pod actors ended with it, their containers did not: they are started in the next one.
void agent_state::on_pool_down() {
  pool_ = nullptr;
  for (auto& [uid, entry] : pods_) {
    entry.who = nullptr;
    if (!entry.ended && !entry.refused)
      self_->delayed_send(self_, start_retry_ms, heard{internal::start_again{uid, entry.starts}});
  }
}

void agent_state::spawn_failed(const std::string& uid, const caf::error& e) {
  auto i = pods_.find(uid);
  if (i == pods_.end()) return;
  args_->ctx.log.warning(args_->path, "pod " + uid + " cannot be started, trying again: " + message_of(e));
  self_->delayed_send(self_, start_retry_ms, heard{internal::start_again{uid, i->second.starts}});
}

void agent_state::handle(const internal::start_again& m) {
  auto i = pods_.find(m.uid);
  if (i != pods_.end() && i->second.starts == m.starts && !i->second.ended) start_pod(m.uid);
}

void agent_state::forget_pod(const std::string& uid) {
  pods_.erase(uid);
  desired_->forget_status(uid);
}

// -- what pods say
// ------------------------------------------------------------------------------------------------------

void agent_state::greet(const pod::hello& m) {
  auto i = pods_.find(m.uid);
  if (i == pods_.end() || i->second.ended) return;
  i->second.who = m.who;
  next_greeters_.insert(m.uid);
  if (adopted_) ask_list();
}

/// Tells a pod what it is and what of it is there.
void agent_state::assign(const std::string& uid, const internal::listed& m) {
  auto i = pods_.find(uid);
  if (i == pods_.end() || !i->second.who || !m.result) return;
  auto& entry = i->second;
  pod::assignment a;
  for (auto& s : m.result->first)
    if (s.spec.uid == uid) a.listed.sandbox = s;
  for (auto& c : m.result->second)
    if (c.pod_uid == uid) a.listed.containers.push_back(c);
  const auto* p = desired_->find(uid);
  if (p != nullptr) {
    entry.spec = p->spec;
    a.configs = desired_->configs_of(*p->spec);
  } else if (!entry.spec) {
    ports::sandbox_spec only_uid;
    only_uid.uid = uid;
    auto& sandbox = a.listed.sandbox;
    entry.spec = std::make_shared<const pod::pod_spec>(
        pod::orphan_spec(sandbox ? sandbox->spec : only_uid, a.listed.containers));
  }
  a.spec = entry.spec;
  a.host = host_;
  a.dropped = entry.dropped;
  std::string error;
  if (auto text = desired_->status_of(uid); !text.empty()) a.prior = pod::read_status(parse_json(text, error));
  self_->send(entry.who, std::move(a));
}

void agent_state::on_status(const pod::status_changed& m) {
  auto i = pods_.find(m.uid);
  if (i == pods_.end() || i->second.ended) return;
  auto& entry = i->second;
  if (entry.status == m.json) return;
  entry.status = m.json;
  if (auto ok = desired_->keep_status(m.uid, m.json); !ok)
    args_->ctx.log.warning(args_->path, "status of pod " + m.uid + " is not kept: " + message_of(ok.error()));
  if (!entry.dropped) tell(link::report_pod_status{{entry.spec->ns, entry.spec->name, m.uid}, m.json});
}

void agent_state::on_event(const pod::event_recorded& m) {
  auto i = pods_.find(m.uid);
  if (i == pods_.end() || !i->second.spec) return;
  auto& ctx = args_->ctx;
  auto text = recorder_->add(*i->second.spec, m.event, ctx.clock.wall_ms(), ctx.random.next());
  if (m.event.warning && ctx.log.enabled(ports::severity::info))
    ctx.log.info(args_->path + "/pod/" + m.uid,
                 i->second.spec->ns + "/" + i->second.spec->name + ": " + m.event.reason + ": " + m.event.message);
  if (text) tell(link::report_event{std::move(*text)});
}

/// Nothing of the pod is left. Of a deleted one the cloud is told, and it drops the object; of a dropped one it knows.
void agent_state::on_ended(const pod::ended& m) {
  auto i = pods_.find(m.uid);
  if (i == pods_.end()) return;
  auto& entry = i->second;
  if (auto pool = args_->pods())
    self_->request(pool, pool_timeout_ms, base::stop_child{m.uid, 1000}).then([] {}, [](const caf::error&) {});
  if (!entry.dropped) {
    entry.ended = true;
    entry.who = nullptr;
    tell(link::report_pod_gone{{entry.spec->ns, entry.spec->name, m.uid}});
    return;
  }
  forget_pod(m.uid);
  want_pod(m.uid);
}

}  // namespace skerry::node
