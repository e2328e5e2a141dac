#include <algorithm>

#include "actors/pod/pod_machine.hpp"
#include "schema/error.hpp"

namespace skerry::pod {
namespace {

constexpr std::array all_kinds{probe_kind::startup, probe_kind::readiness, probe_kind::liveness};

const char* title(probe_kind k) {
  switch (k) {
    case probe_kind::startup:
      return "Startup";
    case probe_kind::readiness:
      return "Readiness";
    case probe_kind::liveness:
      break;
  }
  return "Liveness";
}

uint16_t resolve(const container_def& c, const port_ref& port) {
  if (port.name.empty()) return port.number;
  for (auto& p : c.ports)
    if (p.name == port.name) return p.container;
  auto digits = !port.name.empty() &&
                std::all_of(port.name.begin(), port.name.end(), [](char x) { return x >= '0' && x <= '9'; });
  return digits ? static_cast<uint16_t>(std::atoi(port.name.c_str())) : uint16_t{0};
}

}  // namespace

bool pod_machine::ready(size_t i) const {
  auto& t = tracks_[i];
  auto& def = spec_->containers[i];
  if (def.init && !def.sidecar) return t.exited() && t.now->exit_code == 0;
  if (!t.running() || !t.started) return false;
  return !def.probe(probe_kind::readiness) || t.probe(probe_kind::readiness).result;
}

/// A container runs: its probes begin. One that was adopted keeps what was last told of it.
void pod_machine::reset_probes(size_t i, bool adopted) {
  auto& t = tracks_[i];
  auto& def = spec_->containers[i];
  auto before = prior_.containers.find(def.name);
  bool same = adopted && before != prior_.containers.end() && before->second.id == t.now->id;
  t.started = !def.probe(probe_kind::startup) || (same && before->second.started);
  auto age = adopted ? std::max<int64_t>(now_.wall_ms - t.now->started_ms, 0) : 0;
  for (auto kind : all_kinds) {
    auto& p = t.probe(kind);
    p = {};
    if (!def.probe(kind)) continue;
    p.due_ms = now_.steady_ms + std::max<int64_t>(def.probe(kind)->initial_delay_s * 1000LL - age, 0);
    p.result = kind == probe_kind::liveness || (kind == probe_kind::readiness && same && before->second.ready);
  }
}

void pod_machine::advance_probes(size_t i) {
  auto& t = tracks_[i];
  auto& def = spec_->containers[i];
  if (!t.running() || t.stop_wanted || ending()) return;
  for (auto kind : all_kinds) {
    auto& spec = def.probe(kind);
    if (!spec || (kind == probe_kind::startup) == t.started) continue;  // startup alone until it has passed
    auto& p = t.probe(kind);
    if (p.in_flight) continue;
    if (p.due_ms > now_.steady_ms) {
      wake_at(p.due_ms);
      continue;
    }
    p.due_ms = now_.steady_ms + spec->period_s * 1000LL;
    p.in_flight = true;
    fire_probe(i, kind, *spec);
    if (t.stop_wanted) return;
    if (!p.in_flight) wake_at(p.due_ms);
  }
}

void pod_machine::fire_probe(size_t i, probe_kind kind, const probe_spec& spec) {
  call_token token{i, static_cast<call_token::role>(kind), tracks_[i].generation};
  if (!run_action(token, spec.what, spec.timeout_s * 1000))
    probe_result(token, false, "this kind of probe is not supported on this node, or its port has no such name");
}

/// Asks for what a probe or hook does; false if this node cannot.
bool pod_machine::run_action(const call_token& token, const action& what, uint32_t timeout_ms) {
  auto& t = tracks_[token.container];
  auto& def = spec_->containers[token.container];
  auto& own = spec_->host_network ? host_->ips : ips_;
  auto host = !what.host.empty() ? what.host : own.empty() ? std::string{"127.0.0.1"} : own.front();
  auto port = resolve(def, what.port);
  switch (what.what) {
    case action::kind::exec:
      out_.push_back(ask::exec{token, t.now->id, what.command, timeout_ms});
      return true;
    case action::kind::http: {
      if (port == 0) return false;
      out_.push_back(ask::http{token, {host, port, what.path, what.https, what.headers}, timeout_ms});
      return true;
    }
    case action::kind::tcp:
      if (port == 0) return false;
      out_.push_back(ask::tcp{token, host, port, timeout_ms});
      return true;
    case action::kind::sleep:
      t.hook_until_ms = now_.steady_ms + what.sleep_s * 1000;
      return true;
    case action::kind::none:
    case action::kind::unsupported:
      break;
  }
  return false;
}

void pod_machine::handle(const on::exec_done& e) {
  bool ok = e.result && e.result->exit_code == 0 && !e.result->timed_out;
  auto text = !e.result ? message_of(e.result.error()) : e.result->timed_out ? "command timed out" : e.result->output;
  handle(on::probe_done{e.token, {ok, std::move(text)}});
}

void pod_machine::handle(const on::probe_done& e) {
  auto& token = e.token;
  if (token.container >= tracks_.size() || tracks_[token.container].generation != token.generation) return;
  if (token.why == call_token::role::post_start || token.why == call_token::role::pre_stop)
    hook_done(token, e.result.ok, e.result.output);
  else
    probe_result(token, e.result.ok, e.result.output);
}

void pod_machine::probe_result(const call_token& token, bool ok, const std::string& output) {
  auto i = token.container;
  auto& t = tracks_[i];
  auto& def = spec_->containers[i];
  auto kind = static_cast<probe_kind>(token.why);
  auto& p = t.probe(kind);
  p.in_flight = false;
  auto& spec = def.probe(kind);
  if (!spec || !t.running() || t.stop_wanted) return;
  if (!ok) record(true, "Unhealthy", std::string{title(kind)} + " probe failed: " + output.substr(0, 256), &def);
  if (!p.settle(*spec, ok)) return;
  if (kind == probe_kind::startup && ok) t.started = true;
  if (kind == probe_kind::readiness || ok) return;
  auto grace = spec->grace_s.value_or(spec_->grace_s) * 1000;
  auto what = kind == probe_kind::startup ? "startup" : "liveness";
  begin_stop(i, grace, "Container " + def.name + " failed " + what + " probe, will be restarted");
}

}  // namespace skerry::pod
