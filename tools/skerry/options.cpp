#include "tools/skerry/options.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "drivers/config/yaml_file.hpp"
#include "schema/error.hpp"

namespace skerry::tools {
namespace po = boost::program_options;
namespace {

struct command_help {
  const char* name;
  const char* usage;
  const char* what;
  const char* examples;
};

constexpr command_help commands[] = {
    {"up", "skerry up [--data-dir D] [--listen A:P] [--node NAME]", "cloud and edge in one process, for one machine",
     "  skerry up\n  skerry up --data-dir /srv/skerry --listen 0.0.0.0:6443\n"},
    {"cloud", "skerry cloud [--data-dir D] [--listen A:P] [--name HOST]...",
     "the cloud: Kubernetes API, controllers, links",
     "  skerry cloud --listen 0.0.0.0:6443 --name cloud.example.org\n"},
    {"edge", "skerry edge --server https://H:P --token T [--node NAME] [--data-dir D]", "an edge node that runs pods",
     "  skerry edge --server https://cloud.example.org:6443 --token \"$(cat token)\" --node n17\n"
     "  (once joined, neither --token nor a reachable server is needed to start)\n"},
    {"token", "skerry token create [--ttl HOURS] [--controller NAME] | list | delete ID [--data-dir D]",
     "join tokens of the running cloud whose data is in --data-dir",
     "  skerry token create --ttl 1\n  skerry token create --controller my-operator\n  skerry token list -o json\n"},
    {"image", "skerry image import FILE [--name REF] | pull REF | list | remove REF [--data-dir D]",
     "images of the edge whose data is in --data-dir",
     "  skerry image import web.tar --name web:1\n  skerry image list\n"},
    {"discover", "skerry discover PROTOCOL KEY=VALUE... [--node NAME]",
     "looks for devices at a place and prints a DeviceModel and a Device for each, to apply",
     "  skerry discover modbus ip=192.0.2.7 | kubectl apply -f -\n"
     "  skerry discover modbus serialPort=/dev/ttyS0 baudRate=19200\n"
     "  skerry discover opcua url=opc.tcp://192.0.2.8:4840 --node rock-1\n"
     "  (keys are those of configData, docs/devices.md; it takes a minute at most)\n"},
    {"repl", "skerry repl [--data-dir D] [-c COMMAND]... [-o json]",
     "looks into the running cloud or edge whose data is in --data-dir, and acts there",
     "  skerry repl\n  skerry repl -c tree -c links\n  skerry repl -o json -c 'crashes /node/n1' | jq .total\n"
     "  echo 'watch -n 3 max(/cloud/**.depth)' | skerry repl\n"
     "  (where there is a cloud, it is joined, and through it every node; commands: skerry repl -c help)\n"},
    {"kubeconfig", "skerry kubeconfig [--data-dir D]", "prints the administrator's kubeconfig",
     "  skerry kubeconfig > ~/.kube/config\n"},
    {"version", "skerry version [-o json]", "prints the version", "  skerry version -o json\n"},
};

std::string default_data_dir() {
  if (::geteuid() == 0) return "/var/lib/skerry";
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state != 0)
    return std::string{state} + "/skerry";
  const char* home = std::getenv("HOME");
  return std::string{home != nullptr ? home : "."} + "/.local/state/skerry";
}

std::string host_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return "node";
  std::string out = name;
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out.empty() ? "node" : out;
}

po::options_description describe(options& o, std::string& config) {
  po::options_description d{"Flags (each is also a key of /etc/skerry/config.yaml)"};
  auto add = d.add_options();
  add("help,h", "show this help");
  add("config", po::value(&config), "read this configuration file");
  add("data-dir", po::value(&o.data_dir)->default_value(default_data_dir()), "where all state is kept");
  add("log-level", po::value(&o.log_level)->default_value(o.log_level), "debug, info, warning or error");
  add("listen", po::value(&o.listen)->default_value(o.listen), "cloud, up: address and port of the API and the links");
  add("name", po::value(&o.names)->composing(),
      "cloud: a DNS name or address clients use; image: the reference to give");
  add("samples-age", po::value(&o.samples_age)->default_value(o.samples_age),
      "cloud, up: samples of devices are kept so long (12h, 30d)");
  add("samples-size", po::value(&o.samples_bytes)->default_value(o.samples_bytes),
      "cloud, up: and so many bytes of them (500Mi, 10Gi); then the oldest days are deleted");
  add("server", po::value(&o.server), "edge: the cloud, https://HOST:PORT");
  add("token", po::value(&o.token), "edge: the join token, from `skerry token create`");
  add("node", po::value(&o.node)->default_value(host_name()),
      "edge, up: name of the node; discover: where the devices are placed");
  add("pod-cidr", po::value(&o.pod_cidr)->default_value(o.pod_cidr), "edge, up: addresses of pods on this node");
  add("bridge", po::value(&o.bridge)->default_value(o.bridge), "edge, up: network bridge of the pods");
  add("insecure-registry", po::value(&o.insecure_registries)->composing(), "edge, up: HOST:PORT reached without TLS");
  add("driver-dir", po::value(&o.driver_dir),
      "edge, up: folder of device drivers, PROTOCOL.so each (../lib/skerry/drivers from where this program is)");
  add("controller", po::value(&o.controller), "token create: it lets the controller of this name join, not nodes");
  add("ttl", po::value(&o.ttl_hours)->default_value(o.ttl_hours), "token create: hours until it expires");
  add("command,c", po::value(&o.commands)->composing(), "repl: run this command and end; may be given again");
  add("socket", po::value(&o.socket), "repl: the admin socket to join, in place of that of --data-dir");
  add("output,o", po::value(&o.output), "json for machines");
  return d;
}

std::string overview() {
  std::ostringstream out;
  out << "skerry: a Kubernetes API in the cloud, pods that live on at the edge\n\nCommands:\n";
  for (const auto& c : commands) out << "  " << c.usage << "\n      " << c.what << "\n";
  out << "\n`skerry COMMAND --help` shows flags and examples.\n";
  return out.str();
}

void merge_file(const po::options_description& known, const std::string& path, bool must_exist,
                po::variables_map& vars) {
  auto file = drivers::config::read_yaml(path, must_exist);
  if (!file) throw po::error(message_of(file.error()));
  po::parsed_options parsed{&known};
  for (auto& [key, value] : *file) {
    if (known.find_nothrow(key, false) == nullptr) throw po::error(path + ": unknown key '" + key + "'");
    po::option option{key, {value}};
    parsed.options.push_back(std::move(option));
  }
  po::store(parsed, vars);
}

}  // namespace

parsed parse_options(int argc, char** argv, options& out, std::string& text) {
  if (argc < 2 || std::string_view{argv[1]} == "--help" || std::string_view{argv[1]} == "-h" ||
      std::string_view{argv[1]} == "help") {
    text = overview();
    return argc < 2 ? parsed::wrong : parsed::help;
  }
  out.command = argv[1] == std::string_view{"--version"} ? "version" : argv[1];
  const auto* command =
      std::find_if(std::begin(commands), std::end(commands), [&](auto& c) { return out.command == c.name; });
  if (command == std::end(commands)) {
    text = "skerry: unknown command '" + out.command + "'\n\n" + overview();
    return parsed::wrong;
  }
  std::string config;
  auto flags = describe(out, config);
  po::options_description all;
  all.add(flags).add_options()("word", po::value(&out.words));
  po::positional_options_description positional;
  positional.add("word", -1);
  try {
    po::variables_map vars;
    po::store(po::command_line_parser(argc - 1, argv + 1).options(all).positional(positional).run(), vars);
    if (vars.count("help") != 0) {
      std::ostringstream help;
      help << "Usage: " << command->usage << "\n  " << command->what << "\n\nExamples:\n"
           << command->examples << "\n"
           << flags;
      text = help.str();
      return parsed::help;
    }
    bool named = vars.count("config") != 0;
    merge_file(flags, named ? vars["config"].as<std::string>() : "/etc/skerry/config.yaml", named, vars);
    po::notify(vars);
  } catch (const po::error& e) {
    text = std::string{"skerry "} + out.command + ": " + e.what() + "\nUsage: " + command->usage + "\n";
    return parsed::wrong;
  }
  // One directory has one name, however it was given: locks, sockets and run directories go by it.
  out.data_dir = std::filesystem::absolute(out.data_dir).lexically_normal().string();
  while (out.data_dir.size() > 1 && out.data_dir.back() == '/') out.data_dir.pop_back();
  if (!out.names.empty()) out.name = out.names.back();
  return parsed::run;
}

}  // namespace skerry::tools
