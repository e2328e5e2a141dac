#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "schema/json.hpp"
#include "schema/kube/registry.hpp"

namespace skerry::kube {

/// One broken rule, as it goes into Status.details.causes (reason, message, field).
struct field_error {
  std::string field;        ///< "spec.template.spec.containers[0].image"
  std::string_view reason;  ///< FieldValueInvalid, FieldValueRequired, FieldValueForbidden, FieldValueDuplicate,
                            ///< FieldValueNotSupported, FieldValueTooLong (a literal)
  std::string message;      ///< `Invalid value: -1: must be greater than or equal to 0`
};
using field_errors = std::vector<field_error>;

/// Checks a new object, decoded, defaulted and stamped. Returns every broken rule, bounded at 64; empty if it is good.
field_errors validate_create(const resource_info& info, const json::value& value);

/// Checks a change of `before` to `after` (both defaulted): all that validate_create checks and what must not change
/// (pod spec but images, tolerations, deadlines; selectors; secret type; immutable ConfigMaps and Secrets).
/// `subresource` is "" or "status".
field_errors validate_update(const resource_info& info, const json::value& before, const json::value& after,
                             std::string_view subresource = {});

/// The message of the Status: `Deployment.apps "web" is invalid: spec.replicas: Invalid value: ...`, several in [...,
/// ...].
std::string invalid_message(const resource_info& info, std::string_view name, const field_errors& errors);

/// RFC 1123 label: at most 63 of [a-z0-9-], alphanumeric at both ends. Names of namespaces, containers.
bool is_dns_label(std::string_view s);
/// RFC 1123 subdomain: labels joined by dots, at most 253. Names of most objects.
bool is_dns_subdomain(std::string_view s);
/// RFC 1035 label: as RFC 1123 but begins with a letter. Names of services.
bool is_dns_1035_label(std::string_view s);
/// A label's key: optional DNS subdomain and slash, then at most 63 of [A-Za-z0-9._-], alphanumeric at both ends.
bool is_qualified_name(std::string_view s);
/// A label's value: empty or at most 63 of [A-Za-z0-9._-], alphanumeric at both ends.
bool is_label_value(std::string_view s);

}  // namespace skerry::kube
