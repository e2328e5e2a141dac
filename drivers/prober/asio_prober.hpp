#pragma once
#include <boost/asio/io_context.hpp>
#include <memory>
#include <mutex>

#include "actors/ports/prober.hpp"

namespace skerry::prober {

/// Network probes on an io_context: a connection each, closed when the status line is there. `done` is called on one of
/// the context's threads; when the context is destroyed first, never.
class asio_prober : public ports::prober {
public:
  explicit asio_prober(boost::asio::io_context& context);
  ~asio_prober() override;
  void http(ports::http_probe probe, uint32_t timeout_ms, done f) override;
  void tcp(std::string host, uint16_t port, uint32_t timeout_ms, done f) override;

private:
  struct tls;
  boost::asio::io_context& context_;
  std::once_flag first_;
  std::shared_ptr<tls> tls_;  ///< made with the first HTTPS probe
};

}  // namespace skerry::prober
