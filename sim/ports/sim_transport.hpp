#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "actors/ports/random.hpp"
#include "actors/ports/transport.hpp"

namespace skerry::sim {

/// A network in memory: listeners, connections, and what befalls them. Nothing happens by itself: each `step` does one
/// thing that is due, drawn by `chance` (a delivery of some of the bytes that wait, the end of a connection, a connect
/// that is done). Members are callable from any thread; handlers are called from within `step` alone.
class sim_network final : public ports::transport {
public:
  explicit sim_network(ports::random& chance) : chance_(chance) {}
  ~sim_network() override;

  /// Somebody listens at "host:port" with certificates of this authority (sim_pki); null: nobody does any more.
  void listen(const std::string& address, ports::link_acceptor* who, std::string ca_pem = {});
  /// As ports::transport; a connect is refused, or decided by certificates, within a later `step`.
  void connect(std::string address, ports::client_credentials who, uint32_t deadline_ms, connected done) override;

  /// Does one thing that is due. False if nothing is.
  bool step();
  /// Cuts every connection: bytes on the way are lost, both ends hear errc::unavailable.
  void cut();
  /// The line dies without a word: what is on the way and what is sent from now on vanishes, on the connections that
  /// stand; nobody is told. New connections work, unless `partition` is set too.
  void freeze();
  /// While set, connects end with errc::timed_out.
  void partition(bool on);

  size_t connections() const;
  uint64_t bytes_delivered() const;

private:
  friend class sim_connection;
  struct end {
    ports::connection::handlers handlers;
    ports::peer_identity peer;
    ports::bytes inbound;  ///< sent by the other end, not delivered
    caf::error why;
    bool started = false, closing = false, over = false, ended = false;  ///< `ended`: on_end was called
    bool drained_due = false;
  };
  struct pipe {
    end ends[2];
    bool frozen = false;
  };
  using pipe_ptr = std::shared_ptr<pipe>;
  struct attempt {
    std::string address;
    ports::client_credentials who;
    connected done;
  };
  struct listener {
    ports::link_acceptor* who = nullptr;
    std::string ca_pem;
  };

  bool due(const pipe& p, int side) const;
  std::function<void()> take(const pipe_ptr& p, int side);
  std::function<void()> take_connect();
  caf::expected<listener> admit(const attempt& a) const;

  mutable std::mutex mutex_;
  ports::random& chance_;
  std::map<std::string, listener> listeners_;
  std::deque<attempt> attempts_;
  std::vector<pipe_ptr> pipes_;
  bool partition_ = false;
  uint64_t delivered_ = 0, next_port_ = 40'000;
};

}  // namespace skerry::sim
