#pragma once
#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <variant>

#include "actors/twin/core.hpp"

/// What twins and their host say to each other.
namespace skerry::twin {

/// Twin to host: it has started, or been restarted; answered by `assignment` to `who`.
struct hello {
  std::string id;  ///< "<namespace>/<name>"
  caf::actor who;
};
/// Host to twin: what it is the twin of; again when that has changed.
struct assignment {
  std::shared_ptr<const device_spec> spec;
  std::shared_ptr<const letter<schema::TwinState>> prior;  ///< of before a restart; null: none
};
/// Twin to host: for the cloud, and for the disk.
struct told {
  std::string id, uid;
  std::string json;  ///< DeviceStatus.status
  letter<schema::TwinState> state;
};
/// Twin to host: for core/v1 Events.
struct noted {
  std::string id, uid;
  note what;
};

/// What a twin hears from its driver and its timer.
namespace internal {
struct tick {
  uint64_t generation = 0;
};
struct health {
  uint64_t connection = 0;
  ports::device_health what;
};
struct news {
  uint64_t connection = 0;
};
struct readings {
  uint64_t number = 0;
  std::vector<ports::point_reading> what;
};
struct written {
  uint64_t number = 0;
  caf::error what;
};
}  // namespace internal
struct heard {
  std::variant<internal::tick, internal::health, internal::news, internal::readings, internal::written> event;
};

}  // namespace skerry::twin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::twin::hello)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::twin::assignment)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::twin::told)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::twin::noted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::twin::heard)
