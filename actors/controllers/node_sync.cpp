#include "actors/controllers/node_sync.hpp"

namespace skerry::controllers {
namespace {
constexpr auto subscribe_timeout = std::chrono::seconds(5);
constexpr auto retry_after = std::chrono::milliseconds(200);
}  // namespace

void node_routes::set_interest(const std::string& node, const std::vector<store::object_key>& objects) {
  forget(node);
  for (const auto& key : objects) by_object_[key].insert(node);
  by_node_[node] = objects;
}

void node_routes::forget(const std::string& node) {
  auto i = by_node_.find(node);
  if (i == by_node_.end()) return;
  for (const auto& key : i->second) {
    auto o = by_object_.find(key);
    if (o == by_object_.end()) continue;
    o->second.erase(node);
    if (o->second.empty()) by_object_.erase(o);
  }
  by_node_.erase(i);
}

void node_routes::concerned(const store::event& e, std::set<std::string, std::less<>>& out) const {
  if (auto what = store::resource_of(e.now); what == "pods" || what == store::devices_resource) {
    for (const auto& o : {e.now, e.before})
      if (o && !store::node_of(o).empty()) out.emplace(store::node_of(o));
    return;
  }
  auto i = by_object_.find(store::key_of(e.now));
  if (i != by_object_.end()) out.insert(i->second.begin(), i->second.end());
}

caf::behavior node_sync(base::stateful<node_sync_state>* self, node_sync_args args) {
  return self->state.make(std::move(args));
}

caf::behavior node_sync_state::make(node_sync_args args) {
  args_ = std::make_unique<node_sync_args>(std::move(args));
  base::prepare(self_, args_->ctx, args_->path);
  self_->set_down_handler([this](caf::scheduled_actor*, caf::down_msg& m) { on_down(m); });
  subscribe();
  return {
      [this](const store::events& m) { on_events(m); },
      [this](const link::follow_node& m) { follow(m.node, m.session); },
      [this](const link::set_interest& m) {
        auto i = sessions_.find(m.node);
        if (i == sessions_.end() || i->second != m.session) return;
        routes_.set_interest(m.node, m.objects);
        self_->send(m.session, link::poke{});
      },
      [this](const node_sync_retry&) { subscribe(); },
      [this](const store::lost&) { subscribe(); },
  };
}

void node_sync_state::subscribe() {
  auto store = args_->store_actor();
  if (!store) return self_->delayed_send(self_, retry_after, node_sync_retry{});
  if (store_ != store.id()) {
    store_ = store.id();
    self_->monitor(store);
  }
  // The sessions look at the view after this: nothing that was there before the subscription is missed.
  auto after = args_->store.current()->revision();
  self_
      ->request(store, subscribe_timeout,
                store::subscribe{{"pods", "configmaps", "secrets", std::string{store::devices_resource},
                                  std::string{store::device_models_resource}},
                                 after,
                                 caf::actor_cast<caf::actor>(self_)})
      .then(
          [this](const store::subscribed&) {
            if (!std::exchange(ready_, true) && args_->parent) self_->send(args_->parent, base::ready{args_->path});
            poke_all();
          },
          [this](const caf::error& e) {
            args_->ctx.log.warning(args_->path, "no events from the store, trying again: " + message_of(e));
            self_->delayed_send(self_, retry_after, node_sync_retry{});
          });
}

void node_sync_state::follow(const std::string& node, const caf::actor& session) {
  auto& slot = sessions_[node];
  if (slot) node_of_.erase(slot.id());
  slot = session;
  node_of_[session.id()] = node;
  routes_.forget(node);
  self_->monitor(session);
  self_->send(session, link::poke{});
}

void node_sync_state::on_events(const store::events& m) {
  std::set<std::string, std::less<>> nodes;
  for (const auto& e : *m.batch) routes_.concerned(e, nodes);
  for (const auto& node : nodes) {
    auto i = sessions_.find(node);
    if (i != sessions_.end()) self_->send(i->second, link::poke{});
  }
}

void node_sync_state::on_down(const caf::down_msg& m) {
  if (m.source.id() == store_) {
    store_ = 0;
    return subscribe();
  }
  auto i = node_of_.find(m.source.id());
  if (i == node_of_.end()) return;
  auto node = std::move(i->second);
  node_of_.erase(i);
  routes_.forget(node);
  sessions_.erase(node);
}

void node_sync_state::poke_all() {
  for (const auto& [node, session] : sessions_) self_->send(session, link::poke{});
}

}  // namespace skerry::controllers
