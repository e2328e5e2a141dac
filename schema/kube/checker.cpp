#include "schema/kube/checker.hpp"

#include <boost/json/serialize.hpp>

#include "schema/kube/selector.hpp"

namespace skerry::kube {
namespace {

constexpr std::string_view label_rule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric "
    "character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view subdomain_rule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an "
    "alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr std::string_view label_1035_rule =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an "
    "alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view qualified_rule =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. "
    "'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr std::string_view label_value_rule =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an "
    "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
constexpr std::string_view config_key_rule =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    "'key-name', regex "
    "used for validation is '[-._a-zA-Z0-9]+')";

/// Values are shown up to this length.
constexpr size_t shown_max = 1024;

std::string quoted(std::string_view s) {
  auto shown = s.substr(0, shown_max);
  return json::serialize(json::value(json::string_view{shown.data(), shown.size()}));
}

std::string at_most(size_t n) { return "must be no more than " + std::to_string(n) + " bytes"; }

}  // namespace

void checker::add(const step& at, std::string_view reason, std::string message) {
  if (errors.size() < errors_max) errors.push_back({at.path(), reason, std::move(message)});
}

void checker::invalid(const step& at, const json::value& value, std::string_view why) {
  auto shown = json::serialize(value);
  if (shown.size() > shown_max) shown = shown.substr(0, shown_max) + "...";
  add(at, "FieldValueInvalid", "Invalid value: " + shown + ": " + std::string{why});
}
void checker::invalid(const step& at, std::string_view value, std::string_view why) {
  add(at, "FieldValueInvalid", "Invalid value: " + quoted(value) + ": " + std::string{why});
}
void checker::required(const step& at, std::string_view why) {
  add(at, "FieldValueRequired", why.empty() ? std::string{"Required value"} : "Required value: " + std::string{why});
}
void checker::forbidden(const step& at, std::string_view why) {
  add(at, "FieldValueForbidden", "Forbidden: " + std::string{why});
}
void checker::duplicate(const step& at, std::string_view value) {
  add(at, "FieldValueDuplicate", "Duplicate value: " + quoted(value));
}
void checker::not_found(const step& at, std::string_view value) {
  add(at, "FieldValueNotFound", "Not found: " + quoted(value));
}
void checker::not_supported(const step& at, std::string_view value, std::initializer_list<std::string_view> supported) {
  auto text = "Unsupported value: " + quoted(value) + ": supported values: ";
  for (const auto* s = supported.begin(); s != supported.end(); ++s)
    text += (s == supported.begin() ? "" : ", ") + quoted(*s);
  add(at, "FieldValueNotSupported", std::move(text));
}
void checker::too_long(const step& at, size_t max) {
  add(at, "FieldValueTooLong", "Too long: may not be more than " + std::to_string(max) + " bytes");
}

void checker::one_of(const json::object& o, const step& at, std::string_view key,
                     std::initializer_list<std::string_view> supported) {
  auto v = text_in(o, key);
  if (!v.empty() && std::find(supported.begin(), supported.end(), v) == supported.end())
    not_supported(at / key, v, supported);
}

void checker::at_least_zero(const json::object& o, const step& at, std::string_view key) {
  const auto* v = member(o, key);
  if (v != nullptr && integer(*v).value_or(0) < 0) invalid(at / key, *v, not_negative);
}

void checker::between(const json::object& o, const step& at, std::string_view key, int64_t min, int64_t max) {
  const auto* v = member(o, key);
  if (v == nullptr) return;
  auto n = integer(*v).value_or(min);
  if (n < min || n > max)
    invalid(at / key, *v, "must be between " + std::to_string(min) + " and " + std::to_string(max) + ", inclusive");
}

void checker::port(const step& at, int64_t value) {
  if (value < 1 || value > 65535) invalid(at, json::value(value), "must be between 1 and 65535, inclusive");
}

void checker::port_or_name(const step& at, const json::value& value) {
  if (auto n = integer(value)) return port(at, *n);
  if (const auto* s = value.if_string(); s != nullptr && !is_port_name(text(*s)))
    invalid(at, value,
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-), at least one letter, and no more "
            "than 15 of them");
}

void checker::dns_label(const step& at, std::string_view v) {
  if (!is_dns_label(v)) invalid(at, v, v.size() > 63 ? at_most(63) : std::string{label_rule});
}
void checker::dns_subdomain(const step& at, std::string_view v) {
  if (!is_dns_subdomain(v)) invalid(at, v, v.size() > 253 ? at_most(253) : std::string{subdomain_rule});
}
void checker::dns_1035_label(const step& at, std::string_view v) {
  if (!is_dns_1035_label(v)) invalid(at, v, v.size() > 63 ? at_most(63) : std::string{label_1035_rule});
}
void checker::qualified_name(const step& at, std::string_view v) {
  if (is_qualified_name(v)) return;
  auto slash = v.rfind('/');
  auto name = slash == std::string_view::npos ? v : v.substr(slash + 1);
  if (v.empty() || name.empty())
    invalid(at, v, "name part must be non-empty");
  else if (name.size() > 63)
    invalid(at, v, "name part " + at_most(63));
  else if (!is_label_value(name))
    invalid(at, v, qualified_rule);
  else
    invalid(at, v, "prefix part " + std::string{subdomain_rule});
}
void checker::label_value(const step& at, std::string_view v) {
  if (!is_label_value(v)) invalid(at, v, v.size() > 63 ? at_most(63) : std::string{label_value_rule});
}

void checker::labels(const step& at, const json::object& labels) {
  for (const auto& kv : labels) {
    qualified_name(at, kv.key());
    if (const auto* s = kv.value().if_string()) label_value(at, text(*s));
  }
}

void checker::selector(const step& at, const json::object& selector) {
  if (const auto* l = object_in(selector, "matchLabels")) labels(at / "matchLabels", *l);
  const auto* list = array_in(selector, "matchExpressions");
  if (list == nullptr) return;
  auto expressions = at / "matchExpressions";
  for (size_t i = 0; i < list->size(); ++i) {
    const auto* e = (*list)[i].if_object();
    if (e == nullptr) continue;
    auto here = expressions[i];
    const auto* values = array_in(*e, "values");
    bool any = values != nullptr && !values->empty();
    auto how = text_in(*e, "operator");
    if (how == "In" || how == "NotIn") {
      if (!any) required(here / "values", "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (how == "Exists" || how == "DoesNotExist") {
      if (any) forbidden(here / "values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else if (member(*e, "operator") != nullptr) {
      invalid(here / "operator", how, "not a valid selector operator");
    }
    if (member(*e, "key") != nullptr) qualified_name(here / "key", text_in(*e, "key"));
    auto items = here / "values";
    for (size_t k = 0; any && k < values->size(); ++k)
      if (const auto* s = (*values)[k].if_string()) label_value(items[k], text(*s));
  }
}

void checker::config_key(const step& at, std::string_view key) {
  bool good = !key.empty() && key.size() <= 253;
  for (char c : key)
    good &=
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  if (!good)
    invalid(at, key, key.size() > 253 ? at_most(253) : std::string{config_key_rule});
  else if (key == "." || key.substr(0, 2) == "..")
    invalid(at, key, "must not be '.' or start with '..'");
}

bool is_port_name(std::string_view s) {
  if (s.empty() || s.size() > 15 || s.front() == '-' || s.back() == '-' || s.find("--") != std::string_view::npos)
    return false;
  bool letter = false;
  for (char c : s) {
    letter |= c >= 'a' && c <= 'z';
    if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-') return false;
  }
  return letter;
}

void check_required(checker& c, const type_info& type, const json::object& o, const step& at, std::string_view skip) {
  if (!type.wants) return;
  size_t found = 0;
  for (const auto& kv : o) {
    const auto* f = type.find(kv.key());
    if (f == nullptr) continue;
    found += f->required ? 1 : 0;
    if (f->type == nullptr || !f->type->wants || (!skip.empty() && f->name == skip)) continue;
    auto here = at / f->name;
    if (const auto* child = kv.value().if_object()) {
      if (f->form == shape::one) {
        check_required(c, *f->type, *child, here);
        continue;
      }
      for (const auto& entry : *child)
        if (const auto* x = entry.value().if_object()) check_required(c, *f->type, *x, here.key(entry.key()));
    } else if (const auto* list = kv.value().if_array()) {
      for (size_t i = 0; i < list->size(); ++i)
        if (const auto* x = (*list)[i].if_object()) check_required(c, *f->type, *x, here[i]);
    }
  }
  if (found == type.required) return;
  for (const auto& f : type.fields)
    if (f.required && f.name != skip && member(o, f.name) == nullptr) c.required(at / f.name);
}

}  // namespace skerry::kube
