#include "actors/controllers/status_writer.hpp"

#include "actors/controllers/fact_merge.hpp"

namespace skerry::controllers {
namespace {
constexpr size_t in_flight_max = 256;
constexpr size_t nodes_max = 50'000;
constexpr int tries_max = 8;
constexpr auto commit_timeout = std::chrono::seconds(10);

std::string key_of(const std::string& node, const link::fact_data& f) {
  switch (f.what) {
    case link::fact_kind::pod_status:
    case link::fact_kind::pod_gone:
      return "p/" + node + "/" + f.pod.uid;
    case link::fact_kind::node_status:
      return "n/" + node;
    case link::fact_kind::device_status:
      return "d/" + node + "/" + f.pod.uid;
    case link::fact_kind::event:
      break;
  }
  std::string why;
  auto event = parse_json(f.json, why);
  return "e/" + node + "/" + std::string{string_at(event, "metadata.namespace")} + "/" +
         std::string{string_at(event, "metadata.name")};
}
}  // namespace

caf::behavior status_writer(base::stateful<status_writer_state>* self, status_writer_args args) {
  return self->state.make(std::move(args));
}

caf::behavior status_writer_state::make(status_writer_args args) {
  args_ = std::make_unique<status_writer_args>(std::move(args));
  base::prepare(self_, args_->base.ctx, args_->path);
  if (args_->parent) self_->send(args_->parent, base::ready{args_->path});
  return {
      [this](const link::facts_arrived& m) { return on_facts(m); },
      [this](const link::get_facts_acked& m) { return begin(m); },
  };
}

uint64_t status_writer_state::begin(const link::get_facts_acked& m) {
  if (nodes_.size() > nodes_max) forget_idle();
  auto& n = nodes_[m.node];
  if (n.journal != m.journal) {
    auto older = std::exchange(n, {m.journal, 0, {}, {}});
    for (auto& t : older.queue)
      t->promise.deliver(make_error(errc::cancelled, "node " + m.node + " has a new journal"));
  }
  n.session = caf::actor_cast<caf::actor_addr>(self_->current_sender());
  return n.acked;
}

caf::result<uint64_t> status_writer_state::on_facts(const link::facts_arrived& m) {
  auto facts = link::read_facts(m.frame);
  if (!facts) return std::move(facts.error());
  auto known = nodes_.find(m.node);
  if (known == nodes_.end() || known->second.journal != m.journal ||
      known->second.session != caf::actor_cast<caf::actor_addr>(self_->current_sender()))
    return make_error(errc::unavailable, "facts before these may be lost; node " + m.node + " sends them again");
  auto& n = known->second;
  auto t = std::make_shared<ticket>();
  t->node = m.node;
  t->journal = m.journal;
  t->last = facts->empty() ? n.acked : facts->back().sequence;
  t->promise = self_->make_response_promise();
  n.queue.push_back(t);
  auto acked = n.acked;
  for (auto& f : *facts)
    if (f.sequence > acked) add(m.node, std::move(f), t);
  work();
  settle(m.node);
  return t->promise;
}

void status_writer_state::add(const std::string& node, link::fact_data fact, const ticket_ptr& t) {
  auto key = key_of(node, fact);
  ++t->open;
  auto [i, fresh] = jobs_.try_emplace(key);
  auto& j = i->second;
  if (fresh) {
    j.node = node;
    j.running = std::move(fact);
    j.running_tickets.push_back(t);
    runnable_.push_back(key);
    return;
  }
  // What came between is out of date; but nothing follows the end of a pod.
  auto ended = j.has_next && j.next.what == link::fact_kind::pod_gone;
  if (!ended) j.next = std::move(fact);
  j.has_next = true;
  j.next_tickets.push_back(t);
}

void status_writer_state::work() {
  if (std::exchange(working_, true)) return;  // a job that needs no commit ends within run()
  while (in_flight_ < in_flight_max && !runnable_.empty()) {
    auto key = std::move(runnable_.front());
    runnable_.pop_front();
    ++in_flight_;
    run(key);
  }
  working_ = false;
}

/// Merges a fact into the newest view and commits; again if the object moved meanwhile.
void status_writer_state::run(const std::string& key) {
  auto i = jobs_.find(key);
  if (i == jobs_.end()) return;
  auto& j = i->second;
  const auto& base = args_->base;
  auto view = base.reader.current();
  auto merged = merge_fact(*view, base.registry, j.node, j.running, {base.ctx.clock.wall_ms(), base.ctx.random});
  if (!merged.dropped.empty())
    if (auto end = dropped_lines_.ask(base.ctx.clock.steady_ms()))
      base.ctx.log.warning(args_->path, "fact of node " + j.node + " dropped: " + merged.dropped + *end);
  if (merged.changes.empty()) return finish(key, {});
  auto store = base.store();
  if (!store) return finish(key, make_error(errc::unavailable, "the store restarts"));
  self_->request(store, commit_timeout, store::commit{std::move(merged.changes)})
      .then([this, key](const store::committed&) { finish(key, {}); },
            [this, key](const caf::error& e) {
              auto code = code_of(e);
              auto moved = code == errc::conflict || code == errc::already_exists || code == errc::not_found;
              auto at = jobs_.find(key);
              if (moved && at != jobs_.end() && ++at->second.tries < tries_max) return run(key);
              finish(key, e);
            });
}

void status_writer_state::finish(const std::string& key, const caf::error& e) {
  auto i = jobs_.find(key);
  if (i == jobs_.end()) return;
  --in_flight_;
  auto& j = i->second;
  auto node = j.node;
  for (auto& t : j.running_tickets) {
    --t->open;
    if (e && !t->failed) t->failed = e;
  }
  if (e)
    if (auto end = failed_lines_.ask(args_->base.ctx.clock.steady_ms()))
      args_->base.ctx.log.warning(args_->path, "a fact of node " + node + " is not committed: " + message_of(e) + *end);
  if (j.has_next) {
    j.running = std::move(j.next);
    j.running_tickets = std::move(j.next_tickets);
    j.next = {};
    j.next_tickets.clear();
    j.has_next = false;
    j.tries = 0;
    runnable_.push_back(key);
  } else {
    jobs_.erase(i);
  }
  settle(node);
  work();
}

/// Answers frames of a node from the oldest on. After one that failed nothing later counts: the node sends it all
/// again.
void status_writer_state::settle(const std::string& node) {
  auto i = nodes_.find(node);
  if (i == nodes_.end()) return;
  auto& n = i->second;
  while (!n.queue.empty() && n.queue.front()->open == 0) {
    auto t = n.queue.front();
    n.queue.pop_front();
    if (t->failed) {
      n.session = nullptr;
      t->promise.deliver(t->failed);
      for (auto& later : std::exchange(n.queue, {})) later->promise.deliver(t->failed);
      return;
    }
    n.acked = std::max(n.acked, t->last);
    t->promise.deliver(n.acked);
  }
}

void status_writer_state::forget_idle() {
  for (auto i = nodes_.begin(); i != nodes_.end() && nodes_.size() > nodes_max / 2;)
    i = i->second.queue.empty() ? nodes_.erase(i) : std::next(i);
}

}  // namespace skerry::controllers
