#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/ports/clock.hpp"
#include "actors/ports/random.hpp"
#include "actors/ports/transport.hpp"
#include "sim/ports/fault_plan.hpp"

namespace skerry::sim {

/// A network in memory: listeners, connections, and what befalls them. Nothing happens by itself: each `step` does one
/// thing that is due, drawn by `chance` (a delivery of some of the bytes that wait, the end of a connection, a connect
/// that is done), and costs the same however many connections there are. Members are callable from any thread; handlers
/// are called from within `step` alone.
///
/// A connection goes over a *line*: the common name of the certificate that it was made with ("system:node:n17"; empty
/// without one).
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
  void cut() { cut_all(fault_plan::told::both); }
  /// The same; who is not told is left with a half-open connection.
  void cut_all(fault_plan::told who);
  /// The line dies without a word: what is on the way and what is sent from now on vanishes, on the connections that
  /// stand; nobody is told. New connections work, unless `partition` is set too.
  void freeze();
  /// While set, connects end with errc::timed_out.
  void partition(bool on);
  /// Holds a line: what is sent up it (by who connected) or down it waits, and arrives after `release` unless an end
  /// has given up by then; connects wait as long, at most their deadline. With one way held alone the other still
  /// arrives.
  void hold(const std::string& line, bool up = true, bool down = true);
  void release(const std::string& line);
  /// Cuts the connections of a line; who is not told is left with a half-open one.
  void cut(const std::string& line, fault_plan::told who);
  /// Standing connections take so much longer from now on, each way; less if it is negative.
  void slow_down(int64_t by_ms);
  /// Of what arrives one piece in so many comes in parts; 1: all of it (the default), 0: none.
  void split_one_in(uint32_t n);

  /// From now on each new connection follows a plan that `draw` makes. `time` says when what is delayed is due.
  /// With `sealed` a flipped bit ends the connection at its reader with errc::io, as TLS does; without, it arrives.
  void set_faults(std::function<fault_plan()> draw, const ports::clock* time, bool sealed);
  /// No faults any more, on standing connections neither: bytes that were held back for their delay are due, silence
  /// stays where it fell.
  void clear_faults();
  /// When the next delayed bytes are due, by the clock's steady_ms: if there is nothing else to do, time goes there.
  std::optional<int64_t> next_due_ms() const;

  /// What the plans did so far.
  struct fault_counts {
    uint64_t cuts = 0, half_open = 0, silent = 0, corrupt = 0, delayed = 0, slow = 0;
  };
  fault_counts faults() const;
  size_t connections() const;
  uint64_t bytes_delivered() const;

private:
  friend class sim_connection;
  static constexpr size_t kernel_bytes = 64 * 1024;
  static constexpr size_t not_ready = SIZE_MAX;
  struct part {
    int64_t due_ms = 0;
    ports::bytes bytes;
  };
  struct end {
    ports::connection::handlers handlers;
    ports::peer_identity peer;
    std::deque<part> inbound;  ///< sent by the other end, not delivered; no part is empty
    size_t inbound_bytes = 0;
    uint64_t sent = 0;           ///< by this end, so far
    bool silent = false;         ///< what it sends vanishes
    size_t vanished = 0;         ///< sent since
    int64_t takes_again_ms = 0;  ///< a slow reader
    caf::error why;
    bool started = false, closing = false, over = false, ended = false;  ///< `ended`: on_end was called
    bool drained_due = false;
    size_t ready_at = not_ready;  ///< its place in ready_
    int64_t timer_ms = 0;         ///< it is looked at again then
  };
  struct line {
    bool up_held = false, down_held = false;
    bool held(int to) const { return to == 1 ? up_held : down_held; }
  };
  struct pipe {
    end ends[2];  ///< 0: who connected
    bool frozen = false;
    fault_plan plan;
    const line* way = nullptr;  ///< of lines_, which never shrinks
    size_t at = 0;              ///< its place in pipes_
  };
  using pipe_ptr = std::shared_ptr<pipe>;
  struct attempt {
    std::string address;
    ports::client_credentials who;
    uint32_t deadline_ms = 0;
    connected done;
    const line* way = nullptr;
    bool over = false;  ///< its deadline came while its line was held
  };
  struct listener {
    ports::link_acceptor* who = nullptr;
    std::string ca_pem;
  };

  /// Looked at again at a time: an end of a connection, or an attempt whose deadline that is.
  struct later {
    std::weak_ptr<pipe> of;
    int side = 0;
    std::weak_ptr<attempt> whose;
  };

  void put(pipe& p, int from, ports::bytes data);
  void cut(pipe& p, fault_plan::told who);
  /// Puts both ends into ready_ or takes them out, as they are now; call after anything that changes one.
  void refresh(const pipe_ptr& p);
  void set_ready(const pipe_ptr& p, int side, bool on);
  void forget(pipe& p);
  /// Looks at all whose time has come.
  void pass_time();
  line& line_of(const std::string& name) { return lines_[name]; }
  void refresh_all(const line* way);
  ports::bytes take_bytes(pipe& p, int side);
  bool bytes_due(const pipe& p, int side) const;
  int64_t now_ms() const { return time_ == nullptr ? 0 : time_->steady_ms(); }
  bool due(const pipe& p, int side) const;
  std::function<void()> take(const pipe_ptr& p, int side);
  /// Null: it waits for its line.
  std::function<void()> take_connect();
  caf::expected<listener> admit(const attempt& a) const;

  mutable std::mutex mutex_;
  ports::random& chance_;
  std::map<std::string, listener> listeners_;
  std::map<std::string, line> lines_;
  std::deque<std::shared_ptr<attempt>> attempts_;
  std::vector<std::shared_ptr<attempt>> waiting_;  ///< for their lines
  std::vector<pipe_ptr> pipes_;
  std::vector<std::pair<pipe_ptr, int>> ready_;
  std::multimap<int64_t, later> later_;
  uint32_t split_one_in_ = 1;
  std::function<fault_plan()> draw_;
  const ports::clock* time_ = nullptr;
  bool sealed_ = true;
  fault_counts faults_;
  bool partition_ = false;
  uint64_t delivered_ = 0, next_port_ = 40'000;
};

}  // namespace skerry::sim
