#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "drivers/http/server.hpp"
#include "drivers/http/yaml.hpp"
#include "drivers/net/io_loop.hpp"
#include "drivers/pki/openssl.hpp"
#include "schema/error.hpp"
#include "tools/skerry-sim/commands.hpp"
#include "tools/skerry-sim/gate.hpp"
#include "tools/skerry-sim/pace.hpp"
#include "tools/skerry/data_dir.hpp"

namespace skerry::tools {
namespace {

constexpr int io_threads = 1;
constexpr int64_t wait_ms = 10;        ///< how finely virtual time follows the real one
constexpr uint64_t turns_max = 2'000;  ///< of the world, before the gate is looked at again

std::atomic<bool> ended{false};
static_assert(std::atomic<bool>::is_always_lock_free);

int64_t real_ms(auto now) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
}
int64_t steady_ms() { return real_ms(std::chrono::steady_clock::now()); }

/// Nodes of a simulated fleet come over simulated lines: whoever else wants to be one is turned away.
struct no_links final : ports::link_acceptor {
  void on_link(ports::connection_ptr c) override { c->close(); }
};

struct quiet_log final : ports::log {
  bool enabled(ports::severity s) const override { return s >= ports::severity::warning; }
  void write(ports::severity, std::string_view who, std::string_view text) override {
    std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(who.size()), who.data(), static_cast<int>(text.size()),
                 text.data());
  }
};

/// Users come and change things: pods may end.
struct visitors final : sim::part {
  bool ends_pods() const override { return true; }
};

/// Where certificates and the kubeconfig are: a folder of the user's, or one that goes with its owner.
struct folder {
  explicit folder(std::string kept) : path(std::move(kept)), own(path.empty()) {
    if (!own) return;
    auto pattern = (std::filesystem::temp_directory_path() / "skerry-sim-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) path = pattern;
  }
  ~folder() {
    std::error_code ec;
    if (own && !path.empty()) std::filesystem::remove_all(path, ec);
  }
  std::string path;
  bool own;
};

void tell(const sim_options& o, const recipe& r, const std::string& dir) {
  std::printf("%s, seed %llu: %u nodes; https://%s answers as its cloud, until SIGINT or SIGTERM\n",
              r.plan.name.c_str(), static_cast<unsigned long long>(r.seed), r.plan.nodes, o.serve.c_str());
  std::printf("  export KUBECONFIG=%s/admin.kubeconfig\n  kubectl get nodes\n  kubectl get pods -o wide --watch\n",
              dir.c_str());
  std::fflush(stdout);
}

void step(sim::fleet& f, gate& door, pace& p) {
  bool told = false, broke = false;
  while (!ended) {
    bool news = door.deliver(*f.w.front);
    auto to = p.target(steady_ms(), f.now_ms());
    if (news || to > f.now_ms()) f.advance(to, turns_max);
    if (!told && f.result().started_ms >= 0) {
      told = true;
      std::printf("all Running after %s\n", sim::format_duration(f.result().started_ms).c_str());
      std::fflush(stdout);
    }
    if (!broke && !f.result().broke.empty()) {
      broke = true;
      std::fprintf(stderr, "skerry-sim: %s does not hold: %s\n", f.result().broke.c_str(), f.result().why.c_str());
    }
    if (f.now_ms() >= to) door.wait(wait_ms);
  }
}

int failed(const std::string& why) { return std::fprintf(stderr, "skerry-sim: %s\n", why.c_str()), 1; }

}  // namespace

int serve(const sim_options& o, const recipe& r) {
  folder dir{o.serve_dir};
  if (dir.path.empty()) return failed("cannot make a folder for the kubeconfig; give one with --serve-dir");
  skerry::pki::openssl pki;
  auto wall = real_ms(std::chrono::system_clock::now());
  auto identity = open_identity(pki, dir.path, o.serve, {}, wall);
  if (!identity) return failed(message_of(identity.error()));
  no_links links;
  quiet_log log;
  gate door;
  net::io_loop loop{io_threads};
  http::server_options s;
  s.listen = o.serve;
  s.certificate_pem = identity->server.certificate_pem;
  s.key_pem = identity->server.key_pem;
  s.ca_pem = identity->authority.certificate_pem;
  http::server server{loop, std::move(s), door, links, log};
  auto stop = [&] {
    door.close();
    server.stop();
    door.forget();
    loop.stop();
  };
  struct sigaction action {};
  action.sa_handler = [](int) { ended = true; };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  sim::run_options with = options_of(r);
  with.parts.push_back(std::make_shared<visitors>());
  with.any_image = true;
  with.wall_ms = wall;
  with.yaml = http::yaml_to_json;
  if (o.log) with.log = &log;
  sim::fleet f{r.plan, std::move(with)};
  std::string why;
  try {
    f.go_live();
    if (auto started = server.start(); !started) return failed(message_of(started.error()));
    tell(o, r, dir.path);
    pace p{o.speed, steady_ms(), f.now_ms()};
    step(f, door, p);
  } catch (const std::exception& e) {
    why = e.what();
  }
  stop();  // before the fleet goes, which requests and watches refer to
  if (!why.empty()) return failed("the simulated fleet failed: " + why + "\n  again: " + r.line());
  std::printf("ended after %s of virtual time\n", sim::format_duration(f.now_ms()).c_str());
  return 0;
}

}  // namespace skerry::tools
