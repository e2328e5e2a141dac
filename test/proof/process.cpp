#include "test/proof/process.hpp"

#include <poll.h>
#include <unistd.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <fstream>
#include <sstream>

#include "actors/base/directory.hpp"
#include "actors/controllers/node_sync.hpp"
#include "actors/controllers/status_writer.hpp"
#include "actors/link/hub.hpp"
#include "actors/link/link_client.hpp"
#include "actors/link/mesh_actor.hpp"
#include "actors/store/store.hpp"
#include "drivers/clock/system_clock.hpp"
#include "drivers/http/server.hpp"
#include "drivers/kv/leveldb.hpp"
#include "drivers/log/stream_log.hpp"
#include "drivers/net/transport.hpp"
#include "drivers/pki/openssl.hpp"
#include "drivers/random/system_random.hpp"
#include "schema/error.hpp"
#include "schema/limits.hpp"
#include "supervisors/crash_log.hpp"
#include "supervisors/pool.hpp"

namespace skerry::test::proof {
namespace {

constexpr link::timing times{400, 1'500, 1'500};

template <class T>
T value(caf::expected<T> e) {
  if (!e) throw std::runtime_error(message_of(e.error()));
  return std::move(*e);
}

std::string slurp(const std::string& path) {
  std::ifstream in{path};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}
ports::key_pair load_pair(const std::string& folder, const std::string& name) {
  return {slurp(folder + "/" + name + ".pem"), slurp(folder + "/" + name + ".key")};
}

/// An island of the proof: store, directory, mesh, and a pool of supervised actors.
struct island {
  std::string path;
  std::unique_ptr<ports::kv> kv;
  base::directory directory;
  supervisors::crash_log crashes;
  std::unique_ptr<supervisors::services> services;
  std::unique_ptr<link::mesh> links;
  caf::actor worker, pool;
};

/// What both processes have.
class process {
public:
  explicit process(const process_args& args) : args_(args), pipe_(args.pipe), all_{pipe_} {
    add_standard(words_);
    config_.set("scheduler.policy", caf::atom("sharing"));
    config_.set("scheduler.max-threads", size_t{3});
    config_.set("scheduler.max-throughput", size_t{200});
    system_ = std::make_unique<caf::actor_system>(config_);
  }

protected:
  island& add(const std::string& path, bool large) {
    auto& i = *islands_.emplace_back(std::make_unique<island>());
    i.path = path;
    auto folder = store_of(args_.folder, path);
    i.kv = value(drivers::open_leveldb(large ? drivers::leveldb_options::large(folder)
                                             : drivers::leveldb_options::small(folder)));
    i.services = std::make_unique<supervisors::services>(supervisors::services{ctx_, i.directory, i.crashes});
    i.links = std::make_unique<link::mesh>(link::mesh_args{*system_, ctx_, i.directory, words_, path,
                                                           path == "/cloud" ? std::string{} : std::string{"/cloud"},
                                                           i.kv.get()});
    if (auto e = i.links->load()) throw std::runtime_error(message_of(e));
    i.worker =
        system_->spawn<caf::detached>(link::mesh_actor, link::mesh_actor_args{ctx_, *i.links, path + "/mesh", {}});
    i.directory.put(path + "/mesh", i.worker);
    supervisors::pool_args pool{*i.services, path + "/proof"};
    pool.window = {1'000, 10'000};  // crashes are drawn, and many
    i.pool = system_->spawn(supervisors::pool, pool);
    return i;
  }
  void start_child(island& i, const std::string& path, std::function<caf::actor()> make) {
    caf::scoped_actor self{*system_};
    auto id = path.substr(i.path.size() + std::string{"/proof/"}.size());
    self->request(i.pool, std::chrono::seconds{10},
                  base::start_child{id, [make](caf::event_based_actor*) { return make(); }})
        .receive([](const caf::actor&) {}, [](const caf::error& e) { throw std::runtime_error(message_of(e)); });
  }
  void receive(island& i, uint32_t flow) {
    for (auto& [path, make] : receivers(*system_, {ctx_, *i.kv, i.path, name_of_flow(flow), flow, pipe_}))
      start_child(i, path, make);
  }
  void send(island& i, const std::string& to, uint32_t flow, const resume_point& at) {
    auto path = i.path + "/proof/" + name_of_flow(flow) + "/sender";
    sender_args a{ctx_, *i.links, to, path, name_of_flow(flow), flow, at, all_};
    start_child(i, path, [this, a] { return system_->spawn(sender, a); });
  }

  /// Waits for what the parent says, and looks after the bounds.
  int run() {
    bool told_done = false;
    for (;;) {
      pollfd p{STDIN_FILENO, POLLIN, 0};
      char c = 0;
      if (::poll(&p, 1, 50) > 0) {
        if (::read(STDIN_FILENO, &c, 1) != 1) std::_Exit(0);  // what is durable must not need an orderly end
        if (c == 'f') all_.finish = true;
      }
      auto settled = look();
      if (all_.finish && settled && !std::exchange(told_done, true)) pipe_.say(said::done, 0);
    }
  }

  const process_args args_;
  teller_pipe pipe_;
  sending all_;
  drivers::system_clock clock_;
  drivers::system_random random_;
  drivers::stream_log log_{clock_,
                           std::getenv("SKERRY_TEST_LOG") != nullptr ? ports::severity::info : ports::severity::error};
  context ctx_{clock_, random_, log_};
  vocabulary words_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  net::io_loop loop_{1};
  std::vector<std::unique_ptr<island>> islands_;

private:
  /// Checks the bounds of all links; true if nothing waits.
  bool look() {
    bool settled = all_.requests == 0;
    for (auto& i : islands_)
      for (auto& l : i->links->links()) {
        if (l.waiting_bytes > limits::fleeting_waiting_bytes_max || l.calls > limits::calls_waiting_max ||
            l.latest_waiting > limits::latest_waiting_max || l.dropped.dead > 0 || l.dropped.corrupt > 0)
          pipe_.wrong(0, "a link is over its bounds, or has dead or corrupt letters");
        settled &= l.durable_waiting == 0 && l.latest_waiting == 0 && l.calls == 0;
      }
    return settled;
  }
};

struct no_service : ports::http_service {
  void serve(ports::http_exchange_ptr e) override { e->respond(404, "text/plain", {}); }
};

class cloud_process : process {
public:
  explicit cloud_process(const process_args& args) : process(args) {
    auto& me = add("/cloud", true);
    auto points = load_points(args.folder + "/points");
    for (uint32_t n = 0; n < args.nodes; ++n) {
      receive(me, flow_up(n));
      send(me, island_of_node(n), flow_down(n), points[flow_down(n)]);
    }
    start_sessions(me);
  }
  using process::run;

private:
  void start_sessions(island& me) {
    auto ca = load_pair(args_.folder, "ca"), server = load_pair(args_.folder, "server");
    auto finder = [&](const char* name) { return me.directory.finder(name); };
    parts_ = std::make_unique<link::cloud_parts>(link::cloud_parts{ctx_, *views_, pki_, ca, "proof", 30, finder("pool"),
                                                                   finder("status_writer"), finder("node_sync"),
                                                                   finder("none")});
    parts_->times = times;
    parts_->links = me.links.get();
    auto put = [&](const char* name, caf::actor a) { me.directory.put(name, std::move(a)); };
    auto& s = *system_;
    put("store", s.spawn<caf::detached>(store::store_actor, store::store_args{ctx_, "store", *me.kv, views_, {}, {}}));
    make_nodes(finder("store")());
    controllers::controller_args base{ctx_, *views_, finder("store"), registry_};
    put("status_writer",
        s.spawn(controllers::status_writer, controllers::status_writer_args{base, "status_writer", {}}));
    put("node_sync",
        s.spawn(controllers::node_sync, controllers::node_sync_args{ctx_, "node_sync", *views_, finder("store"), {}}));
    put("pool", s.spawn(supervisors::pool, supervisors::pool_args{*me.services, "pool"}));
    put("hub", s.spawn(link::hub, link::hub_args{*parts_, "hub", front_, {}}));
    http::server_options options;
    options.listen = "127.0.0.1:" + std::to_string(args_.port);
    options.certificate_pem = server.certificate_pem;
    options.key_pem = server.key_pem;
    options.ca_pem = ca.certificate_pem;
    server_ = std::make_unique<http::server>(loop_, options, service_, front_, log_);
    if (auto up = server_->start(); !up) throw std::runtime_error(message_of(up.error()));
    pipe_.say(said::port, 0, server_->port());
  }

  /// Links of nodes without an object are forgotten, with all that waits for them.
  void make_nodes(const caf::actor& store) {
    store::commit all;
    for (uint32_t n = 0; n < args_.nodes; ++n) {
      auto name = "n" + std::to_string(n);
      if (views_->current()->get("nodes", "", name)) continue;
      json::object meta{{"name", name}, {"uid", name}};
      all.changes.push_back({store::verb::create, {{"nodes", "", name}, json::object{{"metadata", meta}}}, {}, {}});
    }
    caf::scoped_actor self{*system_};
    self->request(store, std::chrono::seconds{10}, std::move(all))
        .receive([](const store::committed&) {},
                 [](const caf::error& e) {
                   if (code_of(e) != errc::already_exists) throw std::runtime_error(message_of(e));
                 });
  }

  pki::openssl pki_;
  kube::registry registry_;
  std::shared_ptr<store::publisher> views_ = std::make_shared<store::publisher>();
  link::acceptor front_;
  std::unique_ptr<link::cloud_parts> parts_;
  no_service service_;
  std::unique_ptr<http::server> server_;
};

class nodes_process : process {
public:
  explicit nodes_process(const process_args& args) : process(args) {
    auto points = load_points(args.folder + "/points");
    auto ca = load_pair(args.folder, "ca");
    for (uint32_t n = 0; n < args.nodes; ++n) {
      auto& i = add(island_of_node(n), false);
      receive(i, flow_down(n));
      send(i, "/cloud", flow_up(n), points[flow_up(n)]);
      auto pair = load_pair(args.folder, "n" + std::to_string(n));
      start_link(i, n, {ca.certificate_pem, {}, pair.certificate_pem, pair.key_pem});
    }
  }
  using process::run;

private:
  void start_link(island& i, uint32_t n, ports::client_credentials who) {
    auto agent = system_->spawn([](caf::event_based_actor*) -> caf::behavior {
      return {[](const link::get_inventory&) { return link::inventory{}; },
              [](const link::desired_changes&) -> caf::result<void> { return caf::unit; },
              [](const link::link_state&) {}};
    });
    i.directory.put("agent", agent);
    link::link_client_args a{.ctx = ctx_,
                             .path = i.path + "/link",
                             .node = "n" + std::to_string(n),
                             .version = "proof",
                             .address = "https://127.0.0.1:" + std::to_string(args_.port),
                             .credentials = std::move(who),
                             .transport = transport_,
                             .kv = *i.kv,
                             .agent = [agent] { return agent; },
                             .on_renewed = {},
                             .times = times,
                             .parent = {},
                             .links = i.links.get()};
    i.directory.put(i.path + "/link", system_->spawn<caf::detached>(link::link_client, std::move(a)));
  }

  net::tls_transport transport_{loop_};
};

}  // namespace

int run_cloud(const process_args& args) { return cloud_process{args}.run(); }
int run_nodes(const process_args& args) { return nodes_process{args}.run(); }

void make_keys(const std::string& folder, uint32_t nodes) {
  pki::openssl pki;
  auto save = [&](const std::string& name, const ports::key_pair& pair) {
    std::ofstream{folder + "/" + name + ".pem"} << pair.certificate_pem;
    std::ofstream{folder + "/" + name + ".key"} << pair.key_pem;
  };
  auto ca = value(pki.make_authority("proof", 10));
  save("ca", ca);
  save("server", value(pki.issue(ca, {"skerry", {}, {"127.0.0.1"}, true}, 10)));
  for (uint32_t n = 0; n < nodes; ++n) {
    auto name = "n" + std::to_string(n);
    save(name, value(pki.issue(ca, {"system:node:" + name, {"system:nodes"}, {}, false}, 10)));
  }
}

}  // namespace skerry::test::proof
