#pragma once
#include <string>
#include <string_view>

namespace skerry::ports {

enum class severity : uint8_t { debug, info, warning, error };

/// Where people read what happened. One line an entry; never a secret in it. Callable from any thread; never blocks
/// long.
class log {
public:
  virtual ~log() = default;
  /// True if entries of this severity are kept: ask before building a costly text.
  virtual bool enabled(severity s) const = 0;
  /// `who` is the actor's path or the driver's name.
  virtual void write(severity s, std::string_view who, std::string_view text) = 0;

  void debug(std::string_view who, std::string_view text) { write(severity::debug, who, text); }
  void info(std::string_view who, std::string_view text) { write(severity::info, who, text); }
  void warning(std::string_view who, std::string_view text) { write(severity::warning, who, text); }
  void error(std::string_view who, std::string_view text) { write(severity::error, who, text); }
};

}  // namespace skerry::ports
