#include "actors/api/device_rules.hpp"

#include "schema/kube/validate_device.hpp"

namespace skerry::api {

kube::field_errors check_device_model_of(const kube::resource_info& info, const json::value& value,
                                         const store::view& view) {
  if (info.id != store::devices_resource) return {};
  auto name = string_at(value, "spec.deviceModelRef.name");
  if (name.empty()) return {};
  auto model = view.get(store::device_models_resource, string_at(value, "metadata.namespace"), name);
  // KubeEdge's clients make them in any order: without its model a device is taken as it is, and its node says so.
  return model ? kube::validate_device_against(value, store::parse(model)) : kube::field_errors{};
}

}  // namespace skerry::api
