#include "site.hpp"

#include <charconv>

#include "actors/sdk/meta.hpp"

namespace site {
namespace {

bool number(std::string_view text, int64_t least, int64_t most, int64_t& out) {
  if (text.empty()) return true;
  auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), out);
  return e == std::errc{} && end == text.data() + text.size() && out >= least && out <= most;
}

/// What both have: name, owner, labels; and a digest, once the rest is complete.
json::value finish(const sdk::object& map, json::value v) {
  auto name = skerry::store::name_of(map);
  auto& meta = skerry::ensure(v, "metadata");
  meta = json::object{{"name", name},
                      {"namespace", skerry::store::namespace_of(map)},
                      {"labels", json::object{{"app.kubernetes.io/managed-by", "site-operator"}, {"site", name}}}};
  sdk::set_owner(v, map);
  auto digest = sdk::digest_of(v);
  skerry::ensure(v, "metadata.annotations") = json::object{{digest_annotation, digest}};
  return v;
}

}  // namespace

wish read(const sdk::object& map) {
  wish w;
  auto v = skerry::store::parse(map);
  w.image = skerry::string_at(v, "data.image");
  if (w.image.empty()) w.error = "data.image is missing";
  if (!number(skerry::string_at(v, "data.replicas"), 0, 100, w.replicas)) w.error = "data.replicas is not 0 to 100";
  if (!number(skerry::string_at(v, "data.port"), 1, 65535, w.port)) w.error = "data.port is not 1 to 65535";
  return w;
}

json::value deployment(const sdk::object& map, const wish& w) {
  json::object labels{{"site", skerry::store::name_of(map)}};
  json::value container = json::object{
      {"name", "site"}, {"image", w.image}, {"ports", json::array{json::object{{"containerPort", w.port}}}}};
  json::value v = json::object{
      {"apiVersion", "apps/v1"},
      {"kind", "Deployment"},
      {"spec",
       json::object{{"replicas", w.replicas},
                    {"selector", json::object{{"matchLabels", labels}}},
                    {"template", json::object{{"metadata", json::object{{"labels", labels}}},
                                              {"spec", json::object{{"containers", json::array{container}}}}}}}}};
  return finish(map, std::move(v));
}

json::value service(const sdk::object& map, const wish& w) {
  json::value v = json::object{
      {"apiVersion", "v1"},
      {"kind", "Service"},
      {"spec", json::object{{"selector", json::object{{"site", skerry::store::name_of(map)}}},
                            {"ports", json::array{json::object{{"port", w.port}, {"targetPort", w.port}}}}}}};
  return finish(map, std::move(v));
}

bool differs(const sdk::object& there, const json::value& wanted) {
  const auto& notes = skerry::object_at(wanted, "metadata.annotations");
  const auto* digest = notes.if_contains(digest_annotation);
  if (digest == nullptr || sdk::annotation_of(there, digest_annotation) != digest->get_string()) return true;
  auto replicas = skerry::int_at(wanted, "spec.replicas", -1);
  return replicas >= 0 && skerry::int_at(skerry::store::parse(there), "spec.replicas", -1) != replicas;
}

std::string status(const sdk::object& deployment) {
  auto v = skerry::store::parse(deployment);
  return std::to_string(skerry::int_at(v, "status.readyReplicas")) + "/" +
         std::to_string(skerry::int_at(v, "spec.replicas")) + " ready";
}

}  // namespace site
