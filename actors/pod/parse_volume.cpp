#include <algorithm>

#include "actors/pod/parse.hpp"
#include "schema/kube/quantity.hpp"

namespace skerry::pod {
namespace {

std::optional<uint32_t> mode_at(const json::value& v, std::string_view path) {
  if (find(v, path) == nullptr) return {};
  return static_cast<uint32_t>(int_at(v, path)) & 0777;
}

volume_part config_part(const json::value& source, bool secret, std::string_view name_field) {
  volume_part part;
  part.config = {secret, std::string{string_at(source, name_field)}};
  part.optional = bool_at(source, "optional");
  for (auto& i : array_at(source, "items")) {
    volume_item item;
    item.key = string_at(i, "key");
    item.path = string_at(i, "path");
    item.mode = mode_at(i, "mode");
    part.items.push_back(std::move(item));
  }
  return part;
}

volume_part downward_part(const json::value& source) {
  volume_part part;
  part.what = volume_part::kind::downward;
  for (auto& i : array_at(source, "items")) {
    volume_item item;
    item.path = string_at(i, "path");
    item.key = string_at(i, "fieldRef.fieldPath");
    item.container = string_at(i, "resourceFieldRef.containerName");
    item.resource = string_at(i, "resourceFieldRef.resource");
    item.divisor = string_at(i, "resourceFieldRef.divisor", "1");
    item.mode = mode_at(i, "mode");
    part.items.push_back(std::move(item));
  }
  return part;
}

void parse_projected(volume_def& out, const json::value& source) {
  out.what = volume_def::kind::files;
  for (auto& s : array_at(source, "sources")) {
    if (const auto* c = find(s, "configMap")) {
      out.parts.push_back(config_part(*c, false, "name"));
    } else if (const auto* x = find(s, "secret")) {
      out.parts.push_back(config_part(*x, true, "name"));
      out.memory = true;
    } else if (const auto* d = find(s, "downwardAPI")) {
      out.parts.push_back(downward_part(*d));
    } else {
      out.what = volume_def::kind::unsupported;
      out.why = "projected";
      if (auto* o = s.if_object(); o != nullptr && !o->empty()) out.why += " " + std::string{o->begin()->key()};
      return;
    }
  }
}

void parse_empty_dir(volume_def& out, const json::value& source) {
  out.what = volume_def::kind::empty_dir;
  out.memory = string_at(source, "medium") == "Memory";
  if (const auto* limit = find(source, "sizeLimit"))
    if (auto q = kube::quantity::from_json(*limit))
      out.size_bytes = static_cast<uint64_t>(std::max<int64_t>(q->value(), 0));
}

}  // namespace

volume_def parse_volume(const json::value& v) {
  volume_def out;
  out.name = string_at(v, "name");
  for (auto& member : object_at(v, "")) {
    std::string_view source{member.key().data(), member.key().size()};
    const auto& value = member.value();
    if (source == "name") continue;
    out.default_mode = mode_at(value, "defaultMode").value_or(0644);
    if (source == "emptyDir") {
      parse_empty_dir(out, value);
    } else if (source == "hostPath") {
      out.what = volume_def::kind::host_path;
      out.path = string_at(value, "path");
      out.path_type = string_at(value, "type");
    } else if (source == "configMap" || source == "secret" || source == "downwardAPI") {
      out.what = volume_def::kind::files;
      out.memory = source == "secret";
      out.parts.push_back(source == "configMap" ? config_part(value, false, "name")
                          : source == "secret"  ? config_part(value, true, "secretName")
                                                : downward_part(value));
    } else if (source == "projected") {
      parse_projected(out, value);
    } else {
      out.why = source;
    }
    return out;
  }
  parse_empty_dir(
      out,
      json::value(json::object{}));  // core/v1 VolumeSource: "if not specified, the Volume is implied to be EmptyDir"
  return out;
}

}  // namespace skerry::pod
