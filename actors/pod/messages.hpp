#pragma once
#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>

#include "actors/pod/pod_events.hpp"

/// What pod actors and their agent say to each other.
namespace skerry::pod {

/// Pod to agent: it has started, or been restarted; answered by `assignment` to `who`.
struct hello {
  std::string uid;
  caf::actor who;
};
/// Agent to pod, once: what it shall be, what is so, and what was last told of it.
struct assignment {
  std::shared_ptr<const pod_spec> spec;
  config_set configs;
  std::shared_ptr<const host_facts> host;
  prior_status prior;
  on::observed listed;
  bool dropped = false;
};
/// Agent, drivers or timer to pod: something has happened.
struct input {
  pod_event event;
};
/// Pod to agent.
struct status_changed {
  std::string uid, json;
};
struct event_recorded {
  std::string uid;
  ask::record event;
};
struct ended {
  std::string uid;
};

}  // namespace skerry::pod

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::pod::hello)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::pod::assignment)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::pod::input)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::pod::status_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::pod::event_recorded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::pod::ended)
