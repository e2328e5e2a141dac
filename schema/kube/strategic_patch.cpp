#include <unordered_map>

#include "schema/kube/patch.hpp"
#include "schema/kube/value.hpp"

// Follows k8s.io/apimachinery/pkg/util/strategicpatch/patch.go, from which the order of steps and of lists comes.
namespace skerry::kube {
namespace {

constexpr std::string_view directive = "$patch", retain_keys = "$retainKeys", order_prefix = "$setElementOrder/",
                           delete_prefix = "$deleteFromPrimitiveList/";

bool begins_with(std::string_view s, std::string_view prefix) { return s.substr(0, prefix.size()) == prefix; }

bool is_directive(std::string_view key) {
  return key == directive || key == retain_keys || begins_with(key, order_prefix) || begins_with(key, delete_prefix);
}

/// What names an item of a list: the value of its merge key, or itself in a list of scalars. Empty if it has none.
std::string key_of(const json::value& item, std::string_view merge_key) {
  const json::value* v = &item;
  if (!merge_key.empty()) {
    const auto* o = item.if_object();
    v = o != nullptr ? o->if_contains(merge_key) : nullptr;
    if (v == nullptr) return {};
  }
  if (const auto* s = v->if_string()) return 's' + std::string{text(*s)};
  if (auto n = integer(*v)) return 'n' + std::to_string(*n);
  if (v->is_bool()) return v->get_bool() ? "true" : "false";
  if (v->is_double()) return 'n' + std::to_string(v->get_double());
  return {};
}

/// The first place of each key in a list.
class places {
public:
  places(const json::array& list, std::string_view merge_key) {
    for (size_t i = 0; i < list.size(); ++i)
      if (auto k = key_of(list[i], merge_key); !k.empty()) at_.emplace(std::move(k), i);
  }
  std::optional<size_t> find(const std::string& key) const {
    auto it = at_.find(key);
    return it == at_.end() ? std::nullopt : std::optional{it->second};
  }

private:
  std::unordered_map<std::string, size_t> at_;
};

struct item {
  json::value value;
  std::string key;
};

/// Sorts by place in `order`, those without a place behind, in the order they had.
void sort_by(std::vector<item>& items, const places& order) {
  std::stable_sort(items.begin(), items.end(), [&](const item& a, const item& b) {
    auto i = order.find(a.key), j = order.find(b.key);
    if (i && j) return *i < *j;
    return i.has_value() && !j.has_value();
  });
}

/// Puts `merged` in the order in which the patch has its items and the server had the others (normalizeElementOrder).
json::array in_order(json::array merged, const places& patch_order, const places& server_order,
                     std::string_view merge_key) {
  std::vector<item> patched, server;
  for (auto& v : merged) {
    item x{std::move(v), {}};
    x.key = key_of(x.value, merge_key);
    (patch_order.find(x.key) ? patched : server).push_back(std::move(x));
  }
  sort_by(patched, patch_order);
  sort_by(server, server_order);
  json::array out;
  out.reserve(patched.size() + server.size());
  size_t i = 0, j = 0;
  while (i < server.size() || j < patched.size()) {
    bool from_server = j >= patched.size();
    if (i < server.size() && j < patched.size()) {
      auto s = server_order.find(server[i].key), p = server_order.find(patched[j].key);
      from_server = s && p && *s < *p;
    }
    out.push_back(std::move(from_server ? server[i++].value : patched[j++].value));
  }
  return out;
}

/// A copy of what a patch adds, without directives and nulls; nothing where the patch deletes it.
std::optional<json::value> taken(const json::value& v) {
  if (const auto* a = v.if_array()) {
    json::array out;
    for (const auto& x : *a)
      if (auto y = taken(x)) out.push_back(std::move(*y));
    return json::value(std::move(out));
  }
  const auto* o = v.if_object();
  if (o == nullptr) return v;
  if (text_in(*o, directive) == "delete") return std::nullopt;
  json::object out;
  for (const auto& kv : *o) {
    if (is_directive(kv.key()) || kv.value().is_null()) continue;
    if (auto y = taken(kv.value())) out.emplace(kv.key(), std::move(*y));
  }
  // An element {"$patch": "replace"} alone marks its list and is no item of it.
  if (out.empty() && !o->empty() && text_in(*o, directive) == "replace") return std::nullopt;
  return json::value(std::move(out));
}

class merger {
public:
  std::string error;

  bool object(const type_info* type, json::object& into, const json::object& patch) {
    if (const auto* d = member(patch, directive)) {
      auto how = d->is_string() ? text(d->get_string()) : std::string_view{};
      if (how == "delete" || how == "replace") {
        into.clear();
        if (how == "delete") return true;
        for (const auto& kv : patch)
          if (!is_directive(kv.key()) && !kv.value().is_null())
            if (auto v = taken(kv.value())) into.emplace(kv.key(), std::move(*v));
        return true;
      }
      if (how != "merge")
        return fail("unknown patch type found: " + std::string{how} + " (expected merge, replace or delete)");
    }
    if (!retain(into, patch)) return false;
    for (const auto& kv : patch) {
      std::string_view key{kv.key().data(), kv.key().size()};
      if (begins_with(key, order_prefix) && !ordered(type, into, patch, key.substr(order_prefix.size()), kv.value()))
        return false;
      if (begins_with(key, delete_prefix) && !delete_scalars(into, key.substr(delete_prefix.size()), kv.value()))
        return false;
    }
    for (const auto& kv : patch) {
      std::string_view key{kv.key().data(), kv.key().size()};
      if (is_directive(key) || (kv.value().is_array() && is_ordered(patch, key))) continue;
      if (!member_of(type, into, key, kv.value())) return false;
    }
    return true;
  }

private:
  bool fail(std::string why) {
    error = (path_.empty() ? std::string{} : path_ + ": ") + std::move(why);
    return false;
  }

  /// Goes one step down for the messages, and back when it dies.
  struct descent {
    descent(std::string& path, std::string_view key) : path_(path), size_(path.size()) {
      if (!path_.empty()) path_ += '.';
      path_ += key;
    }
    ~descent() { path_.resize(size_); }
    std::string& path_;
    size_t size_;
  };

  static bool is_ordered(const json::object& patch, std::string_view key) {
    const auto* order = patch.if_contains(std::string{order_prefix} + std::string{key});
    return order != nullptr && order->is_array();
  }

  bool retain(json::object& into, const json::object& patch) {
    const auto* list = member(patch, retain_keys);
    if (list == nullptr) return true;
    const auto* keys = list->if_array();
    if (keys == nullptr) return fail("$retainKeys: expected array");
    places kept{*keys, {}};
    for (const auto& kv : patch)
      if (!is_directive(kv.key()) && !kv.value().is_null() && !kept.find('s' + std::string{kv.key()}))
        return fail("$retainKeys must contain the keys of the patch that are set; it lacks " + std::string{kv.key()});
    std::vector<std::string> gone;
    for (const auto& kv : into)
      if (!kept.find('s' + std::string{kv.key()})) gone.emplace_back(kv.key());
    for (const auto& k : gone) remove(into, k);
    return true;
  }

  bool member_of(const type_info* type, json::object& into, std::string_view key, const json::value& patch) {
    if (patch.is_null()) {
      remove(into, key);
      return true;
    }
    descent down{path_, key};
    auto* old = member(into, key);
    const auto* f = type != nullptr ? type->find(key) : nullptr;
    if (old != nullptr && old->is_object() && patch.is_object() && !(f != nullptr && f->patch_replace))
      return object(f != nullptr && f->form == shape::one ? f->type : nullptr, old->get_object(), patch.get_object());
    if (old != nullptr && old->is_array() && patch.is_array() && f != nullptr && f->patch_merge)
      return list(*f, old->get_array(), patch.get_array());
    auto v = taken(patch);
    if (v)
      into[key] = std::move(*v);
    else
      remove(into, key);
    return true;
  }

  bool list(const field_info& f, json::array& into, const json::array& patch) {
    places server_order{into, f.merge_key};
    json::array merged = std::move(into);
    bool replaced = false;
    if (!merge_items(f, merged, patch, replaced)) return false;
    into = replaced ? std::move(merged)
                    : in_order(std::move(merged), places{patch, f.merge_key}, server_order, f.merge_key);
    return true;
  }

  /// Merges the items without regard to their order; `replaced` if {"$patch": "replace"} was among them.
  bool merge_items(const field_info& f, json::array& merged, const json::array& patch, bool& replaced) {
    if (f.merge_key.empty()) {
      places known{merged, {}};
      for (const auto& v : patch)
        if (!known.find(key_of(v, {}))) merged.push_back(v);
      return true;
    }
    std::vector<const json::value*> items;
    std::unordered_map<std::string, bool> doomed;
    for (const auto& v : patch) {
      const auto* o = v.if_object();
      if (o == nullptr) return fail("expected an object in the list");
      auto how = text_in(*o, directive);
      if (how == "replace") {
        replaced = true;
        if (o->size() > 1) items.push_back(&v);
        continue;
      }
      auto key = key_of(v, f.merge_key);
      if (key.empty()) return fail("map does not contain the merge key " + std::string{f.merge_key});
      if (how == "delete")
        doomed.emplace(std::move(key), true);
      else if (o->contains(directive) && how != "merge")
        return fail("unknown patch type found: " + std::string{how} + " (expected merge, replace or delete)");
      else
        items.push_back(&v);
    }
    if (replaced) merged.clear();
    if (!doomed.empty()) {
      json::array left;
      for (auto& v : merged)
        if (!doomed.count(key_of(v, f.merge_key))) left.push_back(std::move(v));
      merged = std::move(left);
    }
    places known{merged, f.merge_key};
    for (const auto* v : items) {
      auto at = known.find(key_of(*v, f.merge_key));
      if (at && merged[*at].is_object()) {
        if (!object(f.type, merged[*at].get_object(), v->get_object())) return false;
      } else if (auto fresh = taken(*v)) {
        merged.push_back(std::move(*fresh));
      }
    }
    return true;
  }

  /// Applies "$setElementOrder/x" with the list x of the patch, if it has one.
  bool ordered(const type_info* type, json::object& into, const json::object& patch, std::string_view key,
               const json::value& order) {
    descent down{path_, key};
    const auto* want = order.if_array();
    if (want == nullptr) return fail("$setElementOrder: expected array");
    const auto* f = type != nullptr ? type->find(key) : nullptr;
    auto merge_key = f != nullptr ? f->merge_key : std::string_view{};
    const auto* changes = array_in(patch, key);
    auto* old = array_in(into, key);
    places wanted{*want, merge_key};
    if (changes != nullptr && !check_order(*changes, wanted, merge_key)) return false;
    if (old == nullptr) {
      if (changes == nullptr) return true;
      auto fresh = taken(*member(patch, key));
      into[key] = in_order(std::move(fresh->get_array()), wanted, places{{}, merge_key}, merge_key);
      return true;
    }
    places server_order{*old, merge_key};
    json::array merged = std::move(*old);
    bool replaced = false;
    if (changes != nullptr) {
      if (f == nullptr || !f->patch_merge)
        merged = std::move(taken(*member(patch, key))->get_array());
      else if (!merge_items(*f, merged, *changes, replaced))
        return false;
    }
    into[key] = in_order(std::move(merged), wanted, server_order, merge_key);
    return true;
  }

  /// The items of the patch's list must stand in $setElementOrder, in the same order (validatePatchWithSetOrderList).
  bool check_order(const json::array& changes, const places& wanted, std::string_view merge_key) {
    size_t last = 0;
    for (const auto& v : changes) {
      const auto* o = v.if_object();
      if (o != nullptr && o->contains(directive)) continue;
      auto at = wanted.find(key_of(v, merge_key));
      if (!at || *at < last) return fail("the order in the patch's list does not match $setElementOrder");
      last = *at;
    }
    return true;
  }

  bool delete_scalars(json::object& into, std::string_view key, const json::value& patch) {
    const auto* gone = patch.if_array();
    if (gone == nullptr) return fail("$deleteFromPrimitiveList/" + std::string{key} + ": expected array");
    auto* old = array_in(into, key);
    if (old == nullptr) return true;
    places doomed{*gone, {}};
    json::array left;
    for (auto& v : *old)
      if (!doomed.find(key_of(v, {}))) left.push_back(std::move(v));
    *old = std::move(left);
    return true;
  }

  std::string path_;
};

}  // namespace

caf::expected<json::value> strategic_patch(const type_info& type, json::value target, const json::value& patch) {
  const auto* p = patch.if_object();
  if (p == nullptr) return make_error(errc::invalid, "a strategic merge patch is an object");
  auto& o = target.is_object() ? target.get_object() : target.emplace_object();
  merger m;
  if (!m.object(&type, o, *p)) return make_error(errc::invalid, m.error);
  return target;
}

}  // namespace skerry::kube
