#pragma once
#include "drivers/http/connection.hpp"

namespace skerry::http {

/// One request on a connection, and the way back to it.
class exchange final : public ports::http_exchange {
public:
  exchange(std::shared_ptr<connection> c, uint64_t sequence, ports::http_request request)
      : connection_(std::move(c)), sequence_(sequence), request_(std::move(request)) {}
  ~exchange() override { connection_->abandoned(sequence_); }
  exchange(const exchange&) = delete;
  exchange& operator=(const exchange&) = delete;

  const ports::http_request& request() const override { return request_; }
  void respond(int status, std::string_view content_type, ports::http_body body,
               std::vector<std::pair<std::string, std::string>> headers) override {
    connection_->respond(sequence_, status, content_type, std::move(body), headers);
  }
  void start_stream(int status, std::string_view content_type, std::function<void()> on_closed) override {
    connection_->start_stream(sequence_, status, content_type, std::move(on_closed));
  }
  bool write(ports::http_body pieces) override { return connection_->write(sequence_, std::move(pieces)); }
  void end_stream() override { connection_->end_stream(sequence_); }

private:
  std::shared_ptr<connection> connection_;
  uint64_t sequence_;
  ports::http_request request_;
};

}  // namespace skerry::http
