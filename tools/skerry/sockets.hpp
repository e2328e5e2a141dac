#pragma once
#include <string>

namespace skerry::tools {

/// Where a running edge of this data directory listens: in /run, which is short enough for the name of a socket.
std::string edge_socket_of(const std::string& data_dir);
/// Where a running cloud of this data directory listens.
std::string cloud_socket_of(const std::string& data_dir);

}  // namespace skerry::tools
