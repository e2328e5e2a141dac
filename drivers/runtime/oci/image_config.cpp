#include "image_config.hpp"

#include <schema/error.hpp>
#include <schema/json.hpp>

namespace skerry::drivers::oci {
namespace {

std::vector<std::string> strings_at(const json::value& root, std::string_view path) {
  std::vector<std::string> out;
  for (auto& v : array_at(root, path))
    if (auto* s = v.if_string()) out.emplace_back(s->data(), s->size());
  return out;
}

caf::expected<blob> read_blob(const json::value& v) {
  blob out{std::string{string_at(v, "digest")}, static_cast<uint64_t>(int_at(v, "size"))};
  if (!is_sha256(out.digest))
    return make_error(errc::corrupt, "the image's manifest has a part without a sha256 digest");
  return out;
}

}  // namespace

bool is_sha256(const std::string& d) {
  return d.size() == 71 && d.starts_with("sha256:") && d.find_first_not_of("0123456789abcdef", 7) == std::string::npos;
}

caf::expected<image_config> parse_image_config(const std::string& text) {
  std::string error;
  auto root = parse_json(text, error);
  if (!error.empty()) return make_error(errc::corrupt, "the image's configuration does not parse: " + error);
  image_config out;
  out.entrypoint = strings_at(root, "config.Entrypoint");
  out.cmd = strings_at(root, "config.Cmd");
  out.environment = strings_at(root, "config.Env");
  out.user = string_at(root, "config.User");
  out.working_directory = string_at(root, "config.WorkingDir");
  out.stop_signal = string_at(root, "config.StopSignal");
  for (auto& v : object_at(root, "config.Volumes")) out.volumes.emplace_back(v.key().data(), v.key().size());
  out.diff_ids = strings_at(root, "rootfs.diff_ids");
  for (auto& d : out.diff_ids)
    if (!is_sha256(d))
      return make_error(errc::corrupt, "the image's configuration has a diff_id that is no sha256 digest");
  return out;
}

caf::expected<manifest> parse_manifest(const std::string& text) {
  std::string error;
  auto root = parse_json(text, error);
  if (!error.empty()) return make_error(errc::corrupt, "the image's manifest does not parse: " + error);
  manifest out;
  auto* config = find(root, "config");
  if (!config)
    return make_error(errc::corrupt, "the image's manifest has no configuration (docker's schema 1 is not supported)");
  auto c = read_blob(*config);
  if (!c) return std::move(c.error());
  out.config = *c;
  for (auto& l : array_at(root, "layers")) {
    auto b = read_blob(l);
    if (!b) return std::move(b.error());
    out.layers.push_back(*b);
  }
  return out;
}

}  // namespace skerry::drivers::oci
