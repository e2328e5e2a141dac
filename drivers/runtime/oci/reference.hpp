#pragma once
#include <caf/expected.hpp>
#include <string>
#include <string_view>

namespace skerry::drivers::oci {

/// An image's name taken apart (github.com/distribution/reference, grammar at its head).
struct reference {
  std::string registry;    ///< "docker.io", "127.0.0.1:5000"
  std::string repository;  ///< "library/busybox"
  std::string tag;         ///< "latest" if neither tag nor digest was said; empty beside a digest
  std::string digest;      ///< "sha256:…" or empty
  std::string repository_name() const { return registry + "/" + repository; }
  std::string text() const;  ///< "docker.io/library/busybox:latest"
};

/// Normalises as docker and kubelet do: registry docker.io, "library/" for its short names, tag latest.
/// Errors: errc::invalid, the message starts with "InvalidImageName".
caf::expected<reference> parse_reference(std::string_view text);

/// True if the registry may be spoken to without TLS: loopback addresses and "localhost".
bool is_loopback(std::string_view registry);

}  // namespace skerry::drivers::oci
