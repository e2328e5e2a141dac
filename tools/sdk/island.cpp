#include "tools/sdk/island.hpp"

#include <unistd.h>

#include <chrono>
#include <future>
#include <thread>

#include "actors/link/island_link.hpp"
#include "actors/link/join.hpp"
#include "actors/link/mesh_actor.hpp"
#include "drivers/kv/leveldb.hpp"
#include "drivers/net/io_loop.hpp"
#include "drivers/net/transport.hpp"
#include "drivers/pki/openssl.hpp"
#include "schema/path.hpp"
#include "tools/skerry/data_dir.hpp"
#include "tools/skerry/extensions.hpp"
#include "tools/skerry/island.hpp"

namespace skerry::sdk {
namespace {
constexpr int io_threads = 1;
constexpr int workers_min = 4;
constexpr uint32_t start_ms_max = 120'000, stop_ms_max = 10'000;
constexpr auto join_max = std::chrono::seconds{30};

int workers_of(const island_options& o) {
  return o.workers > 0 ? o.workers : std::max(workers_min, static_cast<int>(std::thread::hardware_concurrency()));
}
}  // namespace

/// In the order in which it is built; taken down the other way round.
struct island::parts {
  parts(ports::severity least, int workers) : base(least, workers) {}
  std::string name, data_dir;
  skerry::pki::openssl pki;
  tools::node_identity identity;
  std::unique_ptr<ports::kv> kv;
  std::unique_ptr<net::io_loop> loop;
  std::unique_ptr<net::tls_transport> transport;
  vocabulary words;
  std::unique_ptr<link::mesh> mesh;
  tools::island base;  // with its actors; all above outlives them
};

island::island() = default;

island::~island() {
  if (!parts_) return;
  parts_->base.stop_root(stop_ms_max);
  if (parts_->loop) parts_->loop->stop();
  if (parts_->mesh) parts_->mesh->stop();
}

caf::expected<std::unique_ptr<island>> island::open(island_options o) {
  if (auto e = link::check_controller_name(o.name))
    return make_error(errc::invalid, o.name.empty() ? "give --name, the controller's" : message_of(e));
  if (o.data_dir.empty()) return make_error(errc::invalid, "give --data-dir, a directory of this process alone");
  auto least = drivers::parse_severity(o.log_level);
  if (!least)
    return make_error(errc::invalid, "--log-level '" + o.log_level + "' is not debug, info, warning or error");
  std::unique_ptr<island> out{new island};
  out->parts_ = std::make_unique<parts>(*least, workers_of(o));
  auto& p = *out->parts_;
  p.name = o.name;
  p.data_dir = o.data_dir;
  if (auto r = tools::make_private_directory(o.data_dir); !r) return r.error();
  auto kv = drivers::open_leveldb(drivers::leveldb_options::small(o.data_dir + "/island.db"));
  if (!kv) return kv.error();
  p.kv = std::move(*kv);
  p.loop = std::make_unique<net::io_loop>(io_threads);
  p.transport = std::make_unique<net::tls_transport>(*p.loop);
  if (auto r = out->join(o); !r) return r.error();
  add_standard(p.words);
  p.mesh = std::make_unique<link::mesh>(link::mesh_args{.system = p.base.system(),
                                                        .ctx = p.base.ctx(),
                                                        .directory = p.base.directory(),
                                                        .words = p.words,
                                                        .island = out->path(),
                                                        .uplink = std::string{paths::cloud},
                                                        .kv = p.kv.get()});
  if (auto e = p.mesh->load()) return e;
  return out;
}

/// Loads what an earlier join left, or joins.
caf::expected<void> island::join(const island_options& o) {
  auto& p = *parts_;
  auto known = tools::load_node_identity(o.data_dir);
  if (known && known->node == o.name) {
    p.identity = std::move(*known);
    if (!o.server.empty()) p.identity.server = o.server;
    auto ends = p.pki.expires_ms(p.identity.certificate_pem);
    if (ends && *ends > p.base.clock().wall_ms()) return caf::unit;
    if (o.token.empty())
      return make_error(errc::expired, "the certificate of " + o.name + " has ended; join again with --token");
  } else if (known) {
    return make_error(errc::invalid,
                      o.data_dir + " belongs to the controller " + known->node + "; give another --data-dir");
  } else if (code_of(known.error()) != errc::not_found) {
    return known.error();
  }
  if (o.server.empty() || o.token.empty())
    return make_error(errc::invalid,
                      "this controller has not joined a cloud yet: give --server https://HOST:PORT and --token, from "
                      "`skerry token create --controller " +
                          o.name + "` there");
  auto promise = std::make_shared<std::promise<caf::expected<ports::client_credentials>>>();
  auto answer = promise->get_future();
  link::join(*p.transport, p.pki, {o.server, o.token, {}, o.name},
             [promise](caf::expected<ports::client_credentials> r) { promise->set_value(std::move(r)); });
  if (answer.wait_for(join_max) != std::future_status::ready)
    return make_error(errc::timed_out,
                      "the cloud at " + o.server + " took the connection and does not answer; is it a skerry cloud?");
  auto c = answer.get();
  if (!c) return c.error();
  p.identity = {o.name, o.server, c->ca_pem, c->certificate_pem, c->key_pem};
  if (auto r = tools::save_node_identity(o.data_dir, p.identity); !r) return r;
  p.base.log().info(path(), "joined the cloud at " + o.server);
  return caf::unit;
}

caf::expected<void> island::start(std::vector<supervisors::child_spec> children, supervisors::supervision rules) {
  using namespace supervisors;
  auto& p = *parts_;
  std::vector<child_spec> all;
  all.push_back(ready_worker("mesh", [this](caf::event_based_actor* parent) {
    link::mesh_actor_args args{parts_->base.ctx(), *parts_->mesh, path("mesh"), caf::actor{parent}};
    return parent->spawn<caf::detached>(link::mesh_actor, std::move(args));
  }));
  all.push_back(worker("link", [this](caf::event_based_actor* parent) {
    auto& q = *parts_;
    const auto& id = q.identity;
    link::island_link_args args{.ctx = q.base.ctx(),
                                .path = path("link"),
                                .version = SKERRY_VERSION,
                                .address = id.server,
                                .credentials = {id.ca_pem, {}, id.certificate_pem, id.key_pem},
                                .transport = *q.transport,
                                .links = *q.mesh,
                                .parent = {},
                                .pki = &q.pki,
                                .on_renewed = [&q](const ports::client_credentials& c) -> caf::expected<void> {
                                  q.identity.certificate_pem = c.certificate_pem;
                                  q.identity.key_pem = c.key_pem;
                                  return tools::save_node_identity(q.data_dir, q.identity);
                                }};
    return parent->spawn(link::island_link, std::move(args));
  }));
  for (auto& c : children) all.push_back(std::move(c));
  auto tree = [&](caf::actor parent) {
    return p.base.system().spawn(
        supervisor, supervisor_args{p.base.parts(), path(), rules, std::move(all), std::move(parent), true});
  };
  return p.base.start_root(tree, start_ms_max);
}

int island::await_end() { return parts_->base.await_end(); }

const std::string& island::name() const { return parts_->name; }
std::string island::path(std::string_view below) const {
  return "/controller/" + parts_->name + (below.empty() ? "" : "/") + std::string{below};
}
const context& island::ctx() const { return parts_->base.ctx(); }
const supervisors::services& island::services() const { return parts_->base.parts(); }
base::directory& island::directory() { return parts_->base.directory(); }
link::mesh& island::mesh() { return *parts_->mesh; }
vocabulary& island::words() { return parts_->words; }
ports::kv& island::kv() { return *parts_->kv; }
caf::actor_system& island::system() { return parts_->base.system(); }

resolver island::resolve() { return tools::resolver_of(*parts_->mesh); }

}  // namespace skerry::sdk
