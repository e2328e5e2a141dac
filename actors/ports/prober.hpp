#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace skerry::ports {

struct http_probe {
  std::string host;  ///< address to connect to
  uint16_t port = 0;
  std::string path = "/";
  bool tls = false;  ///< scheme HTTPS; certificates are not verified, as in kubelet
  std::vector<std::pair<std::string, std::string>> headers;
};
struct probe_result {
  bool ok = false;     ///< HTTP: 200 <= status < 400; TCP: the connection was made
  std::string output;  ///< for the event, at most 256 bytes
};

/// Network probes of kubelet's kinds. Asynchronous; `done` is called exactly once, on the driver's thread.
class prober {
public:
  virtual ~prober() = default;
  using done = std::function<void(probe_result)>;
  virtual void http(http_probe probe, uint32_t timeout_ms, done f) = 0;
  virtual void tcp(std::string host, uint16_t port, uint32_t timeout_ms, done f) = 0;
};

}  // namespace skerry::ports
