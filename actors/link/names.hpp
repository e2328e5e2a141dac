#pragma once
#include <caf/actor_control_block.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/link/proxy.hpp"
#include "schema/limits.hpp"

namespace skerry::link {

/// The numbers that stand for paths in what one end of a connection sends (schema/link.capnp, Letters). Under the lock
/// of its peer.
class names_out {
public:
  struct name {
    uint32_t number = 0;
    std::string path;
  };
  /// `epoch` names the connection, within the process. `path_of` gives the path of an actor that is no proxy.
  names_out(uint32_t epoch, std::function<std::string(const caf::strong_actor_ptr&)> path_of)
      : epoch_(epoch), path_of_(std::move(path_of)) {}

  /// To be called before a frame with up to `letters` letters: true if all numbers start anew (`next_epoch` is used
  /// then).
  bool begin(size_t letters, const std::function<uint32_t()>& next_epoch);
  uint32_t of(proxy& p);
  /// 0 for null. A proxy stands for its path.
  uint32_t of_actor(const caf::strong_actor_ptr& a);
  uint32_t of_path(const std::string& path);
  /// Those that were given since the last call, to be written into the frame.
  std::vector<name> take_fresh() { return std::exchange(fresh_, {}); }
  uint32_t epoch() const { return epoch_; }

private:
  uint32_t give(std::string path);

  uint32_t epoch_;
  std::function<std::string(const caf::strong_actor_ptr&)> path_of_;
  uint32_t next_ = 1;
  std::unordered_map<caf::actor_id, uint32_t> actors_;
  std::unordered_map<std::string, uint32_t> paths_;
  std::vector<name> fresh_;
};

}  // namespace skerry::link
