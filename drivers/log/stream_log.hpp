#pragma once
#include <atomic>
#include <optional>

#include "actors/ports/clock.hpp"
#include "actors/ports/log.hpp"

namespace skerry::drivers {

/// Lines for people on a file descriptor (2 by default), each written by one write(2), so that lines of several threads
/// and processes do not mix: "2026-11-23T10:00:00.123Z info /cloud/store text". Control characters in a text are shown
/// as "\xNN", texts are cut at 4 KiB, and what follows "token", "password", "secret" or "Bearer" as a value is never
/// shown. Coloured only if the descriptor is a terminal and NO_COLOR's value (https://no-color.org) is not given.
class stream_log final : public ports::log {
public:
  /// Keeps entries of `least` and above. `clock` must outlive this.
  stream_log(const ports::clock& clock, ports::severity least, int fd = 2, std::optional<bool> colour = {});

  bool enabled(ports::severity s) const override { return s >= least_.load(std::memory_order_relaxed); }
  void write(ports::severity s, std::string_view who, std::string_view text) override;
  /// Keeps entries of `least` and above from now on; returns what it was before.
  ports::severity set_least(ports::severity least) { return least_.exchange(least); }

private:
  const ports::clock& clock_;
  std::atomic<ports::severity> least_;
  int fd_;
  bool colour_;
};

/// Parses "debug", "info", "warning" or "error".
std::optional<ports::severity> parse_severity(std::string_view name);

/// Returns the line (with its end) as it is written, without colour.
std::string format_line(int64_t wall_ms, ports::severity s, std::string_view who, std::string_view text);

/// Returns `text` with the values of tokens, passwords and secrets replaced by "***".
std::string without_secrets(std::string_view text);

}  // namespace skerry::drivers
