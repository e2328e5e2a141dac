#pragma once
#include <caf/expected.hpp>
#include <string>
#include <vector>

#include "actors/ports/pki.hpp"

namespace skerry::tools {

/// Makes a private directory (0700) with its parents. Errors say which part cannot be made or written and what to do.
caf::expected<void> make_private_directory(const std::string& path);
/// Reads a whole file. Errors: errc::not_found, errc::io.
caf::expected<std::string> read_file(const std::string& path);
/// Writes a file so that a crash leaves the old or the new one: temporary file, fsync, rename, fsync of the directory.
caf::expected<void> write_file(const std::string& path, const std::string& bytes, unsigned mode);
bool exists(const std::string& path);

/// The cloud's certificates, in <data-dir>/pki.
struct cloud_identity {
  ports::key_pair authority, server, admin;
  std::string admin_token;
  std::string ca_fingerprint;  ///< "sha256:<hex>"
};

/// Loads them, or makes them at the first start; the server's is made anew when the names it must have change or it
/// ends within 30 days. Writes <data-dir>/admin.kubeconfig. `listen` is what clients are told to connect to.
caf::expected<cloud_identity> open_identity(ports::pki& pki, const std::string& data_dir, const std::string& listen,
                                            const std::vector<std::string>& names, int64_t now_ms);

/// What an edge has after it joined, in <data-dir>/node.
struct node_identity {
  std::string node, server, ca_pem, certificate_pem, key_pem;
};
caf::expected<node_identity> load_node_identity(const std::string& data_dir);  ///< errc::not_found: not joined yet
caf::expected<void> save_node_identity(const std::string& data_dir, const node_identity& identity);

/// A short name for a data directory, for what must be unique on the machine ("/run/skerry-1a2b3c4d").
std::string run_dir_of(const std::string& data_dir);

}  // namespace skerry::tools
