#include "cgroup.hpp"

#include <sys/vfs.h>
#include <unistd.h>

#include <cstdlib>
#include <set>

#include "fs.hpp"

namespace skerry::drivers::oci {
namespace {

constexpr long cgroup2_magic = 0x63677270;
const std::string root = "/sys/fs/cgroup";

bool is_v2(const std::string& path) {
  struct statfs st {};
  return statfs(path.c_str(), &st) == 0 && st.f_type == cgroup2_magic;
}

void remove_groups(const std::string& path) {
  for (auto& name : names_in(path))
    if (is_directory(path + "/" + name)) remove_groups(path + "/" + name);
  rmdir(path.c_str());
}

void collect_processes(const std::string& path, std::set<int>& out) {
  if (auto text = read_file(path + "/cgroup.procs")) {
    const char* at = text->c_str();
    for (char* end = nullptr;; at = end) {
      long pid = strtol(at, &end, 10);
      if (end == at) break;
      out.insert(static_cast<int>(pid));
    }
  }
  for (auto& name : names_in(path))
    if (is_directory(path + "/" + name)) collect_processes(path + "/" + name, out);
}

uint64_t field(const std::string& text, const std::string& name) {
  auto at = ("\n" + text).find("\n" + name + " ");
  return at == std::string::npos ? 0 : strtoull(text.c_str() + at + name.size() + 1, nullptr, 10);
}

}  // namespace

cgroups::cgroups(std::string parent) : parent_{std::move(parent)} {
  if (is_v2(root)) {
    version_ = "v2";
    trees_ = {root};
    return;
  }
  version_ = is_v2(root + "/unified") ? "hybrid" : "v1";
  for (auto& name : names_in(root)) {
    auto path = root + "/" + name;
    char target[8];
    bool alias = readlink(path.c_str(), target, sizeof target) > 0;  // cpu -> cpu,cpuacct
    if (!alias && is_directory(path) && exists(path + "/cgroup.procs")) trees_.push_back(path);
  }
}

std::vector<std::string> cgroups::group_for(const std::string& name) const {
  std::vector<std::string> out;
  for (auto& tree : trees_) {
    auto path = tree + parent_ + "/" + name;
    // A v1 cpuset takes no process before it has its processors and memory: the monitors stay where the agent is.
    if (make_directories(path) && !exists(path + "/cpuset.cpus.effective") && !exists(path + "/cpuset.effective_cpus"))
      out.push_back(path + "/cgroup.procs");
    else if (unified())
      out.push_back(path + "/cgroup.procs");
  }
  return out;
}

uint64_t cgroups::oom_kills(const std::string& name) const {
  auto path = unified() ? root + parent_ + "/" + name + "/memory.events"
                        : root + "/memory" + parent_ + "/" + name + "/memory.oom_control";
  auto text = read_file(path, 4096);
  return text ? field(*text, "oom_kill") : 0;
}

std::vector<int> cgroups::processes(const std::string& name) const {
  std::set<int> out;
  for (auto& tree : trees_) collect_processes(tree + parent_ + "/" + name, out);
  return {out.begin(), out.end()};
}

void cgroups::remove(const std::string& name) const {
  for (auto& tree : trees_) remove_groups(tree + parent_ + "/" + name);
}

void cgroups::remove_parent() const {
  for (auto& tree : trees_) rmdir((tree + parent_).c_str());
}

std::vector<std::string> cgroups::names() const {
  std::set<std::string> out;
  for (auto& tree : trees_)
    for (auto& name : names_in(tree + parent_))
      if (is_directory(tree + parent_ + "/" + name)) out.insert(name);
  return {out.begin(), out.end()};
}

bool cgroups::has_swap_limit() const { return unified() || exists(root + "/memory/memory.memsw.limit_in_bytes"); }

}  // namespace skerry::drivers::oci
