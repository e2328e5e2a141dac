#pragma once
#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>
#include <deque>

#include "actors/pod/pod_status.hpp"
#include "schema/error.hpp"

/// Plays the shell and the runtime around one machine, by hand, in virtual time.
namespace skerry::pod::testing {

inline std::shared_ptr<const pod_spec> spec_of(std::string_view text) {
  auto p = parse_pod(json::parse(std::string{text}));
  BOOST_REQUIRE_MESSAGE(p.engaged(), (p ? std::string{} : message_of(p.error())));
  return std::make_shared<const pod_spec>(std::move(*p));
}

/// {"metadata": ..., "spec": <spec>} with names filled in.
inline std::string pod_json(std::string_view spec, std::string_view metadata = "") {
  return R"({"metadata":{"name":"web","namespace":"shop","uid":"u1")" + std::string{metadata} + R"(},"spec":)" +
         std::string{spec} + "}";
}

inline std::shared_ptr<const host_facts> host() {
  host_facts h;
  h.node = "n1";
  h.ips = {"192.168.1.5"};
  h.cpu_milli = 4000;
  h.memory_bytes = 8LL << 30;
  h.pods_directory = "/data/pods";
  h.dns_servers = {"9.9.9.9"};
  return std::make_shared<const host_facts>(std::move(h));
}

struct driver {
  explicit driver(const std::string& text, config_set configs = {}, prior_status prior = {})
      : machine(spec_of(text), std::move(configs), host(), prior), status(prior) {}

  instant now() const { return {wall + clock, clock}; }

  void send(pod_event e) {
    for (auto& x : machine.step(e, now())) {
      if (auto* t = std::get_if<ask::timer>(&x)) {
        timer = {t->generation, clock + t->delay_ms};
      } else if (auto* r = std::get_if<ask::record>(&x)) {
        events.push_back(*r);
      } else {
        asked.push_back(std::move(x));
      }
    }
  }
  void observe(std::optional<ports::sandbox_state> s = {}, std::vector<ports::container_state> c = {}) {
    send(on::observed{std::move(s), std::move(c)});
  }

  /// Lets time pass; the timer fires where it is due.
  void pass(int64_t ms) {
    auto until = clock + ms;
    while (timer && timer->second <= until) {
      clock = std::max(clock, timer->second);
      auto generation = timer->first;
      timer.reset();
      send(on::timer_fired{generation});
    }
    clock = until;
  }

  /// The next thing asked for; it must be a T.
  template <class T>
  T take() {
    BOOST_REQUIRE_MESSAGE(!asked.empty(), std::string{"nothing was asked for, expected "} + typeid(T).name());
    auto* x = std::get_if<T>(&asked.front());
    BOOST_REQUIRE_MESSAGE(x != nullptr, std::string{"asked for something else than "} + typeid(T).name() + ", index " +
                                            std::to_string(asked.front().index()));
    T out = std::move(*x);
    asked.pop_front();
    return out;
  }
  bool idle() const { return asked.empty(); }

  ports::sandbox_state alive(std::string ip = "10.0.0.7") {
    ports::sandbox_state s;
    s.spec.uid = "u1";
    s.ips = {std::move(ip)};
    s.ready = true;
    return s;
  }
  ports::container_state ran(const std::string& name, uint32_t attempt,
                             ports::container_phase phase = ports::container_phase::running) {
    ports::container_state s;
    s.id = name + "-" + std::to_string(attempt);
    s.pod_uid = "u1";
    s.name = name;
    s.attempt = attempt;
    s.phase = phase;
    s.started_ms = now().wall_ms;
    s.image_id = "sha256:" + name;
    return s;
  }
  /// Answers `start`.
  void started(const ask::start& a) {
    auto s = ran(a.spec.name, a.spec.attempt);
    s.labels = a.spec.labels;
    send(on::container_started{a.container, s});
  }
  void exited(const std::string& name, uint32_t attempt, int code, bool oom = false) {
    ports::container_state s;
    s.id = name + "-" + std::to_string(attempt);
    s.pod_uid = "u1";
    s.name = name;
    s.attempt = attempt;
    s.phase = ports::container_phase::exited;
    s.finished_ms = now().wall_ms;
    s.exit_code = code;
    s.oom_killed = oom;
    send(on::container_exited{s});
  }
  void image_ok() {
    auto a = take<ask::image>();
    send(on::image_ready{a.container, a.reference, ports::image_info{"sha256:i", {a.reference}, 1}});
  }
  /// Everything up to the first container's image.
  void set_up() {
    observe();
    if (!asked.empty() && std::holds_alternative<ask::volumes>(asked.front())) {
      take<ask::volumes>();
      send(on::volumes_made{});
    }
    take<ask::sandbox>();
    image_ok();
    send(on::sandbox_made{alive()});
  }
  /// Starts the next container, pulling first if that is asked.
  ask::start start_next() {
    if (!asked.empty() && std::holds_alternative<ask::image>(asked.front())) image_ok();
    auto a = take<ask::start>();
    started(a);
    return a;
  }
  json::value told() { return json::parse(status.render(machine, now().wall_ms)); }
  std::string phase() { return std::string{string_at(told(), "phase")}; }
  json::value container(size_t i = 0, const char* list = "containerStatuses") { return array_at(told(), list).at(i); }
  bool condition(std::string_view type) {
    auto t = told();
    for (auto& c : array_at(t, "conditions"))
      if (string_at(c, "type") == type) return string_at(c, "status") == "True";
    BOOST_FAIL("no such condition");
    return false;
  }
  bool has_event(std::string_view reason) const {
    for (auto& e : events)
      if (e.reason == reason) return true;
    return false;
  }

  pod_machine machine;
  pod_status status;
  std::deque<pod_effect> asked;
  std::vector<ask::record> events;
  std::optional<std::pair<uint64_t, int64_t>> timer;
  int64_t clock = 1'000'000;
  int64_t wall = 1'790'000'000'000;
};

inline constexpr const char* one_container = R"({"containers":[{"name":"a","image":"busybox:1"}]})";

}  // namespace skerry::pod::testing
