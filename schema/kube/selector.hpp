#pragma once
#include <caf/expected.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/error.hpp"
#include "schema/json.hpp"

namespace skerry::kube {

/// A label selector: a conjunction of requirements. One without requirements matches everything.
class label_selector {
public:
  enum class op : uint8_t { in, not_in, exists, not_exists, greater, less };
  struct requirement {
    std::string key;
    op what = op::in;
    std::vector<std::string> values;  ///< sorted
  };

  /// Parses "a=b,c!=d,e in (f,g),h notin (i),j,!k,n>1". Errors: errc::invalid with what was found and what was
  /// expected.
  static caf::expected<label_selector> parse(std::string_view text);
  /// Takes a meta/v1.LabelSelector {matchLabels, matchExpressions}; null matches nothing, an empty one everything
  /// (metav1.LabelSelectorAsSelector). Errors: errc::invalid.
  static caf::expected<label_selector> from_object(const json::value& selector);
  /// Takes a plain map of labels, as in a service's or a replication controller's spec.selector.
  static label_selector from_map(const json::object& labels);

  bool matches(const json::object& labels) const {
    return matches_with([&](std::string_view key) -> std::optional<std::string_view> {
      const auto* v = labels.if_contains(key);
      const auto* s = v != nullptr ? v->if_string() : nullptr;
      if (s == nullptr) return std::nullopt;
      return std::string_view{s->data(), s->size()};
    });
  }
  /// `get(key)` returns std::optional<std::string_view>, the label's value.
  template <class F>
  bool matches_with(F&& get) const {
    if (nothing_) return false;
    for (const auto& r : requirements_)
      if (!holds(r, get(std::string_view{r.key}))) return false;
    return true;
  }

  bool matches_all() const { return !nothing_ && requirements_.empty(); }
  const std::vector<requirement>& requirements() const { return requirements_; }
  /// The string form that parse reads, as in Scale.status.selector: "app=web,tier in (a,b)".
  std::string to_string() const;

private:
  static bool holds(const requirement& r, std::optional<std::string_view> value);
  std::vector<requirement> requirements_;
  bool nothing_ = false;
};

/// A field selector: a conjunction of path=value and path!=value.
class field_selector {
public:
  struct requirement {
    std::string path;  ///< "spec.nodeName"
    std::string value;
    bool negated = false;
  };

  /// Parses "status.phase!=Running,spec.nodeName=n1" (also ==; backslash escapes as in Kubernetes). `allowed` are the
  /// paths of the resource beside metadata.name and metadata.namespace. Errors: errc::invalid, `field label not
  /// supported: x`.
  static caf::expected<field_selector> parse(std::string_view text, const std::vector<std::string_view>& allowed);

  /// `get(path)` returns std::string_view, empty where there is no such field.
  template <class F>
  bool matches_with(F&& get) const {
    for (const auto& r : requirements_)
      if ((get(std::string_view{r.path}) == std::string_view{r.value}) == r.negated) return false;
    return true;
  }
  bool matches(const json::value& object) const;
  bool matches_all() const { return requirements_.empty(); }
  const std::vector<requirement>& requirements() const { return requirements_; }
  /// The value that metadata.name must have, or empty: a list can then be a get.
  std::string_view exact(std::string_view path) const;

private:
  std::vector<requirement> requirements_;
};

}  // namespace skerry::kube
