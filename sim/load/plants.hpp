#pragma once
#include <memory>
#include <string>
#include <vector>

#include "sim/fleet/part.hpp"

namespace skerry::sim {

/// Bugs that can be planted into a world, each for the invariant that must find it.
namespace planted {
inline constexpr const char* lying_disk = "lying-disk";                ///< acknowledged-kept: syncs do nothing
inline constexpr const char* forgotten_receipt = "forgotten-receipt";  ///< effects-once
inline constexpr const char* older_state = "older-state";              ///< latest-last
inline constexpr const char* stopped_pod = "stopped-pod";              ///< offline-pods-kept
inline constexpr const char* second_instance = "second-instance";      ///< one-instance
inline constexpr const char* stranger = "stranger";                    ///< no-stranger
inline constexpr const char* repeated_event = "repeated-event";        ///< revisions-rise
inline constexpr const char* dropped_event = "dropped-event";          ///< watchers-complete
inline constexpr const char* crashing_actor = "crashing-actor";        ///< nobody-crashed
inline constexpr const char* endless_queue = "endless-queue";          ///< queues-bounded
}  // namespace planted

struct planted_bug {
  std::string name, found_by;
};
/// All of them.
const std::vector<planted_bug>& planted_bugs();

/// The part that brings a bug into a world; null for one that needs none, or for no name.
std::shared_ptr<part> make_plant(const std::string& name);

}  // namespace skerry::sim
