#include "actors/api/discovery.hpp"

#include <boost/json/serialize.hpp>
#include <vector>

#include "schema/json.hpp"

namespace skerry::api {
namespace {
using kube::resource_info;

json::string_view js(std::string_view s) { return {s.data(), s.size()}; }
json::array names(const std::vector<std::string_view>& list) {
  json::array out;
  for (auto s : list) out.emplace_back(js(s));
  return out;
}
discovery::text freeze(const json::value& v) { return std::make_shared<const std::string>(json::serialize(v) + "\n"); }

/// Resources that hold nothing: questions about who may do what (authorization.k8s.io, authentication.k8s.io), and the
/// samples of devices.
struct review {
  const char *group, *plural, *singular, *kind;
  const char* verb = "create";
  bool namespaced = false;
};
constexpr review reviews[] = {
    {"authentication.k8s.io", "selfsubjectreviews", "selfsubjectreview", "SelfSubjectReview"},
    {"authorization.k8s.io", "selfsubjectaccessreviews", "selfsubjectaccessreview", "SelfSubjectAccessReview"},
    {"authorization.k8s.io", "selfsubjectrulesreviews", "selfsubjectrulesreview", "SelfSubjectRulesReview"},
    {"authorization.k8s.io", "subjectaccessreviews", "subjectaccessreview", "SubjectAccessReview"},
    {"telemetry.skerry.io", "devices/samples", "", "SampleList", "get", true},
};

struct group_version {
  std::string group, version;
  std::vector<const resource_info*> resources;
  std::string id() const { return group.empty() ? version : group + "/" + version; }
};

std::vector<group_version> collect(const kube::registry& registry) {
  std::vector<group_version> out;
  auto at = [&](std::string_view group, std::string_view version) -> group_version& {
    for (auto& g : out)
      if (g.group == group && g.version == version) return g;
    out.push_back({std::string{group}, std::string{version}, {}});
    return out.back();
  };
  for (const auto& r : registry.resources()) at(r.group, r.version).resources.push_back(&r);
  for (const auto& r : reviews) at(r.group, "v1");
  return out;
}

json::object version_entry(const group_version& g) { return {{"groupVersion", g.id()}, {"version", g.version}}; }

json::object group_object(const std::vector<group_version>& all, const std::string& name, bool with_kind) {
  json::array versions;
  for (const auto& g : all)
    if (g.group == name) versions.push_back(version_entry(g));
  json::object o;
  if (with_kind) o = {{"kind", "APIGroup"}, {"apiVersion", "v1"}};
  o["name"] = name;
  o["preferredVersion"] = versions.at(0);
  o["versions"] = std::move(versions);
  return o;
}

json::object resource_list(const group_version& g) {
  json::array list;
  for (const auto* r : g.resources) {
    json::object o{{"name", js(r->plural)},
                   {"singularName", r->singular},
                   {"namespaced", r->namespaced},
                   {"kind", js(r->kind)},
                   {"verbs", names(r->verbs)}};
    if (!r->short_names.empty()) o["shortNames"] = names(r->short_names);
    if (!r->categories.empty()) o["categories"] = names(r->categories);
    list.push_back(std::move(o));
    for (const auto& s : r->subresources) {
      json::object sub{{"name", std::string{r->plural} + "/" + std::string{s.name}},
                       {"singularName", ""},
                       {"namespaced", r->namespaced}};
      if (s.group != r->group || s.version != r->version) {
        sub["group"] = js(s.group);
        sub["version"] = js(s.version);
      }
      sub["kind"] = js(s.kind);
      sub["verbs"] = names(s.verbs);
      list.push_back(std::move(sub));
    }
  }
  for (const auto& r : reviews)
    if (g.group == r.group)
      list.push_back(json::object{{"name", r.plural},
                                  {"singularName", r.singular},
                                  {"namespaced", r.namespaced},
                                  {"kind", r.kind},
                                  {"verbs", json::array{r.verb}}});
  return {{"kind", "APIResourceList"}, {"apiVersion", "v1"}, {"groupVersion", g.id()}, {"resources", std::move(list)}};
}

json::object kind_object(std::string_view group, std::string_view version, std::string_view kind) {
  return {{"group", js(group)}, {"version", js(version)}, {"kind", js(kind)}};
}

json::object aggregated_version(const group_version& g) {
  json::array list;
  for (const auto* r : g.resources) {
    json::object o{{"resource", js(r->plural)},
                   {"responseKind", kind_object(r->group, r->version, r->kind)},
                   {"scope", r->namespaced ? "Namespaced" : "Cluster"},
                   {"singularResource", r->singular},
                   {"verbs", names(r->verbs)}};
    if (!r->short_names.empty()) o["shortNames"] = names(r->short_names);
    if (!r->categories.empty()) o["categories"] = names(r->categories);
    json::array subs;
    for (const auto& s : r->subresources)
      subs.push_back(json::object{{"subresource", js(s.name)},
                                  {"responseKind", kind_object(s.group, s.version, s.kind)},
                                  {"verbs", names(s.verbs)}});
    if (!subs.empty()) o["subresources"] = std::move(subs);
    list.push_back(std::move(o));
  }
  for (const auto& r : reviews)
    if (g.group == r.group)
      list.push_back(json::object{{"resource", r.plural},
                                  {"responseKind", kind_object(r.group, "v1", r.kind)},
                                  {"scope", r.namespaced ? "Namespaced" : "Cluster"},
                                  {"singularResource", r.singular},
                                  {"verbs", json::array{r.verb}}});
  return {{"version", g.version}, {"freshness", "Current"}, {"resources", std::move(list)}};
}

json::value aggregate(const std::vector<group_version>& all, bool core, const std::string& version) {
  json::array items;
  std::vector<std::string> seen;
  for (const auto& g : all) {
    if (g.group.empty() != core || std::find(seen.begin(), seen.end(), g.group) != seen.end()) continue;
    seen.push_back(g.group);
    json::array versions;
    for (const auto& v : all)
      if (v.group == g.group) versions.push_back(aggregated_version(v));
    items.push_back(json::object{{"metadata", json::object{{"name", g.group}, {"creationTimestamp", nullptr}}},
                                 {"versions", std::move(versions)}});
  }
  return json::object{{"kind", "APIGroupDiscoveryList"},
                      {"apiVersion", "apidiscovery.k8s.io/" + version},
                      {"metadata", json::object{}},
                      {"items", std::move(items)}};
}

}  // namespace

discovery::discovery(const kube::registry& registry) {
  auto all = collect(registry);
  versions_ = freeze(json::object{
      {"kind", "APIVersions"}, {"versions", json::array{"v1"}}, {"serverAddressByClientCIDRs", json::array{}}});
  json::array groups;
  for (const auto& g : all) {
    resources_[g.id()] = freeze(resource_list(g));
    if (g.group.empty() || group_.contains(g.group)) continue;
    group_[g.group] = freeze(group_object(all, g.group, true));
    groups.push_back(group_object(all, g.group, false));
  }
  groups_ = freeze(json::object{{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(groups)}});
  for (const char* version : {"v2", "v2beta1"})
    for (bool core : {true, false})
      aggregated_[std::string{core ? "core/" : "groups/"} + version] = freeze(aggregate(all, core, version));
}

discovery::text discovery::group(const std::string& name) const {
  auto i = group_.find(name);
  return i == group_.end() ? nullptr : i->second;
}
discovery::text discovery::resources(const std::string& group_version) const {
  auto i = resources_.find(group_version);
  return i == resources_.end() ? nullptr : i->second;
}
discovery::text discovery::aggregated(bool core, const std::string& version) const {
  auto i = aggregated_.find((core ? "core/" : "groups/") + version);
  return i == aggregated_.end() ? nullptr : i->second;
}

}  // namespace skerry::api
