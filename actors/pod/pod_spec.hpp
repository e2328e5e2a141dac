#pragma once
#include <array>
#include <caf/expected.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "actors/ports/runtime.hpp"
#include "schema/json.hpp"

/// A pod on its node: the pure core (spec, environment, volumes, state machine, status) and the actor around it.
namespace skerry::pod {

enum class restart_policy : uint8_t { always, on_failure, never };
enum class qos_class : uint8_t { guaranteed, burstable, best_effort };

/// Names a ConfigMap or a Secret of the pod's own namespace.
struct config_key {
  bool secret = false;
  std::string name;
  auto operator<=>(const config_key&) const = default;
};
/// "configmap" or "secret", as kubelet's messages say it.
std::string kind_of(const config_key& key);

/// Content of a ConfigMap (data and binaryData) or a Secret, decoded.
struct config_object {
  std::map<std::string, std::string> data;
};
/// What is known of the objects that a pod refers to; those missing in it do not exist.
using config_set = std::map<config_key, std::shared_ptr<const config_object>>;
/// Reads core/v1 ConfigMap or Secret. Values of Secrets and of binaryData are base64; what does not decode is left out.
config_object parse_config(const json::value& object, bool secret);

struct env_var {
  enum class from : uint8_t { value, config, field, resource };
  std::string name;
  from source = from::value;
  std::string value;  ///< value: with $(VAR) in it; field: its path; resource: its name
  config_key config;
  std::string key;  ///< config: key in it
  bool optional = false;
  std::string container;  ///< resource: of this container; empty: own
  std::string divisor;    ///< resource: a quantity
};
struct env_from {
  std::string prefix;
  config_key config;
  bool optional = false;
};

struct port_ref {
  uint16_t number = 0;
  std::string name;  ///< looked up in the container's ports when not empty
};
/// What a probe or hook does.
struct action {
  enum class kind : uint8_t { none, exec, http, tcp, sleep, unsupported };
  kind what = kind::none;
  std::vector<std::string> command;
  std::string host, path = "/";
  port_ref port;
  bool https = false;
  std::vector<std::pair<std::string, std::string>> headers;
  int64_t sleep_s = 0;
};
struct probe_spec {
  action what;
  uint32_t initial_delay_s = 0, period_s = 10, timeout_s = 1;
  uint32_t success_threshold = 1, failure_threshold = 3;
  std::optional<int64_t> grace_s;  ///< terminationGracePeriodSeconds of the probe
};
enum class probe_kind : uint8_t { startup, readiness, liveness };
inline constexpr size_t probe_kinds = 3;

struct volume_mount {
  std::string volume, path, sub_path, sub_path_expr;
  bool read_only = false;
};
struct container_port {
  std::string name, protocol = "TCP", host_ip;
  uint16_t container = 0, host = 0;
};
/// resources.requests and .limits; absent: -1.
struct resource_amounts {
  int64_t cpu_milli = -1, memory_bytes = -1, ephemeral_bytes = -1;
};

struct container_def {
  std::string name, image, working_directory;
  bool init = false;     ///< of spec.initContainers
  bool sidecar = false;  ///< an init container with restartPolicy Always (KEP-753)
  ports::pull_policy pull = ports::pull_policy::if_not_present;
  std::vector<std::string> command, args;
  std::vector<env_var> env;
  std::vector<env_from> env_from_all;
  std::vector<volume_mount> mounts;
  std::vector<container_port> ports;
  resource_amounts requests, limits;
  std::array<std::optional<probe_spec>, probe_kinds> probes;
  action post_start, pre_stop;
  std::string termination_message_path;
  bool tty = false, open_stdin = false;
  // the container's security context over the pod's
  std::optional<int64_t> user, group;
  bool run_as_non_root = false, privileged = false, read_only_root = false, allow_privilege_escalation = true;
  std::vector<std::string> add_capabilities, drop_capabilities;

  const std::optional<probe_spec>& probe(probe_kind k) const { return probes[static_cast<size_t>(k)]; }
};

/// A file of a configMap, secret, downwardAPI or projected volume.
struct volume_item {
  std::string key, path;  ///< downwardAPI: key is the field's path
  std::string container, resource, divisor;
  std::optional<uint32_t> mode;
};
struct volume_part {
  enum class kind : uint8_t { config, downward };
  kind what = kind::config;
  config_key config;
  bool optional = false;
  std::vector<volume_item> items;  ///< empty: all keys
};
struct volume_def {
  enum class kind : uint8_t { empty_dir, host_path, files, unsupported };
  std::string name;
  kind what = kind::unsupported;
  bool memory = false;  ///< tmpfs: emptyDir of medium Memory, and all that holds a Secret
  uint64_t size_bytes = 0;
  std::string path, path_type;  ///< hostPath
  uint32_t default_mode = 0644;
  std::vector<volume_part> parts;  ///< files: configMap, secret, downwardAPI have one, projected several
  std::string why;                 ///< unsupported: the source's name
};

/// A pod as the node needs it, read once from core/v1 Pod; its JSON is dropped after that.
struct pod_spec {
  std::string uid, ns, name, node, service_account, hostname, subdomain;
  std::map<std::string, std::string> labels, annotations;
  int64_t generation = 0;
  bool deleting = false;  ///< metadata.deletionTimestamp is set
  int64_t grace_s = 30;   ///< deletionGracePeriodSeconds when deleting, else spec.terminationGracePeriodSeconds
  restart_policy restart = restart_policy::always;
  std::optional<int64_t> active_deadline_s;
  bool host_network = false;
  std::string dns_policy;
  std::vector<std::string> dns_servers, dns_searches, dns_options;
  std::vector<std::pair<std::string, std::vector<std::string>>> host_aliases;
  std::map<std::string, std::string> sysctls;
  std::vector<container_def> containers;  ///< init containers first, in order, then the others
  size_t init_count = 0;
  std::vector<volume_def> volumes;

  std::optional<uint32_t> fs_group;
  std::vector<uint32_t> supplemental_groups;  ///< with fs_group
  qos_class qos = qos_class::best_effort;
  std::set<config_key> configs;  ///< every ConfigMap and Secret that it refers to
  int64_t scheduled_ms = 0;      ///< condition PodScheduled of the object's status; 0: not there
  std::vector<std::pair<std::string, bool>> readiness_gates;  ///< with the state in the object's status

  const volume_def* volume(std::string_view volume_name) const;
};

/// Reads a pod. Values that the API has defaulted may be absent: Kubernetes' defaults hold then.
/// Errors: errc::invalid when it has no uid, name or containers.
caf::expected<pod_spec> parse_pod(const json::value& pod);

/// A spec for what the runtime lists of a pod that nobody wants any more: enough to stop and remove it.
pod_spec orphan_spec(const ports::sandbox_spec& sandbox, const std::vector<ports::container_state>& containers);

/// Hash of what a running container cannot follow without a restart (name, image): 16 hex digits.
std::string hash_of(const container_def& c);

const char* to_string(qos_class q);

/// Labels that containers and sandboxes carry in the runtime.
inline constexpr const char* label_hash = "skerry.io/container-hash";
inline constexpr const char* label_grace = "io.kubernetes.pod.terminationGracePeriod";

}  // namespace skerry::pod
