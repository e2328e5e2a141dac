#include "tools/skerry-bench/cluster.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "drivers/http/client.hpp"
#include "schema/error.hpp"

namespace skerry::bench {
namespace fs = std::filesystem;
namespace {

constexpr double start_deadline_ms = 30'000;

uint16_t free_port() {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof a;
  if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size) != 0)
    throw std::runtime_error("no free port");
  ::close(fd);
  return ntohs(a.sin_port);
}

std::string slurp(const std::string& path) {
  std::ifstream in{path};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

template <class F>
void await(const char* what, double deadline_ms, F&& holds) {
  for (auto end = now_ms() + deadline_ms; now_ms() < end;) {
    if (holds()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  throw std::runtime_error(std::string{"not in time: "} + what);
}

}  // namespace

std::string cluster::skerry_binary() { return (fs::read_symlink("/proc/self/exe").parent_path() / "skerry").string(); }

cluster::cluster(bool with_image) {
  char name[] = "/tmp/skerry-bench-XXXXXX";
  if (::mkdtemp(name) == nullptr) throw std::runtime_error("cannot make a folder in /tmp");
  dir_ = name;
  server_ = "127.0.0.1:" + std::to_string(free_port());
  if (with_image) make_image();
}

cluster::~cluster() {
  try {
    if (edge_.alive() && cloud_.alive()) {
      call("DELETE", "/api/v1/namespaces/default/pods");
      await_gone(60'000);
    }
  } catch (const std::exception&) {
    // What is left is ended below.
  }
  edge_.stop();
  cloud_.stop();
  kill_containers();
  std::error_code ignored;
  fs::remove_all(dir_, ignored);
}

void cluster::make_image() {
  auto layout = dir_ + "/layout";
  auto image = layout + ":bench";
  run({"umoci", "init", "--layout", layout});
  run({"umoci", "new", "--image", image});
  run({"umoci", "insert", "--image", image, "/bin/busybox", "/bin/busybox"});
  run({"umoci", "insert", "--image", image, "/bin/busybox", "/bin/sh"});
  run({"umoci", "config", "--image", image, "--config.entrypoint", "/bin/busybox", "--config.cmd", "sleep",
       "--config.cmd", "1000000"});
  run({"tar", "-C", layout, "-cf", dir_ + "/bench.tar", "."});
}

void cluster::start_cloud() {
  cloud_ = process::start({skerry_binary(), "cloud", "--data-dir", dir_ + "/cloud", "--listen", server_},
                          dir_ + "/cloud.log");
  await("the cloud answers", start_deadline_ms, [&] {
    if (!cloud_.alive()) throw std::runtime_error("the cloud ended: " + slurp(dir_ + "/cloud.log"));
    try {
      call("GET", "/readyz");
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  });
  if (token_.empty()) {
    token_ = run({skerry_binary(), "token", "create", "--data-dir", dir_ + "/cloud"});
    while (!token_.empty() && token_.back() == '\n') token_.pop_back();
  }
}

void cluster::start_edge() {
  bool first = !fs::exists(dir_ + "/edge");
  edge_ = process::start({skerry_binary(), "edge", "--data-dir", dir_ + "/edge", "--server", "https://" + server_,
                          "--token", token_, "--node", "bench", "--pod-cidr", "10.217.0.0/24", "--bridge", "skbench0"},
                         dir_ + "/edge.log");
  if (!first) return;
  await_node();
  run({skerry_binary(), "image", "import", dir_ + "/bench.tar", "--name", "bench:1", "--data-dir", dir_ + "/edge"});
}

void cluster::await_node() {
  await("the node is Ready", start_deadline_ms, [&] {
    if (!edge_.alive()) throw std::runtime_error("the edge ended: " + slurp(dir_ + "/edge.log"));
    auto nodes = call("GET", "/api/v1/nodes");
    for (const auto& node : array_at(nodes, "items"))
      for (const auto& c : array_at(node, "status.conditions"))
        if (string_at(c, "type") == "Ready" && string_at(c, "status") == "True") return true;
    return false;
  });
}

void cluster::kill_containers() {
  for (auto monitor : monitors()) {
    std::ifstream children{"/proc/" + std::to_string(monitor) + "/task/" + std::to_string(monitor) + "/children"};
    ::kill(monitor, SIGKILL);
    for (pid_t child; children >> child;) ::kill(child, SIGKILL);
  }
  await("the monitors are gone", 10'000, [&] { return monitors().empty(); });
}

std::vector<pid_t> cluster::monitors() const { return pids_of("conmon", dir_ + "/edge"); }

json::value cluster::call(const std::string& method, const std::string& target, const std::string& body) {
  auto pki = pki_folder();
  ports::client_credentials who{slurp(pki + "ca.crt"), {}, slurp(pki + "admin.crt"), slurp(pki + "admin.key")};
  auto r = drivers::http::call("https://" + server_, who, method, target, body, 10'000);
  if (!r) throw std::runtime_error(method + " " + target + ": " + message_of(r.error()));
  if (r->status >= 400) throw std::runtime_error(method + " " + target + ": " + r->body);
  std::string error;
  return parse_json(r->body, error);
}

void cluster::create_pod(const std::string& name) {
  call(
      "POST", "/api/v1/namespaces/default/pods",
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + name +
          R"("},"spec":{"terminationGracePeriodSeconds":0,"containers":[{"name":"main","image":"bench:1","imagePullPolicy":"Never"}]}})");
}

void cluster::delete_pod(const std::string& name) { call("DELETE", "/api/v1/namespaces/default/pods/" + name); }

int cluster::running() {
  int n = 0;
  auto pods = call("GET", "/api/v1/namespaces/default/pods");
  for (const auto& pod : array_at(pods, "items")) n += string_at(pod, "status.phase") == "Running" ? 1 : 0;
  return n;
}

void cluster::await_running(int n, double deadline_ms) {
  await("the pods run", deadline_ms, [&] { return running() >= n; });
}

void cluster::await_gone(double deadline_ms) {
  await("the pods are gone", deadline_ms, [&] {
    auto pods = call("GET", "/api/v1/namespaces/default/pods");
    return array_at(pods, "items").empty();
  });
}

}  // namespace skerry::bench
