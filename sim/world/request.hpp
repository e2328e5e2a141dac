#pragma once
#include <functional>
#include <memory>
#include <string>

#include "actors/api/front.hpp"

namespace skerry::sim {

/// A request to the API of a simulated cloud and what has come back so far. Everything happens in one thread.
struct call {
  ports::http_request request;
  int code = 0;  ///< 0 when it is done: nobody answered, as when a server drops the connection
  std::string text;
  bool done = false;
  std::function<void()> on_closed;
};
using call_ptr = std::shared_ptr<call>;

/// Sends a request as an administrator; the answer shows in the call as the world turns.
call_ptr send(api::front& front, std::string method, std::string target, std::string body = {},
              std::string type = "application/json");

}  // namespace skerry::sim
