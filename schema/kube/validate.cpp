#include "schema/kube/validate.hpp"

#include "schema/kube/checker.hpp"

namespace skerry::kube {
namespace {

constexpr size_t annotations_bytes_max = 256 * 1024;

/// Names of RBAC objects are only what can stand in a path (path.IsValidPathSegmentName).
void check_path_segment(checker& c, const step& at, std::string_view v) {
  if (v == "." || v == "..")
    c.invalid(at, v, "may not be '" + std::string{v} + "'");
  else if (v.find('/') != std::string_view::npos)
    c.invalid(at, v, "may not contain '/'");
  else if (v.find('%') != std::string_view::npos)
    c.invalid(at, v, "may not contain '%'");
}

void check_name(checker& c, const resource_info& info, const step& at, std::string_view name) {
  if (info.group == "rbac.authorization.k8s.io") return check_path_segment(c, at, name);
  if (info.id == "namespaces") return c.dns_label(at, name);
  if (info.id == "services") return c.dns_1035_label(at, name);
  c.dns_subdomain(at, name);
}

void check_owners(checker& c, const json::array& owners, const step& at) {
  std::string_view controller;
  for (size_t i = 0; i < owners.size(); ++i) {
    const auto* o = owners[i].if_object();
    if (o == nullptr) continue;
    auto here = at[i];
    for (std::string_view key : {"apiVersion", "kind", "name", "uid"})
      if (const auto* v = member(*o, key); v != nullptr && text_in(*o, key).empty())
        c.invalid(here / key, *v, "must not be empty");
    if (!true_in(*o, "controller")) continue;
    if (!controller.empty())
      c.invalid(at, owners[i],
                "Only one reference can have Controller set to true. Found \"true\" in references for " +
                    std::string{controller} + " and " + std::string{text_in(*o, "name")});
    controller = text_in(*o, "name");
  }
}

void check_annotations(checker& c, const json::object& annotations, const step& at) {
  size_t bytes = 0;
  for (const auto& kv : annotations) {
    bytes += kv.key().size() + (kv.value().is_string() ? kv.value().get_string().size() : 0);
    // Annotation keys may be upper case in their prefix, unlike labels'.
    std::string_view key{kv.key().data(), kv.key().size()};
    if (is_qualified_name(key)) continue;
    std::string lower{key};
    for (auto& ch : lower)
      if (ch >= 'A' && ch <= 'Z') ch = static_cast<char>(ch - 'A' + 'a');
    c.qualified_name(at, lower);
  }
  if (bytes > annotations_bytes_max) c.too_long(at, annotations_bytes_max);
}

void check_metadata(checker& c, const resource_info& info, const json::object& meta) {
  step root{};
  auto at = root / "metadata";
  auto prefix = text_in(meta, "generateName");
  if (!prefix.empty()) {
    // What is generated ends in letters: a dash at the end of the prefix is good (maskTrailingDash).
    std::string masked{prefix.substr(0, 58)};
    if (masked.size() > 1 && masked.back() == '-') masked.back() = 'a';
    checker probe;
    check_name(probe, info, at / "generateName", masked);
    if (!probe.errors.empty()) c.errors.push_back(std::move(probe.errors.front()));
  }
  auto name = text_in(meta, "name");
  if (name.empty())
    c.required(at / "name", "name or generateName is required");
  else if (prefix.empty() || c.errors.empty())
    check_name(c, info, at / "name", name);
  auto ns = text_in(meta, "namespace");
  if (info.namespaced && ns.empty())
    c.required(at / "namespace");
  else if (info.namespaced)
    c.dns_label(at / "namespace", ns);
  if (const auto* labels = object_in(meta, "labels")) c.labels(at / "labels", *labels);
  if (const auto* notes = object_in(meta, "annotations")) check_annotations(c, *notes, at / "annotations");
  if (const auto* owners = array_in(meta, "ownerReferences")) check_owners(c, *owners, at / "ownerReferences");
  if (const auto* list = array_in(meta, "finalizers")) {
    auto finalizers = at / "finalizers";
    for (size_t i = 0; i < list->size(); ++i)
      if (const auto* s = (*list)[i].if_string()) c.qualified_name(finalizers[i], text(*s));
  }
}

/// Finalizers may go but not come once an object is on its way (ValidateNoNewFinalizers).
void check_finalizers(checker& c, const json::object& before, const json::object& after) {
  if (text_in(before, "deletionTimestamp").empty()) return;
  const auto* now = array_in(after, "finalizers");
  if (now == nullptr) return;
  const auto* old = array_in(before, "finalizers");
  step root{};
  auto at = root / "metadata";
  for (const auto& f : *now)
    if (old == nullptr || std::find(old->begin(), old->end(), f) == old->end())
      c.forbidden(at / "finalizers",
                  "no new finalizers can be added if the object is being deleted, found new finalizers []string{" +
                      (f.is_string() ? "\"" + std::string{text(f.get_string())} + "\"" : std::string{}) + "}");
}

void check_object(checker& c, const resource_info& info, const json::object* before, const json::value& value) {
  const auto* o = value.if_object();
  step root{};
  if (o == nullptr) return c.invalid(root, value, "expected an object");
  static const json::object none;
  const auto* meta = object_in(*o, "metadata");
  check_metadata(c, info, meta != nullptr ? *meta : none);
  // Status is our own and its agents'; what it lacks is not the user's fault.
  check_required(c, *info.type, *o, root, "status");
  check_kind(c, info, before, *o);
}

}  // namespace

field_errors validate_create(const resource_info& info, const json::value& value) {
  checker c;
  check_object(c, info, nullptr, value);
  return std::move(c.errors);
}

field_errors validate_update(const resource_info& info, const json::value& before, const json::value& after,
                             std::string_view subresource) {
  checker c;
  const auto* b = before.if_object();
  const auto* a = after.if_object();
  if (a == nullptr || b == nullptr) {
    c.invalid(step{}, after, "expected an object");
    return std::move(c.errors);
  }
  const auto* old_meta = object_in(*b, "metadata");
  const auto* new_meta = object_in(*a, "metadata");
  if (old_meta != nullptr && new_meta != nullptr) {
    check_finalizers(c, *old_meta, *new_meta);
    step root{};
    auto at = root / "metadata";
    for (std::string_view key : {"name", "namespace", "uid"})
      if (text_in(*old_meta, key) != text_in(*new_meta, key)) c.invalid(at / key, text_in(*new_meta, key), immutable);
  }
  if (subresource.empty())
    check_object(c, info, b, after);
  else if (new_meta != nullptr)
    check_metadata(c, info, *new_meta);
  return std::move(c.errors);
}

std::string invalid_message(const resource_info& info, std::string_view name, const field_errors& errors) {
  std::string out{info.kind};
  if (!info.group.empty()) out += "." + std::string{info.group};
  out += " \"" + std::string{name} + "\" is invalid: ";
  if (errors.size() != 1) out += '[';
  for (size_t i = 0; i < errors.size(); ++i) {
    if (i > 0) out += ", ";
    if (!errors[i].field.empty()) out += errors[i].field + ": ";
    out += errors[i].message;
  }
  if (errors.size() != 1) out += ']';
  return out;
}

}  // namespace skerry::kube
