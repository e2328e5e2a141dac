#include "tools/skerry-bench/link_island.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <caf/send.hpp>
#include <chrono>
#include <fstream>
#include <future>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "actors/link/link_end.hpp"
#include "actors/link/mesh_actor.hpp"
#include "drivers/admin/local_connection.hpp"
#include "drivers/kv/leveldb.hpp"
#include "drivers/net/tls_connection.hpp"
#include "drivers/net/tls_context.hpp"
#include "drivers/net/transport.hpp"
#include "drivers/pki/openssl.hpp"
#include "schema/error.hpp"

namespace skerry::bench {
namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using error_code = boost::system::error_code;

namespace {

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

/// A plain TCP socket as a connection: what the admin socket's driver does works on any stream socket.
ports::connection_ptr plain(tcp::socket socket, asio::io_context& context) {
  error_code ec;
  socket.set_option(tcp::no_delay(true), ec);
  asio::local::stream_protocol::socket s{context};
  s.assign(asio::local::stream_protocol{}, socket.release());
  return drivers::admin::make_local_connection(std::move(s));
}

}  // namespace

link_keys link_keys::make() {
  pki::openssl pki;
  link_keys k;
  k.ca = value(pki.make_authority("bench", 10));
  k.server = value(pki.issue(k.ca, {"skerry", {}, {"127.0.0.1"}, true}, 10));
  k.node = value(pki.issue(k.ca, {"system:node:bench", {"system:nodes"}, {}, false}, 10));
  return k;
}

link_keys link_keys::load(const std::string& folder) {
  auto pair = [&](const std::string& name) {
    return ports::key_pair{slurp(folder + "/" + name + ".pem"), slurp(folder + "/" + name + ".key")};
  };
  return {pair("ca"), pair("server"), pair("node")};
}

void link_keys::save(const std::string& folder) const {
  for (auto& [name, pair] : {std::pair{"ca", ca}, std::pair{"server", server}, std::pair{"node", node}}) {
    std::ofstream{folder + "/" + name + ".pem"} << pair.certificate_pem;
    std::ofstream{folder + "/" + name + ".key"} << pair.key_pem;
  }
}

/// Carries one end of a connection for a mesh. On the cloud's side the first line says whose the other end is.
class link_island::carrier : public std::enable_shared_from_this<carrier> {
public:
  carrier(link::mesh& links, ports::connection_ptr c) : links_(links), connection_(std::move(c)) {}

  void start(const std::string& neighbour) {
    if (!neighbour.empty()) open(neighbour);
    ports::connection::handlers h;
    h.on_bytes = [self = shared_from_this()](ports::bytes data) { self->take(std::move(data)); };
    h.on_drained = [self = shared_from_this()] {
      if (self->end_) self->end_->on_drained();
    };
    h.on_end = [self = shared_from_this()](const caf::error&) {
      if (self->end_) self->end_->close();
    };
    connection_->start(std::move(h));
  }
  void close() {
    if (end_) end_->close();
    connection_->close();
  }

private:
  void open(const std::string& neighbour) { end_ = value(links_.open(neighbour, connection_)); }
  void take(ports::bytes data) {
    if (!end_) {
      auto line = std::find(data.begin(), data.end(), std::byte{'\n'});
      for (auto i = data.begin(); i != line; ++i) name_ += static_cast<char>(*i);
      if (line == data.end()) return;
      data.erase(data.begin(), line + 1);
      open(name_);
    }
    frames_.clear();
    auto broken = reader_.feed(data, frames_);
    for (auto& f : frames_)
      if (!broken) broken = end_->on_frame(f);
    if (!broken) return;
    std::fprintf(stderr, "the link breaks: %s\n", message_of(broken).c_str());
    connection_->close();
  }

  link::mesh& links_;
  ports::connection_ptr connection_;
  std::shared_ptr<link::link_end> end_;
  link::frame_reader reader_;
  std::vector<link::frame> frames_;
  std::string name_;
};

/// Accepts connections for one mesh.
class link_island::door : public std::enable_shared_from_this<door> {
public:
  door(link_island& island, link_node& node) : island_(island), node_(node) {
    if (!island.tls_) return;
    const auto& k = island.keys_;
    context_ = value(net::make_server_context({k.server.certificate_pem, k.server.key_pem, k.ca.certificate_pem}));
  }
  uint16_t port() const { return acceptor_.local_endpoint().port(); }
  void accept() {
    acceptor_.async_accept([self = shared_from_this()](error_code ec, tcp::socket s) {
      if (ec) return;
      self->take(std::move(s));
      self->accept();
    });
  }
  void close() {
    error_code ec;
    acceptor_.close(ec);
  }

private:
  void take(tcp::socket s) {
    if (!island_.tls_) return carry(plain(std::move(s), island_.loop_.context()));
    auto stream = std::make_shared<net::tls_stream>(std::move(s), *context_);
    stream->async_handshake(asio::ssl::stream_base::server, [self = shared_from_this(), stream](error_code ec) {
      if (!ec) self->carry(net::make_tls_connection(std::move(*stream)));
    });
  }
  void carry(ports::connection_ptr c) {
    auto mine = std::make_shared<carrier>(*node_.links, std::move(c));
    {
      std::lock_guard lock{island_.mutex_};
      island_.carriers_.push_back(mine);
    }
    mine->start({});
  }
  link_island& island_;
  link_node& node_;
  net::tls_context_ptr context_;
  tcp::acceptor acceptor_{island_.loop_.context(), {asio::ip::make_address("127.0.0.1"), 0}};
};

link_island::link_island(const std::string& policy, bool tls, link_keys keys)
    : tls_(tls), keys_(std::move(keys)), loop_(1) {
  add_standard(words_);
  config_.set("scheduler.policy", caf::atom_from_string(policy));
  config_.set("scheduler.max-threads", 2);
  system_ = std::make_unique<caf::actor_system>(config_);
}

link_island::~link_island() {
  for (auto& d : doors_) d->close();
  for (auto& n : nodes_) n->links->stop();
  for (auto& c : carriers_) c->close();
  for (auto& a : actors_) caf::anon_send_exit(a, caf::exit_reason::kill);
  for (auto& n : nodes_) caf::anon_send_exit(n->worker, caf::exit_reason::kill);
  actors_.clear();
  for (auto& n : nodes_) {
    n->worker = nullptr;
    for (const auto& path : n->directory.list())
      n->directory.erase(path, n->directory.find(path).id());  // it holds a thread
  }
  loop_.stop();
  carriers_.clear();
  doors_.clear();
  system_.reset();
}

link_node& link_island::add(const std::string& path, const std::string& uplink, const std::string& folder) {
  auto& n = *nodes_.emplace_back(std::make_unique<link_node>());
  if (!folder.empty()) n.kv = value(drivers::open_leveldb(drivers::leveldb_options::large(folder)));
  n.links =
      std::make_unique<link::mesh>(link::mesh_args{*system_, context_, n.directory, words_, path, uplink, n.kv.get()});
  if (auto e = n.links->load()) throw std::runtime_error(message_of(e));
  link::mesh_actor_args args{context_, *n.links, path + "/mesh", {}};
  n.worker = n.kv ? system_->spawn<caf::detached>(link::mesh_actor, args) : system_->spawn(link::mesh_actor, args);
  n.directory.put(path + "/mesh", n.worker);
  return n;
}

caf::actor link_island::put(link_node& n, const std::string& path, caf::actor a) {
  n.directory.put(path, a);
  actors_.push_back(a);
  return a;
}

uint16_t link_island::listen(link_node& n) {
  auto& d = doors_.emplace_back(std::make_shared<door>(*this, n));
  d->accept();
  return d->port();
}

void link_island::join(link_node& n, uint16_t port) {
  ports::connection_ptr c;
  if (tls_) {
    std::promise<caf::expected<ports::connection_ptr>> made;
    net::tls_transport{loop_}.connect("https://127.0.0.1:" + std::to_string(port),
                                      {keys_.ca.certificate_pem, {}, keys_.node.certificate_pem, keys_.node.key_pem},
                                      20'000,
                                      [&](caf::expected<ports::connection_ptr> x) { made.set_value(std::move(x)); });
    c = value(made.get_future().get());
  } else {
    tcp::socket s{loop_.context()};
    s.connect({asio::ip::make_address("127.0.0.1"), port});
    c = plain(std::move(s), loop_.context());
  }
  auto line = n.links->island() + "\n";
  auto* first = reinterpret_cast<const std::byte*>(line.data());
  c->send({first, first + line.size()});
  auto mine = std::make_shared<carrier>(*n.links, c);
  {
    std::lock_guard lock{mutex_};
    carriers_.push_back(mine);
  }
  mine->start("/cloud");
  await([&] { return !n.links->links().empty() && n.links->links()[0].up; }, 30, "the link does not come up");
}

void link_island::await(const std::function<bool()>& condition, int deadline_s, const std::string& what) {
  for (auto end = std::chrono::steady_clock::now() + std::chrono::seconds{deadline_s}; !condition();) {
    if (std::chrono::steady_clock::now() > end) throw std::runtime_error(what);
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
}

caf::actor link_island::handle(link_node& n, const std::string& path) { return value(n.links->resolve(path)); }

}  // namespace skerry::bench
