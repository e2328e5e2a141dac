#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "actors/ports/transport.hpp"
#include "schema/letter.hpp"
#include "schema/object.capnp.h"

namespace skerry::ports {

/// A request as it came from an API client. Valid as long as its exchange lives.
struct http_request {
  std::string method;  ///< "GET"
  std::string target;  ///< path and query as sent
  std::string accept;  ///< header fields that the API reads
  std::string content_type;
  std::string authorization;
  std::string user_agent;
  std::string body;  ///< at most limits::request_body_bytes_max; the driver answers 413 above that
  peer_identity peer;
};

/// A part of a body. Bytes of stored objects are handed on by reference, not copied.
class http_piece {
public:
  http_piece(std::string text) : held_(std::move(text)) {}
  http_piece(const char* literal) : held_(std::string_view{literal}) {}
  /// A slice of a stored object's bytes; keeps the object alive.
  http_piece(letter<schema::StoredObject> object, std::string_view slice) : held_(slice_of{std::move(object), slice}) {}
  /// A slice of a shared text; keeps it alive.
  http_piece(std::shared_ptr<const std::string> text) : held_(std::move(text)) {}

  std::string_view view() const {
    switch (held_.index()) {
      case 0:
        return std::get<0>(held_);
      case 1:
        return std::get<1>(held_);
      case 2:
        return std::get<2>(held_).slice;
      default:
        return *std::get<3>(held_);
    }
  }

private:
  struct slice_of {
    letter<schema::StoredObject> object;
    std::string_view slice;
  };
  std::variant<std::string, std::string_view, slice_of, std::shared_ptr<const std::string>> held_;
};
using http_body = std::vector<http_piece>;

/// One request and its answer. Members are callable from any thread. If it is destroyed unanswered the client gets 500.
class http_exchange {
public:
  virtual ~http_exchange() = default;
  virtual const http_request& request() const = 0;
  /// Answers whole. `headers` are extra lines such as {"Retry-After", "1"}.
  virtual void respond(int status, std::string_view content_type, http_body body,
                       std::vector<std::pair<std::string, std::string>> headers = {}) = 0;
  /// Starts a streamed answer (chunked); `on_closed` is called once when the client goes away or the stream ends.
  virtual void start_stream(int status, std::string_view content_type, std::function<void()> on_closed) = 0;
  /// Adds to the stream. Returns false, and closes the stream, if more than limits::watch_queue_bytes_max waits.
  virtual bool write(http_body pieces) = 0;
  /// Ends the stream after what was written.
  virtual void end_stream() = 0;
};
using http_exchange_ptr = std::shared_ptr<http_exchange>;

/// What drivers/http calls for each request, on its own threads: answer from the published view at once, or hand the
/// exchange to an actor.
class http_service {
public:
  virtual ~http_service() = default;
  virtual void serve(http_exchange_ptr exchange) = 0;
};

}  // namespace skerry::ports
