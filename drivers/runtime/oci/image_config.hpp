#pragma once
#include <caf/expected.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace skerry::drivers::oci {

/// What an image says of its containers (OCI image configuration; docker's has the same fields).
struct image_config {
  std::vector<std::string> entrypoint, cmd, environment;
  std::string user, working_directory, stop_signal;
  std::vector<std::string> volumes;
  std::vector<std::string> diff_ids;  ///< "sha256:…" of each uncompressed layer, lowest first
};

struct blob {
  std::string digest;
  uint64_t size_bytes = 0;
};

/// OCI image manifest, or docker's schema 2.
struct manifest {
  blob config;
  std::vector<blob> layers;
};

/// Errors: errc::corrupt with what is missing.
caf::expected<image_config> parse_image_config(const std::string& text);
caf::expected<manifest> parse_manifest(const std::string& text);

/// True for "sha256:" and 64 hex digits.
bool is_sha256(const std::string& digest);

}  // namespace skerry::drivers::oci
