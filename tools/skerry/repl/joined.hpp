#pragma once
#include <memory>

#include "schema/vocabulary.hpp"
#include "tools/skerry/repl/remote.hpp"
#include "tools/skerry/repl/terminal.hpp"

namespace skerry::tools::repl {

/// This process as an island of its own, "/repl/<pid>", joined to a running island by its admin socket. What it does
/// not reach itself the joined island relays.
class joined final : public remote {
public:
  /// Connects and greets. `t`, whose Ctrl-C ends a wait, and `words` outlive it. Errors: errc::unavailable (nobody
  /// listens there), errc::forbidden, errc::timed_out, errc::unsupported (of another version).
  static caf::expected<std::unique_ptr<joined>> open(terminal& t, const vocabulary& words, const std::string& socket);
  ~joined() override;

  const std::string& home() const override;
  caf::expected<caf::message> ask(const std::string& path, caf::message what, uint32_t deadline_ms) override;
  caf::error send(const std::string& path, caf::message what) override;
  std::vector<letter<schema::Traced>> take_traced() override;
  std::string news() override;
  int wake_fd() const override;

private:
  struct parts;
  explicit joined(std::unique_ptr<parts> p);
  std::unique_ptr<parts> parts_;
};

}  // namespace skerry::tools::repl
