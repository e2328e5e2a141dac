#pragma once
#include <cstdint>
#include <functional>
#include <memory>

#include "sim/ports/fault_plan.hpp"

namespace skerry::tools {

/// A TCP proxy on loopback that does to real connections what a fault_plan says: cuts at any byte (told to both ends,
/// to one, to none), silence, delay, a slow reader, a flipped bit. In a thread of its own; callable from any thread.
class fault_proxy {
public:
  /// Draws what befalls the next connection; called on the proxy's thread.
  using planner = std::function<sim::fault_plan()>;
  /// What it did so far.
  struct counts {
    uint64_t connections = 0;  ///< taken and passed on
    uint64_t refused = 0;      ///< nobody listened behind it, or `refuse` was set
    uint64_t cuts = 0;         ///< by plan or by `cut`
    uint64_t half_open = 0;    ///< of them those that not both ends were told
    uint64_t silent = 0;       ///< connections that fell silent one way
    uint64_t corrupt = 0;      ///< bytes flipped
    uint64_t delayed = 0, slow = 0;
    uint64_t bytes = 0;  ///< delivered, both ways
  };

  /// Listens on a free port; passes on to `to_port` on loopback.
  fault_proxy(uint16_t to_port, planner plan);
  ~fault_proxy();
  fault_proxy(const fault_proxy&) = delete;

  uint16_t port() const;
  counts so_far() const;
  /// Cuts all connections now, both ends told.
  void cut();
  /// While set, new connections are reset at once.
  void refuse(bool on);

private:
  class implementation;
  std::unique_ptr<implementation> implementation_;
};

}  // namespace skerry::tools
