#pragma once
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/base/context.hpp"
#include "actors/base/directory.hpp"
#include "actors/link/mesh.hpp"
#include "actors/ports/pki.hpp"
#include "drivers/clock/system_clock.hpp"
#include "drivers/log/stream_log.hpp"
#include "drivers/net/io_loop.hpp"
#include "drivers/random/system_random.hpp"

namespace skerry::bench {

/// Certificates of the two ends, as files in a folder, so that both processes have the same.
struct link_keys {
  ports::key_pair ca, server, node;
  static link_keys make();
  static link_keys load(const std::string& folder);
  void save(const std::string& folder) const;
};

/// A mesh with what it stands on.
struct link_node {
  base::directory directory;
  std::unique_ptr<ports::kv> kv;
  std::unique_ptr<link::mesh> links;
  caf::actor worker;
};

/// One process of the link's benchmark: an actor system, the production drivers, and one mesh or, to stand for a fleet,
/// many. Sessions are left out: frames go from the driver to the mesh and back, as they do in a session that is up.
class link_island {
public:
  /// `policy`: of the scheduler. `tls`: else plain TCP.
  link_island(const std::string& policy, bool tls, link_keys keys);
  ~link_island();
  link_island(const link_island&) = delete;

  caf::actor_system& system() { return *system_; }
  const context& ctx() const { return context_; }
  /// Adds a mesh; durable letters need a folder for its journal.
  link_node& add(const std::string& path, const std::string& uplink, const std::string& folder = {});
  /// Puts an actor at a path of that mesh.
  caf::actor put(link_node& n, const std::string& path, caf::actor a);
  /// Listens on loopback for neighbours of `n`; each says who it is in its first line. Returns the port.
  uint16_t listen(link_node& n);
  /// Joins `n` to the cloud behind this port; waits until letters cross. Throws std::runtime_error.
  void join(link_node& n, uint16_t port);
  /// Waits until `condition` holds; throws std::runtime_error with `what` if it does not within `deadline_s`.
  static void await(const std::function<bool()>& condition, int deadline_s, const std::string& what);
  static caf::actor handle(link_node& n, const std::string& path);

private:
  class carrier;
  class door;
  drivers::system_clock clock_;
  drivers::system_random random_;
  drivers::stream_log log_{clock_, ports::severity::warning};
  context context_{clock_, random_, log_};
  vocabulary words_;
  bool tls_;
  link_keys keys_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  std::vector<std::unique_ptr<link_node>> nodes_;
  std::vector<caf::actor> actors_;
  net::io_loop loop_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<carrier>> carriers_;
  std::vector<std::shared_ptr<door>> doors_;
};

}  // namespace skerry::bench
