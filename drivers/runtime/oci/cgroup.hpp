#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace skerry::drivers::oci {

/// The control groups of this machine: v2 (one tree), v1 (a tree for each controller) or hybrid (v1, and an empty v2
/// tree).
class cgroups {
public:
  explicit cgroups(std::string parent);
  const std::string& version() const { return version_; }  ///< "v1", "hybrid", "v2"
  bool unified() const { return version_ == "v2"; }
  /// The cgroup.procs files of `<parent>/<name>`, whose groups are made if missing.
  std::vector<std::string> group_for(const std::string& name) const;
  /// How often the kernel's OOM killer struck in `<parent>/<name>`; 0 if unknown.
  uint64_t oom_kills(const std::string& name) const;
  /// Process ids in `<parent>/<name>` and below.
  std::vector<int> processes(const std::string& name) const;
  /// Removes `<parent>/<name>` and what is below, in all trees. Groups with processes stay.
  void remove(const std::string& name) const;
  /// Removes the parent, if it is empty.
  void remove_parent() const;
  /// Names of the groups in the parent.
  std::vector<std::string> names() const;
  bool has_swap_limit() const;

private:
  std::string parent_, version_;
  std::vector<std::string> trees_;
};

}  // namespace skerry::drivers::oci
