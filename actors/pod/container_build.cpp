#include "actors/pod/container_build.hpp"

#include <algorithm>

#include "actors/pod/volumes.hpp"
#include "schema/error.hpp"

namespace skerry::pod {
namespace {

caf::expected<std::vector<ports::mount_spec>> build_mounts(const resolve_context& in, const container_def& c,
                                                           const environment& env) {
  std::vector<ports::mount_spec> out;
  for (auto& m : c.mounts) {
    const auto* v = in.pod.volume(m.volume);
    if (v == nullptr)
      return make_error(errc::invalid,
                        "container " + c.name + " mounts volume \"" + m.volume + "\" that the pod does not have");
    auto sub = m.sub_path_expr.empty() ? m.sub_path : expand(m.sub_path_expr, env);
    if (!sub.empty() && (sub[0] == '/' || ("/" + sub + "/").find("/../") != std::string::npos))
      return make_error(errc::invalid,
                        "subPath \"" + sub + "\" of volume \"" + m.volume + "\" must be relative and without \"..\"");
    bool files = v->what == volume_def::kind::files;  // read-only by nature, as in kubelet
    out.push_back({volume_path(in.host, in.pod, *v), m.path, m.read_only || files, std::move(sub)});
  }
  return out;
}

}  // namespace

int oom_score_adjust(const pod_spec& pod, const container_def& c, int64_t capacity) {
  if (pod.qos == qos_class::guaranteed) return -997;
  if (pod.qos == qos_class::best_effort || capacity <= 0) return 1000;
  auto request = c.requests.memory_bytes >= 0 ? c.requests.memory_bytes : std::max<int64_t>(c.limits.memory_bytes, 0);
  auto adjust = 1000 - static_cast<int64_t>(1000.0 * static_cast<double>(request) / static_cast<double>(capacity));
  if (adjust < 3) return 3;
  return adjust >= 1000 ? 999 : static_cast<int>(adjust);
}

caf::expected<ports::container_spec> build_container(const resolve_context& in, const container_def& c,
                                                     uint32_t attempt) {
  auto env = make_environment(in, c);
  if (!env) return env.error();
  auto mounts = build_mounts(in, c, *env);
  if (!mounts) return mounts.error();
  if (c.run_as_non_root && c.user == 0)
    return make_error(errc::invalid, "container's runAsUser breaks non-root policy (pod: \"" + in.pod.name + "_" +
                                         in.pod.ns + "(" + in.pod.uid + ")\", container: " + c.name + ")");
  ports::container_spec s;
  s.pod_uid = in.pod.uid;
  s.name = c.name;
  s.attempt = attempt;
  s.image = c.image;
  for (auto& x : c.command) s.command.push_back(expand(x, *env));
  for (auto& x : c.args) s.args.push_back(expand(x, *env));
  s.environment = std::move(*env);
  s.working_directory = c.working_directory;
  s.mounts = std::move(*mounts);
  s.memory_bytes_max = static_cast<uint64_t>(std::max<int64_t>(c.limits.memory_bytes, 0));
  s.cpu_milli_max = std::max<int64_t>(c.limits.cpu_milli, 0);
  s.cpu_milli_request = c.requests.cpu_milli >= 0 ? c.requests.cpu_milli : s.cpu_milli_max;
  s.oom_score_adjust = oom_score_adjust(in.pod, c, in.host.memory_bytes);
  s.user = c.user;
  s.group = c.group;
  s.supplemental_groups = in.pod.supplemental_groups;
  s.run_as_non_root = c.run_as_non_root;
  s.privileged = c.privileged;
  s.read_only_root = c.read_only_root;
  s.allow_privilege_escalation = c.allow_privilege_escalation;
  s.add_capabilities = c.add_capabilities;
  s.drop_capabilities = c.drop_capabilities;
  s.tty = c.tty;
  s.open_stdin = c.open_stdin;
  s.termination_message_path = c.termination_message_path;
  s.labels = {{label_hash, hash_of(c)},
              {label_grace, std::to_string(in.pod.grace_s)},
              {"io.kubernetes.pod.name", in.pod.name},
              {"io.kubernetes.pod.namespace", in.pod.ns},
              {"io.kubernetes.pod.uid", in.pod.uid},
              {"io.kubernetes.container.name", c.name}};
  return s;
}

ports::sandbox_spec build_sandbox(const pod_spec& pod, const host_facts& host) {
  ports::sandbox_spec s;
  s.uid = pod.uid;
  s.ns = pod.ns;
  s.name = pod.name;
  s.hostname = (pod.hostname.empty() ? pod.name : pod.hostname).substr(0, 63);
  s.host_network = pod.host_network;
  for (auto& c : pod.containers)
    for (auto& p : c.ports)
      if (p.host != 0 && !pod.host_network) s.ports.push_back({p.container, p.host, p.protocol, p.host_ip});
  if (pod.dns_policy != "None") {  // ClusterFirst without a cluster resolver is Default, as in kubelet
    s.dns_servers = host.dns_servers;
    s.dns_searches = host.dns_searches;
    s.dns_options = host.dns_options;
  }
  s.dns_servers.insert(s.dns_servers.end(), pod.dns_servers.begin(), pod.dns_servers.end());
  s.dns_searches.insert(s.dns_searches.end(), pod.dns_searches.begin(), pod.dns_searches.end());
  s.dns_options.insert(s.dns_options.end(), pod.dns_options.begin(), pod.dns_options.end());
  s.host_aliases = pod.host_aliases;
  s.sysctls = pod.sysctls;
  s.labels = {{label_grace, std::to_string(pod.grace_s)}};
  return s;
}

}  // namespace skerry::pod
