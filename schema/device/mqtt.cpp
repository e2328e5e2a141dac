#include "schema/device/mqtt.hpp"

namespace skerry::device {
namespace {

constexpr size_t topic_bytes_max = 1'024;
constexpr size_t text_bytes_max = 1'024;

std::string filled(std::string topic, const mqtt_names& names) {
  for (auto [key, value] :
       {std::pair{"{namespace}", names.ns}, std::pair{"{name}", names.name}, std::pair{"{property}", names.property}})
    for (auto at = topic.find(key); at != std::string::npos && topic.size() < topic_bytes_max;
         at = topic.find(key, at + value.size()))
      topic.replace(at, std::string_view{key}.size(), value);
  return topic;
}

template <class T>
std::optional<problem> take(const json::object& o, std::string_view key, int64_t min, int64_t max, T& out) {
  const auto* v = o.if_contains(key);
  if (v == nullptr || v->is_null() || (v->is_string() && v->get_string().empty())) return {};
  auto n = number_in(o, key);
  if (!n || *n < min || *n > max)
    return problem{std::string{key}, "must be a number from " + std::to_string(min) + " to " + std::to_string(max)};
  out = static_cast<T>(*n);
  return {};
}

/// Takes a text from the first of the two that has it.
std::optional<problem> take_text(const json::object& a, const json::object& b, const char* key, std::string& out) {
  out = text_of(a, key);
  if (out.empty()) out = text_of(b, key);
  if (out.size() > text_bytes_max) return problem{key, "is longer than 1024 bytes"};
  return {};
}

}  // namespace

std::string mqtt_address::broker() const {
  // Two devices of one client id are one client to the broker; of two users, two.
  std::string out = host + ":" + std::to_string(port);
  for (const auto* part : {&client_id, &username, &password, &ca_file, &cert_file}) out += '\n' + *part;
  return out;
}

std::variant<mqtt_address, problem> read_mqtt_address(const json::object& config, const json::object& visitor) {
  mqtt_address a;
  a.host = text_of(config, "ip");
  if (a.host.empty() || a.host.size() > 253) return problem{"ip", "wants the broker's address or name"};
  if (auto p = take(config, "port", 1, 65535, a.port)) return *p;
  for (auto [key, to] :
       {std::pair{"clientId", &a.client_id}, std::pair{"username", &a.username}, std::pair{"password", &a.password}})
    if (auto p = take_text(config, visitor, key, *to)) return *p;
  const auto& alive = config.contains("keepAlive") ? config : visitor;
  if (auto p = take(alive, "keepAlive", 5, 65535, a.keep_alive_s)) return *p;
  const auto& clean = config.contains("cleanSession") ? config : visitor;
  a.clean = flag_in(clean, "cleanSession").value_or(true);
  if (!a.clean && a.client_id.empty()) return problem{"cleanSession", "needs a clientId to be false"};
  for (auto [key, to] :
       {std::pair{"caFile", &a.ca_file}, std::pair{"certFile", &a.cert_file}, std::pair{"keyFile", &a.key_file}}) {
    *to = text_of(config, key);
    if (!to->empty() && (to->front() != '/' || to->size() > text_bytes_max))
      return problem{key, "must be a path on the node, as /etc/skerry/broker-ca.pem"};
  }
  if (a.cert_file.empty() != a.key_file.empty()) return problem{"certFile", "and keyFile go together"};
  if (a.ca_file.empty() && !a.cert_file.empty()) return problem{"caFile", "is wanted where there is a certFile"};
  if (auto p = take(config, "timeout", 0, 7 * 24 * 3600 * 1000, a.timeout_ms)) return *p;
  a.state_topic = text_of(config, "stateTopic");
  if (!a.state_topic.empty() && !is_topic(a.state_topic, true)) return problem{"stateTopic", "is no MQTT topic"};
  return a;
}

std::variant<mqtt_visitor, problem> read_mqtt_visitor(const json::object& config, const mqtt_names& names) {
  mqtt_visitor v;
  v.topic = filled(text_of(config, "topic"), names);
  if (!is_topic(v.topic, true)) return problem{"topic", "must be an MQTT topic"};
  v.pointer = text_of(config, "pointer");
  if (!v.pointer.empty() && v.pointer.front() != '/') return problem{"pointer", "must be a JSON pointer, as /a/0/b"};
  if (auto p = take(config, "qos", 0, 2, v.qos)) return *p;
  v.retain = flag_in(config, "retain").value_or(false);
  v.set_topic = filled(text_of(config, "setTopic"), names);
  if (v.set_topic.empty() && is_topic(v.topic, false)) v.set_topic = v.topic + "/set";
  if (!v.set_topic.empty() && !is_topic(v.set_topic, false)) return problem{"setTopic", "must be one MQTT topic"};
  v.set_template = text_of(config, "setTemplate");
  if (!v.set_template.empty() && v.set_template.find("{value}") == std::string::npos)
    return problem{"setTemplate", "must have {value} in it"};
  return v;
}

bool is_topic(std::string_view topic, bool to_listen) {
  if (topic.empty() || topic.size() > topic_bytes_max || topic.find('\0') != std::string_view::npos) return false;
  for (size_t i = 0; i < topic.size(); ++i) {
    if (topic[i] != '+' && topic[i] != '#') continue;
    auto whole = (i == 0 || topic[i - 1] == '/') && (i + 1 == topic.size() || topic[i + 1] == '/');
    if (!to_listen || !whole || (topic[i] == '#' && i + 1 != topic.size())) return false;
  }
  return true;
}

}  // namespace skerry::device
