#pragma once
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/expected.hpp>
#include <string>
#include <variant>
#include <vector>

#include "actors/ports/runtime.hpp"
#include "actors/store/object.hpp"

namespace skerry::node {

/// To the agent: which pods does it have? Answered with `pods_summary`.
struct get_pods {};
struct pods_summary {
  struct pod {
    std::string uid, ns, name, phase;
    uint32_t restarts = 0;  ///< of all its containers
    bool ready = false, dropped = false;
  };
  std::vector<pod> pods;
  bool ready = false;            ///< runtime and store work
  std::string problem;           ///< why not
  uint64_t reports_waiting = 0;  ///< 1 if the link has not taken all
};

/// To the agent: which Devices are placed here, and which DeviceModels do they name? Answered with `device_objects`, as
/// they are on disk.
struct get_devices {};
struct device_objects {
  std::vector<store::object> devices, models;
};
/// From the agent to the host of devices: ask again.
struct devices_changed {};

/// What the agent hears from its drivers and timers.
namespace internal {
struct listed {
  caf::expected<std::pair<std::vector<ports::sandbox_state>, std::vector<ports::container_state>>> result;
};
struct exited {
  ports::container_state state;
};
struct tick {};
struct start_again {
  std::string uid;
  uint64_t starts = 0;
};
struct hand_over {};
}  // namespace internal
using internal_event =
    std::variant<internal::tick, internal::listed, internal::exited, internal::start_again, internal::hand_over>;
struct heard {
  internal_event event;
};

}  // namespace skerry::node

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::node::get_pods)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::node::pods_summary)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::node::heard)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::node::get_devices)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::node::device_objects)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::node::devices_changed)
