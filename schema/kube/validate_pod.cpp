#include "schema/kube/checker.hpp"
#include "schema/kube/equal.hpp"
#include "schema/kube/quantity.hpp"

namespace skerry::kube {
namespace {

void check_mode(checker& c, const json::object& o, const step& at, std::string_view key) {
  const auto* v = member(o, key);
  if (v == nullptr) return;
  auto mode = integer(*v).value_or(0);
  if (mode < 0 || mode > 0777) c.invalid(at / key, *v, "must be a number between 0 and 0777 (octal), both inclusive");
}

/// Checks a path within a volume: relative, without "..".
void check_inner_path(checker& c, const step& at, std::string_view path) {
  if (path.empty()) return c.required(at);
  if (path[0] == '/') return c.invalid(at, path, "must be a relative path");
  for (size_t i = 0; i <= path.size();) {
    auto slash = std::min(path.find('/', i), path.size());
    if (path.substr(i, slash - i) == "..") return c.invalid(at, path, "must not contain '..'");
    i = slash + 1;
  }
}

void check_items(checker& c, const json::object& source, const step& at) {
  check_mode(c, source, at, "defaultMode");
  const auto* items = array_in(source, "items");
  if (items == nullptr) return;
  auto items_at = at / "items";
  for (size_t i = 0; i < items->size(); ++i) {
    const auto* o = (*items)[i].if_object();
    if (o == nullptr) continue;
    auto here = items_at[i];
    if (member(*o, "key") != nullptr && text_in(*o, "key").empty()) c.required(here / "key");
    if (member(*o, "path") != nullptr) check_inner_path(c, here / "path", text_in(*o, "path"));
    check_mode(c, *o, here, "mode");
  }
}

void check_source(checker& c, std::string_view kind, const json::object& source, const step& at) {
  if (kind == "secret") {
    if (text_in(source, "secretName").empty()) c.required(at / "secretName");
    check_items(c, source, at);
  } else if (kind == "configMap") {
    if (text_in(source, "name").empty()) c.required(at / "name");
    check_items(c, source, at);
  } else if (kind == "downwardAPI") {
    check_mode(c, source, at, "defaultMode");
  } else if (kind == "hostPath") {
    auto path = text_in(source, "path");
    if (path.empty() && member(source, "path") != nullptr) c.required(at / "path");
    if (path == ".." || path.find("/..") != std::string_view::npos)
      c.invalid(at / "path", path, "must not contain '..'");
    c.one_of(source, at, "type",
             {"BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"});
  } else if (kind == "emptyDir") {
    const auto* size = member(source, "sizeLimit");
    auto q = size != nullptr ? quantity::from_json(*size) : std::nullopt;
    if (q && q->sign() < 0) c.forbidden(at / "sizeLimit", "SizeLimit field must be a valid resource quantity");
  }
}

void check_volumes(checker& c, const json::array& volumes, const step& at, name_set& known) {
  for (size_t i = 0; i < volumes.size(); ++i) {
    const auto* o = volumes[i].if_object();
    if (o == nullptr) continue;
    auto here = at[i];
    auto name = text_in(*o, "name");
    if (member(*o, "name") != nullptr) {
      if (name.empty())
        c.required(here / "name");
      else if (!known.insert(name))
        c.duplicate(here / "name", name);
      else
        c.dns_label(here / "name", name);
    }
    size_t sources = 0;
    for (const auto& kv : *o) {
      const auto* source = kv.value().if_object();
      if (source == nullptr) continue;
      auto source_at = here / kv.key();
      if (++sources > 1)
        c.forbidden(source_at, "may not specify more than 1 volume type");
      else
        check_source(c, kv.key(), *source, source_at);
    }
    if (sources == 0) c.required(here, "must specify a volume type");
  }
}

void check_tolerations(checker& c, const json::array& list, const step& at) {
  for (size_t i = 0; i < list.size(); ++i) {
    const auto* t = list[i].if_object();
    if (t == nullptr) continue;
    auto here = at[i];
    auto key = text_in(*t, "key"), how = text_in(*t, "operator");
    if (!key.empty()) c.qualified_name(here / "key", key);
    if (key.empty() && how != "Exists")
      c.invalid(here / "operator", how,
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"");
    if (how == "Exists" && !text_in(*t, "value").empty())
      c.invalid(here / "operator", text_in(*t, "value"), "value must be empty when `operator` is 'Exists'");
    if (how == "Equal" || how.empty()) c.label_value(here / "value", text_in(*t, "value"));
    c.one_of(*t, here, "operator", {"Equal", "Exists"});
    c.one_of(*t, here, "effect", {"NoExecute", "NoSchedule", "PreferNoSchedule"});
    if (member(*t, "tolerationSeconds") != nullptr && text_in(*t, "effect") != "NoExecute")
      c.invalid(here / "effect", text_in(*t, "effect"), "effect must be 'NoExecute' when `tolerationSeconds` is set");
  }
}

void check_node_terms(checker& c, const json::object& selector, const step& at) {
  const auto* terms = array_in(selector, "nodeSelectorTerms");
  if (terms == nullptr) return;
  auto terms_at = at / "nodeSelectorTerms";
  if (terms->empty()) c.required(terms_at, "must have at least one node selector term");
  for (size_t i = 0; i < terms->size(); ++i) {
    const auto* term = (*terms)[i].if_object();
    const auto* list = term != nullptr ? array_in(*term, "matchExpressions") : nullptr;
    if (list == nullptr) continue;
    auto term_at = terms_at[i];
    auto list_at = term_at / "matchExpressions";
    for (size_t k = 0; k < list->size(); ++k) {
      const auto* e = (*list)[k].if_object();
      if (e == nullptr) continue;
      auto here = list_at[k];
      auto how = text_in(*e, "operator");
      const auto* values = array_in(*e, "values");
      auto count = values != nullptr ? values->size() : 0;
      if (how == "In" || how == "NotIn") {
        if (count == 0) c.required(here / "values", "must be specified when `operator` is 'In' or 'NotIn'");
      } else if (how == "Exists" || how == "DoesNotExist") {
        if (count > 0)
          c.forbidden(here / "values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      } else if (how == "Gt" || how == "Lt") {
        if (count != 1) c.required(here / "values", "must be specified single value when `operator` is 'Lt' or 'Gt'");
      } else {
        c.invalid(here / "operator", how, "not a valid selector operator");
      }
      if (member(*e, "key") != nullptr) c.qualified_name(here / "key", text_in(*e, "key"));
    }
  }
}

void check_affinity(checker& c, const json::object& spec, const step& at) {
  const auto* affinity = object_in(spec, "affinity");
  const auto* node = affinity != nullptr ? object_in(*affinity, "nodeAffinity") : nullptr;
  const auto* required = node != nullptr ? object_in(*node, "requiredDuringSchedulingIgnoredDuringExecution") : nullptr;
  if (required == nullptr) return;
  auto affinity_at = at / "affinity";
  auto node_at = affinity_at / "nodeAffinity";
  check_node_terms(c, *required, node_at / "requiredDuringSchedulingIgnoredDuringExecution");
}

void check_security(checker& c, const json::object& holder, const step& at) {
  const auto* s = object_in(holder, "securityContext");
  if (s == nullptr) return;
  auto here = at / "securityContext";
  for (std::string_view key : {"runAsUser", "runAsGroup", "fsGroup"}) c.between(*s, here, key, 0, INT32_MAX);
}

void check_network(checker& c, const json::object& spec, const step& at) {
  for (std::string_view key : {"hostname", "subdomain"})
    if (auto v = text_in(spec, key); !v.empty()) c.dns_label(at / key, v);
  auto policy = text_in(spec, "dnsPolicy");
  c.one_of(spec, at, "dnsPolicy", {"ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"});
  const auto* dns = object_in(spec, "dnsConfig");
  const auto* servers = dns != nullptr ? array_in(*dns, "nameservers") : nullptr;
  auto dns_at = at / "dnsConfig";
  if (policy == "None" && (servers == nullptr || servers->empty()))
    c.required(dns_at / "nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None");
  if (servers != nullptr && servers->size() > 3)
    c.invalid(dns_at / "nameservers", json::value(*servers), "must not have more than 3 nameservers");
}

/// True if both have the same members but for those that may change by themselves.
bool same_but(const json::object& a, const json::object& b, std::initializer_list<std::string_view> free) {
  auto is_free = [&](std::string_view key) { return std::find(free.begin(), free.end(), key) != free.end(); };
  size_t left = 0;
  for (const auto& kv : a) {
    if (is_free(kv.key())) continue;
    ++left;
    const auto* other = member(b, kv.key());
    if (other == nullptr || !equal(kv.value(), *other)) return false;
  }
  for (const auto& kv : b)
    if (!is_free(kv.key())) --left;
  return left == 0;
}

/// True if both lists hold the same containers but for their images.
bool same_containers(const json::array& a, const json::array& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    const auto* x = a[i].if_object();
    const auto* y = b[i].if_object();
    if (x == nullptr || y == nullptr || !same_but(*x, *y, {"image"})) return false;
  }
  return true;
}

constexpr std::string_view pod_update_rule =
    "pod updates may not change fields other than "
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be "
    "set to 1 if it was "
    "previously negative)";

}  // namespace

void check_pod_spec(checker& c, const json::object& spec, const step& at) {
  name_set volumes;
  if (const auto* list = array_in(spec, "volumes")) check_volumes(c, *list, at / "volumes", volumes);
  check_containers(c, spec, at, volumes);
  c.one_of(spec, at, "restartPolicy", {"Always", "OnFailure", "Never"});
  c.at_least_zero(spec, at, "terminationGracePeriodSeconds");
  c.between(spec, at, "activeDeadlineSeconds", 1, INT32_MAX);
  if (const auto* labels = object_in(spec, "nodeSelector")) c.labels(at / "nodeSelector", *labels);
  for (std::string_view key : {"nodeName", "serviceAccountName", "priorityClassName", "runtimeClassName"})
    if (auto v = text_in(spec, key); !v.empty()) c.dns_subdomain(at / key, v);
  if (const auto* list = array_in(spec, "tolerations")) check_tolerations(c, *list, at / "tolerations");
  check_affinity(c, spec, at);
  check_network(c, spec, at);
  check_security(c, spec, at);
  for_each_container(spec, [&](const json::object& o, std::string_view list, size_t i) {
    auto list_at = at / list;
    check_security(c, o, list_at[i]);
  });
  if (true_in(spec, "shareProcessNamespace") && true_in(spec, "hostPID"))
    c.invalid(at / "shareProcessNamespace", json::value(true),
              "ShareProcessNamespace and HostPID cannot both be enabled");
}

void check_pod_update(checker& c, const json::object& before, const json::object& after, const step& at) {
  static const json::array none;
  bool same = same_but(before, after,
                       {"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates",
                        "containers", "initContainers"});
  for (std::string_view list : {"containers", "initContainers"}) {
    const auto* a = array_in(before, list);
    const auto* b = array_in(after, list);
    if (a == nullptr) a = &none;
    if (b == nullptr) b = &none;
    if (a->size() != b->size()) return c.forbidden(at, "pod updates may not add or remove containers");
    same &= same_containers(*a, *b);
  }
  if (!same) c.forbidden(at, pod_update_rule);
  const auto* old_deadline = member(before, "activeDeadlineSeconds");
  const auto* new_deadline = member(after, "activeDeadlineSeconds");
  if (old_deadline != nullptr) {
    if (new_deadline == nullptr)
      c.invalid(at / "activeDeadlineSeconds", json::value(nullptr),
                "must not update from a positive integer to nil value");
    else if (integer(*new_deadline).value_or(0) > integer(*old_deadline).value_or(0))
      c.invalid(at / "activeDeadlineSeconds", *new_deadline, "must be less than or equal to previous value");
  }
  auto grace = integer_in(before, "terminationGracePeriodSeconds");
  if (auto now = integer_in(after, "terminationGracePeriodSeconds"); now != grace && !(grace < 0 && now == 1))
    c.forbidden(at, pod_update_rule);
  const auto* old_list = array_in(before, "tolerations");
  const auto* new_list = array_in(after, "tolerations");
  auto kept = [&](const json::value& t) {
    return new_list != nullptr &&
           std::any_of(new_list->begin(), new_list->end(), [&](const json::value& x) { return equal(x, t); });
  };
  for (const auto& t : old_list != nullptr ? *old_list : none)
    if (!kept(t)) {
      c.forbidden(at / "tolerations", "existing toleration can not be modified except its tolerationSeconds");
      break;
    }
}

}  // namespace skerry::kube
