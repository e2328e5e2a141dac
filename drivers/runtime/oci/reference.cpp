#include "reference.hpp"

#include <schema/error.hpp>

namespace skerry::drivers::oci {
namespace {

bool lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool alnum(char c) { return lower_alnum(c) || (c >= 'A' && c <= 'Z'); }

/// path-component := alpha-numeric [separator alpha-numeric]*, separator := [_.] | __ | -+
bool is_component(std::string_view c) {
  if (c.empty() || !lower_alnum(c.front()) || !lower_alnum(c.back())) return false;
  for (size_t i = 0; i < c.size(); ++i) {
    if (lower_alnum(c[i])) continue;
    auto run = c.find_first_not_of(c[i], i) - i;
    bool fine = c[i] == '-' || (c[i] == '.' && run == 1) || (c[i] == '_' && run <= 2);
    if (!fine || !lower_alnum(c[i + run])) return false;
    i += run;
  }
  return true;
}

bool is_repository(std::string_view r) {
  for (;;) {
    auto slash = r.find('/');
    if (!is_component(r.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    r.remove_prefix(slash + 1);
  }
}

bool is_registry(std::string_view r) {
  auto colon = r.rfind(':');
  if (r.starts_with('[')) {  // an IPv6 address
    auto end = r.find(']');
    if (end == std::string_view::npos ||
        r.substr(1, end - 1).find_first_not_of("0123456789abcdefABCDEF:") != std::string_view::npos)
      return false;
    colon = end + 1 < r.size() ? end + 1 : std::string_view::npos;
    if (colon != std::string_view::npos && r[colon] != ':') return false;
  } else {
    auto host = r.substr(0, colon);
    if (host.empty() || host.front() == '-' || host.back() == '-') return false;
    for (char c : host)
      if (!alnum(c) && c != '.' && c != '-') return false;
  }
  if (colon == std::string_view::npos) return true;
  auto port = r.substr(colon + 1);
  return !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_tag(std::string_view t) {
  if (t.empty() || t.size() > 128 || t.front() == '.' || t.front() == '-') return false;
  for (char c : t)
    if (!alnum(c) && c != '_' && c != '.' && c != '-') return false;
  return true;
}

bool is_digest(std::string_view d) {
  return d.size() == 71 && d.starts_with("sha256:") &&
         d.substr(7).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::string reference::text() const {
  auto out = repository_name();
  if (!tag.empty()) out += ":" + tag;
  if (!digest.empty()) out += "@" + digest;
  return out;
}

caf::expected<reference> parse_reference(std::string_view text) {
  auto refuse = [&](const char* why) {
    return make_error(errc::invalid, "InvalidImageName: \"" + std::string{text} + "\": " + why);
  };
  if (text.empty()) return refuse("an image has a name");
  if (text.size() > 512) return refuse("longer than 512 bytes");
  reference out;
  auto rest = text;
  if (auto at = rest.find('@'); at != std::string_view::npos) {
    out.digest = rest.substr(at + 1);
    if (!is_digest(out.digest)) return refuse("the digest is not sha256: and 64 hex digits");
    rest = rest.substr(0, at);
  }
  auto slash = rest.find('/');
  auto first = rest.substr(0, slash);
  bool has_registry =
      slash != std::string_view::npos && (first.find_first_of(".:") != std::string_view::npos || first == "localhost");
  if (has_registry) {
    out.registry = first;
    rest = rest.substr(slash + 1);
  } else {
    out.registry = "docker.io";
  }
  if (auto colon = rest.rfind(':');
      colon != std::string_view::npos && rest.find('/', colon) == std::string_view::npos) {
    out.tag = rest.substr(colon + 1);
    if (!is_tag(out.tag)) return refuse("the tag has characters that a tag cannot have");
    rest = rest.substr(0, colon);
  }
  out.repository = rest;
  if (out.registry == "index.docker.io") out.registry = "docker.io";
  if (!is_registry(out.registry)) return refuse("the registry is not a host, or host:port");
  if (!is_repository(out.repository))
    return refuse("the repository is not lower-case letters, digits and . _ - between slashes");
  if (out.registry == "docker.io" && out.repository.find('/') == std::string::npos)
    out.repository = "library/" + out.repository;
  if (!out.digest.empty()) out.tag.clear();
  if (out.digest.empty() && out.tag.empty()) out.tag = "latest";
  return out;
}

bool is_loopback(std::string_view registry) {
  auto host = registry.substr(0, registry.rfind(':'));
  return host == "localhost" || host.starts_with("127.") || registry.starts_with("[::1]");
}

}  // namespace skerry::drivers::oci
