// What PATCH and PUT, of objects and of subresources, make of an object.
#include "schema/kube/patch.hpp"

#include <boost/json/serialize.hpp>

#include "actors/api/write.hpp"
#include "schema/kube/decode.hpp"
#include "schema/kube/selector.hpp"

namespace skerry::api {
namespace {

failure from_patch(const caf::error& e) {
  auto f = bad_request(message_of(e));
  f.code = 422;
  f.reason = "Invalid";
  return f;
}

/// Applies a patch of any of the three kinds.
std::variant<json::value, failure> apply(media m, const kube::type_info& type, const json::value& before,
                                         const json::value& patch) {
  if (m == media::merge_patch) return kube::merge_patch(before, patch);
  auto made = m == media::json_patch ? kube::json_patch(before, patch) : kube::strategic_patch(type, before, patch);
  if (!made) return from_patch(made.error());
  return std::move(*made);
}

struct patch_text {
  media how;
  json::value value;
};
std::variant<patch_text, failure> read_patch_text(const ports::http_request& request) {
  auto m = media_of(request.content_type);
  if (m == media::apply)
    return unsupported_media_type(
        "this server does not do server-side apply (application/apply-patch+yaml): leave out --server-side, so that "
        "kubectl "
        "computes the patch");
  if (m != media::json_patch && m != media::merge_patch && m != media::strategic_patch)
    return unsupported_media_type("the body of the request was in an unknown format (" + request.content_type +
                                  ") - accepted media types include: application/json-patch+json, "
                                  "application/merge-patch+json, application/strategic-merge-patch+json");
  auto parsed = parse_body(request.body);
  if (auto* f = std::get_if<failure>(&parsed)) return std::move(*f);
  auto& v = std::get<json::value>(parsed);
  if (m == media::json_patch ? !v.is_array() : !v.is_object())
    return bad_request(m == media::json_patch ? "a JSON patch is an array of operations"
                                              : "a merge patch is a JSON object");
  return patch_text{m, std::move(v)};
}

json::string_view js(std::string_view s) { return {s.data(), s.size()}; }

}  // namespace

std::variant<update_job::change, failure> read_patch(const ports::http_request& request,
                                                     const kube::resource_info& info, strictness s) {
  auto text = read_patch_text(request);
  if (auto* f = std::get_if<failure>(&text)) return std::move(*f);
  auto shared = std::make_shared<const patch_text>(std::move(std::get<patch_text>(text)));
  return update_job::change{
      [shared, &info, s](const json::value& before,
                         std::vector<std::string>& warnings) -> std::variant<json::value, failure> {
        auto made = apply(shared->how, *info.type, before, shared->value);
        auto* after = std::get_if<json::value>(&made);
        if (after == nullptr) return made;
        auto report = decode_patched(info, before, *after, s);
        if (auto* f = std::get_if<failure>(&report)) return std::move(*f);
        for (auto& w : std::get<0>(report)) warnings.push_back(std::move(w));
        return made;
      }};
}

update_job::change replace_with(const target& t, json::value value) {
  auto shared = std::make_shared<const json::value>(std::move(value));
  return [shared, &info = *t.info, name = t.name, ns = t.ns](
             const json::value&, std::vector<std::string>&) -> std::variant<json::value, failure> {
    auto given = string_at(*shared, "metadata.name");
    if (given.empty()) return bad_request("name must be provided: metadata.name is missing in the body");
    if (given != name)
      return bad_request("the name of the object (" + std::string{given} + ") does not match the name on the URL (" +
                         name + ")");
    auto in = string_at(*shared, "metadata.namespace");
    if (!in.empty() && in != ns)
      return bad_request(info.namespaced
                             ? "the namespace of the provided object does not match the namespace sent on the request"
                             : "metadata.namespace: " + std::string{info.kind} + " has no namespace");
    return *shared;
  };
}

json::value scale_of(const json::value& o) {
  json::object metadata;
  for (const char* key : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"})
    if (const auto* v = find(o, std::string{"metadata."} + key)) metadata[key] = *v;
  json::object status{{"replicas", int_at(o, "status.replicas")}};
  if (const auto* s = find(o, "spec.selector"); s != nullptr)
    if (auto selector = kube::label_selector::from_object(*s)) status["selector"] = selector->to_string();
  return json::object{{"kind", "Scale"},
                      {"apiVersion", "autoscaling/v1"},
                      {"metadata", std::move(metadata)},
                      {"spec", json::object{{"replicas", int_at(o, "spec.replicas")}}},
                      {"status", std::move(status)}};
}

std::variant<update_job::change, failure> read_scale(const ports::http_request& request, const target& t, strictness s,
                                                     const body_readers& readers) {
  const auto* type = t.info->subresource("scale")->type;
  std::shared_ptr<const patch_text> patch;
  std::shared_ptr<const json::value> whole;
  if (request.method == "PATCH") {
    auto text = read_patch_text(request);
    if (auto* f = std::get_if<failure>(&text)) return std::move(*f);
    patch = std::make_shared<const patch_text>(std::move(std::get<patch_text>(text)));
  } else {
    auto parsed = parse_object(request, readers);
    if (auto* f = std::get_if<failure>(&parsed)) return std::move(*f);
    whole = std::make_shared<const json::value>(std::move(std::get<json::value>(parsed)));
  }
  return update_job::change{[=, info = t.info, name = t.name](
                                const json::value& before,
                                std::vector<std::string>& warnings) -> std::variant<json::value, failure> {
    std::variant<json::value, failure> made;
    if (patch)
      made = apply(patch->how, *type, scale_of(before), patch->value);
    else
      made = *whole;
    auto* scale = std::get_if<json::value>(&made);
    if (scale == nullptr) return made;
    if (!scale->is_object()) return bad_request("a Scale is a JSON object");
    auto report = kube::decode(*type, *scale);
    if (!report.ok()) return bad_request("Scale in version \"v1\" cannot be handled as a Scale: " + report.error);
    auto strict = kube::strict_messages(report, {});
    if (s == strictness::strict && !strict.empty())
      return bad_request("Scale in version \"v1\" cannot be handled as a Scale: strict decoding error: " + strict[0]);
    if (s == strictness::warn) warnings.insert(warnings.end(), strict.begin(), strict.end());
    if (auto given = string_at(*scale, "metadata.name"); given != name)
      return bad_request("the name of the object (" + std::string{given} + ") does not match the name on the URL (" +
                         name + ")");
    auto replicas = int_at(*scale, "spec.replicas");
    if (replicas < 0) {
      kube::field_errors errors{
          {"spec.replicas", "FieldValueInvalid",
           "Invalid value: " + std::to_string(replicas) + ": must be greater than or equal to 0"}};
      return invalid(*info, name, errors);
    }
    auto after = before;
    ensure(after, "spec.replicas") = replicas;
    if (auto revision = string_at(*scale, "metadata.resourceVersion"); !revision.empty())
      ensure(after, "metadata.resourceVersion") = js(revision);
    return after;
  }};
}

std::variant<update_job::change, failure> read_binding(const ports::http_request& request, target& t, int64_t now_ms,
                                                       const body_readers& readers) {
  auto parsed = parse_object(request, readers);
  if (auto* f = std::get_if<failure>(&parsed)) return std::move(*f);
  auto binding = std::make_shared<const json::value>(std::move(std::get<json::value>(parsed)));
  auto node = std::string{string_at(*binding, "target.name")};
  auto kind = string_at(*binding, "target.kind");
  if (t.name.empty()) t.name = string_at(*binding, "metadata.name");
  if (t.name.empty()) return bad_request("name must be provided: metadata.name of the Binding is the pod's");
  if (node.empty() || (!kind.empty() && kind != "Node"))
    return invalid(*t.info, t.name,
                   {{"target.name", "FieldValueRequired", "Required value: the node that the pod goes to"}});
  return update_job::change{
      [binding, node, now_ms, info = t.info](const json::value& before,
                                             std::vector<std::string>&) -> std::variant<json::value, failure> {
        auto name = string_at(before, "metadata.name");
        auto refuse = [&](const std::string& why) {
          auto f = conflict(*info, name, why);
          f.message = "Operation cannot be fulfilled on pods/binding \"" + std::string{name} + "\": " + why;
          return f;
        };
        auto uid = string_at(*binding, "metadata.uid");
        if (!uid.empty() && uid != string_at(before, "metadata.uid"))
          return refuse("Precondition failed: UID in precondition: " + std::string{uid} +
                        ", UID in object meta: " + std::string{string_at(before, "metadata.uid")});
        if (!string_at(before, "metadata.deletionTimestamp").empty())
          return refuse("pod " + std::string{name} + " is being deleted, cannot be assigned to a host");
        if (auto at = string_at(before, "spec.nodeName"); !at.empty())
          return refuse("pod " + std::string{name} + " is already assigned to node \"" + std::string{at} + "\"");
        auto after = before;
        ensure(after, "spec.nodeName") = node;
        for (const auto& [key, v] : object_at(*binding, "metadata.annotations")) {
          auto& annotations = ensure(after, "metadata.annotations");
          if (!annotations.is_object()) annotations.emplace_object();
          annotations.get_object()[key] = v;
        }
        json::array conditions;
        for (const auto& c : array_at(before, "status.conditions"))
          if (string_at(c, "type") != "PodScheduled") conditions.push_back(c);
        conditions.push_back(
            json::object{{"type", "PodScheduled"}, {"status", "True"}, {"lastTransitionTime", format_time(now_ms)}});
        ensure(after, "status.conditions") = std::move(conditions);
        return after;
      }};
}

std::variant<update_job::change, failure> read_finalize(const ports::http_request& request, const target& t,
                                                        strictness s, const body_readers& readers) {
  auto read = read_body(request, *t.info, s, readers);
  if (auto* f = std::get_if<failure>(&read)) return std::move(*f);
  auto shared = std::make_shared<const json::value>(std::move(std::get<body>(read).value));
  return update_job::change{
      [shared](const json::value& before, std::vector<std::string>&) -> std::variant<json::value, failure> {
        auto after = before;
        auto& spec = ensure(after, "spec");
        if (!spec.is_object()) spec.emplace_object();
        const auto& wanted = array_at(*shared, "spec.finalizers");
        if (wanted.empty())
          spec.get_object().erase("finalizers");
        else
          spec.get_object()["finalizers"] = wanted;
        if (auto revision = string_at(*shared, "metadata.resourceVersion"); !revision.empty())
          ensure(after, "metadata.resourceVersion") = js(revision);
        return after;
      }};
}

}  // namespace skerry::api
