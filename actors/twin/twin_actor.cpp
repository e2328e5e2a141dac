#include "actors/twin/twin_actor.hpp"

#include <boost/json/serialize.hpp>
#include <chrono>

#include "schema/device/limits.hpp"
#include "schema/error.hpp"

namespace skerry::twin {
namespace {
constexpr std::chrono::seconds greet_again_after{10};
struct greet_again {};
/// The courier was not there.
struct hand_over_again {};
constexpr std::chrono::seconds courier_timeout{30}, courier_pause{1};
}  // namespace
}  // namespace skerry::twin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::twin::greet_again)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::twin::hand_over_again)

namespace skerry::twin {

caf::behavior twin_state::make(twin_args args) {
  args_ = std::make_unique<twin_args>(std::move(args));
  base::prepare(self_, args_->ctx, args_->path);
  self_->monitor(args_->host);
  self_->set_down_handler([this](caf::scheduled_actor*, caf::down_msg& m) {
    if (m.source == args_->host.address()) self_->quit();
  });
  greet();
  return {
      [this](const assignment& a) { assign(a); },
      [this](const heard& m) {
        if (assigned_) std::visit([this](auto& e) { handle(e); }, m.event);
      },
      [this](greet_again) {
        if (!assigned_) greet();
      },
      [this](hand_over_again) {
        again_armed_ = false;
        hand_over();
      },
      [this](const letter<schema::AskTwin>&) { return view(); },
  };
}

void twin_state::greet() {
  self_->send(args_->host, hello{args_->id, caf::actor_cast<caf::actor>(self_)});
  self_->delayed_send(self_, greet_again_after, greet_again{});
}

void twin_state::assign(const assignment& a) {
  auto anew = !assigned_ || !same_connection(core_.spec(), *a.spec);
  if (assigned_)
    core_.change(a.spec, anew, now());
  else
    core_.start(a.spec, a.prior.get(), now());
  assigned_ = true;
  number_points(*a.spec);
  if (anew) connect();
  step();
}

/// Samples go by the numbers of properties: those that wait are of the properties that were.
void twin_state::number_points(const device_spec& spec) {
  telemetry::device_points points{{spec.ns, spec.name, spec.uid}, {}};
  for (const auto& p : spec.properties) points.properties.push_back(p.name);
  if (points_ && points_->device.uid == points.device.uid && points_->properties == points.properties) return;
  hand_over();
  if (!samples_.empty())
    args_->ctx.log.info(args_->path, std::to_string(samples_.size()) + " samples are lost: the properties changed");
  samples_.clear();
  points_ = std::make_shared<const telemetry::device_points>(std::move(points));
}

void twin_state::connect() {
  device_.reset();
  auto connection = ++connections_;
  const auto& spec = core_.spec();
  if (!spec.problem.empty()) return;
  ports::device_driver* driver = nullptr;
  for (auto* d : args_->drivers)
    if (driver == nullptr && d->drives(spec.protocol)) driver = d;
  if (driver == nullptr) return core_.on_refused("this node has no driver for protocol '" + spec.protocol + "'", now());
  ports::device_description what{args_->id, spec.config, {}, spec.protocol};
  for (const auto& p : spec.properties) what.points.push_back({p.name, p.config});
  auto me = caf::actor_cast<caf::actor>(self_);
  ports::device_listener listener;
  listener.on_health = [me, connection](ports::device_health h) {
    caf::anon_send(me, heard{internal::health{connection, std::move(h)}});
  };
  listener.on_news = [me, connection] { caf::anon_send(me, heard{internal::news{connection}}); };
  auto made = driver->connect(std::move(what), std::move(listener));
  if (!made) return core_.on_refused(message_of(made.error()), now());
  device_ = std::move(*made);
}

void twin_state::handle(const internal::tick& m) {
  if (m.generation != timers_) return;
  armed_ms_ = 0;
  step();
}
void twin_state::handle(const internal::health& m) {
  if (m.connection != connections_) return;
  core_.on_health(m.what, now());
  step();
}
void twin_state::handle(const internal::news& m) {
  if (m.connection != connections_) return;
  core_.on_news(now());
  step();
}
void twin_state::handle(const internal::readings& m) {
  core_.on_readings(m.number, m.what, now());
  step();
}
void twin_state::handle(const internal::written& m) {
  core_.on_written(m.number, m.what, now());
  step();
}

/// Does what the core wants done.
void twin_state::step() {
  auto a = core_.step(now());
  auto me = caf::actor_cast<caf::actor>(self_);
  if (a.write && device_)
    device_->write(a.write->point, std::move(a.write->value), limits::device_read_ms_max,
                   [me, number = core_.write_number()](caf::error e) {
                     caf::anon_send(me, heard{internal::written{number, std::move(e)}});
                   });
  if (!a.read.empty() && device_)
    device_->read(std::move(a.read), limits::device_read_ms_max,
                  [me, number = core_.read_number()](std::vector<ports::point_reading> r) {
                    caf::anon_send(me, heard{internal::readings{number, std::move(r)}});
                  });
  keep(std::move(a.samples));
  for (auto& n : a.notes) self_->send(args_->host, noted{args_->id, core_.spec().uid, std::move(n)});
  if (a.tell)
    self_->send(args_->host, told{args_->id, core_.spec().uid, json::serialize(core_.status()), core_.state()});
  arm(a.wake_ms);
}

/// Samples for the courier; while it does not take them the newest are kept.
void twin_state::keep(std::vector<telemetry::point_sample> fresh) {
  if (fresh.empty() || !args_->samples) return;
  samples_.insert(samples_.end(), std::make_move_iterator(fresh.begin()), std::make_move_iterator(fresh.end()));
  if (auto n = samples_.size(); n > limits::twin_samples_max) {
    samples_.erase(samples_.begin(), samples_.end() - limits::twin_samples_max);
    if (auto end = lost_lines_.ask(now().steady_ms))
      args_->ctx.log.warning(args_->path, "samples are lost: the journal does not take them" + *end);
  }
  hand_over();
}

void twin_state::hand_over() {
  if (samples_.empty() || handing_over_ || again_armed_) return;
  auto to = args_->samples();
  auto later = [this] {
    again_armed_ = true;
    self_->delayed_send(self_, courier_pause, hand_over_again{});
  };
  if (!to) return later();
  handing_over_ = true;
  // What a courier had in hand when it ended may be on disk: it is not handed over again.
  self_->request(to, courier_timeout, telemetry::samples_taken{points_, std::exchange(samples_, {})})
      .then(
          [this] {
            handing_over_ = false;
            hand_over();
          },
          [this, later](const caf::error& e) {
            handing_over_ = false;
            if (auto end = lost_lines_.ask(now().steady_ms))
              args_->ctx.log.warning(args_->path, "samples are lost: " + message_of(e) + *end);
            later();
          });
}

void twin_state::arm(int64_t wake_ms) {
  if (armed_ms_ != 0 && armed_ms_ <= wake_ms) return;  // it wakes before, and looks then
  armed_ms_ = wake_ms;
  auto after = std::max<int64_t>(wake_ms - now().steady_ms, 1);
  self_->delayed_send(self_, std::chrono::milliseconds{after}, heard{internal::tick{++timers_}});
}

caf::result<letter<schema::TwinView>> twin_state::view() const {
  if (!assigned_) return make_error(errc::unavailable, args_->path + " does not know yet what it is; ask again");
  auto status = core_.status();
  auto text = json::serialize(status);
  return letter<schema::TwinView>::build([&](schema::TwinView::Builder b) {
    b.setNamespace(core_.spec().ns);
    b.setName(core_.spec().name);
    b.setUid(core_.spec().uid);
    b.setState(std::string{string_at(json::value(status), "state")});
    b.setStatus({reinterpret_cast<const kj::byte*>(text.data()), text.size()});
  });
}

caf::behavior twin_actor(base::stateful<twin_state>* self, twin_args args) { return self->state.make(std::move(args)); }

}  // namespace skerry::twin
