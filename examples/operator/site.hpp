#pragma once
#include <optional>
#include <string>

#include "actors/sdk/objects.hpp"

/// What a site is, and what it should consist of. A site is a ConfigMap with the label site.example/managed=true:
///   data: {image: web:1, replicas: "2", port: "8080"}
/// It gets a Deployment and a Service of its own name. Pure.
namespace site {

namespace sdk = skerry::sdk;
namespace json = skerry::json;

inline constexpr const char* selector = "site.example/managed=true";
inline constexpr const char* child_selector = "app.kubernetes.io/managed-by=site-operator";
inline constexpr const char* digest_annotation = "site.example/digest";
inline constexpr const char* status_annotation = "site.example/status";

/// What a ConfigMap asks for; or what is wrong with it.
struct wish {
  std::string image, error;
  int64_t replicas = 1, port = 80;
};
wish read(const sdk::object& map);

/// The Deployment and the Service that a site should have: owned by it, with a digest of what they were made from.
json::value deployment(const sdk::object& map, const wish& w);
json::value service(const sdk::object& map, const wish& w);

/// Must the object that is there be changed to be as `wanted`? Looks at the digest, and at what people like to turn.
bool differs(const sdk::object& there, const json::value& wanted);

/// "2/3 ready"
std::string status(const sdk::object& deployment);

}  // namespace site
