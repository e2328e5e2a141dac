#include "tools/skerry/cloud.hpp"

#include <cstdio>

#include "actors/api/front.hpp"
#include "actors/link/hub.hpp"
#include "drivers/http/server.hpp"
#include "drivers/http/yaml.hpp"
#include "drivers/kv/leveldb.hpp"
#include "drivers/net/io_loop.hpp"
#include "drivers/pki/openssl.hpp"
#include "schema/duration.hpp"
#include "schema/error.hpp"
#include "schema/kube/quantity.hpp"
#include "schema/kube/registry.hpp"
#include "supervisors/cloud_tree.hpp"
#include "tools/skerry/admin.hpp"
#include "tools/skerry/commands.hpp"
#include "tools/skerry/sockets.hpp"

namespace skerry::tools {
namespace {
constexpr int io_threads = 2;
constexpr int worker_threads = 2;
constexpr uint32_t start_ms_max = 120'000;
constexpr uint32_t stop_ms_max = 10'000;
}  // namespace

/// In the order in which it is built; taken down the other way round.
struct cloud::parts {
  kube::registry registry;
  skerry::pki::openssl pki;
  cloud_identity identity;
  std::unique_ptr<ports::kv> kv, samples;
  std::unique_ptr<telemetry::series_store> series;
  std::shared_ptr<store::publisher> views = std::make_shared<store::publisher>();
  link::acceptor links;
  vocabulary words;
  std::unique_ptr<link::mesh> mesh;
  std::unique_ptr<admin_parts> admin;
  std::unique_ptr<api::parts> api;
  std::unique_ptr<link::cloud_parts> link;
  std::unique_ptr<api::front> front;
  std::unique_ptr<supervisors::cloud_tree_parts> tree;
  std::unique_ptr<tools::app> app;
  std::unique_ptr<net::io_loop> loop;
  std::unique_ptr<http::server> server;
  std::string host;
};

cloud::cloud() = default;

cloud::~cloud() {
  if (parts_ && parts_->admin) parts_->admin->server.reset();
  if (parts_ && parts_->server) parts_->server->stop();
  if (island_) island_->stop_root(stop_ms_max);
  if (parts_ && parts_->loop) parts_->loop->stop();
  if (parts_ && parts_->mesh) parts_->mesh->stop();  // before the loop goes, which its links' connections use
  if (parts_) {
    parts_->server.reset();
    parts_->loop.reset();
  }
  auto keep = std::move(parts_);  // what actors refer to goes after them
  island_.reset();
}

caf::expected<ports::severity> severity_of(const options& o) {
  auto s = drivers::parse_severity(o.log_level);
  if (!s) return make_error(errc::invalid, "--log-level '" + o.log_level + "' is not debug, info, warning or error");
  return *s;
}

const cloud_identity& cloud::identity() const { return parts_->identity; }
ports::pki& cloud::pki() { return parts_->pki; }
std::string cloud::address() const { return parts_->host + ":" + std::to_string(parts_->server->port()); }

caf::expected<std::unique_ptr<cloud>> cloud::start(const options& o, const extensions& with) {
  auto least = severity_of(o);
  if (!least) return least.error();
  std::unique_ptr<cloud> c{new cloud};
  c->island_ = std::make_unique<island>(*least, worker_threads);
  c->parts_ = std::make_unique<parts>();
  auto opened = c->open(o, with);
  if (!opened) return opened.error();
  return c;
}

caf::expected<void> cloud::open_store(const options& o) {
  if (auto r = make_private_directory(o.data_dir); !r) return r;
  auto kv = drivers::open_leveldb(drivers::leveldb_options::large(o.data_dir + "/store"));
  if (!kv) return kv.error();
  parts_->kv = std::move(*kv);
  telemetry::series_limits keep;
  auto age = parse_duration(o.samples_age);
  if (!age || *age < 1)
    return make_error(errc::invalid, "--samples-age '" + o.samples_age + "' is not a duration such as 12h or 30d");
  keep.age_ms = *age;
  auto bytes = kube::quantity::parse(o.samples_bytes);
  if (!bytes || bytes->value() < 1)
    return make_error(errc::invalid, "--samples-size '" + o.samples_bytes + "' is not a size such as 500Mi or 10Gi");
  keep.bytes_max = static_cast<uint64_t>(bytes->value());
  auto large = drivers::leveldb_options::large(o.data_dir + "/samples");
  large.compress = true;  // columns of equal values shrink to almost nothing
  auto samples = drivers::open_leveldb(std::move(large));
  if (!samples) return samples.error();
  parts_->samples = std::move(*samples);
  parts_->series = std::make_unique<telemetry::series_store>(*parts_->samples, keep);
  return caf::unit;
}

caf::expected<void> cloud::open(const options& o, const extensions& with) {
  auto colon = o.listen.rfind(':');
  if (colon == std::string::npos)
    return make_error(errc::invalid, "--listen '" + o.listen + "' is not ADDRESS:PORT, such as 127.0.0.1:6443");
  if (auto r = open_store(o); !r) return r;  // first: its lock keeps a second cloud off this directory
  auto& p = *parts_;
  auto& i = *island_;
  p.host = o.listen.substr(0, colon);
  if (p.host.empty() || p.host == "0.0.0.0" || p.host == "[::]") p.host = "127.0.0.1";
  auto identity = open_identity(p.pki, o.data_dir, o.listen, o.names, i.clock().wall_ms());
  if (!identity) return identity.error();
  p.identity = std::move(*identity);

  auto find = [&i](const char* path) { return i.directory().finder(path); };
  namespace paths = supervisors::cloud_paths;
  api::front_options front;
  front.tokens.push_back({p.identity.admin_token, "skerry-admin", {"system:masters"}});
  front.version = SKERRY_VERSION;
  p.api = std::make_unique<api::parts>(api::parts{i.ctx(), p.registry, *p.views, find(paths::store),
                                                  find(paths::api_sessions), find(paths::api_watches),
                                                  http::yaml_to_json, std::move(front), find(paths::api_samples)});
  p.link = std::make_unique<link::cloud_parts>(link::cloud_parts{.ctx = i.ctx(),
                                                                 .store = *p.views,
                                                                 .pki = p.pki,
                                                                 .authority = p.identity.authority,
                                                                 .cluster = p.identity.ca_fingerprint,
                                                                 .sessions = find(paths::link_sessions),
                                                                 .status_writer = find(paths::status_writer),
                                                                 .node_sync = find(paths::node_sync),
                                                                 .life_cycle = find(paths::node_life_cycle)});
  add_standard(p.words);
  if (with.messages) with.messages(p.words);
  supervisors::add_admin(p.words);
  p.mesh = std::make_unique<link::mesh>(
      link::mesh_args{i.system(), i.ctx(), i.directory(), p.words, "/cloud", "", p.kv.get()});
  if (auto e = p.mesh->load()) return e;
  p.link->links = p.mesh.get();
  p.admin = std::make_unique<admin_parts>(i, p.words, *p.mesh, "/cloud");
  p.front = std::make_unique<api::front>(*p.api);
  p.tree = std::make_unique<supervisors::cloud_tree_parts>(
      supervisors::cloud_tree_parts{i.parts(), *p.kv, p.views, p.registry, *p.api, *p.front, *p.link, p.links});
  p.tree->mesh = p.mesh.get();
  p.tree->series = p.series.get();
  p.app = std::make_unique<tools::app>(
      tools::app{i.parts(), "/cloud/app", {}, *p.mesh, resolver_of(*p.mesh), *p.kv, p.views.get()});
  if (with.cloud) p.tree->apps = with.cloud(*p.app);
  p.tree->admin = &p.admin->inspector;
  p.loop = std::make_unique<net::io_loop>(io_threads);
  http::server_options options;
  options.listen = o.listen;
  options.certificate_pem = p.identity.server.certificate_pem;
  options.key_pem = p.identity.server.key_pem;
  options.ca_pem = p.identity.authority.certificate_pem;
  p.server = std::make_unique<http::server>(*p.loop, std::move(options), *p.front, p.links, i.log());
  auto tree = [&](caf::actor parent) { return supervisors::start_cloud_tree(i.system(), *p.tree, std::move(parent)); };
  if (auto r = i.start_root(tree, start_ms_max); !r) return r;
  if (auto r = p.server->start(); !r) return r;
  p.admin->listen(*p.loop, cloud_socket_of(o.data_dir), nullptr);
  i.log().info("/cloud", "serving the Kubernetes API on https://" + address() + "; kubeconfig: " + o.data_dir +
                             "/admin.kubeconfig");
  return caf::unit;
}

int run_cloud(const options& o, const extensions& with) {
  if (!o.words.empty()) return misuse(o, "unexpected '" + o.words[0] + "'");
  auto c = cloud::start(o, with);
  if (!c) return fail(o, c.error());
  return (*c)->await_end();
}

}  // namespace skerry::tools
