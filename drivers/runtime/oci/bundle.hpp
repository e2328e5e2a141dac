#pragma once
#include <actors/ports/runtime.hpp>
#include <caf/expected.hpp>
#include <string>

#include "cgroup.hpp"
#include "image_config.hpp"
#include "state.hpp"
#include "user.hpp"

namespace skerry::drivers::oci {

/// What config.json is made of.
struct bundle_input {
  const ports::container_spec& spec;
  const ports::sandbox_spec& sandbox;
  const image_config& image;
  const identity& who;
  const layout& at;
  const cgroups& groups;
  std::string id;
  uint64_t capabilities_max;         ///< bits of those that this process has itself: nobody can give more
  std::vector<std::string> sources;  ///< host path of each of spec.mounts, its subPath resolved
};

/// The OCI runtime configuration (runtime-spec 1.0.2): Kubernetes' defaults for mounts, masked and read-only paths,
/// capabilities, environment; the specification over the image. Errors: errc::invalid (no command, unknown capability).
caf::expected<std::string> make_bundle_config(const bundle_input& in);

/// The command line: `command` and `args` over the image's ENTRYPOINT and CMD (Kubernetes: "Define a Command and
/// Arguments").
std::vector<std::string> command_line(const ports::container_spec& spec, const image_config& image);

}  // namespace skerry::drivers::oci
