#include <sys/stat.h>
#include <unistd.h>

#include <schema/error.hpp>

#include "driver.hpp"
#include "fs.hpp"
#include "namespaces.hpp"

namespace skerry::drivers::oci {
namespace {

/// A name that becomes a part of a path, a cgroup and a CNI container id (letters, digits and _ . -, CNI
/// specification).
bool is_safe(const std::string& s) {
  if (s.empty() || s.size() > 128 || s.front() == '.' || s.front() == '-') return false;
  return s.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == std::string::npos;
}

std::string resolver_configuration(const ports::sandbox_spec& spec) {
  if (spec.dns_servers.empty() && spec.dns_searches.empty() && spec.dns_options.empty()) {
    auto host = read_file("/etc/resolv.conf", 64 * 1024);
    return host ? *host : std::string{};
  }
  std::string out;
  for (auto& s : spec.dns_servers) out += "nameserver " + s + "\n";
  auto line = [&](const char* what, const std::vector<std::string>& list) {
    if (list.empty()) return;
    out += what;
    for (auto& s : list) out += " " + s;
    out += "\n";
  };
  line("search", spec.dns_searches);
  line("options", spec.dns_options);
  return out;
}

std::string hosts_file(const sandbox_record& r) {
  std::string out = "# Kubernetes-managed hosts file.\n";
  if (r.spec.host_network) {
    auto host = read_file("/etc/hosts", 1024 * 1024);
    if (host) out = "# Kubernetes-managed hosts file (host network).\n" + *host;
  } else {
    out +=
        "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost "
        "ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\n"
        "fe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n";
    for (auto& ip : r.ips) out += ip + "\t" + r.spec.hostname + "\n";
  }
  if (!r.spec.host_aliases.empty()) out += "\n# Entries added by HostAliases.\n";
  for (auto& [ip, names] : r.spec.host_aliases) {
    out += ip;
    for (auto& n : names) out += "\t" + n;
    out += "\n";
  }
  return out;
}

}  // namespace

caf::expected<ports::sandbox_state> driver::do_make_sandbox(const ports::sandbox_spec& spec) {
  if (!is_safe(spec.uid))
    return make_error(errc::invalid, "pod uid \"" + spec.uid + "\" is not made of letters, digits and _ . -");
  if (!is_safe(spec.name) || !is_safe(spec.ns))
    return make_error(errc::invalid, "pod " + spec.uid + " has no proper namespace and name");
  if (spec.hostname.size() > 63)
    return make_error(errc::invalid, "hostname " + spec.hostname + " is longer than 63 bytes");
  std::optional<sandbox_record> old;
  {
    std::lock_guard guard{mutex_};
    if (auto i = sandboxes_.find(spec.uid); i != sandboxes_.end()) old = i->second;
  }
  if (old) {
    if (auto s = state_of(*old); s.ready) return s;
    // Its network is gone (the machine restarted): nothing that ran in it can stay.
    if (auto r = kill_and_finish(containers_of(spec.uid)); !r) return std::move(r.error());
    if (auto r = dismantle_sandbox(*old); !r) return std::move(r.error());
  }
  sandbox_record record;
  record.spec = spec;
  auto built = build_sandbox(record);
  if (!built) {
    auto undone = dismantle_sandbox(record);
    if (undone) (void)remove_tree(at_.pod(spec.uid));
    std::lock_guard guard{mutex_};
    sandboxes_.erase(spec.uid);
    return std::move(built.error());
  }
  std::lock_guard guard{mutex_};
  sandboxes_[spec.uid] = record;
  return ports::sandbox_state{record.spec, record.ips, true};
}

caf::expected<void> driver::build_sandbox(sandbox_record& r) {
  auto& uid = r.spec.uid;
  if (auto d = make_directories(at_.pod(uid)); !d) return d;
  r.at = phase::making;
  if (auto w = write_atomic(at_.sandbox_file(uid), to_json(r)); !w) return w;
  step("sandbox.recorded");
  auto hostname = r.spec.hostname.empty() ? r.spec.name.substr(0, 63) : r.spec.hostname;
  r.spec.hostname = hostname;
  if (auto n = make_namespaces(at_.namespaces(uid), hostname, r.spec.host_network); !n) return n;
  step("sandbox.namespaces");
  if (r.spec.host_network) {
    r.ips = {network::host_address()};
  } else {
    auto a = network_.attach(uid, at_.netns(uid), r.spec.ports);
    if (!a) return std::move(a.error());
    r.ips = std::move(a->ips);
    r.cni_result = std::move(a->result);
  }
  step("sandbox.network");
  if (auto w = write_pod_files(r); !w) return w;
  r.at = phase::ready;
  if (auto w = write_atomic(at_.sandbox_file(uid), to_json(r)); !w) return w;
  step("sandbox.ready");
  return caf::unit;
}

caf::expected<void> driver::write_pod_files(const sandbox_record& r) const {
  auto directory = at_.pod(r.spec.uid);
  if (auto w = write_atomic(directory + "/hosts", hosts_file(r)); !w) return w;
  if (auto w = write_atomic(directory + "/hostname", r.spec.hostname + "\n"); !w) return w;
  return write_atomic(directory + "/resolv.conf", resolver_configuration(r.spec));
}

caf::expected<void> driver::dismantle_sandbox(const sandbox_record& r) {
  auto& uid = r.spec.uid;
  caf::expected<void> out{caf::unit};
  if (!r.spec.host_network) out = network_.detach(uid, at_.netns(uid), r.spec.ports, r.cni_result);
  step("sandbox.detached");
  if (auto d = drop_namespaces(at_.namespaces(uid)); !d) out = std::move(d.error());
  groups_.remove(layout::pod_group(uid));
  return out;
}

std::vector<std::string> driver::containers_of(const std::string& uid) const {
  std::lock_guard guard{mutex_};
  std::vector<std::string> out;
  for (auto& [id, e] : containers_)
    if (e.record.state.pod_uid == uid) out.push_back(id);
  return out;
}

caf::expected<void> driver::do_remove_sandbox(const std::string& uid) {
  sandbox_record record;
  {
    std::lock_guard guard{mutex_};
    auto i = sandboxes_.find(uid);
    if (i == sandboxes_.end()) return caf::unit;
    i->second.at = phase::removing;
    record = i->second;
  }
  if (auto w = write_atomic(at_.sandbox_file(uid), to_json(record)); !w) return w;
  step("sandbox.removing");
  auto ids = containers_of(uid);
  if (auto r = kill_and_finish(ids); !r) return r;
  for (auto& id : ids)
    if (auto r = do_remove_container(id); !r) return r;
  if (auto r = dismantle_sandbox(record); !r) return r;
  step("sandbox.dismantled");
  if (auto r = remove_tree(at_.logs(record.spec)); !r) return r;
  if (auto r = remove_tree(at_.pod(uid)); !r) return r;
  std::lock_guard guard{mutex_};
  sandboxes_.erase(uid);
  return caf::unit;
}

}  // namespace skerry::drivers::oci
