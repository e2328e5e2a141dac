#include "actors/api/status.hpp"

#include <boost/json/serialize.hpp>

#include "schema/error.hpp"
#include "schema/json.hpp"

namespace skerry::api {
namespace {
constexpr std::string_view modified =
    "the object has been modified; please apply your changes to the latest version and try again";

failure about(int code, std::string_view reason, std::string message, const kube::resource_info& info,
              std::string_view name) {
  failure f;
  f.code = code;
  f.reason = reason;
  f.message = std::move(message);
  f.name = name;
  f.group = info.group;
  f.kind = info.plural;
  return f;
}
failure plain(int code, std::string_view reason, std::string message) {
  failure f;
  f.code = code;
  f.reason = reason;
  f.message = std::move(message);
  return f;
}
json::string_view js(std::string_view s) { return {s.data(), s.size()}; }
}  // namespace

std::string quoted(const kube::resource_info& info, std::string_view name) {
  return info.id + " \"" + std::string{name} + "\"";
}

std::string to_json(const failure& f) {
  json::object details;
  if (!f.name.empty()) details["name"] = f.name;
  if (!f.group.empty()) details["group"] = f.group;
  if (!f.kind.empty()) details["kind"] = f.kind;
  if (!f.uid.empty()) details["uid"] = f.uid;
  if (!f.causes.empty()) {
    json::array causes;
    for (const auto& c : f.causes) {
      json::object o{{"reason", c.reason}, {"message", c.message}};
      if (!c.field.empty()) o["field"] = c.field;
      causes.push_back(std::move(o));
    }
    details["causes"] = std::move(causes);
  }
  if (f.retry_after_s > 0) details["retryAfterSeconds"] = f.retry_after_s;
  json::object o{{"kind", "Status"},    {"apiVersion", "v1"},   {"metadata", json::object{}},
                 {"status", "Failure"}, {"message", f.message}, {"reason", js(f.reason)}};
  if (!details.empty()) o["details"] = std::move(details);
  o["code"] = f.code;
  return json::serialize(o) + "\n";
}

reply to_reply(const failure& f) {
  reply r;
  r.code = f.code;
  r.body.emplace_back(to_json(f));
  if (f.code == 401) r.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"skerry\"");
  if (f.retry_after_s > 0) r.headers.emplace_back("Retry-After", std::to_string(f.retry_after_s));
  return r;
}

std::string success_json(const kube::resource_info& info, std::string_view name, std::string_view uid) {
  json::object details{{"name", js(name)}, {"kind", js(info.plural)}, {"uid", js(uid)}};
  if (!info.group.empty()) details["group"] = js(info.group);
  json::object o{{"kind", "Status"},
                 {"apiVersion", "v1"},
                 {"metadata", json::object{}},
                 {"status", "Success"},
                 {"details", std::move(details)}};
  return json::serialize(o) + "\n";
}

failure bad_request(std::string message) { return plain(400, "BadRequest", std::move(message)); }
failure not_found(const kube::resource_info& info, std::string_view name) {
  return about(404, "NotFound", quoted(info, name) + " not found", info, name);
}
failure already_exists(const kube::resource_info& info, std::string_view name) {
  return about(409, "AlreadyExists", quoted(info, name) + " already exists", info, name);
}
failure conflict(const kube::resource_info& info, std::string_view name, std::string_view why) {
  return about(
      409, "Conflict",
      "Operation cannot be fulfilled on " + quoted(info, name) + ": " + std::string{why.empty() ? modified : why}, info,
      name);
}
failure invalid(const kube::resource_info& info, std::string_view name, const kube::field_errors& errors) {
  auto f = about(422, "Invalid", kube::invalid_message(info, name, errors), info, name);
  f.kind = info.kind;
  for (const auto& e : errors) f.causes.push_back({std::string{e.reason}, e.message, e.field});
  return f;
}
failure forbidden(const kube::resource_info& info, std::string_view name, std::string_view why) {
  auto what = name.empty() ? info.id : quoted(info, name);
  return about(403, "Forbidden", what + " is forbidden: " + std::string{why}, info, name);
}
failure unauthorized() {
  return plain(401, "Unauthorized",
               "Unauthorized: give a client certificate of this cloud or a valid bearer token (see admin.kubeconfig in "
               "the cloud's data directory)");
}
failure no_such_path() { return plain(404, "NotFound", "the server could not find the requested resource"); }
failure method_not_allowed() {
  return plain(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
}
failure not_acceptable(std::string message) { return plain(406, "NotAcceptable", std::move(message)); }
failure unsupported_media_type(std::string message) { return plain(415, "UnsupportedMediaType", std::move(message)); }
failure expired(std::string message) { return plain(410, "Expired", std::move(message)); }
failure unavailable(std::string message) {
  auto f = plain(503, "ServiceUnavailable", std::move(message));
  f.retry_after_s = 1;
  return f;
}

failure from_error(const caf::error& e, const kube::resource_info& info, std::string_view name) {
  auto text = message_of(e);
  switch (code_of(e)) {
    case errc::not_found:
      return not_found(info, name);
    case errc::already_exists:
      return already_exists(info, name);
    case errc::conflict:
      return conflict(info, name);
    case errc::expired:
      return expired(text);
    case errc::invalid:
      return about(422, "Invalid", text, info, name);
    case errc::forbidden:
      return forbidden(info, name, text);
    case errc::unauthorized:
      return unauthorized();
    case errc::too_large:
      return about(413, "RequestEntityTooLarge", "Request entity too large: " + text, info, name);
    case errc::unsupported:
      return unsupported_media_type(text);
    case errc::too_many: {
      auto f = plain(429, "TooManyRequests", text);
      f.retry_after_s = 1;
      return f;
    }
    case errc::timed_out:
      return about(504, "Timeout",
                   "the store did not answer in time (" + text + "); the write may or may not have happened", info,
                   name);
    case errc::full:
      return about(507, "InternalError", "the cloud's disk is full, nothing was written: " + text, info, name);
    case errc::unavailable:
    case errc::suspended:
    case errc::cancelled:
      return unavailable(text);
    default:
      return about(500, "InternalError", text, info, name);
  }
}

}  // namespace skerry::api
