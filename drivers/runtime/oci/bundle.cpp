#include "bundle.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <schema/error.hpp>
#include <schema/json.hpp>

#include "fs.hpp"

namespace skerry::drivers::oci {
namespace {

/// containerd's and docker's default set.
constexpr const char* default_capabilities[] = {
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
    "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
    "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
    "CAP_KILL",    "CAP_AUDIT_WRITE"};
/// By number (linux/capability.h).
constexpr const char* all_capabilities[] = {"CAP_CHOWN",
                                            "CAP_DAC_OVERRIDE",
                                            "CAP_DAC_READ_SEARCH",
                                            "CAP_FOWNER",
                                            "CAP_FSETID",
                                            "CAP_KILL",
                                            "CAP_SETGID",
                                            "CAP_SETUID",
                                            "CAP_SETPCAP",
                                            "CAP_LINUX_IMMUTABLE",
                                            "CAP_NET_BIND_SERVICE",
                                            "CAP_NET_BROADCAST",
                                            "CAP_NET_ADMIN",
                                            "CAP_NET_RAW",
                                            "CAP_IPC_LOCK",
                                            "CAP_IPC_OWNER",
                                            "CAP_SYS_MODULE",
                                            "CAP_SYS_RAWIO",
                                            "CAP_SYS_CHROOT",
                                            "CAP_SYS_PTRACE",
                                            "CAP_SYS_PACCT",
                                            "CAP_SYS_ADMIN",
                                            "CAP_SYS_BOOT",
                                            "CAP_SYS_NICE",
                                            "CAP_SYS_RESOURCE",
                                            "CAP_SYS_TIME",
                                            "CAP_SYS_TTY_CONFIG",
                                            "CAP_MKNOD",
                                            "CAP_LEASE",
                                            "CAP_AUDIT_WRITE",
                                            "CAP_AUDIT_CONTROL",
                                            "CAP_SETFCAP",
                                            "CAP_MAC_OVERRIDE",
                                            "CAP_MAC_ADMIN",
                                            "CAP_SYSLOG",
                                            "CAP_WAKE_ALARM",
                                            "CAP_BLOCK_SUSPEND",
                                            "CAP_AUDIT_READ",
                                            "CAP_PERFMON",
                                            "CAP_BPF",
                                            "CAP_CHECKPOINT_RESTORE"};

json::array array_of(const std::vector<std::string>& list) {
  json::array out;
  for (auto& s : list) out.emplace_back(s);
  return out;
}

std::string capability_name(std::string name) {
  for (auto& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name.starts_with("CAP_") ? name : "CAP_" + name;
}

caf::expected<std::vector<std::string>> capabilities(const ports::container_spec& spec, uint64_t most) {
  std::vector<std::string> out;
  auto add = [&](const std::string& name) {
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  };
  auto drops_all = std::any_of(spec.drop_capabilities.begin(), spec.drop_capabilities.end(),
                               [](auto& d) { return capability_name(d) == "CAP_ALL"; });
  if (spec.privileged) {
    for (auto* c : all_capabilities) add(c);
  }
  if (!drops_all && !spec.privileged)
    for (auto* c : default_capabilities) add(c);
  for (auto& a : spec.add_capabilities) {
    auto name = capability_name(a);
    if (name == "CAP_ALL") {
      for (auto* c : all_capabilities) add(c);
    } else if (std::find(std::begin(all_capabilities), std::end(all_capabilities), name) ==
               std::end(all_capabilities)) {
      return make_error(errc::invalid, "container " + spec.name + ": there is no capability " + a);
    } else {
      add(name);
    }
  }
  for (auto& d : spec.drop_capabilities) std::erase(out, capability_name(d));
  for (size_t i = 0; i < std::size(all_capabilities); ++i)
    if ((most >> i & 1) == 0) std::erase(out, all_capabilities[i]);
  return out;
}

json::object mount(const std::string& target, const std::string& type, const std::string& source,
                   std::initializer_list<const char*> options) {
  json::array list;
  for (auto* o : options) list.emplace_back(o);
  return {{"destination", target}, {"type", type}, {"source", source}, {"options", std::move(list)}};
}

std::string normal(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

json::array mounts(const bundle_input& in) {
  auto& s = in.spec;
  auto writable = s.privileged ? "rw" : "ro";
  json::array out;
  out.push_back(mount("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}));
  out.push_back(mount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}));
  out.push_back(mount("/dev/pts", "devpts", "devpts",
                      {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}));
  out.push_back(mount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}));
  out.push_back(mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", writable}));
  out.push_back(mount("/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", writable}));
  // What the pod gives, unless a volume is mounted in its place.
  std::vector<std::pair<std::string, std::string>> given{{"/dev/shm", in.at.namespaces(s.pod_uid) + "/shm"},
                                                         {"/etc/hosts", in.at.pod(s.pod_uid) + "/hosts"},
                                                         {"/etc/hostname", in.at.pod(s.pod_uid) + "/hostname"},
                                                         {"/etc/resolv.conf", in.at.pod(s.pod_uid) + "/resolv.conf"}};
  if (!s.termination_message_path.empty())
    given.emplace_back(s.termination_message_path, in.at.container(in.id) + "/termination-log");
  for (auto& [target, source] : given) {
    bool taken =
        std::any_of(s.mounts.begin(), s.mounts.end(), [&, &t = target](auto& m) { return normal(m.target) == t; });
    if (!taken) out.push_back(mount(target, "bind", source, {"rbind", "rprivate", "rw"}));
  }
  // A mount below another one comes after it.
  std::vector<size_t> order(s.mounts.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    auto depth = [](const std::string& t) { return std::count(t.begin(), t.end(), '/'); };
    return depth(normal(s.mounts[a].target)) < depth(normal(s.mounts[b].target));
  });
  for (auto i : order)
    out.push_back(mount(normal(s.mounts[i].target), "bind", in.sources[i],
                        {"rbind", "rprivate", s.mounts[i].read_only ? "ro" : "rw"}));
  return out;
}

std::vector<std::string> environment(const bundle_input& in) {
  std::vector<std::string> out;
  auto set = [&](const std::string& name, const std::string& value) {
    auto entry = name + "=" + value;
    for (auto& e : out)
      if (e.starts_with(name + "=")) {
        e = entry;
        return;
      }
    out.push_back(entry);
  };
  set("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  if (!in.sandbox.hostname.empty()) set("HOSTNAME", in.sandbox.hostname);
  if (in.spec.tty) set("TERM", "xterm");
  for (auto& e : in.image.environment)
    if (auto is = e.find('='); is != std::string::npos) set(e.substr(0, is), e.substr(is + 1));
  for (auto& [name, value] : in.spec.environment) set(name, value);
  return out;
}

json::object resources(const bundle_input& in) {
  auto& s = in.spec;
  json::object rule{{"allow", s.privileged}, {"access", "rwm"}};
  json::object out{{"devices", json::array{std::move(rule)}}};
  // kubelet's numbers (pkg/kubelet/cm/helpers_linux.go): at least 2 shares, a quota of at least 1 ms in 100 ms.
  auto request = s.cpu_milli_request > 0 ? s.cpu_milli_request : s.cpu_milli_max;
  json::object cpu{{"shares", std::clamp<int64_t>(request * 1024 / 1000, 2, 262144)}};
  if (s.cpu_milli_max > 0) {
    cpu["quota"] = std::max<int64_t>(s.cpu_milli_max * 100, 1000);
    cpu["period"] = 100'000;
  }
  out["cpu"] = std::move(cpu);
  if (s.memory_bytes_max > 0) {
    json::object memory{{"limit", s.memory_bytes_max}};
    if (in.groups.has_swap_limit()) memory["swap"] = s.memory_bytes_max;  // memory and swap together: no swap
    out["memory"] = std::move(memory);
  }
  return out;
}

json::array namespaces(const bundle_input& in) {
  auto at = in.at.namespaces(in.spec.pod_uid);
  json::array out{json::object{{"type", "pid"}}, json::object{{"type", "mount"}},
                  json::object{{"type", "ipc"}, {"path", at + "/ipc"}}};
  if (!in.sandbox.host_network) {
    out.push_back(json::object{{"type", "network"}, {"path", at + "/net"}});
    out.push_back(json::object{{"type", "uts"}, {"path", at + "/uts"}});
  }
  if (in.groups.unified() && !in.spec.privileged) out.push_back(json::object{{"type", "cgroup"}});
  return out;
}

json::object linux_part(const bundle_input& in) {
  json::object out{{"cgroupsPath", in.at.o.cgroup_parent + "/" + layout::pod_group(in.spec.pod_uid) + "/" + in.id},
                   {"namespaces", namespaces(in)},
                   {"resources", resources(in)}};
  if (!in.sandbox.sysctls.empty()) {
    json::object sysctls;
    for (auto& [k, v] : in.sandbox.sysctls) sysctls[k] = v;
    out["sysctl"] = std::move(sysctls);
  }
  if (in.spec.privileged) {
    json::array devices;
    for (auto* directory : {"/dev", "/dev/net", "/dev/snd", "/dev/dri", "/dev/bus/usb", "/dev/input"})
      for (auto& name : names_in(directory)) {
        auto path = std::string{directory} + "/" + name;
        struct stat st {};
        if (lstat(path.c_str(), &st) != 0 || !(S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))) continue;
        if (name == "console" || name == "ptmx" || name == "tty") continue;  // the runtime's own
        devices.push_back(
            json::object{{"path", path},
                         {"type", S_ISCHR(st.st_mode) ? "c" : "b"},
                         {"major", static_cast<int64_t>(st.st_rdev >> 8 & 0xfff)},
                         {"minor", static_cast<int64_t>((st.st_rdev & 0xff) | (st.st_rdev >> 12 & 0xfff00))},
                         {"fileMode", st.st_mode & 0777},
                         {"uid", st.st_uid},
                         {"gid", st.st_gid}});
      }
    out["devices"] = std::move(devices);
    return out;
  }
  out["maskedPaths"] = {"/proc/acpi",       "/proc/asound",      "/proc/interrupts",
                        "/proc/kcore",      "/proc/keys",        "/proc/latency_stats",
                        "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
                        "/proc/scsi",       "/sys/firmware",     "/sys/devices/virtual/powercap"};
  out["readonlyPaths"] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
  return out;
}

}  // namespace

std::vector<std::string> command_line(const ports::container_spec& spec, const image_config& image) {
  auto out = spec.command.empty() ? image.entrypoint : spec.command;
  auto& rest = !spec.args.empty() || !spec.command.empty() ? spec.args : image.cmd;
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

caf::expected<std::string> make_bundle_config(const bundle_input& in) {
  auto line = command_line(in.spec, in.image);
  if (line.empty())
    return make_error(errc::invalid, "container " + in.spec.name + ": neither it nor its image names a command");
  auto caps = capabilities(in.spec, in.capabilities_max);
  if (!caps) return std::move(caps.error());
  json::object user{{"uid", in.who.uid}, {"gid", in.who.gid}};
  json::array groups;

  for (auto g : in.who.groups) groups.emplace_back(g);
  for (auto g : in.spec.supplemental_groups) groups.emplace_back(g);
  if (!groups.empty()) user["additionalGids"] = std::move(groups);
  auto list = array_of(*caps);
  auto cwd = in.spec.working_directory.empty() ? in.image.working_directory : in.spec.working_directory;
  json::object process{{"terminal", in.spec.tty},
                       {"user", std::move(user)},
                       {"args", array_of(line)},
                       {"env", array_of(environment(in))},
                       {"cwd", cwd.empty() ? "/" : cwd},
                       {"capabilities", json::object{{"bounding", list}, {"effective", list}, {"permitted", list}}},
                       {"noNewPrivileges", !in.spec.allow_privilege_escalation && !in.spec.privileged},
                       {"oomScoreAdj", std::clamp(in.spec.oom_score_adjust, -1000, 1000)}};
  json::object out{{"ociVersion", "1.0.2"},
                   {"process", std::move(process)},
                   {"root", json::object{{"path", in.at.root(in.id)}, {"readonly", in.spec.read_only_root}}},
                   {"mounts", mounts(in)},
                   {"annotations", json::object{{"skerry.pod", in.sandbox.ns + "/" + in.sandbox.name},
                                                {"skerry.container", in.spec.name}}},
                   {"linux", linux_part(in)}};
  return json::serialize(out);
}

}  // namespace skerry::drivers::oci
