#pragma once
#include <algorithm>
#include <string_view>
#include <vector>

#include "schema/json.hpp"

/// Short hands for reading JSON, for the files of this folder. What they return points into the object: an insertion
/// into it moves its members and the short strings in them.
namespace skerry::kube {

inline std::string_view text(const json::string& s) { return {s.data(), s.size()}; }
inline std::string_view text(json::string_view s) { return {s.data(), s.size()}; }

/// Returns the member of this name if `o` has it, else nullptr.
inline const json::value* member(const json::object& o, std::string_view key) { return o.if_contains(key); }
inline json::value* member(json::object& o, std::string_view key) { return o.if_contains(key); }

/// Returns the member if it is an object (array), else nullptr.
inline const json::object* object_in(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  return v != nullptr ? v->if_object() : nullptr;
}
inline json::object* object_in(json::object& o, std::string_view key) {
  auto* v = o.if_contains(key);
  return v != nullptr ? v->if_object() : nullptr;
}
inline const json::array* array_in(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  return v != nullptr ? v->if_array() : nullptr;
}
inline json::array* array_in(json::object& o, std::string_view key) {
  auto* v = o.if_contains(key);
  return v != nullptr ? v->if_array() : nullptr;
}

/// Returns the member's text, empty if it is absent or no string.
inline std::string_view text_in(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  const auto* s = v != nullptr ? v->if_string() : nullptr;
  return s != nullptr ? text(*s) : std::string_view{};
}

/// Returns the integer that `v` is, or nothing.
inline std::optional<int64_t> integer(const json::value& v) {
  if (v.is_int64()) return v.get_int64();
  if (v.is_uint64()) return static_cast<int64_t>(std::min<uint64_t>(v.get_uint64(), INT64_MAX));
  return std::nullopt;
}
inline int64_t integer_in(const json::object& o, std::string_view key, int64_t otherwise = 0) {
  const auto* v = o.if_contains(key);
  return v != nullptr ? integer(*v).value_or(otherwise) : otherwise;
}
inline bool true_in(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  return v != nullptr && v->is_bool() && v->get_bool();
}

/// Sets the member where it is absent (or an empty string, which is Go's absent string).
template <class T>
void set_default(json::object& o, std::string_view key, T&& value) {
  auto* v = o.if_contains(key);
  if (v == nullptr)
    o.emplace(key, std::forward<T>(value));
  else if (v->is_null() || (v->is_string() && v->get_string().empty()))
    *v = json::value(std::forward<T>(value), v->storage());
}

/// Returns the object at this key, made if it is absent.
inline json::object& object_at_key(json::object& o, std::string_view key) {
  auto& v = o[key];
  return v.is_object() ? v.get_object() : v.emplace_object();
}

/// Removes a member and keeps the order of the others (boost::json::object::erase does not).
inline void remove(json::object& o, std::string_view key) {
  auto it = o.find(key);
  if (it != o.end()) o.stable_erase(it);
}

/// Calls `f(container, list_name, index)` for each container of a pod's spec: containers, then initContainers.
template <class Spec, class F>
void for_each_container(Spec& spec, F&& f) {
  for (std::string_view list : {"initContainers", "containers"}) {
    auto* a = array_in(spec, list);
    if (a == nullptr) continue;
    for (size_t i = 0; i < a->size(); ++i)
      if (auto* c = (*a)[i].if_object()) f(*c, list, i);
  }
}

}  // namespace skerry::kube
