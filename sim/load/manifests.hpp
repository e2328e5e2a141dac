#pragma once
#include <string>
#include <vector>

#include "schema/json.hpp"
#include "sim/fleet/part.hpp"

namespace skerry::sim {

/// An object of a user's own, and where it was read: "shop.yaml, document 2".
struct manifest {
  std::string where;
  json::value object;
};

/// Creates a user's own objects in the cloud, one after the other in their order, as `kubectl create` does. What the
/// API refuses ends the run with its message. Pods, and those of ReplicaSets and Deployments, must run like the
/// scenario's.
class manifests final : public part {
public:
  explicit manifests(std::vector<manifest> all) : all_(std::move(all)) {}

  void setup(fleet& f) override;
  size_t pods(fleet& f) override;
  std::string missing(fleet& f) override;
  void metrics(fleet& f, json::object& out) override;

  /// The images of their pods, each once.
  static std::vector<std::string> images_of(const std::vector<manifest>& all);

private:
  void create(fleet& f, size_t number);

  std::vector<manifest> all_;
  size_t created_ = 0;
};

}  // namespace skerry::sim
