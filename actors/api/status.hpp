#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "actors/ports/http.hpp"
#include "schema/kube/registry.hpp"
#include "schema/kube/validate.hpp"

namespace skerry::api {

using header_list = std::vector<std::pair<std::string, std::string>>;

/// A whole answer.
struct reply {
  int code = 200;
  std::string content_type = "application/json";
  ports::http_body body;
  header_list headers;
};

/// A failure as Kubernetes words it (meta/v1 Status; API conventions, "Response Status Kind").
struct failure {
  struct cause {
    std::string reason, message, field;
  };
  int code = 500;
  std::string_view reason = "InternalError";  ///< a literal
  std::string message;
  std::string name, group, kind, uid;  ///< details; `kind` holds the resource's plural, as in kube-apiserver
  std::vector<cause> causes;
  int retry_after_s = 0;
};

/// The Status object's JSON, with a line end.
std::string to_json(const failure& f);
reply to_reply(const failure& f);
/// The Status that tells of a success, such as of a delete.
std::string success_json(const kube::resource_info& info, std::string_view name, std::string_view uid);

failure bad_request(std::string message);
/// `pods "x" not found`
failure not_found(const kube::resource_info& info, std::string_view name);
/// `pods "x" already exists`
failure already_exists(const kube::resource_info& info, std::string_view name);
/// `Operation cannot be fulfilled on pods "x": ...`
failure conflict(const kube::resource_info& info, std::string_view name, std::string_view why = {});
/// 422 with one cause for each broken rule.
failure invalid(const kube::resource_info& info, std::string_view name, const kube::field_errors& errors);
/// `pods "x" is forbidden: ...`
failure forbidden(const kube::resource_info& info, std::string_view name, std::string_view why);
failure unauthorized();
failure no_such_path();
failure method_not_allowed();
failure not_acceptable(std::string message);
failure unsupported_media_type(std::string message);
failure expired(std::string message);
failure unavailable(std::string message);
/// What the store, or another actor, answered, told of this object.
failure from_error(const caf::error& e, const kube::resource_info& info, std::string_view name);

/// `deployments.apps "web"`, `pods "x"`.
std::string quoted(const kube::resource_info& info, std::string_view name);

}  // namespace skerry::api
