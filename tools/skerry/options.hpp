#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace skerry::tools {

/// What the command line and the configuration file say, for all commands; each reads its own part.
struct options {
  std::string command;             ///< "cloud", "edge", "up", ...
  std::vector<std::string> words;  ///< after the command: "create", a file, ...
  std::string data_dir;
  std::string log_level = "info";
  // cloud
  std::string listen = "127.0.0.1:6443";
  std::vector<std::string> names;  ///< further DNS names and addresses of the API server's certificate
  std::string samples_age = "30d", samples_bytes = "10Gi";  ///< of devices: what is kept of them
  // edge
  std::string server, token, node;
  std::string pod_cidr = "10.42.0.0/24";
  std::string bridge = "skerry0";
  std::vector<std::string> insecure_registries;
  std::string driver_dir;  ///< shared objects that drive devices; empty: lib/skerry/drivers beside the program's folder
  // repl
  std::vector<std::string> commands;
  std::string socket;
  // image, token, version, repl
  std::string name, output;
  std::string controller;  ///< token create: whom it is for
  uint32_t ttl_hours = 24;
};

enum class parsed { run, help, wrong };

/// Reads flags, then /etc/skerry/config.yaml (or --config FILE) for what the flags leave open. `text` is the help, or
/// what is wrong.
parsed parse_options(int argc, char** argv, options& out, std::string& text);

}  // namespace skerry::tools
