#include "actors/link/hub.hpp"

#include <algorithm>
#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

#include "actors/base/pool.hpp"
#include "actors/link/island_session.hpp"
#include "actors/link/join.hpp"
#include "actors/link/join_session.hpp"
#include "actors/link/mesh_core.hpp"
#include "actors/link/session.hpp"

namespace skerry::link {
namespace {
constexpr auto tick = std::chrono::seconds(5);
constexpr auto pool_timeout = std::chrono::seconds(5);
constexpr int64_t guest_forgotten_ms = 15 * 60'000;  ///< a controller or REPL that is away longer is gone for good
}  // namespace

void acceptor::attach(const caf::actor& hub) {
  std::lock_guard lock{mutex_};
  hub_ = caf::actor_cast<caf::weak_actor_ptr>(hub);
}

void acceptor::on_link(ports::connection_ptr connection) {
  caf::strong_actor_ptr hub;
  {
    std::lock_guard lock{mutex_};
    hub = hub_.lock();
  }
  if (hub) return caf::anon_send(caf::actor_cast<caf::actor>(hub), connection_opened{std::move(connection)});
  connection->start({});
  connection->send(encode(goodbye_frame(errc::unavailable, "the cloud starts up", 1000)));
  connection->close();
}

caf::behavior hub(base::stateful<hub_state>* self, hub_args args) { return self->state.make(std::move(args)); }

caf::behavior hub_state::make(hub_args args) {
  args_ = std::make_unique<hub_args>(std::move(args));
  base::prepare(self_, ctx(), args_->path);
  self_->set_down_handler([this](caf::scheduled_actor*, caf::down_msg& m) {
    auto i = by_actor_.find(m.source.id());
    if (i != by_actor_.end()) forget(i->second);
  });
  started_ms_ = now();
  admission_.emplace(args_->parts.sessions_per_second_max);
  args_->front.attach(caf::actor_cast<caf::actor>(self_));
  if (args_->parent) self_->send(args_->parent, base::ready{args_->path});
  self_->delayed_send(self_, tick, hub_tick{});
  return {
      [this](const connection_opened& m) { on_connection(m); },
      [this](const session_up& m) { on_up(m); },
      [this](const session_heard& m) {
        auto i = sessions_.find(m.id);
        if (i == sessions_.end()) return;
        i->second.heard_ms = now();
        seen_.insert(i->second.node);
      },
      [this](const hub_tick&) { on_tick(); },
      [this](const is_connected& m) { return up_.count(m.node) != 0; },
      [this](const get_sessions&) { return info(); },
  };
}

void hub_state::refuse(ports::connection& c, errc code, const std::string& why, uint32_t retry_after_ms) {
  ctx().log.info(args_->path, "link from " + c.peer().address + " refused: " + why);
  c.start({});
  c.send(encode(goodbye_frame(code, why, retry_after_ms)));
  c.close();
}

void hub_state::on_connection(const connection_opened& m) {
  const auto& peer = m.connection->peer();
  std::string node{node_of_peer(peer)};
  auto island = node.empty() && is_island_peer(peer);
  if (node.empty() && !island && !peer.common_name.empty()) {
    ++counted_.refused;
    return refuse(*m.connection, errc::forbidden,
                  "the certificate of " + peer.common_name + " is not that of a node; join with a token first", 60'000);
  }
  if (handshakes_ >= limits::handshakes_max) {
    ++counted_.deferred;
    return refuse(*m.connection, errc::too_many, "too many nodes connect at once",
                  1000 + static_cast<uint32_t>(ctx().random.next() % 4000));
  }
  if (!node.empty())
    if (auto wait = admission_->ask(now()); wait > 0) {
      ++counted_.deferred;
      return refuse(*m.connection, errc::too_many, "the cloud lets nodes back in one after the other", wait);
    }
  start(m.connection, node, island);
}

void hub_state::start(ports::connection_ptr c, const std::string& node, bool island) {
  auto pool = args_->parts.sessions();
  if (!pool) return refuse(*c, errc::unavailable, "the cloud starts up", 1000);
  auto id = next_id_++;
  auto label = (island ? "island" : node.empty() ? "join" : node) + "#" + std::to_string(id);
  auto path = args_->path.substr(0, args_->path.rfind('/')) + "/sessions/" + label;  // where the pool puts it
  auto& e = sessions_[id];
  e.node = node;
  e.address = c->peer().address;
  e.since_ms = e.heard_ms = now();
  ++handshakes_;
  base::start_child m;
  m.id = label;
  m.when = base::restart::temporary;
  m.start = [&parts = args_->parts, path, id, node, c, island,
             me = caf::actor_cast<caf::actor>(self_)](caf::event_based_actor* pool) {
    if (island) return pool->spawn(island_session, island_session_args{parts, path, id, c, me});
    if (node.empty()) return pool->spawn(join_session, join_session_args{parts, path, c, me});
    return pool->spawn(session, session_args{parts, path, id, node, c, me});
  };
  c.reset();
  self_->request(pool, pool_timeout, std::move(m))
      .then(
          [this, id](const caf::actor& who) {
            auto i = sessions_.find(id);
            if (i == sessions_.end()) return;
            i->second.actor = who.id();
            i->second.who = caf::actor_cast<caf::actor_addr>(who);
            by_actor_[who.id()] = id;
            self_->monitor(who);
          },
          [this, id, path](const caf::error& e) {
            ctx().log.error(args_->path, "session " + path + " does not start: " + message_of(e));
            forget(id);
          });
}

void hub_state::on_up(const session_up& m) {
  auto i = sessions_.find(m.id);
  if (i == sessions_.end() || i->second.up) return;
  auto& e = i->second;
  e.up = true;
  e.version = m.version;
  if (e.node.empty()) e.node = m.node;  // an island that is no node: its path, which no node's name is like
  e.who = caf::actor_cast<caf::actor_addr>(self_->current_sender());
  --handshakes_;
  ++counted_.admitted;
  auto& slot = up_[m.node];
  if (auto old = sessions_.find(slot); slot != 0 && old != sessions_.end()) {
    ctx().log.info(args_->path, "node " + m.node + " is back from " + e.address + "; its session from " +
                                    old->second.address + " ends");
    if (auto who = caf::actor_cast<caf::actor>(old->second.who)) self_->send(who, superseded{});
  }
  slot = m.id;
  if (m.node.starts_with('/')) return;
  // Before anything that the node says: its status must not meet a lease that has run out.
  if (auto life_cycle = args_->parts.life_cycle()) self_->send(life_cycle, nodes_seen{{m.node}});
}

void hub_state::forget(uint64_t id) {
  auto i = sessions_.find(id);
  if (i == sessions_.end()) return;
  if (!i->second.up) --handshakes_;
  if (i->second.node.empty()) ++counted_.joined;
  if (auto u = up_.find(i->second.node); u != up_.end() && u->second == id) up_.erase(u);
  by_actor_.erase(i->second.actor);
  sessions_.erase(i);
}

void hub_state::on_tick() {
  self_->delayed_send(self_, tick, hub_tick{});
  forget_deleted();
  if (seen_.empty()) return;
  auto life_cycle = args_->parts.life_cycle();
  if (life_cycle) self_->send(life_cycle, nodes_seen{{seen_.begin(), seen_.end()}});
  seen_.clear();
}

/// A node whose object was deleted is gone for good: what waits for it is dropped, who watches it is told.
void hub_state::forget_deleted() {
  if (args_->parts.links == nullptr) return;
  auto view = args_->parts.store.current();
  for (const auto& p : args_->parts.links->core().all_peers()) {
    if (p->is_up() || p->island() == args_->parts.links->island()) continue;  // nearly all: their figures cost
    auto l = p->figures();
    if (l.up) continue;
    auto kind = paths::kind_of(l.island);
    auto guest = kind == paths::island_kind::repl || kind == paths::island_kind::controller;
    if (guest && now() - std::max(l.since_ms, started_ms_) > guest_forgotten_ms) args_->parts.links->forget(l.island);
    if (kind != paths::island_kind::node) continue;
    // A new one is connected before its object is there.
    std::string node{paths::name_of_island(l.island)};
    auto connected = [&](const auto& s) { return s.second.node == node; };
    if (!view->get("nodes", "", node) && std::none_of(sessions_.begin(), sessions_.end(), connected))
      args_->parts.links->forget(l.island);
  }
}

sessions_info hub_state::info() const {
  auto out = counted_;
  for (const auto& [id, e] : sessions_)
    if (e.up) out.sessions.push_back({e.node, e.address, e.version, e.since_ms, e.heard_ms});
  return out;
}

}  // namespace skerry::link
