#include "actors/node/node_status.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "schema/kube/quantity.hpp"
#include "schema/limits.hpp"

namespace skerry::node {
namespace {

// kubelet's default eviction thresholds: memory.available<100Mi, nodefs.available<10%, nodefs.inodesFree<5%
constexpr int64_t memory_low_bytes = 100LL << 20;

std::string quantity_of(int64_t bytes) { return std::to_string(bytes / 1024) + "Ki"; }

json::object resources(const ports::machine_facts& f, int64_t memory, int64_t disk) {
  json::object out;
  out["cpu"] = kube::quantity::from_milli(f.cpu_milli).to_string();
  out["memory"] = quantity_of(memory);
  out["ephemeral-storage"] = quantity_of(disk);
  out["pods"] = std::to_string(limits::pods_per_node_max);
  return out;
}

}  // namespace

struct node_status::finding {
  const char* type;
  bool value;
  const char* reason;
  std::string message;
};

node_status::state node_status::state_of(const ports::machine_load& l, const node_health& h) {
  state s;
  s.memory = l.memory_available_bytes > 0 && l.memory_available_bytes < memory_low_bytes;
  s.disk = (l.disk_bytes > 0 && l.disk_available_bytes < l.disk_bytes / 10) ||
           (l.inodes > 0 && l.inodes_available < l.inodes / 20);
  s.pids = l.processes_max > 0 && l.processes > l.processes_max - l.processes_max / 10;
  s.problem = h.runtime_problem.empty() ? h.store_problem : h.runtime_problem;
  return s;
}

std::vector<node_status::finding> node_status::findings(const state& s) {
  auto [memory, disk, pids, problem] = s;
  return {
      {"MemoryPressure", memory, memory ? "KubeletHasInsufficientMemory" : "KubeletHasSufficientMemory",
       memory ? "kubelet has insufficient memory available" : "kubelet has sufficient memory available"},
      {"DiskPressure", disk, disk ? "KubeletHasDiskPressure" : "KubeletHasNoDiskPressure",
       disk ? "kubelet has disk pressure" : "kubelet has no disk pressure"},
      {"PIDPressure", pids, pids ? "KubeletHasInsufficientPID" : "KubeletHasSufficientPID",
       pids ? "kubelet has insufficient PID available" : "kubelet has sufficient PID available"},
      {"Ready", problem.empty(), problem.empty() ? "KubeletReady" : "KubeletNotReady",
       problem.empty() ? "skerry is posting ready status" : problem},
  };
}

int64_t allocatable_memory(const ports::machine_facts& f) {
  return std::max<int64_t>(f.memory_bytes - memory_low_bytes, 0);
}
int64_t allocatable_disk(const ports::machine_facts& f) { return f.disk_bytes - f.disk_bytes / 10; }

node_status::node_status(std::string node, std::string version, std::map<std::string, std::string> labels,
                         ports::machine_facts facts, ports::runtime_info runtime)
    : node_(std::move(node)),
      version_(std::move(version)),
      labels_(std::move(labels)),
      facts_(std::move(facts)),
      runtime_(std::move(runtime)) {
  auto add = [&](const char* key, const std::string& value) { labels_.emplace(key, value); };
  add("kubernetes.io/hostname", node_);  // as kubelet with --hostname-override
  add("kubernetes.io/os", "linux");
  add("kubernetes.io/arch", facts_.architecture);
  add("beta.kubernetes.io/os", "linux");
  add("beta.kubernetes.io/arch", facts_.architecture);
}

bool node_status::same(const ports::machine_load& load, const node_health& health) const {
  return said_ && *said_ == state_of(load, health);
}

json::array node_status::conditions(const state& now, int64_t wall_ms) {
  json::array out;
  for (auto& f : findings(now)) {
    auto [i, added] = conditions_.try_emplace(f.type, condition{f.value, wall_ms});
    if (!added && i->second.value != f.value) i->second = {f.value, wall_ms};
    out.push_back(json::object{{"type", f.type},
                               {"status", f.value ? "True" : "False"},
                               {"lastTransitionTime", format_time(i->second.since_ms)},
                               {"reason", f.reason},
                               {"message", f.message}});
  }
  return out;
}

std::string node_status::render(const ports::machine_load& load, const node_health& health, int64_t wall_ms) {
  json::object s;
  json::object labels;
  for (auto& [k, v] : labels_) labels[k] = v;
  s["metadata"] = json::object{{"labels", std::move(labels)}};
  s["capacity"] = resources(facts_, facts_.memory_bytes, facts_.disk_bytes);
  s["allocatable"] = resources(facts_, allocatable_memory(facts_), allocatable_disk(facts_));
  said_ = state_of(load, health);
  s["conditions"] = conditions(*said_, wall_ms);
  json::array addresses;
  for (auto& ip : facts_.ips) addresses.push_back(json::object{{"type", "InternalIP"}, {"address", ip}});
  addresses.push_back(json::object{{"type", "Hostname"}, {"address", node_}});
  s["addresses"] = std::move(addresses);
  s["nodeInfo"] = json::object{
      {"machineID", facts_.machine_id}, {"systemUUID", facts_.system_uuid},
      {"bootID", facts_.boot_id},       {"kernelVersion", facts_.kernel_version},
      {"osImage", facts_.os_image},     {"containerRuntimeVersion", runtime_.name + "://" + runtime_.version},
      {"kubeletVersion", version_},     {"kubeProxyVersion", ""},
      {"operatingSystem", "linux"},     {"architecture", facts_.architecture}};
  return json::serialize(s);
}

}  // namespace skerry::node
