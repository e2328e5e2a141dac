#pragma once
#include <map>

#include "actors/link/messages.hpp"
#include "actors/pod/pod_spec.hpp"
#include "actors/ports/kv.hpp"

/// The agent of an edge node: what shall run here, with or without a cloud.
namespace skerry::node {

/// What this node shall run, on disk and in memory. Objects are read into small structs; their JSON stays on disk.
/// Keys: "desired/<resource>/<namespace>/<name>" -> StoredObject, "desired-complete" -> revision, "status/<uid>" -> the
/// PodStatus that was last told.
class desired_set {
public:
  struct held_pod {
    store::object_key key;
    uint64_t revision = 0;
    std::shared_ptr<const pod::pod_spec> spec;
  };
  /// What a batch did to the pods.
  struct effect {
    std::vector<std::string> changed;  ///< uids of new and updated pods
    std::vector<std::string> dropped;  ///< uids
    std::vector<std::string> configs;  ///< uids of pods that refer to a changed ConfigMap or Secret
    bool devices = false;              ///< a Device or DeviceModel came, changed or went
    std::vector<std::string> refused;  ///< why an object cannot be used, for the log
  };

  explicit desired_set(ports::kv& kv) : kv_(kv) {}

  /// Reads all from disk. What does not parse is left out and named in `refused`. Errors: errc::io, errc::corrupt.
  caf::expected<effect> load();
  /// Writes the batch (objects and, with the last one, the complete revision) by one synced write, then takes it in.
  /// Errors: errc::io, errc::full; nothing has changed then.
  caf::expected<effect> apply(const link::desired_changes& changes);

  link::inventory inventory() const;
  /// The objects of a resource, read from disk. Errors: errc::io, errc::corrupt.
  caf::expected<std::vector<store::object>> objects_of(std::string_view resource) const;
  const std::map<std::string, held_pod>& pods() const { return pods_; }
  const held_pod* find(const std::string& uid) const;
  /// The objects that a pod refers to, as far as they are here.
  pod::config_set configs_of(const pod::pod_spec& spec) const;

  /// The PodStatus last told of a pod; empty if none. Not synced: after a power cut it may be older.
  std::string status_of(const std::string& uid) const;
  caf::expected<void> keep_status(const std::string& uid, const std::string& json);
  caf::expected<void> forget_status(const std::string& uid);
  /// uids for which a status is kept.
  std::vector<std::string> statuses() const;

private:
  struct held {
    std::string uid;
    uint64_t revision = 0;
  };
  void take(const store::object& o, effect& out);
  void drop(const store::object_key& key, effect& out);
  void touch_config(const std::string& ns, const pod::config_key& key, effect& out);

  ports::kv& kv_;
  std::map<store::object_key, held> held_;
  std::map<std::string, held_pod> pods_;  // by uid
  std::map<std::pair<std::string, pod::config_key>, std::shared_ptr<const pod::config_object>> configs_;
  uint64_t complete_ = 0;
};

}  // namespace skerry::node
