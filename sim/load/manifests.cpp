#include "sim/load/manifests.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "sim/fleet/fleet.hpp"
#include "sim/load/applications.hpp"

namespace skerry::sim {
namespace {

/// The part of an object that says what pods are made of, null if it makes none here.
const json::value* pod_spec_of(const json::value& object) {
  auto kind = string_at(object, "kind");
  if (kind == "Pod") return find(object, "spec");
  if (kind == "Deployment" || kind == "ReplicaSet") return find(object, "spec.template.spec");
  return nullptr;
}

std::string namespace_of(const json::value& object) {
  return std::string{string_at(object, "metadata.namespace", "default")};
}

std::string collection_of(const kube::resource_info& r, const json::value& object) {
  auto out = r.group.empty() ? "/api/" + std::string{r.version}
                             : "/apis/" + std::string{r.group} + "/" + std::string{r.version};
  if (r.namespaced) out += "/namespaces/" + namespace_of(object);
  return out + "/" + std::string{r.plural};
}

constexpr int refusals[] = {400, 401, 403, 404, 405, 409, 413, 415, 422};

}  // namespace

std::vector<std::string> manifests::images_of(const std::vector<manifest>& all) {
  std::vector<std::string> out;
  for (auto& m : all) {
    const auto* spec = pod_spec_of(m.object);
    if (spec == nullptr) continue;
    for (auto* list : {"containers", "initContainers"})
      for (auto& c : array_at(*spec, list)) {
        std::string image{string_at(c, "image")};
        if (!image.empty() && std::find(out.begin(), out.end(), image) == out.end()) out.push_back(std::move(image));
      }
  }
  return out;
}

void manifests::setup(fleet& f) {
  // Like a user who comes when the machines are on.
  f.after(f.plan.power_on_ms, [this, &f] { create(f, 0); });
}

void manifests::create(fleet& f, size_t number) {
  if (number == all_.size()) return;
  auto& m = all_[number];
  auto api_version = string_at(m.object, "apiVersion"), kind = string_at(m.object, "kind");
  const auto* r = f.w.registry.find_kind(api_version, kind);
  if (r == nullptr)
    return f.broke("manifests", m.where + ": no kind '" + std::string{kind} + "' in version '" +
                                    std::string{api_version} + "' is served");
  f.ask("POST", collection_of(*r, m.object) + "?fieldValidation=Strict", json::serialize(m.object), "application/json",
        [this, &f, number](const call& c) {
          if (c.code >= 300) {
            std::string error;
            auto status = parse_json(c.text, error);
            return f.broke("manifests", all_[number].where + ": " + std::string{string_at(status, "message", c.text)});
          }
          ++created_;
          create(f, number + 1);
        },
        {std::begin(refusals), std::end(refusals)});
}

size_t manifests::pods(fleet&) {
  int64_t n = 0;
  for (auto& m : all_)
    if (pod_spec_of(m.object) != nullptr)
      n += string_at(m.object, "kind") == "Pod" ? 1 : int_at(m.object, "spec.replicas", 1);
  return static_cast<size_t>(n);
}

std::string manifests::missing(fleet& f) {
  if (created_ < all_.size()) return all_[created_].where + " is not created yet";
  auto view = f.w.views->current();
  for (auto& m : all_) {
    if (string_at(m.object, "kind") != "Deployment") continue;
    std::string name{string_at(m.object, "metadata.name")};
    auto wanted = int_at(m.object, "spec.replicas", 1);
    if (auto why = missing_of_rollout(*view, namespace_of(m.object), name, wanted); !why.empty())
      return m.where + ": " + why;
  }
  return {};
}

void manifests::metrics(fleet&, json::object& out) { out["manifests"] = created_; }

}  // namespace skerry::sim
