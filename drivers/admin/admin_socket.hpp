#pragma once
#include <caf/expected.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "actors/ports/transport.hpp"

namespace skerry::net {
class io_loop;
}

namespace skerry::drivers::admin {

/// Answers one request: JSON text in, JSON text out through `reply`, which is called once, from any thread.
using handler = std::function<void(std::string request, std::function<void(std::string)> reply)>;

/// A UNIX-domain socket on which the commands of the same machine reach a running cloud or agent. The first byte says
/// what is spoken: "{" begins one line of JSON (at most 64 KiB), which is answered with one line, then it is closed;
/// all else is a link (schema/link.capnp), whose frames begin with a length that is a multiple of 8. The file's mode is
/// 0600: only its owner may connect. At most 16 connections at once; one that says nothing for 10 s is closed; a
/// request may take 20 minutes (a large image), a link as long as it likes.
class server {
public:
  /// Either may be null: what it stands for is refused then. `loop`, `links` and what `f` refers to outlive the server.
  /// Errors: errc::io with the path.
  static caf::expected<std::unique_ptr<server>> start(net::io_loop& loop, const std::string& path, handler f,
                                                      ports::link_acceptor* links = nullptr);
  virtual ~server() = default;  ///< closes the socket and removes the file
};

/// Sends one request to the server at `path` and waits for its answer. Errors: errc::unavailable (no server there),
/// errc::timed_out, errc::io.
caf::expected<std::string> ask(const std::string& path, const std::string& request, uint32_t deadline_ms);

}  // namespace skerry::drivers::admin
