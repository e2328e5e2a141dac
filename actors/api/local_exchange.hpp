#pragma once
#include <atomic>
#include <functional>

#include "actors/api/status.hpp"
#include "actors/ports/http.hpp"

namespace skerry::api {

/// A request that comes from inside the process rather than from a socket: who asks is given, not proven by TLS here.
/// For requests that are answered whole.
class local_exchange final : public ports::http_exchange {
public:
  /// `done` is called once, on the thread that has the answer: the caller's own from within front::serve, or that of an
  /// actor.
  using done = std::function<void(reply)>;
  local_exchange(ports::http_request request, done f) : request_(std::move(request)), done_(std::move(f)) {}
  ~local_exchange() override {
    failure f;
    f.message = "Internal error occurred: the request was dropped; try again";
    finish(to_reply(f));
  }

  const ports::http_request& request() const override { return request_; }
  void respond(int status, std::string_view content_type, ports::http_body body, header_list headers) override {
    finish({status, std::string{content_type}, std::move(body), std::move(headers)});
  }
  void start_stream(int, std::string_view, std::function<void()>) override {
    finish(to_reply(not_acceptable("a watch is not answered here")));
  }
  bool write(ports::http_body) override { return false; }
  void end_stream() override {}

private:
  void finish(reply r) {
    if (!answered_.exchange(true)) done_(std::move(r));
  }

  ports::http_request request_;
  done done_;
  std::atomic<bool> answered_{false};
};

}  // namespace skerry::api
