#include "schema/kube/stamp.hpp"

#include "schema/kube/defaults.hpp"
#include "schema/kube/equal.hpp"
#include "schema/kube/quantity.hpp"
#include "schema/kube/value.hpp"

namespace skerry::kube {
namespace {

constexpr std::string_view alphabet = "bcdfghjklmnpqrstvwxz2456789";
/// Names are at most 63 characters where generateName makes them (names.maxNameLength); five are the suffix.
constexpr size_t generated_base_max = 58;

/// A kind counts the generations of its spec if its status can say which one was observed.
bool has_generation(const resource_info& info) {
  const auto* status = info.type->find("status");
  return info.type->find("spec") != nullptr && status != nullptr && status->type != nullptr &&
         status->type->find("observedGeneration") != nullptr;
}

void first_status(const resource_info& info, json::object& o) {
  if (info.id == "nodes" || !info.has_status()) return;  // a node's status is its agent's from the first moment
  remove(o, "status");
  if (info.id == "pods") {
    json::object status{{"phase", "Pending"}};
    if (const auto* spec = member(o, "spec")) status["qosClass"] = qos_class(*spec);
    o["status"] = std::move(status);
  } else if (info.id == "namespaces") {
    o["status"] = json::object{{"phase", "Active"}};
  } else if (info.id == "services") {
    o["status"] = json::object{{"loadBalancer", json::object{}}};
  }
}

/// Sets `key` in `to` as it is in `from`, or removes it.
void keep(json::object& to, const json::object& from, std::string_view key) {
  if (const auto* v = member(from, key))
    to[key] = *v;
  else
    remove(to, key);
}

/// A service keeps the addresses it was given where an update is silent about them (core/service patchAllocatedValues).
void keep_addresses(const json::object& before, json::object& after) {
  const auto* old = object_in(before, "spec");
  auto* now = object_in(after, "spec");
  if (old == nullptr || now == nullptr || text_in(*now, "type") == "ExternalName" ||
      !text_in(*now, "clusterIP").empty())
    return;
  for (std::string_view key : {"clusterIP", "clusterIPs"})
    if (member(*now, key) == nullptr) keep(*now, *old, key);
}

bool same(const json::object& a, const json::object& b, std::string_view key) {
  const auto* x = member(a, key);
  const auto* y = member(b, key);
  return x == nullptr || y == nullptr ? x == y : equal(*x, *y);
}

/// FNV-1a over a JSON value, keys in order of their bytes; tags keep values of different shape apart.
class hasher {
public:
  void value(const json::value& v) {
    switch (v.kind()) {
      case json::kind::null:
        return byte('n');
      case json::kind::bool_:
        return byte(v.get_bool() ? 't' : 'f');
      case json::kind::string:
        return string(text(v.get_string()), 's');
      case json::kind::int64:
        return string(std::to_string(v.get_int64()), 'i');
      case json::kind::uint64:
        return string(std::to_string(v.get_uint64()), 'i');
      case json::kind::double_:
        return string(std::to_string(v.get_double()), 'd');
      case json::kind::array:
        byte('[');
        for (const auto& x : v.get_array()) value(x);
        return byte(']');
      case json::kind::object:
        return object(v.get_object());
    }
  }
  uint32_t result() const { return h_; }

private:
  void byte(char c) { h_ = (h_ ^ static_cast<unsigned char>(c)) * 16777619U; }
  void string(std::string_view s, char tag) {
    byte(tag);
    for (char c : s) byte(c);
    byte('\0');
  }
  void object(const json::object& o) {
    std::vector<const json::key_value_pair*> members;
    members.reserve(o.size());
    for (const auto& kv : o) members.push_back(&kv);
    std::sort(members.begin(), members.end(), [](const auto* a, const auto* b) { return a->key() < b->key(); });
    byte('{');
    for (const auto* kv : members) {
      string({kv->key().data(), kv->key().size()}, 'k');
      value(kv->value());
    }
    byte('}');
  }
  uint32_t h_ = 2166136261U;
};

/// True if requests and limits both name this resource and are the same amount above zero.
bool guaranteed(const json::object* requests, const json::object* limits, std::string_view name) {
  if (limits == nullptr) return false;
  const auto* l = member(*limits, name);
  if (l == nullptr) return false;
  auto most = quantity::from_json(*l);
  const auto* r = requests != nullptr ? member(*requests, name) : nullptr;
  auto least = r != nullptr ? quantity::from_json(*r) : most;
  return most && least && most->sign() > 0 && *most == *least;
}

bool asks(const json::object* amounts) {
  if (amounts == nullptr) return false;
  for (std::string_view name : {"cpu", "memory"})
    if (const auto* v = member(*amounts, name))
      if (auto q = quantity::from_json(*v); q && q->sign() > 0) return true;
  return false;
}

}  // namespace

void stamp_new(const resource_info& info, json::value& value, std::string_view ns, int64_t now_ms, std::string_view uid,
               std::string_view suffix) {
  auto& o = value.is_object() ? value.get_object() : value.emplace_object();
  o["apiVersion"] = info.api_version;
  o["kind"] = info.kind;
  auto& meta = object_at_key(o, "metadata");
  for (std::string_view gone : {"resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink",
                                "generation", "managedFields"})
    remove(meta, gone);
  if (info.namespaced)
    meta["namespace"] = ns;
  else
    remove(meta, "namespace");
  if (text_in(meta, "name").empty()) {
    std::string base{text_in(meta, "generateName").substr(0, generated_base_max)};
    if (!base.empty()) meta["name"] = base + std::string{suffix};
  }
  meta["uid"] = uid;
  meta["creationTimestamp"] = format_time(now_ms);
  if (has_generation(info)) meta["generation"] = 1;
  first_status(info, o);
  if (info.id == "namespaces") apply_defaults(info, value);  // its label is its name, which may be new
}

void prepare_update(const resource_info& info, const json::value& before, json::value& after,
                    std::string_view subresource) {
  const auto* b = before.if_object();
  auto* a = after.if_object();
  if (a == nullptr || b == nullptr) return;
  const auto* old_meta = object_in(*b, "metadata");
  if (old_meta == nullptr) return;
  if (subresource == "status") {
    json::value next = before;
    auto& n = next.get_object();
    keep(n, *a, "status");
    if (const auto* meta = object_in(*a, "metadata")) keep(n["metadata"].get_object(), *meta, "resourceVersion");
    after = std::move(next);
    return;
  }
  keep(*a, *b, "apiVersion");
  keep(*a, *b, "kind");
  if (info.has_status()) keep(*a, *b, "status");
  if (info.id == "services") keep_addresses(*b, *a);
  auto& meta = object_at_key(*a, "metadata");
  for (std::string_view key : {"name", "namespace", "uid", "creationTimestamp", "generateName", "deletionTimestamp",
                               "deletionGracePeriodSeconds", "generation"})
    keep(meta, *old_meta, key);
  remove(meta, "selfLink");
  if (!has_generation(info)) return;
  // A deployment's annotations go to its replica sets, so that they count as its spec (deployment/strategy.go).
  bool changed = !same(*a, *b, "spec") || (info.id == "deployments.apps" && !same(meta, *old_meta, "annotations"));
  if (changed) meta["generation"] = integer_in(*old_meta, "generation", 1) + 1;
}

bool same_content(const json::value& a, const json::value& b) {
  const auto* x = a.if_object();
  const auto* y = b.if_object();
  if (x == nullptr || y == nullptr) return equal(a, b);
  if (x->size() != y->size()) return false;
  auto volatile_key = [](std::string_view k) {
    return k == "resourceVersion" || k == "generation" || k == "managedFields";
  };
  for (const auto& kv : *x) {
    const auto* other = y->if_contains(kv.key());
    if (other == nullptr) return false;
    const auto* m = kv.value().if_object();
    const auto* n = other->if_object();
    if (kv.key() != "metadata" || m == nullptr || n == nullptr) {
      if (!equal(kv.value(), *other)) return false;
      continue;
    }
    for (const auto& e : *m)
      if (!volatile_key(e.key()) && !same(*m, *n, e.key())) return false;
    for (const auto& e : *n)
      if (!volatile_key(e.key()) && !m->contains(e.key())) return false;
  }
  return true;
}

std::string template_hash(const json::value& pod_template, int64_t collisions) {
  hasher h;
  h.value(pod_template);
  if (collisions != 0) h.value(json::value(collisions));
  auto out = std::to_string(h.result());
  for (auto& c : out) c = alphabet[static_cast<unsigned char>(c) % alphabet.size()];
  return out;
}

std::string random_suffix(uint64_t random_bits) {
  std::string out(5, ' ');
  for (auto& c : out) {
    c = alphabet[random_bits % alphabet.size()];
    random_bits /= alphabet.size();
  }
  return out;
}

std::string_view qos_class(const json::value& pod_spec) {
  const auto* spec = pod_spec.if_object();
  if (spec == nullptr) return "BestEffort";
  bool any = false, all = true;
  for_each_container(*spec, [&](const json::object& c, std::string_view, size_t) {
    const auto* resources = object_in(c, "resources");
    const auto* requests = resources != nullptr ? object_in(*resources, "requests") : nullptr;
    const auto* limits = resources != nullptr ? object_in(*resources, "limits") : nullptr;
    any |= asks(requests) || asks(limits);
    all &= guaranteed(requests, limits, "cpu") && guaranteed(requests, limits, "memory");
  });
  return !any ? "BestEffort" : all ? "Guaranteed" : "Burstable";
}

}  // namespace skerry::kube
