#pragma once
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace skerry::kube {

/// How a field's value looks on the wire (schema/kubernetes/types.tsv, second comment line).
enum class wire : uint8_t {
  string,
  bytes,
  boolean,
  int32,
  int64,
  real,
  quantity,
  time,
  microtime,
  int_or_string,
  any,
  any_object,
  object
};

/// One value, a list of them, a map from string to them, or a map from string to lists of them.
enum class shape : uint8_t { one, list, map, map_of_lists };

/// What a list or map means when two owners change it (x-kubernetes-list-type, x-kubernetes-map-type).
enum class merge_type : uint8_t { granular, atomic, set, keyed };

struct type_info;

/// One field of a type.
struct field_info {
  std::string_view name;
  std::string_view merge_key;       ///< strategic merge patch: the key of a list of objects, or empty
  std::string_view keys;            ///< list=map: its keys joined by '+', or empty
  const type_info* type = nullptr;  ///< of each value, if wire::object
  wire what = wire::any;
  shape form = shape::one;
  merge_type merge = merge_type::granular;
  bool required = false;
  bool patch_merge = false;        ///< strategic merge patch merges this list or map; else it replaces
  bool patch_retain_keys = false;  ///< kubectl sends $retainKeys for it
  bool patch_replace = false;      ///< replaces an object whole
};

/// One object type of the API; fields sorted by name.
struct type_info {
  std::string_view name;  ///< "core.v1.PodSpec"
  std::span<const field_info> fields;
  bool atomic = false;             ///< map=atomic
  bool wants = false;              ///< it or a type below it has required fields
  uint16_t required = 0;           ///< how many of its fields are required
  std::span<const uint8_t> slots;  ///< hash table over `fields`: 1 + index, 0 is empty; a power of two of them

  /// Returns the field of this name, or nullptr.
  const field_info* find(std::string_view field) const;
};

/// One column of the table that kubectl prints (meta/v1.TableColumnDefinition).
struct column_info {
  std::string_view name;    ///< "Ready"
  std::string_view source;  ///< ".status.podIP": a path, or "@pod_status": a function of table.cpp
  std::string_view absent;  ///< printed where a path leads nowhere, such as "<none>"
  bool wide = false;        ///< only with -o wide (priority 1)
};

struct subresource_info {
  std::string_view name;            ///< "status"
  std::string_view kind;            ///< "Scale"
  std::string_view group, version;  ///< of the kind: "autoscaling", "v1"
  std::vector<std::string_view> verbs;
  const type_info* type = nullptr;
};

/// One served resource. All views live as long as the registry.
struct resource_info {
  std::string id;            ///< "pods", "deployments.apps": the key of the store
  std::string api_version;   ///< "v1", "apps/v1"
  std::string_view group;    ///< "" or "apps"
  std::string_view version;  ///< "v1"
  std::string_view plural;   ///< "deployments"
  std::string singular;      ///< "deployment"
  std::string_view kind;     ///< "Deployment"
  std::string list_kind;     ///< "DeploymentList"
  std::vector<std::string_view> short_names, categories;
  std::vector<std::string_view> verbs;            ///< create, delete, deletecollection, get, list, patch, update, watch
  std::vector<std::string_view> field_selectors;  ///< dotted paths beside metadata.name and metadata.namespace
  std::vector<subresource_info> subresources;
  std::vector<column_info> columns;
  bool namespaced = false;
  const type_info* type = nullptr;

  /// Returns the subresource of this name, or nullptr.
  const subresource_info* subresource(std::string_view name) const;
  bool has_status() const { return subresource("status") != nullptr; }
};

/// The kinds that are served and the types they are made of, parsed once from
/// schema/kubernetes/{types,resources,served}.tsv (embedded in the library). Immutable once built: safe to read from
/// any thread. Neither copied nor moved.
class registry {
public:
  /// Parses the embedded tables: about 10 ms. Throws std::runtime_error that names table and line if one does not
  /// parse.
  registry();
  /// As above, over tables given here (tests). The texts must outlive the registry.
  registry(std::string_view types, std::string_view resources, std::string_view served);
  registry(const registry&) = delete;
  registry& operator=(const registry&) = delete;

  const resource_info* find(std::string_view group, std::string_view version, std::string_view plural) const;
  /// By "pods", "deployments.apps".
  const resource_info* find_id(std::string_view id) const;
  /// By ("apps/v1", "Deployment").
  const resource_info* find_kind(std::string_view api_version, std::string_view kind) const;
  /// By "meta.v1.DeleteOptions".
  const type_info* find_type(std::string_view name) const;
  /// All served resources, in the order of served.tsv; those of one group and version stand together.
  const std::deque<resource_info>& resources() const { return resources_; }

private:
  void parse_types(std::string_view text);
  void index_types();
  void parse_resources(std::string_view resources, std::string_view served);

  std::deque<type_info> types_;
  std::vector<field_info> fields_;
  std::vector<uint8_t> slots_;
  std::deque<resource_info> resources_;
  std::unordered_map<std::string_view, const type_info*> by_type_;
  std::unordered_map<std::string_view, const type_info*> by_gvk_;  ///< "apps/v1/Deployment"
  std::unordered_map<std::string_view, const resource_info*> by_id_;
};

}  // namespace skerry::kube
