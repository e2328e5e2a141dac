#include "schema/kube/equal.hpp"

namespace skerry::kube {

bool equal(const json::object& a, const json::object& b) {
  if (a.size() != b.size()) return false;
  auto other = b.begin();
  for (const auto& kv : a) {
    // Mostly both have their keys in the same order.
    const json::value* v = nullptr;
    if (other != b.end() && other->key() == kv.key()) {
      v = &other->value();
      ++other;
    } else {
      v = b.if_contains(kv.key());
    }
    if (v == nullptr || !equal(kv.value(), *v)) return false;
  }
  return true;
}

bool equal(const json::value& a, const json::value& b) {
  if (a.is_object()) return b.is_object() && equal(a.get_object(), b.get_object());
  if (!a.is_array()) return a == b;
  const auto* y = b.if_array();
  if (y == nullptr || a.get_array().size() != y->size()) return false;
  for (size_t i = 0; i < y->size(); ++i)
    if (!equal(a.get_array()[i], (*y)[i])) return false;
  return true;
}

}  // namespace skerry::kube
