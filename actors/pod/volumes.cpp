#include "actors/pod/volumes.hpp"

#include "schema/error.hpp"

namespace skerry::pod {
namespace {

/// A file's path in a volume stays below it (core/v1 KeyToPath: relative, no "..").
bool inside(std::string_view path) {
  if (path.empty() || path[0] == '/') return false;
  for (size_t from = 0; from <= path.size();) {
    auto slash = std::min(path.find('/', from), path.size());
    if (path.substr(from, slash - from) == "..") return false;
    from = slash + 1;
  }
  return true;
}

using content = std::map<std::string, ports::file_content>;

caf::expected<void> add_config(const resolve_context& in, const volume_def& v, const volume_part& part, content& out) {
  auto found = in.configs.find(part.config);
  if (found == in.configs.end() || !found->second) {
    if (part.optional) return caf::unit;
    return make_error(errc::not_found, kind_of(part.config) + " \"" + part.config.name + "\" not found");
  }
  auto& data = found->second->data;
  if (part.items.empty())
    for (auto& [k, bytes] : data) out[k] = {bytes, v.default_mode, {}};
  for (auto& item : part.items) {
    auto i = data.find(item.key);
    if (!inside(item.path))
      return make_error(errc::invalid,
                        "path \"" + item.path + "\" of key " + item.key + " must be relative and without \"..\"");
    if (i == data.end() && part.optional) continue;
    if (i == data.end())
      return make_error(errc::not_found, "references non-existent " + kind_of(part.config) + " key: " + item.key);
    out[item.path] = {i->second, item.mode.value_or(v.default_mode), {}};
  }
  return caf::unit;
}

caf::expected<void> add_downward(const resolve_context& in, const volume_def& v, const volume_part& part,
                                 content& out) {
  for (auto& item : part.items) {
    if (!inside(item.path))
      return make_error(errc::invalid, "path \"" + item.path + "\" must be relative and without \"..\"");
    auto value = item.key.empty()
                     ? resource_value(in, in.pod.containers.front(), item.container, item.resource, item.divisor)
                     : field_value(in, item.key);
    if (!value) return value.error();
    out[item.path] = {std::move(*value), item.mode.value_or(v.default_mode), {}};
  }
  return caf::unit;
}

caf::expected<void> plan(const resolve_context& in, const volume_def& v, std::vector<volume_step>& out) {
  volume_step step;
  step.path = volume_path(in.host, in.pod, v);
  switch (v.what) {
    case volume_def::kind::unsupported:
      return make_error(errc::unsupported, "volume type " + v.why + " is not supported on this node");
    case volume_def::kind::host_path:
      step.what = volume_step::kind::host_path;
      step.type = v.path_type;
      out.push_back(std::move(step));
      return caf::unit;
    case volume_def::kind::empty_dir:
      step.mode = in.pod.fs_group ? 02777 : 0777;
      step.group = in.pod.fs_group;
      step.memory = v.memory;
      step.size_bytes = v.memory ? v.size_bytes : 0;
      out.push_back(std::move(step));
      return caf::unit;
    case volume_def::kind::files:
      break;
  }
  step.memory = v.memory;
  volume_step publish;
  publish.what = volume_step::kind::publish;
  publish.path = step.path;
  out.push_back(std::move(step));
  for (auto& part : v.parts) {
    auto ok = part.what == volume_part::kind::config ? add_config(in, v, part, publish.content)
                                                     : add_downward(in, v, part, publish.content);
    if (!ok) return ok.error();
  }

  if (in.pod.fs_group)  // kubelet's SetVolumeOwnership of read-only volumes: the group may read what the owner may
    for (auto& [path, file] : publish.content) {
      file.group = in.pod.fs_group;
      file.mode |= 0440;
    }
  out.push_back(std::move(publish));
  return caf::unit;
}

}  // namespace

std::string pod_directory(const host_facts& host, std::string_view uid) {
  return host.pods_directory + "/" + std::string{uid};
}

std::string volume_path(const host_facts& host, const pod_spec& pod, const volume_def& v) {
  return v.what == volume_def::kind::host_path ? v.path : pod_directory(host, pod.uid) + "/volumes/" + v.name;
}

caf::expected<std::vector<volume_step>> plan_volumes(const resolve_context& in) {
  std::vector<volume_step> out;
  for (auto& v : in.pod.volumes)
    if (auto ok = plan(in, v, out); !ok)
      return make_error(code_of(ok.error()),
                        "MountVolume.SetUp failed for volume \"" + v.name + "\" : " + message_of(ok.error()));
  return out;
}

caf::expected<void> make_volumes(ports::files& files, const std::vector<volume_step>& steps) {
  for (auto& s : steps) {
    caf::error failed;
    switch (s.what) {
      case volume_step::kind::directory:
        if (auto ok = files.make_directory(s.path, s.mode, s.memory, s.size_bytes, s.group); !ok) failed = ok.error();
        break;
      case volume_step::kind::host_path:
        if (auto ok = files.host_path(s.path, s.type); !ok) failed = ok.error();
        break;
      case volume_step::kind::publish:
        if (auto ok = files.publish(s.path, s.content); !ok) failed = ok.error();
        break;
    }
    if (failed) {
      auto name = s.path.substr(s.path.rfind('/') + 1);
      return make_error(code_of(failed),
                        "MountVolume.SetUp failed for volume \"" + name + "\" : " + message_of(failed));
    }
  }
  return caf::unit;
}

}  // namespace skerry::pod
