#pragma once
#include <variant>

#include "schema/device/config.hpp"

namespace skerry::device {

/// A server and who we are to it: `protocol.configData` with `url`, `userName`, `password`, `securityMode` (None, Sign,
/// SignAndEncrypt), `securityPolicy` (None, Basic256Sha256), `certificate`, `privateKey` (on the node, DER or PEM: what
/// we show) and `remoteCertificate` (on the node: what the server must show, a file, or a folder of such). Of our own:
/// `timeout` (ms for one answer, 100 to 4000; 2000) and `samplingInterval` (ms, 10 to 60000; 100: how often the server
/// looks at a variable).
struct opcua_address {
  enum class mode : uint8_t { none, sign, sign_and_encrypt };
  std::string url, user, password;
  mode security = mode::none;
  std::string certificate, private_key, remote_certificate;
  uint32_t timeout_ms = 2'000;
  uint32_t sampling_ms = 100;

  /// Devices with the same one share a session.
  std::string session() const;
};
std::variant<opcua_address, problem> read_opcua_address(const json::object& config);

/// `visitors.configData` with `nodeID` ("ns=2;i=3", "ns=1;s=Temperature"): the variable.
struct opcua_visitor {
  std::string node;
};
std::variant<opcua_visitor, problem> read_opcua_visitor(const json::object& config);

}  // namespace skerry::device
