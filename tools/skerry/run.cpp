#include <csignal>
#include <cstdio>

#include "schema/error.hpp"
#include "tools/skerry/commands.hpp"
#include "tools/skerry/extensions.hpp"

namespace skerry::tools {

int fail(const options& o, const std::string& message) {
  std::fprintf(stderr, "skerry %s: %s\n", o.command.c_str(), message.c_str());
  return 1;
}

int fail(const options& o, const caf::error& error) {
  return code_of(error) == errc::invalid ? misuse(o, message_of(error)) : fail(o, message_of(error));
}

int misuse(const options& o, const std::string& message) {
  std::fprintf(stderr, "skerry %s: %s\nSee `skerry %s --help`.\n", o.command.c_str(), message.c_str(),
               o.command.c_str());
  return 2;
}

int run_version(const options& o) {
  if (o.output == "json") {
    std::printf("{\"version\":\"%s\",\"kubernetes\":\"v1.36.0\"}\n", SKERRY_VERSION);
  } else {
    std::printf("skerry %s (Kubernetes API v1.36)\n", SKERRY_VERSION);
  }
  return 0;
}

sdk::resolver resolver_of(link::mesh& mesh) {
  return [&mesh](std::string_view path) {
    auto a = mesh.resolve(path);
    return a ? *a : caf::actor{};
  };
}

int run(int argc, char** argv, const extensions& with) {
  std::signal(SIGPIPE, SIG_IGN);
  options o;
  std::string text;
  switch (parse_options(argc, argv, o, text)) {
    case parsed::help:
      std::fputs(text.c_str(), stdout);
      return 0;
    case parsed::wrong:
      std::fputs(text.c_str(), stderr);
      return 2;
    case parsed::run:
      break;
  }
  if (o.command == "cloud") return run_cloud(o, with);
  if (o.command == "edge") return run_edge(o, with);
  if (o.command == "up") return run_up(o, with);
  if (o.command == "token") return run_token(o);
  if (o.command == "image") return run_image(o);
  if (o.command == "discover") return run_discover(o);
  if (o.command == "repl") return run_repl(o, argv);
  if (o.command == "kubeconfig") return run_kubeconfig(o);
  return run_version(o);
}

}  // namespace skerry::tools
