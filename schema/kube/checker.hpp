#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_set>

#include "schema/kube/step.hpp"
#include "schema/kube/validate.hpp"
#include "schema/kube/value.hpp"

/// What the files of validation share.
namespace skerry::kube {

inline constexpr std::string_view immutable = "field is immutable";
inline constexpr std::string_view not_negative = "must be greater than or equal to 0";

/// Collects broken rules in Kubernetes' words (k8s.io/apimachinery/pkg/util/validation/field/errors.go). Steps given to
/// it must live until the call returns, no longer.
class checker {
public:
  static constexpr size_t errors_max = 64;

  field_errors errors;

  void invalid(const step& at, const json::value& value, std::string_view why);
  void invalid(const step& at, std::string_view value, std::string_view why);
  void invalid(const step& at, const char* value, std::string_view why) { invalid(at, std::string_view{value}, why); }
  void required(const step& at, std::string_view why = {});
  void forbidden(const step& at, std::string_view why);
  void duplicate(const step& at, std::string_view value);
  void not_found(const step& at, std::string_view value);
  void not_supported(const step& at, std::string_view value, std::initializer_list<std::string_view> supported);
  void too_long(const step& at, size_t max);

  /// Checks that a member, where present and not empty, is one of these.
  void one_of(const json::object& o, const step& at, std::string_view key,
              std::initializer_list<std::string_view> supported);
  /// Checks that an integer member, where present, is at least 0.
  void at_least_zero(const json::object& o, const step& at, std::string_view key);
  /// Checks that an integer member, where present, lies in these bounds.
  void between(const json::object& o, const step& at, std::string_view key, int64_t min, int64_t max);
  /// Checks a port, 1 to 65535.
  void port(const step& at, int64_t value);
  /// Checks an IntOrString that is a port's number or its name (IANA service name).
  void port_or_name(const step& at, const json::value& value);
  void dns_label(const step& at, std::string_view value);
  void dns_subdomain(const step& at, std::string_view value);
  void dns_1035_label(const step& at, std::string_view value);
  void qualified_name(const step& at, std::string_view value);
  void label_value(const step& at, std::string_view value);
  /// Checks keys and values of a map of labels.
  void labels(const step& at, const json::object& labels);
  /// Checks a meta/v1.LabelSelector.
  void selector(const step& at, const json::object& selector);
  /// Checks a key of a ConfigMap or Secret: at most 253 of [-._a-zA-Z0-9], not "." nor "..".
  void config_key(const step& at, std::string_view key);

private:
  void add(const step& at, std::string_view reason, std::string message);
};

/// Names seen so far: a few are looked through, many are hashed.
class name_set {
public:
  /// False if it is there already.
  bool insert(std::string_view name) {
    if (many_.empty() && few_.size() < 24) {
      if (std::find(few_.begin(), few_.end(), name) != few_.end()) return false;
      few_.push_back(name);
      return true;
    }
    if (many_.empty()) many_.insert(few_.begin(), few_.end());
    return many_.insert(name).second;
  }
  bool contains(std::string_view name) const {
    return many_.empty() ? std::find(few_.begin(), few_.end(), name) != few_.end() : many_.count(name) > 0;
  }

private:
  std::vector<std::string_view> few_;
  std::unordered_set<std::string_view> many_;
};

/// True for an IANA service name: at most 15 of [a-z0-9-], a letter in it, no hyphen at the ends nor two in a row.
bool is_port_name(std::string_view s);

/// Checks required fields by the table, all the way down; `skip` is a member of the root that is not looked into.
void check_required(checker& c, const type_info& type, const json::object& o, const step& at,
                    std::string_view skip = {});

/// Checks a pod's spec; `in_template` where it stands in a workload's template.
void check_pod_spec(checker& c, const json::object& spec, const step& at);
void check_containers(checker& c, const json::object& spec, const step& at, const name_set& volumes);
/// Checks what of a pod may not change.
void check_pod_update(checker& c, const json::object& before, const json::object& after, const step& at);

/// Checks a Device, and a DeviceModel (devices.kubeedge.io), each for itself.
void check_device(checker& c, const resource_info& info, const json::object* before, const json::object& after);
void check_device_model(checker& c, const resource_info& info, const json::object* before, const json::object& after);

/// Checks what is particular to a kind; `before` is nullptr on create.
void check_kind(checker& c, const resource_info& info, const json::object* before, const json::object& after);

}  // namespace skerry::kube
