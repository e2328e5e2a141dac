#include "sim/ports/sim_files.hpp"

namespace skerry::sim {

caf::expected<void> sim_files::make_directory(const std::string& path, uint32_t, bool memory, uint64_t,
                                              std::optional<uint32_t>) {
  std::lock_guard guard{mutex_};
  if (failure_) return failure_;
  directories_[path].memory = memory;
  return caf::unit;
}

caf::expected<bool> sim_files::publish(const std::string& path,
                                       const std::map<std::string, ports::file_content>& content) {
  std::lock_guard guard{mutex_};
  if (failure_) return failure_;
  auto& d = directories_[path];
  auto same = d.content.size() == content.size() &&
              std::equal(content.begin(), content.end(), d.content.begin(), [](auto& a, auto& b) {
                return a.first == b.first && a.second.bytes == b.second.bytes && a.second.mode == b.second.mode &&
                       a.second.group == b.second.group;
              });
  if (same && d.published > 0) return false;
  d.content = content;
  ++d.published;
  return true;
}

caf::expected<void> sim_files::remove_tree(const std::string& path) {
  std::lock_guard guard{mutex_};
  if (failure_) return failure_;
  std::erase_if(directories_, [&](auto& x) { return x.first == path || x.first.starts_with(path + "/"); });
  return caf::unit;
}

std::vector<std::string> sim_files::list(const std::string& path) {
  std::lock_guard guard{mutex_};
  std::vector<std::string> out;
  for (auto& [name, d] : directories_) {
    if (!name.starts_with(path + "/")) continue;
    auto rest = name.substr(path.size() + 1);
    rest = rest.substr(0, rest.find('/'));
    if (out.empty() || out.back() != rest) out.push_back(rest);
  }
  return out;
}

caf::expected<void> sim_files::host_path(const std::string&, const std::string&) {
  std::lock_guard guard{mutex_};
  if (failure_) return failure_;
  return caf::unit;
}

std::optional<sim_files::directory> sim_files::at(const std::string& path) const {
  std::lock_guard guard{mutex_};
  auto i = directories_.find(path);
  return i == directories_.end() ? std::nullopt : std::optional{i->second};
}

void sim_files::fail(caf::error why) {
  std::lock_guard guard{mutex_};
  failure_ = std::move(why);
}

}  // namespace skerry::sim
