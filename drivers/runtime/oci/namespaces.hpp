#pragma once
#include <caf/expected.hpp>
#include <string>

namespace skerry::drivers::oci {

/// Makes the namespaces that a pod's containers share and holds them by bind mounts in `directory`: net (unless
/// `host_network`; its loopback is up), ipc, uts (unless `host_network`; with `hostname`), and shm, a tmpfs of 64 MiB.
/// No process stays behind.
caf::expected<void> make_namespaces(const std::string& directory, const std::string& hostname, bool host_network);

/// Lets go of them and removes the directory. No error if it is not there.
caf::expected<void> drop_namespaces(const std::string& directory);

/// True if all that make_namespaces made is there.
bool namespaces_ready(const std::string& directory, bool host_network);

}  // namespace skerry::drivers::oci
