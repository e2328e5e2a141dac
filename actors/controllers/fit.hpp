#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "actors/store/object.hpp"
#include "schema/json.hpp"

namespace skerry::controllers {

/// Amounts of what nodes have and pods ask for. CPU in milli-cores, memory and storage in bytes, others in units.
struct amounts {
  int64_t cpu_milli = 0, memory = 0, storage = 0, pods = 0;
  std::map<std::string, int64_t, std::less<>> extended;  ///< "nvidia.com/gpu"

  void add(const amounts& x);
  void subtract(const amounts& x);
  void raise_to(const amounts& x);  ///< the larger of each
};
/// Reads a ResourceList ({"cpu": "100m", "memory": "1Gi"}).
amounts read_amounts(const json::value& list);

struct taint {
  std::string key, value, effect;
  bool operator==(const taint&) const = default;
};
struct toleration {
  std::string key, op, value, effect;
  bool tolerates(const taint& t) const;
};

struct host_port {
  std::string ip, protocol;
  int64_t port = 0;
  bool operator==(const host_port&) const = default;
  /// The same port of the same protocol on the same address, or on all addresses.
  bool clashes(const host_port& x) const;
};

/// One expression over labels as node affinity has it: also Gt and Lt.
struct node_expression {
  std::string key, op;
  std::vector<std::string> values;
};
struct node_term {
  std::vector<node_expression> labels, fields;  ///< fields: metadata.name alone
  int64_t weight = 0;                           ///< of a preferred term
};

/// What a pod asks of a node (core/v1 PodSpec).
struct pod_request {
  amounts needs;  ///< the sum of its containers, or the largest of its init containers if that is more; pods: 1
  std::vector<std::pair<std::string, std::string>> node_selector;
  bool has_required = false;
  std::vector<node_term> required, preferred;
  std::vector<toleration> tolerations;
  std::vector<host_port> ports;
  uint64_t owner = 0;  ///< stands for the uid of the managing owner, 0: none; pods of one owner are spread
  int64_t priority = 0;
};
pod_request read_request(const json::value& pod);

/// What a node offers, and what is taken of it.
struct node_state {
  std::string name;
  bool present = false;  ///< the Node object exists; pods may be bound to one that does not
  std::map<std::string, std::string, std::less<>> labels;
  std::vector<taint> taints;  ///< with the one that stands for a Ready condition that is not True, should it lack
  bool unschedulable = false;
  amounts allocatable;

  amounts used;
  std::vector<host_port> ports;
  struct owned {
    uint64_t owner = 0;
    int64_t pods = 0;
  };
  std::vector<owned> owners;  ///< few: each has a pod here

  int64_t pods_of(uint64_t owner) const {
    for (const auto& o : owners)
      if (o.owner == owner) return o.pods;
    return 0;
  }

  void take(const pod_request& r);
  void release(const pod_request& r);
};
/// Sets what the Node object says; true if it changed anything that matters to scheduling.
bool read_node(const store::object& node, node_state& to);

/// Why a pod does not fit a node; `none` if it does.
struct misfit {
  enum kind : uint8_t { none, unschedulable, tainted, not_selected, port_taken, insufficient } what = none;
  const taint* because = nullptr;
  explicit operator bool() const { return what != none; }
};
misfit check_fit(const pod_request& r, const node_state& n);

/// Counts the reasons of one node as Kubernetes words them: "Insufficient cpu", "node(s) had untolerated taint {k: v}".
void count_reasons(const pod_request& r, const node_state& n, const misfit& m, std::map<std::string, int64_t>& reasons);

/// "0/3 nodes are available: 1 node(s) had untolerated taint {a: b}, 2 Insufficient cpu."
std::string fit_message(size_t nodes, const std::map<std::string, int64_t>& reasons);

bool matches(const node_term& t, const node_state& n);

}  // namespace skerry::controllers
