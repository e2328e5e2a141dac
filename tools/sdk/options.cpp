#include <boost/program_options.hpp>
#include <cstdio>
#include <iostream>

#include "schema/error.hpp"
#include "tools/sdk/island.hpp"

namespace skerry::sdk {
namespace po = boost::program_options;

std::optional<int> parse_options(int argc, char** argv, const std::string& about, island_options& out) {
  po::options_description d{"Flags"};
  auto add = d.add_options();
  add("help,h", "show this help");
  add("name", po::value(&out.name), "of this controller: it is the user skerry:controller:<name>");
  add("server", po::value(&out.server), "the cloud, https://HOST:PORT; not needed once joined");
  add("token", po::value(&out.token), "from `skerry token create --controller NAME`; not needed once joined");
  add("data-dir", po::value(&out.data_dir), "where key, certificate and journal are kept; of this process alone");
  add("log-level", po::value(&out.log_level)->default_value(out.log_level), "debug, info, warning or error");
  try {
    po::variables_map vars;
    po::store(po::parse_command_line(argc, argv, d), vars);
    if (vars.count("help") != 0) {
      std::cout << about << "\n\n" << d;
      return 0;
    }
    po::notify(vars);
  } catch (const po::error& e) {
    std::cerr << argv[0] << ": " << e.what() << "\n" << d;
    return 2;
  }
  return std::nullopt;
}

int fail(const caf::error& e) {
  std::cerr << program_invocation_short_name << ": " << message_of(e) << "\n";
  return code_of(e) == errc::invalid ? 2 : 1;
}

}  // namespace skerry::sdk
