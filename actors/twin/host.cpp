#include "actors/twin/host.hpp"

#include <chrono>

#include "actors/base/pool.hpp"
#include "actors/twin/twin_actor.hpp"
#include "schema/device/limits.hpp"
#include "schema/error.hpp"

namespace skerry::twin {
namespace {

constexpr std::chrono::milliseconds ask_timeout{10'000};
constexpr std::chrono::milliseconds retry_after{1'000};
constexpr int64_t together_ms = 20;
constexpr size_t events_max = 100;
constexpr std::string_view prefix = "twin/", prefix_end = "twin0";  // '0' follows '/'

std::string id_of(const store::object& o) {
  return std::string{store::namespace_of(o)} + "/" + std::string{store::name_of(o)};
}

}  // namespace

caf::behavior host_state::make(host_args args) {
  args_ = std::make_unique<host_args>(std::move(args));
  base::prepare(self_, args_->ctx, args_->path);
  recorder_ = std::make_unique<node::event_recorder>(args_->node);
  self_->set_down_handler([this](caf::scheduled_actor*, caf::down_msg& m) {
    if (m.source == pool_) on_twins_down();
  });
  refresh();
  if (args_->supervisor) self_->send(args_->supervisor, base::ready{args_->path});
  return {
      [this](const node::devices_changed&) { refresh(); },
      [this](const hello& m) { greet(m); },
      [this](const told& m) { on_told(m); },
      [this](const noted& m) { on_noted(m); },
      [this](const host_flush&) {
        flush_armed_ = false;
        flush();
      },
      [this](const host_retry&) {
        retry_armed_ = false;
        if (ask_again_) refresh();
        hand_over();
      },
      [this](const host_again& m) {
        if (twins_.contains(m.id)) start_twin(m.id);
      },
  };
}

void host_state::try_later() {
  if (std::exchange(retry_armed_, true)) return;
  self_->delayed_send(self_, retry_after, host_retry{});
}

// -- which twins there are --------------------------------------------------------------------------------------------

void host_state::refresh() {
  ask_again_ = true;
  if (asking_) return;
  auto agent = args_->agent();
  if (!agent) return try_later();
  asking_ = true;
  ask_again_ = false;
  self_->request(agent, ask_timeout, node::get_devices{})
      .then(
          [this](const node::device_objects& m) {
            asking_ = false;
            apply(m);
            if (ask_again_) refresh();
          },
          [this](const caf::error& e) {
            asking_ = false;
            ask_again_ = true;
            args_->ctx.log.warning(args_->path, "the agent does not say which devices there are: " + message_of(e));
            try_later();
          });
}

void host_state::apply(const node::device_objects& m) {
  std::vector<std::string> gone;
  for (const auto& [id, t] : twins_) {
    auto there = std::any_of(m.devices.begin(), m.devices.end(), [&](auto& d) { return id_of(d) == id; });
    if (!there) gone.push_back(id);
  }
  for (const auto& id : gone) drop(id);
  for (const auto& d : m.devices) take(d, m);
  if (std::exchange(first_, false)) forget_strangers();
}

void host_state::take(const store::object& device, const node::device_objects& all) {
  auto id = id_of(device);
  auto known = twins_.find(id);
  if (known == twins_.end() && twins_.size() >= limits::devices_per_node_max)
    return args_->ctx.log.warning(args_->path, "device " + id + " is left out: a node has at most " +
                                                   std::to_string(limits::devices_per_node_max));
  auto value = store::parse(device);
  auto model_name = string_at(value, "spec.deviceModelRef.name");
  store::object model;
  for (const auto& m : all.models)
    if (store::namespace_of(m) == store::namespace_of(device) && store::name_of(m) == model_name) model = m;
  uint64_t model_revision = model ? store::revision_of(model) : 0;
  auto& e = twins_[id];
  if (e.spec && e.uid == store::uid_of(device) && e.revision == store::revision_of(device) &&
      e.model_revision == model_revision)
    return;
  if (!e.uid.empty() && e.uid != store::uid_of(device)) reports_.erase(e.uid);
  e.uid = store::uid_of(device);
  e.revision = store::revision_of(device);
  e.model_revision = model_revision;
  auto model_value = model ? store::parse(model) : json::value{};
  e.spec = std::make_shared<const device_spec>(parse_device(value, model ? &model_value : nullptr));
  for (const auto& w : e.spec->warnings) args_->ctx.log.warning(args_->path, "device " + id + ": " + w);
  if (e.who)
    self_->send(e.who, assignment{e.spec, nullptr});
  else if (known == twins_.end())
    start_twin(id);
}

void host_state::start_twin(const std::string& id) {
  auto pool = args_->twins();
  if (!pool) return start_failed(id, make_error(errc::unavailable, "the pool of twins is not there just now"));
  if (pool.address() != pool_) {
    pool_ = pool.address();
    self_->monitor(pool);
  }
  base::start_child child;
  child.id = id;
  twin_args args{args_->ctx,     args_->twins_path + "/" + id,      id, args_->drivers,
                 args_->samples, caf::actor_cast<caf::actor>(self_)};
  child.start = [args](caf::event_based_actor* supervisor) {
    return caf::actor_cast<caf::actor>(supervisor->spawn(twin_actor, args));
  };
  self_->request(pool, ask_timeout, child)
      .then([](const caf::actor&) {},
            [this, id, pool](const caf::error& e) {
              if (code_of(e) != errc::already_exists) return start_failed(id, e);
              // One of an earlier host goes first.
              self_->request(pool, ask_timeout, base::stop_child{id, 2000})
                  .then([this, id] { self_->send(self_, host_again{id}); },
                        [this, id](const caf::error& x) { start_failed(id, x); });
            });
}

void host_state::start_failed(const std::string& id, const caf::error& e) {
  if (!twins_.contains(id)) return;
  args_->ctx.log.warning(args_->path, "the twin of " + id + " cannot be started, trying again: " + message_of(e));
  self_->delayed_send(self_, retry_after, host_again{id});
}

/// Its twins ended with it: they are started in the next one.
void host_state::on_twins_down() {
  pool_ = nullptr;
  for (auto& [id, t] : twins_) {
    t.who = nullptr;
    self_->delayed_send(self_, retry_after, host_again{id});
  }
}

void host_state::drop(const std::string& id) {
  auto i = twins_.find(id);
  if (i == twins_.end()) return;
  reports_.erase(i->second.uid);
  unsaved_.erase(id);
  twins_.erase(i);
  if (auto pool = args_->twins())
    self_->request(pool, ask_timeout, base::stop_child{id, 2000}).then([] {}, [](const caf::error&) {});
  ports::kv_batch batch;
  batch.remove(std::string{prefix} + id);
  if (auto ok = args_->kv.write(batch, false); !ok)
    args_->ctx.log.warning(args_->path, "the state of " + id + " stays on disk: " + message_of(ok.error()));
}

/// What was kept of devices that went while no host was there.
void host_state::forget_strangers() {
  ports::kv_batch batch;
  auto scanned = args_->kv.scan(prefix, prefix_end, [&](std::string_view key, std::string_view) {
    if (!twins_.contains(std::string{key.substr(prefix.size())})) batch.remove(std::string{key});
    return true;
  });
  if (scanned && !batch.changes.empty()) scanned = args_->kv.write(batch, false);
  if (!scanned) args_->ctx.log.warning(args_->path, "old twins stay on disk: " + message_of(scanned.error()));
}

// -- what twins say ---------------------------------------------------------------------------------------------------

std::shared_ptr<const letter<schema::TwinState>> host_state::kept(const std::string& id) const {
  if (auto i = unsaved_.find(id); i != unsaved_.end())
    return std::make_shared<const letter<schema::TwinState>>(i->second);
  auto text = args_->kv.get(std::string{prefix} + id);
  if (!text || !*text) return nullptr;
  auto state = letter<schema::TwinState>::from_bytes(std::as_bytes(std::span{(*text)->data(), (*text)->size()}));
  if (!state) {
    args_->ctx.log.warning(args_->path, "what was kept of " + id + " does not parse: it begins anew");
    return nullptr;
  }
  return std::make_shared<const letter<schema::TwinState>>(std::move(*state));
}

void host_state::greet(const hello& m) {
  auto i = twins_.find(m.id);
  if (i == twins_.end()) return;
  i->second.who = m.who;
  self_->send(m.who, assignment{i->second.spec, kept(m.id)});
}

void host_state::on_told(const told& m) {
  auto i = twins_.find(m.id);
  if (i == twins_.end() || i->second.uid != m.uid) return;
  unsaved_[m.id] = m.state;
  auto slash = m.id.find('/');
  auto& r = reports_[m.uid];
  r.what = {{m.id.substr(0, slash), m.id.substr(slash + 1), m.uid}, m.json};
  r.version = ++versions_;
  r.in_flight = false;
  flush_soon();
}

void host_state::flush_soon() {
  auto wait = flushed_ms_ + together_ms - args_->ctx.clock.steady_ms();
  if (wait <= 0) return flush();
  if (std::exchange(flush_armed_, true)) return;
  self_->delayed_send(self_, std::chrono::milliseconds{wait}, host_flush{});
}

void host_state::flush() {
  flushed_ms_ = args_->ctx.clock.steady_ms();
  ports::kv_batch batch;
  for (const auto& [id, state] : unsaved_) {
    auto bytes = state.bytes();
    batch.put(std::string{prefix} + id, std::string{reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  unsaved_.clear();
  // Not synced: after a power cut a value is older, and a desired one that was taken is written once more.
  if (!batch.changes.empty())
    if (auto ok = args_->kv.write(batch, false); !ok)
      args_->ctx.log.warning(args_->path, "the state of twins is not kept: " + message_of(ok.error()));
  hand_over();
}

void host_state::on_noted(const noted& m) {
  auto i = twins_.find(m.id);
  if (i == twins_.end() || i->second.uid != m.uid) return;
  const auto& spec = *i->second.spec;
  auto& ctx = args_->ctx;
  if (m.what.warning) ctx.log.info(args_->path, "device " + m.id + ": " + m.what.reason + ": " + m.what.message);
  node::event_subject about{"devices.kubeedge.io/v1beta1", "Device", spec.ns, spec.name, spec.uid, "skerry"};
  auto text = recorder_->add(about, {m.what.warning, m.what.reason, m.what.message, {}}, ctx.clock.wall_ms(),
                             ctx.random.next());
  if (!text) return;
  events_.push_back(std::move(*text));
  if (events_.size() > events_max) {
    events_.pop_front();
    if (auto end = lost_lines_.ask(ctx.clock.steady_ms()))
      ctx.log.warning(args_->path, "events of devices are lost: the link does not take them" + *end);
  }
  flush_soon();
}

/// Hands to the link, whose journal keeps it from then on, what it has not got.
void host_state::hand_over() {
  auto to = args_->link();
  if (!to) {
    if (!reports_.empty() || !events_.empty()) try_later();
    return;
  }
  for (auto& [uid, r] : reports_) {
    if (std::exchange(r.in_flight, true)) continue;
    self_->request(to, ask_timeout, r.what)
        .then(
            [this, uid = uid, version = r.version] {
              auto i = reports_.find(uid);
              if (i != reports_.end() && i->second.version == version) reports_.erase(i);
            },
            [this, uid = uid, version = r.version](const caf::error&) {
              auto i = reports_.find(uid);
              if (i != reports_.end() && i->second.version == version) i->second.in_flight = false;
              try_later();
            });
  }
  hand_over_events();
}

void host_state::hand_over_events() {
  auto to = args_->link();
  if (!to || events_.empty() || std::exchange(event_in_flight_, true)) return;
  auto text = events_.front();
  events_.pop_front();
  self_->request(to, ask_timeout, link::report_event{text})
      .then(
          [this] {
            event_in_flight_ = false;
            hand_over_events();
          },
          [this, text](const caf::error&) {
            event_in_flight_ = false;
            events_.push_front(text);
            try_later();
          });
}

caf::behavior host(base::stateful<host_state>* self, host_args args) { return self->state.make(std::move(args)); }

}  // namespace skerry::twin
