#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "actors/ports/random.hpp"

namespace skerry::sim {

/// What befalls one connection: decided when it is made, by counts of bytes, so that the same seed gives the same
/// faults. The simulated network and the fault-injecting proxy of real sockets both follow it.
struct fault_plan {
  static constexpr uint64_t never = UINT64_MAX;

  /// Who hears of a cut. Who does not is left with a half-open connection: what it sends vanishes.
  enum class told : uint8_t { both, connector, listener, nobody };

  /// One direction.
  struct way {
    uint64_t silent_after = never;  ///< bytes; what comes after them vanishes, and nobody is told
    uint64_t corrupt_at = never;    ///< the byte, counted from 0, of which one bit arrives flipped
    uint32_t delay_ms = 0;          ///< between sent and delivered
    uint32_t bytes_per_s = 0;       ///< what its reader takes; 0: all it gets
    uint64_t unread_after = never;  ///< bytes; then its reader takes nothing more, and the sender feels it
  };

  way up;    ///< from the end that connected to the end that listens
  way down;  ///< back
  /// Bytes of both ways together, after which the connection is cut; what is on the way then is lost, but for
  /// an end that is not told: what was sent to it before still arrives.
  uint64_t cut_after = never;
  told who = told::both;

  const way& of(int side) const { return side == 0 ? up : down; }  ///< what side 0 (the connector) or 1 sends
  /// "cut after 317 bytes, only the listener is told; up: delayed by 40 ms"; "none" without a fault.
  std::string text() const;
};

/// How often what happens, each as one connection in so many; 0: never.
struct fault_odds {
  uint32_t cut = 1, half_open = 8, silent = 10, corrupt = 12, delay = 4, slow = 12;
  uint64_t cut_bytes_min = 1, cut_bytes_max = 1 << 20;  ///< as likely from 1 to 10 bytes as from 10 to 100, and so on
  uint32_t early = 0;  ///< of what befalls a connection after some bytes: so often before cut_bytes_min
  uint32_t delay_ms_max = 300;
  uint32_t slow_bytes_per_s_min = 2'000;
};

/// Draws what befalls the next connection.
fault_plan draw_faults(ports::random& chance, const fault_odds& odds);

}  // namespace skerry::sim
