#pragma once
#include <atomic>
#include <deque>
#include <map>
#include <shared_mutex>

#include "actors/base/line_limit.hpp"
#include "actors/link/mesh.hpp"
#include "actors/link/peer.hpp"
#include "actors/link/proxy.hpp"

namespace skerry::link {

class facts_in;

/// What the parts of a mesh share: peers by island, proxies by path, actors that others know by number. Callable from
/// any thread.
class mesh_core {
public:
  explicit mesh_core(mesh_args args);
  ~mesh_core();

  const mesh_args& args() const { return args_; }
  const context& ctx() const { return args_.ctx; }
  int64_t now() const { return args_.ctx.clock.steady_ms(); }
  uint64_t boot() const { return boot_; }
  const std::string& journal_name() const { return journal_name_; }
  facts_in& facts() { return *facts_; }
  /// The next sequence of this island's journal; with the lock of a peer's journal.
  uint64_t next_sequence() { return ++sequence_; }
  uint64_t sequence() const { return sequence_; }
  /// Reads the journal. Errors: of the store.
  caf::error load();
  /// Who gets a letter to `path`: who stands there, or a proxy; null if nobody.
  caf::strong_actor_ptr target(std::string_view path) { return is_local(path) ? find_local(path) : proxy_for(path); }
  /// Names a connection within this process; never 0.
  uint32_t next_epoch();

  // -- paths
  // --------------------------------------------------------------------------------------------------------------
  bool is_local(std::string_view path) const { return paths::is_below(path, args_.island); }
  /// A proxy for `path`, whoever its island is; not checked.
  caf::strong_actor_ptr proxy_for(std::string_view path);
  /// A proxy of its own for `path` over this peer, whoever is the peer for that path.
  caf::strong_actor_ptr proxy_over(const peer_ptr& p, std::string_view path) { return cache_.make(path, p); }
  /// The proxy for `path` if there is one.
  caf::strong_actor_ptr find_proxy(std::string_view path) { return cache_.find(path); }
  /// A monitor of a proxy for a path of this very island.
  void watch_local(proxy& p);
  /// Who stands at a path of this island, by directory or by number; null if nobody.
  caf::strong_actor_ptr find_local(std::string_view path);
  /// Changes when find_local may say something else.
  uint64_t version() const { return args_.directory.version(); }
  /// Path of a local actor; exports it if it has none.
  std::string path_of(const caf::strong_actor_ptr& a);
  /// A number for this life of an actor, the same for as long as it lives, another for its successor; never 0.
  uint64_t incarnation_of(const caf::strong_actor_ptr& a) const;

  // -- peers
  // --------------------------------------------------------------------------------------------------------------
  /// The neighbour over which paths of `island` are reached; made if need be.
  peer_ptr peer_for(std::string_view island);
  /// The neighbour `island` itself, made if need be: a connection to it is there.
  peer_ptr neighbour(std::string_view island);
  /// The neighbour `island`, or null.
  peer_ptr find_peer(std::string_view island) const;
  std::vector<peer_ptr> all_peers() const;
  size_t proxies() const { return cache_.size(); }
  proxy_cache& cache() { return cache_; }
  void forget(std::string_view island);
  /// Changes when proxies that were got before may have ended, since an island was forgotten.
  uint64_t forgotten() const { return forgotten_; }
  /// Letters that waited for islands when those were forgotten, and were dropped; since this island started.
  uint64_t letters_forgotten() const { return letters_forgotten_; }
  /// This island is a REPL.
  bool is_repl() const { return is_repl_; }
  invitations& invited() { return invited_; }

  // -- observers, worker
  // --------------------------------------------------------------------------------------------------
  caf::error observe(const caf::actor& who, std::string_view island, caf::message suspended, caf::message resumed);
  void tell_observers(const std::string& neighbour, bool up);
  void attach(const caf::actor& worker);
  /// The worker is to commit what facts_in has.
  void wake();
  /// The worker is to look after this peer: it has letters to sync or to erase, or something in it has a deadline.
  void wake(peer& who);
  uint32_t work();
  void commit_failed(const caf::error& why);
  void stop();

  void add_dead(std::string from, std::string to, std::string type, std::string why);
  std::vector<mesh::dead_letter> dead_letters() const;
  void log(ports::severity s, const std::string& text) const { args_.ctx.log.write(s, who_, text); }

  /// A warning that the other side of a link can provoke: its rate is limited.
  void warn(const std::string& text) { warn(text, other_lines_); }

private:
  void warn(const std::string& text, base::line_limit& lines);
  void commit(const std::vector<peer_ptr>& peers);

  struct observer {
    std::string island;
    caf::weak_actor_ptr who;
    caf::message suspended, resumed;
  };

  const mesh_args args_;
  const std::string who_;
  const bool is_repl_;
  uint64_t boot_;
  std::string journal_name_;
  std::atomic<uint64_t> sequence_{0};
  std::unique_ptr<facts_in> facts_;
  std::atomic<uint32_t> epochs_{0};
  std::atomic<uint64_t> forgotten_{0}, letters_forgotten_{0};
  invitations invited_;
  proxy_cache cache_;

  mutable std::shared_mutex peers_mutex_;
  std::map<std::string, peer_ptr, std::less<>> peers_;

  std::mutex exported_mutex_;
  std::map<caf::actor_id, caf::weak_actor_ptr> exported_;
  std::deque<caf::actor_id> exported_order_;

  std::mutex due_mutex_;
  std::vector<peer_ptr> due_;  ///< to be looked after at the worker's next turn, each once

  mutable std::mutex mutex_;  ///< of what follows
  std::vector<observer> observers_;
  caf::weak_actor_ptr worker_;
  std::deque<mesh::dead_letter> dead_;
  base::line_limit dead_lines_, other_lines_;
  std::atomic<bool> woken_{false};
  bool retry_commit_ = false;  ///< of the worker
};

}  // namespace skerry::link
