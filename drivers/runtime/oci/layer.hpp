#pragma once
#include <atomic>
#include <caf/expected.hpp>
#include <cstdint>
#include <string>

namespace skerry::drivers::oci {

/// Unpacks one layer (a tar; plain, gzip or zstd, told by its first bytes) into `directory`, which must be empty,
/// owners, modes and extended attributes kept, and turns OCI's whiteouts (".wh.name", ".wh..wh..opq"; image-spec
/// layer.md) into overlayfs' own (character device 0:0; trusted.overlay.opaque). GNU tar does the unpacking: it refuses
/// names with ".." and follows no link out of the directory.
///
/// Why not umoci: it unpacks whole images, so layers that images share would be on the disk once for each image.
///
/// Errors: errc::corrupt if the content is not `diff_id` ("sha256:…" of the uncompressed tar) or is no tar; errc::full.
caf::expected<void> unpack_layer(const std::string& blob, const std::string& diff_id, const std::string& directory,
                                 uint32_t timeout_ms, const std::atomic<bool>& cancel);

/// Turns whiteouts in place; see unpack_layer.
caf::expected<void> convert_whiteouts(const std::string& directory);

}  // namespace skerry::drivers::oci
