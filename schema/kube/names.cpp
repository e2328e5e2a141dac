#include <string_view>

#include "schema/kube/validate.hpp"

namespace skerry::kube {
namespace {
bool lower(char c) { return c >= 'a' && c <= 'z'; }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool alnum(char c) { return lower(c) || digit(c) || (c >= 'A' && c <= 'Z'); }
}  // namespace

bool is_dns_label(std::string_view s) {
  if (s.empty() || s.size() > 63 || s.front() == '-' || s.back() == '-') return false;
  for (char c : s)
    if (!lower(c) && !digit(c) && c != '-') return false;
  return true;
}

bool is_dns_subdomain(std::string_view s) {
  if (s.empty() || s.size() > 253) return false;
  char before = '.';
  for (char c : s) {
    if (c == '.' || c == '-') {
      if (before == '.' || (c == '.' && before == '-')) return false;
    } else if (!lower(c) && !digit(c)) {
      return false;
    }
    before = c;
  }
  return before != '.' && before != '-';
}

bool is_dns_1035_label(std::string_view s) { return is_dns_label(s) && lower(s.front()); }

bool is_label_value(std::string_view s) {
  if (s.empty()) return true;
  if (s.size() > 63 || !alnum(s.front()) || !alnum(s.back())) return false;
  for (char c : s)
    if (!alnum(c) && c != '-' && c != '_' && c != '.') return false;
  return true;
}

bool is_qualified_name(std::string_view s) {
  auto slash = s.find('/');
  if (slash != std::string_view::npos) {
    if (!is_dns_subdomain(s.substr(0, slash))) return false;
    s.remove_prefix(slash + 1);
  }
  return !s.empty() && is_label_value(s);
}

}  // namespace skerry::kube
