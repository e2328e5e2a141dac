#include "tools/skerry/edge.hpp"

#include <malloc.h>

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>
#include <future>

#include "actors/link/join.hpp"
#include "drivers/device/bluetooth/driver.hpp"
#include "drivers/device/modbus/driver.hpp"
#include "drivers/device/mqtt/driver.hpp"
#include "drivers/device/plugin/driver.hpp"
#include "drivers/files/posix_files.hpp"
#include "drivers/kv/leveldb.hpp"
#include "drivers/machine/linux_machine.hpp"
#include "drivers/memory/trim.hpp"
#include "drivers/net/io_loop.hpp"
#include "drivers/net/transport.hpp"
#include "drivers/pki/openssl.hpp"
#include "drivers/prober/asio_prober.hpp"
#include "drivers/runtime/oci/oci.hpp"
#include "schema/error.hpp"
#include "supervisors/edge_tree.hpp"
#include "tools/skerry/admin.hpp"
#include "tools/skerry/cloud.hpp"
#include "tools/skerry/commands.hpp"
#include "tools/skerry/image.hpp"
#include "tools/skerry/sockets.hpp"

namespace skerry::tools {
namespace {
constexpr int worker_threads = 1;
constexpr int io_threads = 1;
constexpr size_t letters_window_bytes = 2 * 1024 * 1024;  ///< a small machine holds less in its mailboxes
constexpr uint32_t start_ms_max = 120'000;
constexpr uint32_t stop_ms_max = 10'000;
constexpr auto join_max = std::chrono::seconds{30};
constexpr std::chrono::seconds first_trims[] = {std::chrono::seconds{2}, std::chrono::seconds{10}};
constexpr auto trim_period = std::chrono::seconds{60};

/// Trims the process soon after its start and then each minute: what 20 pods were started with is not kept for a month.
void trim_from_now_on(const std::shared_ptr<boost::asio::steady_timer>& timer, size_t done = 0) {
  timer->expires_after(done < std::size(first_trims) ? first_trims[done] : trim_period);
  timer->async_wait([timer, done](boost::system::error_code ec) {
    if (ec) return;
    memory::trim();
    trim_from_now_on(timer, done + 1);
  });
}
}  // namespace

std::string driver_dir_of(const options& o) {
  if (!o.driver_dir.empty()) return o.driver_dir;
  std::error_code ec;
  auto program = std::filesystem::read_symlink("/proc/self/exe", ec);
  return (program.parent_path().parent_path() / "lib/skerry/drivers").string();
}

/// In the order in which it is built; taken down the other way round.
struct edge::parts {
  std::unique_ptr<ports::kv> kv;
  skerry::pki::openssl pki;
  node_identity identity;
  std::unique_ptr<ports::runtime> runtime;
  std::unique_ptr<ports::files> files;
  std::unique_ptr<ports::machine> machine;
  std::unique_ptr<net::io_loop> loop;
  std::unique_ptr<net::tls_transport> transport;
  std::unique_ptr<ports::prober> prober;
  std::unique_ptr<ports::device_driver> modbus = drivers::modbus::make_driver();
  std::unique_ptr<ports::device_driver> mqtt = drivers::mqtt::make_driver();
  std::unique_ptr<ports::device_driver> bluetooth =
      drivers::bluetooth::make_driver(drivers::bluetooth::make_bluez_radio());
  std::unique_ptr<ports::device_driver> plugins;  ///< the last that is asked
  vocabulary words;
  std::unique_ptr<link::mesh> mesh;
  std::unique_ptr<admin_parts> admin;
  std::unique_ptr<supervisors::edge_tree_parts> tree;
  std::unique_ptr<tools::app> app;
};

edge::edge() = default;

edge::~edge() {
  if (parts_ && parts_->admin) parts_->admin->server.reset();
  if (island_) island_->stop_root(stop_ms_max);
  if (parts_ && parts_->loop) parts_->loop->stop();
  if (parts_) parts_->modbus.reset(), parts_->mqtt.reset(), parts_->bluetooth.reset(), parts_->plugins.reset();
  if (parts_) parts_->runtime.reset();
  if (parts_ && parts_->mesh) parts_->mesh->stop();
  auto keep = std::move(parts_);  // what actors refer to goes after them
  island_.reset();
}

caf::expected<std::unique_ptr<ports::runtime>> open_runtime(const options& o, ports::clock& clock, ports::log& log) {
  if (auto r = make_private_directory(o.data_dir + "/oci"); !r) return r.error();
  auto run_dir = run_dir_of(o.data_dir);
  if (auto r = make_private_directory(run_dir); !r) return r.error();
  drivers::oci::options options;
  options.data_dir = o.data_dir + "/oci";
  options.run_dir = run_dir + "/oci";
  options.pod_cidr = o.pod_cidr;
  options.bridge = o.bridge;
  options.cgroup_parent = run_dir.substr(4);
  options.insecure_registries = o.insecure_registries;
  return drivers::oci::make_runtime(std::move(options), clock, log);
}

caf::expected<std::unique_ptr<edge>> edge::start(const options& o, const extensions& with) {
  auto least = severity_of(o);
  if (!least) return least.error();
  std::unique_ptr<edge> e{new edge};
  e->island_ = std::make_unique<island>(*least, worker_threads);
  e->parts_ = std::make_unique<parts>();
  auto opened = e->open(o, with);
  if (!opened) return opened.error();
  return e;
}

caf::expected<void> edge::open_disk(const options& o) {
  auto& p = *parts_;
  if (auto r = make_private_directory(o.data_dir); !r) return r;
  auto kv = drivers::open_leveldb(drivers::leveldb_options::small(o.data_dir + "/node.db"));
  if (!kv) return kv.error();
  p.kv = std::move(*kv);
  auto runtime = open_runtime(o, island_->clock(), island_->log());
  if (!runtime) return runtime.error();
  p.runtime = std::move(*runtime);
  p.files = std::make_unique<files::posix_files>();
  p.machine = std::make_unique<machine::linux_machine>(o.data_dir);
  p.plugins = drivers::plugin::make_drivers(driver_dir_of(o));
  return caf::unit;
}

/// Loads what an earlier join left, or joins.
caf::expected<void> edge::open_identity(const options& o) {
  auto& p = *parts_;
  auto known = load_node_identity(o.data_dir);
  if (known) {
    p.identity = std::move(*known);
    if (!o.server.empty()) p.identity.server = o.server;
    return caf::unit;
  }
  if (code_of(known.error()) != errc::not_found) return known.error();
  if (o.server.empty() || o.token.empty())
    return make_error(errc::invalid,
                      "this machine has not joined a cloud yet: give --server https://HOST:PORT and --token, from "
                      "`skerry token create` there");
  auto promise = std::make_shared<std::promise<caf::expected<ports::client_credentials>>>();
  auto answer = promise->get_future();
  link::join(*p.transport, p.pki, {o.server, o.token, o.node},
             [promise](caf::expected<ports::client_credentials> r) { promise->set_value(std::move(r)); });
  if (answer.wait_for(join_max) != std::future_status::ready)
    return make_error(errc::timed_out,
                      "the cloud at " + o.server + " took the connection and does not answer; is it a skerry cloud?");
  auto credentials = answer.get();
  if (!credentials) return credentials.error();
  p.identity = {o.node, o.server, credentials->ca_pem, credentials->certificate_pem, credentials->key_pem};
  if (auto r = save_node_identity(o.data_dir, p.identity); !r) return r;
  island_->log().info("/node/" + o.node, "joined the cloud at " + o.server);
  return caf::unit;
}

caf::expected<void> edge::open_network() {
  auto& p = *parts_;
  p.loop = std::make_unique<net::io_loop>(io_threads);
  p.transport = std::make_unique<net::tls_transport>(*p.loop);
  p.prober = std::make_unique<prober::asio_prober>(p.loop->context());
  return caf::unit;
}

caf::expected<void> edge::open(const options& o, const extensions& with) {
  if (auto r = open_disk(o); !r) return r;
  if (auto r = open_network(); !r) return r;
  if (auto r = open_identity(o); !r) return r;
  auto& p = *parts_;
  auto& i = *island_;
  auto renewed = [&p, data_dir = o.data_dir](const ports::client_credentials& c) -> caf::expected<void> {
    p.identity.certificate_pem = c.certificate_pem;
    p.identity.key_pem = c.key_pem;
    p.tree->credentials = c;
    return save_node_identity(data_dir, p.identity);
  };
  const auto& id = p.identity;
  add_standard(p.words);
  if (with.messages) with.messages(p.words);
  supervisors::add_admin(p.words);
  link::mesh_args links{i.system(), i.ctx(), i.directory(), p.words, paths::node(id.node), std::string{paths::cloud},
                        p.kv.get()};
  links.window_bytes = letters_window_bytes;
  p.mesh = std::make_unique<link::mesh>(std::move(links));
  if (auto e = p.mesh->load()) return e;
  p.admin = std::make_unique<admin_parts>(i, p.words, *p.mesh, paths::node(id.node));
  p.tree = std::make_unique<supervisors::edge_tree_parts>(supervisors::edge_tree_parts{
      .island = i.parts(),
      .node = id.node,
      .version = std::string{"v1.36.0+skerry."} + SKERRY_VERSION,
      .labels = {},
      .pods_directory = o.data_dir + "/pods",
      .kv = *p.kv,
      .runtime = *p.runtime,
      .files = *p.files,
      .prober = *p.prober,
      .machine = *p.machine,
      .transport = *p.transport,
      .pki = p.pki,
      .server = id.server,
      .credentials = {.ca_pem = id.ca_pem, .ca_pin = {}, .certificate_pem = id.certificate_pem, .key_pem = id.key_pem},
      .on_renewed = renewed,
      .device_drivers = {p.modbus.get(), p.mqtt.get(), p.bluetooth.get(), p.plugins.get()},
      .mesh = p.mesh.get(),
      .admin = &p.admin->inspector});
  p.app = std::make_unique<tools::app>(
      tools::app{i.parts(), paths::node(id.node) + "/app", id.node, *p.mesh, resolver_of(*p.mesh), *p.kv, nullptr});
  if (with.node) p.tree->apps = with.node(*p.app);
  auto tree = [&](caf::actor parent) { return supervisors::start_edge_tree(i.system(), *p.tree, std::move(parent)); };
  if (auto r = i.start_root(tree, start_ms_max); !r) return r;
  p.admin->listen(*p.loop, edge_socket_of(o.data_dir),
                  [&p](std::string request, std::function<void(std::string)> reply) {
                    serve_images(*p.runtime, request, std::move(reply));
                  });
  trim_from_now_on(std::make_shared<boost::asio::steady_timer>(p.loop->context()));
  i.log().info("/node/" + id.node, "the agent runs; cloud: " + id.server);
  return caf::unit;
}

int run_edge(const options& o, const extensions& with) {
  if (!o.words.empty()) return misuse(o, "unexpected '" + o.words[0] + "'");
  // One heap for all threads: the agent lives on small machines, and none of its threads allocates much.
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_TRIM_THRESHOLD, 256 * 1024);
  auto e = edge::start(o, with);
  if (!e) return fail(o, e.error());
  return (*e)->await_end();
}

}  // namespace skerry::tools
