#pragma once
#include <caf/expected.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace skerry::ports {

struct port_mapping {
  uint16_t container_port = 0;
  uint16_t host_port = 0;
  std::string protocol = "TCP";
  std::string host_ip;
};

/// A pod's shared world: network namespace, cgroup parent, hostname, directories.
struct sandbox_spec {
  std::string uid, ns, name;  ///< of the pod; `uid` names the sandbox
  std::string hostname;
  bool host_network = false;
  std::vector<port_mapping> ports;  ///< those with a host port
  std::vector<std::string> dns_servers, dns_searches, dns_options;
  std::vector<std::pair<std::string, std::vector<std::string>>> host_aliases;  ///< ip -> names
  std::map<std::string, std::string> sysctls;
  std::map<std::string, std::string> labels;  ///< kept and given back by list()
};

struct mount_spec {
  std::string source, target;  ///< host path; path in the container
  bool read_only = false;
  std::string sub_path;  ///< below `source`; made if missing
};

struct container_spec {
  std::string pod_uid, name;
  uint32_t attempt = 0;              ///< restart count; (pod_uid, name, attempt) names the container
  std::string image;                 ///< reference as in the pod
  std::vector<std::string> command;  ///< empty: the image's entrypoint
  std::vector<std::string> args;     ///< empty: the image's cmd, unless `command` is set
  std::vector<std::pair<std::string, std::string>> environment;  ///< added to the image's
  std::string working_directory;                                 ///< empty: the image's
  std::vector<mount_spec> mounts;
  uint64_t memory_bytes_max = 0;  ///< 0: no limit
  int64_t cpu_milli_max = 0;      ///< 0: no limit
  int64_t cpu_milli_request = 0;  ///< to cpu.shares or cpu.weight
  int oom_score_adjust = 0;

  std::optional<int64_t> user, group;         ///< runAsUser, runAsGroup
  std::vector<uint32_t> supplemental_groups;  ///< supplementalGroups and fsGroup, beside the image's own
  bool run_as_non_root = false;
  bool privileged = false, read_only_root = false, allow_privilege_escalation = true;
  std::vector<std::string> add_capabilities, drop_capabilities;
  bool tty = false, open_stdin = false;
  std::string termination_message_path = "/dev/termination-log";
  std::map<std::string, std::string> labels;  ///< kept and given back by list(); such as a hash of the spec
};

enum class container_phase : uint8_t { created, running, exited };

struct container_state {
  std::string id;  ///< the runtime's own, 64 hex digits; containerStatuses[].containerID is "skerry://<id>"
  std::string pod_uid, name;
  uint32_t attempt = 0;
  container_phase phase = container_phase::created;
  int64_t started_ms = 0, finished_ms = 0;  ///< Unix
  int exit_code = 0;                        ///< 128 + signal when killed
  bool oom_killed = false;
  std::string termination_message;  ///< at most 4096 bytes
  std::string image, image_id;      ///< reference; "<name>@sha256:…" or "sha256:…"
  int64_t pid = 0;
  std::map<std::string, std::string> labels;
};

struct sandbox_state {
  sandbox_spec spec;
  std::vector<std::string> ips;
  bool ready = false;  ///< its network namespace and address are still there (false after a reboot)
};

struct image_info {
  std::string id;                  ///< "sha256:…" of the image configuration
  std::vector<std::string> names;  ///< references, normalised ("docker.io/library/busybox:latest")
  uint64_t size_bytes = 0;
};

struct exec_result {
  int exit_code = -1;
  bool timed_out = false;
  std::string output;  ///< stdout and stderr, at most 10 KiB
};

enum class pull_policy : uint8_t { always, if_not_present, never };

struct runtime_info {
  std::string name, version;   ///< "skerry-oci", "1.1.5 (runc)"
  std::string cgroup_version;  ///< "v1", "hybrid", "v2"
};

/// Containers. Real: drivers/runtime/oci (conmon, crun or runc, CNI, overlayfs, skopeo, umoci); simulated: sim/ports.
/// Asynchronous: each `done` is called exactly once, on a thread of the driver, within the operation's own deadline;
/// all operations are idempotent (to make what is there, to remove what is gone, succeeds).
class runtime {
public:
  template <class T>
  using done = std::function<void(caf::expected<T>)>;

  virtual ~runtime() = default;
  virtual runtime_info info() const = 0;

  /// What is on this machine now, from the disk and the kernel: found after a restart of the agent, or of the machine.
  /// Half-made leftovers are collected by the driver itself and are not listed.
  virtual void list(done<std::pair<std::vector<sandbox_state>, std::vector<container_state>>> f) = 0;
  /// `on_exit` is called once for every container that ends, also for those adopted; set before list().
  virtual void on_exit(std::function<void(container_state)> f) = 0;

  /// Makes the image usable. Errors: errc::not_found (no such image, or `never` and absent: message starts with
  /// "ErrImageNeverPull"), errc::unavailable (registry away), errc::corrupt (does not unpack), errc::unauthorized,
  /// errc::invalid ("InvalidImageName").
  virtual void ensure_image(std::string reference, pull_policy policy, done<image_info> f) = 0;
  virtual void images(done<std::vector<image_info>> f) = 0;
  virtual void import_image(std::string archive_path, std::string name, done<image_info> f) = 0;
  virtual void remove_image(std::string reference, done<void> f) = 0;

  virtual void make_sandbox(sandbox_spec spec, done<sandbox_state> f) = 0;
  /// Stops and removes whatever is left in it, its network and its directories.
  virtual void remove_sandbox(std::string pod_uid, done<void> f) = 0;

  /// Creates and starts. Errors: errc::not_found (the image), errc::invalid (the runtime refuses the spec: bad command,
  /// bad mount; message as the runtime says it).
  virtual void start_container(container_spec spec, done<container_state> f) = 0;
  /// SIGTERM (or the image's StopSignal), after `grace_ms` SIGKILL; done when it has ended.
  virtual void stop_container(std::string id, uint32_t grace_ms, done<container_state> f) = 0;
  virtual void remove_container(std::string id, done<void> f) = 0;
  /// Runs a command inside; kills it at the deadline.
  virtual void exec(std::string id, std::vector<std::string> command, uint32_t timeout_ms, done<exec_result> f) = 0;
  /// Path of the container's log in CRI's format.
  virtual std::string log_path(const std::string& id) const = 0;
};

}  // namespace skerry::ports
