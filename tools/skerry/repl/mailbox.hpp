#pragma once
#include <caf/actor_proxy.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "schema/admin.capnp.h"
#include "schema/letter.hpp"

namespace skerry::tools::repl {

/// Where answers and traced messages come to: an actor without behaviour, whose letters wait until the main thread
/// takes them. So the main thread can wait for an answer, for Ctrl-C and for SIGTERM at once.
class mailbox final : public caf::actor_proxy {
public:
  static constexpr size_t traced_max = 10'000;  ///< then the oldest goes

  explicit mailbox(caf::actor_config& cfg);
  ~mailbox() override;

  /// A number for a request whose answer is awaited from now on.
  caf::message_id expect();
  /// The answer, if it has come; it is then not awaited any more.
  bool take(caf::message_id request, caf::message& answer);
  /// Not awaited any more.
  void forget(caf::message_id request);
  std::vector<letter<schema::Traced>> take_traced();
  /// Readable while something came that was not looked for since.
  int fd() const { return fd_; }
  /// Makes fd() readable.
  void wake();
  /// Makes fd() unreadable until something new comes.
  void settle();

  using caf::actor_proxy::enqueue;
  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* host) override;
  void kill_proxy(caf::execution_unit* host, caf::error reason) override;

private:
  std::mutex mutex_;
  uint64_t last_ = 0;
  std::map<uint64_t, std::optional<caf::message>> awaited_;  ///< by the number of the request
  std::vector<letter<schema::Traced>> traced_;
  int fd_;
};

}  // namespace skerry::tools::repl
