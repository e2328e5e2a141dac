#include "tools/skerry/sockets.hpp"

#include "tools/skerry/data_dir.hpp"

namespace skerry::tools {

std::string edge_socket_of(const std::string& data_dir) { return run_dir_of(data_dir) + "/admin.sock"; }
std::string cloud_socket_of(const std::string& data_dir) { return data_dir + "/admin.sock"; }

}  // namespace skerry::tools
