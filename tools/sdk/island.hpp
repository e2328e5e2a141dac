#pragma once
#include <caf/expected.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/base/context.hpp"
#include "actors/base/directory.hpp"
#include "actors/link/mesh.hpp"
#include "actors/ports/kv.hpp"
#include "actors/sdk/objects.hpp"
#include "schema/vocabulary.hpp"
#include "supervisors/supervisor.hpp"

/// A controller that is a process of its own (docs/sdk.md).
namespace skerry::sdk {

struct island_options {
  std::string name;      ///< of the controller: its island is /controller/<name>, its user skerry:controller:<name>
  std::string server;    ///< "https://HOST:PORT" of the cloud; may be empty once joined
  std::string token;     ///< of `skerry token create --controller NAME`; needed once
  std::string data_dir;  ///< key, certificate and the journal of durable letters; of this process alone
  std::string log_level = "info";  ///< debug, info, warning, error
  int workers = 0;                 ///< threads that run actors; 0: one for each core, at least 4
};

/// Reads --name, --server, --token, --data-dir, --log-level from the command line; `about` is the first line of --help.
/// Returns the exit code if the program is to end: 0 after --help, 2 for wrong usage.
std::optional<int> parse_options(int argc, char** argv, const std::string& about, island_options& out);

/// Prints "<program>: <message>" to standard error; returns the exit code: 2 for errc::invalid, else 1.
int fail(const caf::error& e);

/// A controller's process: actor system, ports, directory of paths, supervision tree, link to the cloud. One for a
/// process: it blocks SIGINT, SIGTERM and SIGUSR2 in all threads started after it, for await_end.
class island {
public:
  /// Opens the data directory, and joins the cloud if this process never has: the key is made here and never leaves.
  /// Blocks for at most 40 s. Errors: errc::invalid (options), unauthorized, expired (token), unavailable, timed_out,
  /// locked (another process works in `data_dir`), io; each says what to do.
  static caf::expected<std::unique_ptr<island>> open(island_options o);
  /// Stops the tree, right to left, then all else.
  ~island();

  /// All messages that this island sends and takes over links; the standard ones are in it. Add yours before start().
  vocabulary& words();
  /// Starts the tree: mesh and link, then your children, left to right, at /controller/<name>/<id>, by these rules.
  /// Returns once all run; without a cloud too. Errors: errc::timed_out (120 s), or what made a child give
  /// up.
  caf::expected<void> start(std::vector<supervisors::child_spec> children,
                            supervisors::supervision rules = {.window = {.intensity = 10, .period_ms = 60'000}});
  /// Waits for SIGINT or SIGTERM (returns 0) or the end of the tree (returns 1: it gave up).
  int await_end();

  const std::string& name() const;
  /// "/controller/<name>", or "/controller/<name>/<below>".
  std::string path(std::string_view below = {}) const;
  const context& ctx() const;
  const supervisors::services& services() const;  ///< for supervisors of your own
  base::directory& directory();
  link::mesh& mesh();
  /// For sdk::objects and sdk::informer. The island outlives what it is given to.
  resolver resolve();
  /// The island's own store, for keys that begin with "app/"; blocking.
  ports::kv& kv();
  caf::actor_system& system();

private:
  struct parts;
  island();
  caf::expected<void> join(const island_options& o);
  std::unique_ptr<parts> parts_;
};

}  // namespace skerry::sdk
