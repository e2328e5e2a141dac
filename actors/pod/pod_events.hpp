#pragma once
#include <caf/error.hpp>
#include <caf/expected.hpp>
#include <variant>

#include "actors/pod/volumes.hpp"
#include "actors/ports/prober.hpp"

/// What the machine of a pod hears (events) and what it asks for (effects). Each effect that is an operation is
/// answered by exactly one event; the ports give each operation its deadline.
namespace skerry::pod {

/// Both clocks, read once by the shell for each event.
struct instant {
  int64_t wall_ms = 0;    ///< for stamps
  int64_t steady_ms = 0;  ///< for spans
};

/// Who asked for an exec, a network probe or a hook. Stale generations are ignored.
struct call_token {
  enum class role : uint8_t { startup, readiness, liveness, post_start, pre_stop };
  size_t container = 0;
  role why = role::startup;
  uint64_t generation = 0;
};

/// What the last reporter of this pod's status knew (from the node's own store): kept over a restart of the agent.
struct prior_status {
  int64_t start_ms = 0;
  std::string reason, message;  ///< of the pod: DeadlineExceeded stays
  struct condition {
    bool value = false;
    int64_t since_ms = 0;
  };
  std::map<std::string, condition> conditions;
  struct container {
    std::string id;
    bool ready = false, started = false;
    uint32_t restarts = 0;
  };
  std::map<std::string, container> containers;
};

namespace on {
/// First of all events: what the runtime lists for this pod now.
struct observed {
  std::optional<ports::sandbox_state> sandbox;
  std::vector<ports::container_state> containers;
};
struct spec_changed {
  std::shared_ptr<const pod_spec> spec;
};
struct configs_changed {
  config_set configs;
};
/// The pod is no longer desired here: it ends as if deleted, with the grace of its spec.
struct dropped {};
struct volumes_made {
  caf::error failed;
};
struct sandbox_made {
  caf::expected<ports::sandbox_state> result;
};
struct sandbox_removed {
  caf::error failed;
};
struct volumes_removed {
  caf::error failed;
};
struct image_ready {
  size_t container = 0;
  std::string reference;
  caf::expected<ports::image_info> result;
};
struct container_started {
  size_t container = 0;
  caf::expected<ports::container_state> result;
};
/// Told by the runtime on its own, and as the answer to a stop; both may arrive for one end.
struct container_exited {
  ports::container_state state;
};
struct stop_failed {
  std::string id;
  caf::error failed;
};
struct exec_done {
  call_token token;
  caf::expected<ports::exec_result> result;
};
struct probe_done {
  call_token token;
  ports::probe_result result;
};
struct timer_fired {
  uint64_t generation = 0;
};
}  // namespace on

using pod_event =
    std::variant<on::observed, on::spec_changed, on::configs_changed, on::dropped, on::volumes_made, on::sandbox_made,
                 on::sandbox_removed, on::volumes_removed, on::image_ready, on::container_started, on::container_exited,
                 on::stop_failed, on::exec_done, on::probe_done, on::timer_fired>;

namespace ask {
struct volumes {
  std::vector<volume_step> steps;
};
struct remove_volumes {};
struct sandbox {
  ports::sandbox_spec spec;
};
struct remove_sandbox {};
struct image {
  size_t container = 0;
  std::string reference;
  ports::pull_policy policy = ports::pull_policy::if_not_present;
};
struct start {
  size_t container = 0;
  ports::container_spec spec;
};
struct stop {
  std::string id;
  uint32_t grace_ms = 0;
};
/// Not answered: the driver collects what fails.
struct remove_container {
  std::string id;
};
struct exec {
  call_token token;
  std::string id;
  std::vector<std::string> command;
  uint32_t timeout_ms = 0;
};
struct http {
  call_token token;
  ports::http_probe probe;
  uint32_t timeout_ms = 0;
};
struct tcp {
  call_token token;
  std::string host;
  uint16_t port = 0;
  uint32_t timeout_ms = 0;
};
/// One timer for the whole pod: a newer generation makes the older ones stale.
struct timer {
  uint64_t generation = 0;
  uint32_t delay_ms = 0;
};
/// A core/v1 Event about the pod; the agent counts repetitions.
struct record {
  bool warning = false;
  std::string reason, message;
  std::string field_path;  ///< "spec.containers{name}", or empty
};
/// The pod has ended and nothing of it is left on this machine. Last effect of all.
struct gone {};
}  // namespace ask

using pod_effect =
    std::variant<ask::volumes, ask::remove_volumes, ask::sandbox, ask::remove_sandbox, ask::image, ask::start,
                 ask::stop, ask::remove_container, ask::exec, ask::http, ask::tcp, ask::timer, ask::record, ask::gone>;
using pod_effects = std::vector<pod_effect>;

}  // namespace skerry::pod
