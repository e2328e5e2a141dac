#include <algorithm>

#include "schema/kube/equal.hpp"
#include "schema/kube/patch.hpp"
#include "schema/kube/value.hpp"
#include "schema/limits.hpp"

namespace skerry::kube {
namespace {

/// As kube-apiserver's limit for one JSON Patch.
constexpr size_t operations_max = 10'000;

/// Cuts a JSON pointer (RFC 6901) into its tokens; false if it is none.
bool read_pointer(std::string_view s, std::vector<std::string>& out) {
  out.clear();
  if (s.empty()) return true;
  if (s[0] != '/') return false;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '/') {
      out.emplace_back();
    } else if (s[i] == '~') {
      if (i + 1 >= s.size() || (s[i + 1] != '0' && s[i + 1] != '1')) return false;
      out.back() += s[++i] == '0' ? '~' : '/';
    } else {
      out.back() += s[i];
    }
  }
  return true;
}

/// The index that a token names in an array of `size`; nothing for one that is none (leading zeros are not allowed).
std::optional<size_t> index_of(std::string_view token, size_t size, bool allow_end) {
  if (token == "-") return allow_end ? std::optional{size} : std::nullopt;
  if (token.empty() || token.size() > 9 || (token.size() > 1 && token[0] == '0')) return std::nullopt;
  size_t v = 0;
  for (char c : token) {
    if (c < '0' || c > '9') return std::nullopt;
    v = v * 10 + static_cast<size_t>(c - '0');
  }
  return v < size || (allow_end && v == size) ? std::optional{v} : std::nullopt;
}

json::value* child(json::value& v, std::string_view token) {
  if (auto* o = v.if_object()) return o->if_contains(token);
  auto* a = v.if_array();
  if (a == nullptr) return nullptr;
  auto i = index_of(token, a->size(), false);
  return i ? &(*a)[*i] : nullptr;
}

json::value* walk(json::value& root, const std::vector<std::string>& tokens, size_t count) {
  auto* v = &root;
  for (size_t i = 0; i < count && v != nullptr; ++i) v = child(*v, tokens[i]);
  return v;
}

/// About the bytes that a value takes: a bound on what copies can grow to.
size_t weight(const json::value& v) {
  size_t sum = 16;
  if (const auto* s = v.if_string()) sum += s->size();
  if (const auto* a = v.if_array())
    for (const auto& x : *a) sum += weight(x);
  if (const auto* o = v.if_object())
    for (const auto& kv : *o) sum += kv.key().size() + weight(kv.value());
  return sum;
}

/// How many objects and arrays stand in each other in a value.
size_t depth(const json::value& v) {
  size_t deepest = 0;
  if (const auto* a = v.if_array())
    for (const auto& x : *a) deepest = std::max(deepest, depth(x));
  if (const auto* o = v.if_object())
    for (const auto& kv : *o) deepest = std::max(deepest, depth(kv.value()));
  return v.is_structured() ? deepest + 1 : 0;
}

class patcher {
public:
  explicit patcher(json::value& root) : root_(root) {}

  /// Applies one operation; returns what is wrong with it, or an empty text.
  std::string apply(const json::object& op) {
    auto what = text_in(op, "op");
    if (what.empty()) return "has no op";
    const auto* path = member(op, "path");
    if (path == nullptr || !path->is_string()) return "has no path";
    if (!read_pointer(text(path->get_string()), path_)) return "path is no JSON pointer";
    if (what == "remove") return remove_at(path_) ? "" : "path does not exist";
    if (what == "move" || what == "copy") return transfer(op, what == "move");
    const auto* value = member(op, "value");
    if (value == nullptr)
      return what == "add" || what == "replace" || what == "test" ? "has no value" : "op is not known";
    if (what == "add") return too_deep(*value) ? nesting_ : add(path_, *value);
    if (what == "replace") {
      auto* at = walk(root_, path_, path_.size());
      if (at == nullptr) return "path does not exist";
      if (too_deep(*value)) return nesting_;
      *at = *value;
      return {};
    }
    if (what == "test") {
      auto* at = walk(root_, path_, path_.size());
      // A test for null holds where there is nothing, as in the library of kube-apiserver.
      if (at == nullptr) return value->is_null() ? "" : "path does not exist";
      return equal(*at, *value) ? "" : "test failed: the value is another";
    }
    return "op is not known";
  }

private:
  /// True if a value set at path_ would nest deeper than what is parsed: operations in a row could else build what no
  /// recursion survives.
  bool too_deep(const json::value& value) const { return path_.size() + depth(value) > limits::json_depth_max; }

  std::string add(const std::vector<std::string>& path, json::value value) {
    if (path.empty()) {
      root_ = std::move(value);
      return {};
    }
    auto* parent = walk(root_, path, path.size() - 1);
    if (parent == nullptr) return "parent of path does not exist";
    if (auto* o = parent->if_object()) {
      (*o)[path.back()] = std::move(value);
      return {};
    }
    auto* a = parent->if_array();
    if (a == nullptr) return "parent of path is neither object nor array";
    auto i = index_of(path.back(), a->size(), true);
    if (!i) return "index is out of range";
    a->insert(a->begin() + static_cast<std::ptrdiff_t>(*i), std::move(value));
    return {};
  }

  bool remove_at(const std::vector<std::string>& path) {
    if (path.empty()) return false;
    auto* parent = walk(root_, path, path.size() - 1);
    if (parent == nullptr || child(*parent, path.back()) == nullptr) return false;
    if (auto* o = parent->if_object()) {
      remove(*o, path.back());
    } else {
      auto& a = parent->get_array();
      a.erase(a.begin() + static_cast<std::ptrdiff_t>(*index_of(path.back(), a.size(), false)));
    }
    return true;
  }

  std::string transfer(const json::object& op, bool move) {
    const auto* source = member(op, "from");
    std::vector<std::string> from;
    if (source == nullptr || !source->is_string() || !read_pointer(text(source->get_string()), from))
      return "has no from";
    auto* at = walk(root_, from, from.size());
    if (at == nullptr) return "from does not exist";
    if (move) {
      if (from.size() < path_.size() && std::equal(from.begin(), from.end(), path_.begin()))
        return "moves a value into itself";
      if (from == path_) return {};
      if (path_.size() > from.size() && (!charge(*at) || too_deep(*at))) return nesting_;
      json::value taken = std::move(*at);
      remove_at(from);
      return add(path_, std::move(taken));
    }
    if (!charge(*at)) return "copies more than " + std::to_string(limits::request_body_bytes_max) + " bytes";
    return too_deep(*at) ? nesting_ : add(path_, *at);
  }

  /// Counts what a patch copies and walks through; false once that is too much.
  bool charge(const json::value& v) {
    copied_ += weight(v);
    return copied_ <= limits::request_body_bytes_max;
  }

  const std::string nesting_ = "nests deeper than " + std::to_string(limits::json_depth_max) + " levels";
  json::value& root_;
  std::vector<std::string> path_;
  size_t copied_ = 0;
};

void merge_into(json::value& target, const json::value& patch) {
  const auto* p = patch.if_object();
  if (p == nullptr) {
    target = patch;
    return;
  }
  auto& o = target.is_object() ? target.get_object() : target.emplace_object();
  for (const auto& kv : *p) {
    if (kv.value().is_null())
      remove(o, kv.key());
    else
      merge_into(o[kv.key()], kv.value());
  }
}

}  // namespace

caf::expected<json::value> json_patch(json::value target, const json::value& patch) {
  const auto* list = patch.if_array();
  if (list == nullptr) return make_error(errc::invalid, "a JSON patch is an array of operations (RFC 6902)");
  if (list->size() > operations_max)
    return make_error(errc::too_large, "the JSON patch has " + std::to_string(list->size()) + " operations; at most " +
                                           std::to_string(operations_max) + " are allowed");
  patcher p{target};
  for (size_t i = 0; i < list->size(); ++i) {
    const auto* op = (*list)[i].if_object();
    auto wrong = op != nullptr ? p.apply(*op) : std::string{"is no object"};
    if (wrong.empty()) continue;
    std::string name = "JSON patch operation " + std::to_string(i);
    if (op != nullptr)
      name += " (" + std::string{text_in(*op, "op")} + " " + std::string{text_in(*op, "path").substr(0, 256)} + ")";
    return make_error(errc::invalid, name + ": " + wrong);
  }
  return target;
}

json::value merge_patch(json::value target, const json::value& patch) {
  merge_into(target, patch);
  return target;
}

}  // namespace skerry::kube
