#pragma once
#include <variant>

#include "schema/device/config.hpp"

namespace skerry::device {

/// A broker and who we are to it: `protocol.configData` with `ip`, `port` (1883), `clientId`, `username`, `password`,
/// `cleanSession` (true), `keepAlive` (s, 60); KubeEdge's mapper has all but the first two in the visitors, so what is
/// not here is looked for in `visitor`. Of our own: `stateTopic`, on which the device (or its last will) says "online"
/// or "offline", `timeout` (ms without any message after which it counts as offline; 0: never), and `caFile`,
/// `certFile`, `keyFile` (on the node, in PEM: with the first the connection is TLS, with the others we show a
/// certificate).
struct mqtt_address {
  std::string host;
  uint16_t port = 1883;
  std::string client_id, username, password;
  bool clean = true;
  uint16_t keep_alive_s = 60;
  std::string state_topic;
  uint32_t timeout_ms = 0;
  std::string ca_file, cert_file, key_file;

  /// Devices with the same one share a connection.
  std::string broker() const;
};
std::variant<mqtt_address, problem> read_mqtt_address(const json::object& config, const json::object& visitor);

/// Where a property is said: `visitors.configData` with `topic`, `qos` (0 to 2), `retain`; of our own `pointer` (RFC
/// 6901: where in a JSON payload), `setTopic` (where a desired value is published; the topic with "/set" behind it),
/// and `setTemplate` (what is published, with `{value}` in it). In topics `{namespace}`, `{name}` and `{property}` are
/// filled in.
struct mqtt_visitor {
  std::string topic, pointer, set_topic, set_template;
  int qos = 0;
  bool retain = false;
};
/// Who a topic is filled in for.
struct mqtt_names {
  std::string_view ns, name, property;
};
std::variant<mqtt_visitor, problem> read_mqtt_visitor(const json::object& config, const mqtt_names& names);

/// "a/b/c" or, to listen, "a/+/#" (MQTT 3.1.1, 4.7): not empty, at most 1024 bytes, no NUL, '+' and '#' whole levels
/// and '#' the last.
bool is_topic(std::string_view topic, bool to_listen);

}  // namespace skerry::device
