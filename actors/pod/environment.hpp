#pragma once
#include "actors/pod/pod_spec.hpp"

namespace skerry::pod {

/// What pods need to know of the machine they are on.
struct host_facts {
  std::string node;                                                 ///< the node's name
  std::vector<std::string> ips;                                     ///< of the node; the first is hostIP
  int64_t cpu_milli = 0, memory_bytes = 0, ephemeral_bytes = 0;     ///< allocatable
  std::vector<std::string> dns_servers, dns_searches, dns_options;  ///< the machine's own resolver
  std::string pods_directory;  ///< "<data>/pods": volumes live in "<it>/<uid>/volumes/<name>"
};

/// All that a container's environment, arguments and volumes are made from.
struct resolve_context {
  const pod_spec& pod;
  const config_set& configs;
  const host_facts& host;
  const std::vector<std::string>& ips;  ///< of the pod
};

using environment = std::vector<std::pair<std::string, std::string>>;

/// The environment of a container: envFrom, then env, a later one replacing an earlier one of its name.
/// Errors: errc::not_found for a ConfigMap, Secret or key that is missing and not optional, errc::invalid for an
/// unknown field; messages as kubelet's ("configmap \"x\" not found").
caf::expected<environment> make_environment(const resolve_context& in, const container_def& c);

/// Replaces $(NAME) by the variable's value; $$ is a dollar sign; an unknown name stays as it is
/// (k8s.io/kubernetes/third_party/forked/golang/expansion).
std::string expand(std::string_view text, const environment& variables);

/// The value of a downward API field (metadata.name, metadata.labels['x'], spec.nodeName, status.podIP, ...).
/// Errors: errc::invalid for a field that is not supported.
caf::expected<std::string> field_value(const resolve_context& in, std::string_view path);

/// The value of a resourceFieldRef ("limits.cpu"), divided and rounded up; the node's allocatable where no limit is
/// set.
caf::expected<std::string> resource_value(const resolve_context& in, const container_def& own,
                                          std::string_view container, std::string_view resource,
                                          std::string_view divisor);

}  // namespace skerry::pod
