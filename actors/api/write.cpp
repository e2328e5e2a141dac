#include "actors/api/write.hpp"

#include "actors/api/device_rules.hpp"
#include "schema/kube/defaults.hpp"
#include "schema/kube/stamp.hpp"
#include "schema/kube/validate.hpp"
#include "schema/limits.hpp"

namespace skerry::api {
namespace {

reply object_reply(const write_context& c, const store::object& o, int code, const std::vector<std::string>& warnings) {
  reply r;
  r.code = code;
  r.body = render(*c.at.info, o, c.how, c.with.ctx.clock.wall_ms());
  r.body.emplace_back("\n");
  r.headers = warning_headers(warnings);
  return r;
}

store::object_key key_of(const write_context& c, std::string_view name) {
  return {c.at.info->id, c.at.ns, std::string{name}};
}

}  // namespace

std::optional<failure> create_job::check_names(const store::view& view) const {
  const auto& info = *context_.at.info;
  auto ns = string_at(value_, "metadata.namespace");
  if (!info.namespaced) {
    if (!ns.empty())
      return bad_request("namespace: " + std::string{info.kind} + " has no namespace; leave metadata.namespace out");
    return std::nullopt;
  }
  if (!ns.empty() && ns != context_.at.ns)
    return bad_request("the namespace of the provided object does not match the namespace sent on the request");
  const auto* namespaces = context_.with.registry.find("", "v1", "namespaces");
  auto there = view.get("namespaces", "", context_.at.ns);
  if (!there) return not_found(*namespaces, context_.at.ns);
  if (store::phase_of(there) == "Terminating") {
    auto f =
        forbidden(info, string_at(value_, "metadata.name"),
                  "unable to create new content in namespace " + context_.at.ns + " because it is being terminated");
    f.causes.push_back(
        {"NamespaceTerminating", "namespace " + context_.at.ns + " is being terminated", "metadata.namespace"});
    return f;
  }
  return std::nullopt;
}

write_job::decision create_job::decide(const store::view& view) {
  const auto& info = *context_.at.info;
  if (auto f = check_names(view)) return to_reply(*f);
  auto& random = context_.with.ctx.random;
  // Kept for another try only where another name may be tried.
  auto value = generated_ ? value_ : std::move(value_);
  kube::stamp_new(info, value, context_.at.ns, context_.with.ctx.clock.wall_ms(), ports::make_uuid(random),
                  kube::random_suffix(random.next()));
  kube::apply_defaults(info, value);
  name_ = string_at(value, "metadata.name");
  auto errors = kube::validate_create(info, value);
  if (errors.empty()) errors = check_device_model_of(info, value, view);
  if (!errors.empty()) return to_reply(invalid(info, name_, errors));
  if (!generated_ && view.get(info.id, context_.at.ns, name_)) return to_reply(already_exists(info, name_));
  store::draft draft{key_of(context_, name_), std::move(value)};
  if (context_.dry_run) return object_reply(context_, store::freeze(draft, view.revision()), 201, context_.warnings);
  std::vector<store::change> out;
  out.push_back({store::verb::create, std::move(draft), {}, {}});  // built in place: its JSON has a memory of its own
  return out;
}

write_job::decision create_job::committed(const store::committed& c, const store::view&) {
  return object_reply(context_, c.objects.at(0), 201, context_.warnings);
}

std::optional<reply> create_job::failed(const caf::error& e) {
  if (code_of(e) == errc::already_exists && generated_ && --attempts_left > 0) return std::nullopt;
  return to_reply(from_error(e, *context_.at.info, name_));
}

write_job::decision update_job::decide(const store::view& view) {
  const auto& info = *context_.at.info;
  auto stored = view.get(info.id, context_.at.ns, context_.at.name);
  if (!stored) return to_reply(not_found(info, context_.at.name));
  auto before = store::parse(stored);
  warnings_ = context_.warnings;
  auto made = change_(before, warnings_);
  if (auto* f = std::get_if<failure>(&made)) return to_reply(*f);
  auto& after = std::get<json::value>(made);
  auto revision = string_at(after, "metadata.resourceVersion");
  conditional_ = !revision.empty() && revision != string_at(before, "metadata.resourceVersion");
  if (conditional_) return to_reply(conflict(info, context_.at.name));
  if (auto uid = string_at(after, "metadata.uid"); !uid.empty() && uid != store::uid_of(stored))
    return to_reply(conflict(info, context_.at.name,
                             "Precondition failed: UID in precondition: " + std::string{uid} +
                                 ", UID in object meta: " + std::string{store::uid_of(stored)}));
  if (!options_.trusted) {
    kube::prepare_update(info, before, after, options_.subresource);
    kube::apply_defaults(info, after);
    auto errors = kube::validate_update(info, before, after, options_.subresource);
    if (errors.empty() && options_.subresource.empty()) errors = check_device_model_of(info, after, view);
    if (!errors.empty()) return to_reply(invalid(info, context_.at.name, errors));
  }
  if (kube::same_content(before, after)) return answer_with(stored);
  store::draft draft{key_of(context_, context_.at.name), std::move(after)};
  if (context_.dry_run) return answer_with(store::freeze(draft, store::revision_of(stored)));
  std::vector<store::change> out(1);
  out[0].what = kube::deletion_complete(draft.value, info.id) ? store::verb::remove : store::verb::update;
  out[0].object = std::move(draft);
  out[0].expected_revision = store::revision_of(stored);
  return out;
}

reply update_job::answer_with(const store::object& o) const {
  auto r = object_reply(context_, o, options_.code, warnings_);
  if (options_.to_body) r.body = options_.to_body(o);
  return r;
}

write_job::decision update_job::committed(const store::committed& c, const store::view&) {
  return answer_with(c.objects.at(0));
}

std::optional<reply> update_job::failed(const caf::error& e) {
  // Someone wrote between our look and the commit: look again. If the client named a revision, that finds the conflict.
  if (code_of(e) == errc::conflict && --attempts_left > 0) return std::nullopt;
  return to_reply(from_error(e, *context_.at.info, context_.at.name));
}

}  // namespace skerry::api
