#include "actors/pod/pod_actor.hpp"

#include <chrono>

#include "schema/error.hpp"
#include "schema/json.hpp"

namespace skerry::pod {
namespace {

constexpr size_t early_events_max = 256;
constexpr uint32_t greet_ms = 10'000;

struct greet_again {};

template <class T>
caf::error error_of(const caf::expected<T>& x) {
  return x ? caf::error{} : x.error();
}

}  // namespace
}  // namespace skerry::pod

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::pod::greet_again)

namespace skerry::pod {

caf::behavior pod_state::make(pod_args args) {
  args_ = std::make_unique<pod_args>(std::move(args));
  base::prepare(self_, args_->ctx, args_->path);
  self_->monitor(args_->agent);
  self_->set_down_handler([this](caf::scheduled_actor*, caf::down_msg& m) {
    if (m.source == args_->agent.address()) self_->quit();
  });
  greet();
  return {
      [this](const assignment& a) { assign(a); },
      [this](const input& x) { take(x.event); },
      [this](greet_again) {
        if (!machine_) greet();
      },
      [this](const letter<schema::AskPod>&) { return view(); },
  };
}

void pod_state::greet() {
  self_->send(args_->agent, hello{args_->uid, caf::actor_cast<caf::actor>(self_)});
  self_->delayed_send(self_, std::chrono::milliseconds{greet_ms}, greet_again{});
}

instant pod_state::now() const { return {args_->ctx.clock.wall_ms(), args_->ctx.clock.steady_ms()}; }

void pod_state::assign(const assignment& a) {
  if (machine_) return;  // the answer to a second greeting
  machine_ = std::make_unique<pod_machine>(a.spec, a.configs, a.host, a.prior);
  status_ = std::make_unique<pod_status>(a.prior);
  if (a.dropped) queue_.push_front(on::dropped{});
  queue_.push_front(a.listed);
  drain();
}

void pod_state::take(pod_event e) {
  if (!machine_) {  // what the listing may not show yet; the rest of what comes early is in the assignment
    if (std::holds_alternative<on::container_exited>(e) && queue_.size() < early_events_max)
      queue_.push_back(std::move(e));
    return;
  }
  queue_.push_back(std::move(e));
  if (!draining_) drain();
}

void pod_state::drain() {
  draining_ = true;
  while (!queue_.empty() && !machine_->gone()) {
    auto e = std::move(queue_.front());
    queue_.pop_front();
    auto effects = machine_->step(e, now());
    tell_status();
    for (auto& x : effects) act(x);
  }
  draining_ = false;
}

void pod_state::tell_status() {
  if (!machine_->observed() || machine_->gone()) return;
  auto text = status_->render(*machine_, now().wall_ms);
  if (text == told_) return;
  told_ = std::move(text);
  self_->send(args_->agent, status_changed{args_->uid, told_});
}

caf::result<letter<schema::PodView>> pod_state::view() const {
  if (!machine_ || told_.empty())
    return make_error(errc::unavailable, args_->path + " does not know yet what runs; ask again");
  const auto& spec = machine_->spec();
  std::string error;
  auto status = parse_json(told_, error);
  return letter<schema::PodView>::build([&](schema::PodView::Builder b) {
    b.setNamespace(spec.ns);
    b.setName(spec.name);
    b.setUid(args_->uid);
    b.setPhase(std::string{string_at(status, "phase")});
    b.setStatus({reinterpret_cast<const kj::byte*>(told_.data()), told_.size()});
  });
}

void pod_state::act(pod_effect& e) {
  auto& files = args_->files;
  if (auto* timer = std::get_if<ask::timer>(&e)) {
    self_->delayed_send(self_, std::chrono::milliseconds{timer->delay_ms}, input{on::timer_fired{timer->generation}});
  } else if (auto* event = std::get_if<ask::record>(&e)) {
    self_->send(args_->agent, event_recorded{args_->uid, std::move(*event)});
  } else if (auto* volumes = std::get_if<ask::volumes>(&e)) {
    queue_.push_back(on::volumes_made{error_of(make_volumes(files, volumes->steps))});
  } else if (std::holds_alternative<ask::remove_volumes>(e)) {
    queue_.push_back(on::volumes_removed{error_of(files.remove_tree(pod_directory(machine_->host(), args_->uid)))});
  } else if (std::holds_alternative<ask::gone>(e)) {
    self_->send(args_->agent, ended{args_->uid});
    self_->quit();
  } else if (std::holds_alternative<ask::http>(e) || std::holds_alternative<ask::tcp>(e)) {
    probe(e);
  } else {
    act_on_runtime(e);
  }
}

void pod_state::probe(pod_effect& e) {
  auto answer = [me = caf::actor_cast<caf::actor>(self_)](call_token token) {
    return [me, token](ports::probe_result r) { caf::anon_send(me, input{on::probe_done{token, std::move(r)}}); };
  };
  if (auto* http = std::get_if<ask::http>(&e))
    args_->prober.http(std::move(http->probe), http->timeout_ms, answer(http->token));
  else if (auto* tcp = std::get_if<ask::tcp>(&e))
    args_->prober.tcp(std::move(tcp->host), tcp->port, tcp->timeout_ms, answer(tcp->token));
}

void pod_state::act_on_runtime(pod_effect& e) {
  auto& runtime = args_->runtime;
  auto me = caf::actor_cast<caf::actor>(self_);
  auto tell = [me](auto event) { caf::anon_send(me, input{std::move(event)}); };
  if (auto* sandbox = std::get_if<ask::sandbox>(&e)) {
    runtime.make_sandbox(std::move(sandbox->spec),
                         [tell](caf::expected<ports::sandbox_state> r) { tell(on::sandbox_made{std::move(r)}); });
  } else if (std::holds_alternative<ask::remove_sandbox>(e)) {
    runtime.remove_sandbox(args_->uid, [tell](caf::expected<void> r) { tell(on::sandbox_removed{error_of(r)}); });
  } else if (auto* image = std::get_if<ask::image>(&e)) {
    runtime.ensure_image(image->reference, image->policy,
                         [tell, i = image->container, ref = image->reference](caf::expected<ports::image_info> r) {
                           tell(on::image_ready{i, ref, std::move(r)});
                         });
  } else if (auto* start = std::get_if<ask::start>(&e)) {
    runtime.start_container(std::move(start->spec),
                            [tell, i = start->container](caf::expected<ports::container_state> r) {
                              tell(on::container_started{i, std::move(r)});
                            });
  } else if (auto* stop = std::get_if<ask::stop>(&e)) {
    runtime.stop_container(stop->id, stop->grace_ms, [tell, id = stop->id](caf::expected<ports::container_state> r) {
      if (r)
        tell(on::container_exited{std::move(*r)});
      else
        tell(on::stop_failed{id, r.error()});
    });
  } else if (auto* remove = std::get_if<ask::remove_container>(&e)) {
    auto& log = args_->ctx.log;
    runtime.remove_container(remove->id, [&log, path = args_->path, id = remove->id](caf::expected<void> r) {
      if (!r) log.warning(path, "container " + id + " cannot be removed: " + message_of(r.error()));
    });
  } else if (auto* exec = std::get_if<ask::exec>(&e)) {
    runtime.exec(exec->id, std::move(exec->command), exec->timeout_ms,
                 [tell, token = exec->token](caf::expected<ports::exec_result> r) {
                   tell(on::exec_done{token, std::move(r)});
                 });
  }
}

caf::behavior pod_actor(base::stateful<pod_state>* self, pod_args args) { return self->state.make(std::move(args)); }

}  // namespace skerry::pod
