#include "user.hpp"

#include <algorithm>
#include <charconv>
#include <schema/error.hpp>

#include "fs.hpp"

namespace skerry::drivers::oci {
namespace {

std::optional<uint32_t> number(std::string_view text) {
  uint32_t out = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (ec != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return out;
}

std::string read_inside(const std::string& root, const std::string& path) {
  auto fd = open_in_root(root, path);
  std::string out;
  char buffer[4096];
  if (!fd) return out;
  for (ssize_t n; out.size() < 1024 * 1024 && (n = read(fd.get(), buffer, sizeof buffer)) > 0;)
    out.append(buffer, static_cast<size_t>(n));
  return out;
}

/// Calls `f` with the fields of each line of a passwd or group file.
template <class F>
void each_line(const std::string& text, F f) {
  for (size_t from = 0; from < text.size();) {
    auto to = std::min(text.find('\n', from), text.size());
    std::vector<std::string_view> fields;
    std::string_view line{text.data() + from, to - from};
    for (;;) {
      auto colon = line.find(':');
      fields.push_back(line.substr(0, colon));
      if (colon == std::string_view::npos) break;
      line.remove_prefix(colon + 1);
    }
    if (fields.size() >= 3) f(fields);
    from = to + 1;
  }
}

bool contains(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    auto comma = list.find(',');
    if (list.substr(0, comma) == name) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace

caf::expected<identity> find_identity(const std::string& root, const std::string& image_user,
                                      std::optional<int64_t> user, std::optional<int64_t> group, bool non_root) {
  auto colon = image_user.find(':');
  auto wanted = image_user.substr(0, colon);
  auto wanted_group = user || colon == std::string::npos ? std::string{} : image_user.substr(colon + 1);
  if (user) wanted = std::to_string(*user);
  if (wanted.empty()) wanted = "0";
  auto as_number = number(wanted);
  if (non_root && !as_number)
    return make_error(errc::invalid, "container has runAsNonRoot and image has non-numeric user (" + wanted +
                                         "), cannot verify user is non-root");
  if (non_root && *as_number == 0)
    return make_error(errc::invalid, user ? "container's runAsUser breaks non-root policy"
                                          : "container has runAsNonRoot and image will run as root");
  identity out;
  std::string name;
  bool known = false;
  each_line(read_inside(root, "/etc/passwd"), [&](auto& f) {
    if (known || f.size() < 4) return;
    auto uid = number(f[2]), gid = number(f[3]);
    if (!uid || !gid || !(as_number ? *uid == *as_number : f[0] == wanted)) return;
    known = true;
    name = f[0];
    out.uid = *uid;
    out.gid = *gid;
  });
  if (!known) {
    if (!as_number) return make_error(errc::invalid, "the image has no user \"" + wanted + "\" in its /etc/passwd");
    out.uid = *as_number;
  }
  auto as_group = number(wanted_group);
  bool group_known = wanted_group.empty() || as_group;
  each_line(read_inside(root, "/etc/group"), [&](auto& f) {
    auto gid = number(f[2]);
    if (!gid) return;
    if (!wanted_group.empty() && !as_group && f[0] == wanted_group) {
      as_group = gid;
      group_known = true;
    }
    if (known && f.size() > 3 && contains(f[3], name)) out.groups.push_back(*gid);
  });
  if (!group_known)
    return make_error(errc::invalid, "the image has no group \"" + wanted_group + "\" in its /etc/group");
  if (as_group) out.gid = *as_group;
  if (group) out.gid = static_cast<uint32_t>(*group);
  std::erase(out.groups, out.gid);
  return out;
}

}  // namespace skerry::drivers::oci
