#pragma once
#include <boost/json/serialize.hpp>
#include <ostream>
#include <stdexcept>

#include "schema/json.hpp"
#include "schema/kube/registry.hpp"

namespace skerry::kube::test {

/// The tables, parsed once for the whole binary.
inline const registry& tables() {
  static const registry r;
  return r;
}
inline const resource_info& info(std::string_view id) {
  const auto* i = tables().find_id(id);
  if (i == nullptr) throw std::runtime_error("no resource " + std::string{id});
  return *i;
}
inline const type_info& type(std::string_view name) {
  const auto* t = tables().find_type(name);
  if (t == nullptr) throw std::runtime_error("no type " + std::string{name});
  return *t;
}
/// Parses JSON in which single quotes may stand for double ones.
inline json::value js(std::string text) {
  for (auto& c : text)
    if (c == '\'') c = '"';
  std::string error;
  auto v = parse_json(text, error);
  if (!error.empty()) throw std::runtime_error(error + " in " + text);
  return v;
}
inline std::string str(const json::value& v) { return json::serialize(v); }

}  // namespace skerry::kube::test
