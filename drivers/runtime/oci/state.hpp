#pragma once
#include <actors/ports/runtime.hpp>
#include <caf/expected.hpp>
#include <string>

#include "oci.hpp"

namespace skerry::drivers::oci {

/// How far a thing has come. Written before the step that it names begins; what is found in `making` or `removing` at a
/// start is garbage.
enum class phase : uint8_t { making, ready, exited, removing };

struct sandbox_record {
  ports::sandbox_spec spec;
  phase at = phase::making;
  std::vector<std::string> ips;
  std::string cni_result;
};

struct container_record {
  ports::container_state state;
  phase at = phase::making;
  std::string config_digest;  ///< of its image
  std::string stop_signal;    ///< the image's; empty: SIGTERM
  std::string log_path;
};

std::string to_json(const sandbox_record& r);
std::string to_json(const container_record& r);
/// Errors: errc::corrupt.
caf::expected<sandbox_record> sandbox_from_json(const std::string& text);
caf::expected<container_record> container_from_json(const std::string& text);

/// 64 hex digits, the same for the same three.
std::string container_id(const std::string& pod_uid, const std::string& name, uint32_t attempt);

/// Where things lie; see oci.hpp.
struct layout {
  const options& o;
  std::string pod(const std::string& uid) const { return o.data_dir + "/pods/" + uid; }
  std::string sandbox_file(const std::string& uid) const { return pod(uid) + "/sandbox.json"; }
  std::string namespaces(const std::string& uid) const { return o.run_dir + "/ns/" + uid; }
  std::string netns(const std::string& uid) const { return namespaces(uid) + "/net"; }
  std::string container(const std::string& id) const { return o.data_dir + "/containers/" + id; }
  std::string container_file(const std::string& id) const { return container(id) + "/container.json"; }
  std::string bundle(const std::string& id) const { return container(id) + "/bundle"; }
  std::string root(const std::string& id) const { return container(id) + "/root"; }
  std::string exit_file(const std::string& id) const { return o.data_dir + "/exits/" + id; }
  std::string runtime_root() const { return o.run_dir + "/runtime"; }
  std::string logs(const ports::sandbox_spec& s) const {
    return o.data_dir + "/logs/" + s.ns + "_" + s.name + "_" + s.uid;
  }
  static std::string pod_group(const std::string& uid) { return "pod" + uid; }
};

}  // namespace skerry::drivers::oci
