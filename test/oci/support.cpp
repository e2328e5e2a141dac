#include "support.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <drivers/runtime/oci/fs.hpp>
#include <drivers/runtime/oci/state.hpp>
#include <thread>

namespace skerry::test {
namespace oci = drivers::oci;
using namespace std::chrono;

int64_t test_clock::wall_ms() const {
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}
int64_t test_clock::steady_ms() const {
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

void test_log::write(ports::severity s, std::string_view who, std::string_view text) {
  if (s >= ports::severity::warning)
    fprintf(stderr, "%.*s: %.*s\n", int(who.size()), who.data(), int(text.size()), text.data());
}

int shell(const std::string& command) {
  int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string shell_output(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  char buffer[512];
  for (size_t n; pipe && (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
  if (pipe) pclose(pipe);
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

void make_archive(const std::string& archive, const std::string& name,
                  const std::vector<std::vector<layer_file>>& layers, const std::string& config) {
  auto place = archive + ".build";
  shell("rm -rf " + place + " && mkdir -p " + place + "/out");
  std::string diff_ids, files;
  for (size_t i = 0; i < layers.size(); ++i) {
    auto root = place + "/layer" + std::to_string(i);
    shell("mkdir -p " + root);
    if (i == 0)
      shell("mkdir -p " + root + "/bin " + root + "/tmp && chmod 1777 " + root + "/tmp && cp /bin/busybox " + root +
            "/bin/busybox");
    for (auto& f : layers[i]) {
      auto path = root + "/" + f.path;
      shell("mkdir -p $(dirname " + path + ")");
      if (!f.link_to.empty()) {
        symlink(f.link_to.c_str(), path.c_str());
      } else {
        (void)oci::write_atomic(path, f.content);
        chmod(path.c_str(), static_cast<mode_t>(f.mode));
      }
    }
    auto tar = "layer" + std::to_string(i) + ".tar";
    shell("tar --numeric-owner --owner=0 --group=0 --mtime=@0 --sort=name -C " + root + " -cf " + place + "/out/" +
          tar + " .");
    auto digest = shell_output("sha256sum " + place + "/out/" + tar + " | cut -c1-64");
    diff_ids += (i ? ",\"sha256:" : "\"sha256:") + digest + "\"";
    files += (i ? ",\"" : "\"") + tar + "\"";
  }
  (void)oci::write_atomic(place + "/out/config.json", R"({"architecture":"amd64","os":"linux","config":)" + config +
                                                          R"(,"rootfs":{"type":"layers","diff_ids":[)" + diff_ids +
                                                          "]}}");
  (void)oci::write_atomic(place + "/out/manifest.json",
                          R"([{"Config":"config.json","RepoTags":[")" + name + R"("],"Layers":[)" + files + "]}]");
  shell("tar -C " + place + "/out -cf " + archive + " . --transform 's,^\\./,,' && rm -rf " + place);
}

world::world() {
  auto n = static_cast<unsigned>(getpid());
  directory = "/var/tmp/skerry-test-" + std::to_string(n);
  options.data_dir = directory + "/data";
  options.run_dir = "/run/skerry-test-" + std::to_string(n);
  options.pod_cidr = "10." + std::to_string(200 + n % 50) + "." + std::to_string(n / 50 % 256) + ".0/24";
  options.bridge = "skt" + std::to_string(n);
  options.cgroup_parent = "/skerry-test-" + std::to_string(n);
  options.log_bytes_max = 64 * 1024;
  options.log_files_max = 3;
  options.log_check_ms = 50;
  shell("mkdir -p " + directory);
  start();
}

world::~world() {
  runtime.reset();
  auto r = oci::purge(options, clock, log);
  if (!r) BOOST_ERROR("purge: " << message_of(r.error()));
  for (auto& l : leftovers()) BOOST_ERROR("left over: " << l);
  shell("rm -rf " + directory);
}

void world::start() {
  runtime.reset();
  auto r = oci::make_runtime(options, clock, log);
  if (!r) throw std::runtime_error("make_runtime: " + message_of(r.error()));
  runtime = std::move(*r);
  runtime->on_exit([this](ports::container_state s) {
    std::lock_guard guard{mutex_};
    exits_[s.id] = std::move(s);
  });
}

void world::clear() {
  for (auto& [uid, s] : pods())
    if (auto r = remove_pod(uid); !r) BOOST_ERROR("remove_pod " << uid << ": " << message_of(r.error()));
}

void world::import_busybox() {
  auto here =
      call<ports::image_info>([&](auto f) { runtime->ensure_image(image, ports::pull_policy::if_not_present, f); });
  if (here) return;
  auto archive = directory + "/busybox.tar";
  std::vector<layer_file> links{
      {"etc/passwd", "root:x:0:0:root:/root:/bin/sh\nweb:x:1001:1002:web:/:/bin/sh\n", "", 0644},
      {"etc/group", "root:x:0:\nweb:x:1002:\nextra:x:1003:web\n", "", 0644}};
  for (auto* applet : {"sh",   "sleep", "true", "false", "cat",      "echo", "id",    "httpd", "wget",
                       "ls",   "ps",    "dd",   "seq",   "hostname", "env",  "touch", "tail",  "ip",
                       "stat", "grep",  "kill", "pwd",   "mount",    "yes",  "head",  "mkdir", "nc"})
    links.push_back({std::string{"bin/"} + applet, "", "busybox"});
  make_archive(archive, image, {links},
               R"({"Env":["PATH=/bin","FROM_IMAGE=yes"],"Cmd":["sh","-c","echo image command"]})");
  auto r = call<ports::image_info>([&](auto f) { runtime->import_image(archive, "", f); });
  if (!r) throw std::runtime_error("import: " + message_of(r.error()));
}

std::vector<std::string> world::leftovers() const {
  std::vector<std::string> out;
  auto look = [&](const std::string& what, const std::string& command) {
    if (auto text = shell_output("{ " + command + "; } 2>/dev/null"); !text.empty()) out.push_back(what + ": " + text);
  };
  look("mounts", "grep -E ' (" + options.data_dir + "|" + options.run_dir + ")/' /proc/self/mountinfo");
  look("monitors", "for p in /proc/[0-9]*; do [ \"$(cat $p/comm)\" = conmon ] && grep -qa " + options.data_dir +
                       "/containers $p/cmdline && echo $p; done");
  look("links", "ip -o link show master " + options.bridge);
  look("addresses", "ls " + options.run_dir + "/ipam/" + options.bridge + " | grep -v -e lock -e last_reserved");
  look("pods", "ls " + options.data_dir + "/pods");
  look("containers", "ls " + options.data_dir + "/containers");
  look("logs", "ls " + options.data_dir + "/logs");
  look("exits", "ls " + options.data_dir + "/exits");
  look("half-made things", "ls " + options.data_dir + "/tmp");
  look("namespaces", "ls " + options.run_dir + "/ns");
  look("runtime state", "ls " + options.run_dir + "/runtime");
  look("sockets", "ls " + options.run_dir + "/sockets");
  look("control groups",
       "ls -d /sys/fs/cgroup" + options.cgroup_parent + "/pod* /sys/fs/cgroup/*" + options.cgroup_parent + "/pod*");
  look("port mappings", "iptables -w 10 -t nat -S | grep 'name: .\"" + options.bridge + "'");
  return out;
}

bool world::wait(const std::function<bool()>& f, int ms) {
  auto deadline = steady_clock::now() + milliseconds(ms);
  while (!f()) {
    if (steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return true;
}

caf::expected<ports::sandbox_state> world::make_pod(const std::string& uid, std::vector<ports::port_mapping> ports) {
  ports::sandbox_spec spec;
  spec.uid = uid;
  spec.ns = "default";
  spec.name = spec.hostname = uid;
  spec.ports = std::move(ports);
  spec.labels = {{"made-by", "test"}};
  return call<ports::sandbox_state>([&](auto f) { runtime->make_sandbox(spec, f); });
}

ports::container_spec world::container(const std::string& uid, const std::string& name,
                                       std::vector<std::string> command) const {
  ports::container_spec spec;
  spec.pod_uid = uid;
  spec.name = name;
  spec.image = image;
  spec.command = std::move(command);
  return spec;
}

caf::expected<ports::container_state> world::run(const ports::container_spec& spec) {
  {
    // An earlier test may have had a container of the same name.
    std::lock_guard guard{mutex_};
    exits_.erase(oci::container_id(spec.pod_uid, spec.name, spec.attempt));
  }
  return call<ports::container_state>([&](auto f) { runtime->start_container(spec, f); });
}

caf::expected<ports::container_state> world::stop(const std::string& id, uint32_t grace_ms) {
  return call<ports::container_state>([&](auto f) { runtime->stop_container(id, grace_ms, f); });
}

caf::expected<ports::exec_result> world::exec(const std::string& id, std::vector<std::string> command,
                                              uint32_t timeout_ms) {
  return call<ports::exec_result>([&](auto f) { runtime->exec(id, command, timeout_ms, f); });
}

caf::expected<void> world::remove_pod(const std::string& uid) {
  return call<void>([&](auto f) { runtime->remove_sandbox(uid, f); });
}

caf::expected<ports::container_state> world::ended(const std::string& id) {
  bool there = wait([&] {
    std::lock_guard guard{mutex_};
    return exits_.contains(id);
  });
  if (!there) return make_error(errc::timed_out, "container " + id + " did not end");
  std::lock_guard guard{mutex_};
  return exits_[id];
}

std::map<std::string, ports::sandbox_state> world::pods() {
  using both = std::pair<std::vector<ports::sandbox_state>, std::vector<ports::container_state>>;
  auto r = call<both>([&](auto f) { runtime->list(f); });
  std::map<std::string, ports::sandbox_state> out;
  if (r)
    for (auto& s : r->first) out[s.spec.uid] = s;
  return out;
}

std::map<std::string, ports::container_state> world::containers() {
  using both = std::pair<std::vector<ports::sandbox_state>, std::vector<ports::container_state>>;
  auto r = call<both>([&](auto f) { runtime->list(f); });
  std::map<std::string, ports::container_state> out;
  if (r)
    for (auto& s : r->second) out[s.id] = s;
  return out;
}

namespace {
std::unique_ptr<world> shared;

struct at_end {
  ~at_end() { shared.reset(); }
};
BOOST_TEST_GLOBAL_FIXTURE(at_end);
}  // namespace

tidy::~tidy() {
  if (!shared) return;
  try {
    if (!shared->runtime) shared->start();
    shared->clear();
  } catch (const std::exception& e) {
    BOOST_ERROR(e.what());
  }
}

world& the_world() {
  if (!shared) {
    shared = std::make_unique<world>();
    shared->import_busybox();
  }
  return *shared;
}

}  // namespace skerry::test
