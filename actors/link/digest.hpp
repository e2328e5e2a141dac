#pragma once
#include <cstdint>
#include <vector>

#include "actors/store/object.hpp"

namespace skerry::link {

/// What an edge acts upon, as 64 bits (FNV-1a) over the canonical JSON of a stored object without status,
/// metadata.resourceVersion and managedFields: a pod whose status alone moved has the same. Never 0. Read as text, for
/// each change of each pod comes by here: nothing is parsed, no space between tokens is expected.
uint64_t intent_digest(std::string_view canonical);

/// The ConfigMaps and Secrets that a pod names: volumes (projected ones too), env, envFrom, imagePullSecrets, of all
/// its containers. Sorted, each once; optional ones too. A node gets these and no others.
std::vector<store::object_key> references_of(const json::value& pod);

/// The DeviceModel that a Device names, there or not; none if it names none.
std::vector<store::object_key> device_references_of(const json::value& device);

}  // namespace skerry::link
