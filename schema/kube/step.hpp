#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace skerry::kube {

/// One step of the way down to a value, on the stack: a path becomes a string only when there is something to say.
/// A step points to the one above, which must outlive it.
struct step {
  static constexpr size_t no_index = static_cast<size_t>(-1);
  static constexpr size_t is_key = static_cast<size_t>(-2);

  const step* up = nullptr;
  std::string_view name;
  size_t index = no_index;

  /// A field of an object: "spec.replicas".
  step operator/(std::string_view field) const { return {this, field, no_index}; }
  /// An item of a list: "containers[0]".
  step operator[](size_t i) const { return {this, {}, i}; }
  /// An entry of a map: "data[tls.crt]".
  step key(std::string_view k) const { return {this, k, is_key}; }
  /// "spec.containers[0].name"
  std::string path() const;
};

}  // namespace skerry::kube
