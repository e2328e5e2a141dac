#pragma once
#include <optional>

#include "actors/base/context.hpp"
#include "actors/link/backoff.hpp"
#include "actors/link/liveness.hpp"
#include "actors/link/mesh.hpp"
#include "actors/link/renewal.hpp"
#include "actors/link/wire.hpp"
#include "actors/ports/transport.hpp"

namespace skerry::link {

struct island_link_args {
  const context& ctx;
  std::string path;                       ///< "<island>/link"
  std::string version;                    ///< of the software
  std::string address;                    ///< "https://host:port" of the cloud
  ports::client_credentials credentials;  ///< an administrator's certificate, or one for this very controller
  ports::transport& transport;
  mesh& links;  ///< of this island, with the uplink "/cloud"
  timing times{};
  caf::actor parent;          ///< gets base::ready when it tries for the first time; may be null
  ports::pki* pki = nullptr;  ///< null, or the island is no controller: the certificate is not renewed
  /// Called on the actor's thread with a renewed certificate and key, to be saved.
  renewal::saver on_renewed{};
  int64_t renew_before_ms = renew_before_ms_default;
};

struct island_connected {
  uint64_t generation = 0;
  caf::expected<ports::connection_ptr> connection;
};
struct island_link_tick {
  uint64_t generation = 0;
};
struct island_link_retry {
  uint64_t generation = 0;
};

/// Internal state of an island's link; public only because CAF constructs it.
class island_link_state {
public:
  static inline const char* name = "island_link";
  explicit island_link_state(base::actor* self) : self_(self) {}
  caf::behavior make(island_link_args args);

private:
  enum class phase : uint8_t { waiting, connecting, greeting, up };
  void connect();
  void on_connected(const island_connected& m);
  void on_frames(const wire_frames& m);
  void on_frame(const frame& f);
  void on_welcome();
  void renew_if_due();
  void on_joined(schema::Joined::Reader j);
  void on_tick();
  void arm_tick();
  void fail(const caf::error& why, uint32_t retry_after_ms = 0);
  int64_t now() const { return args_->ctx.clock.steady_ms(); }

  base::actor* self_;
  std::unique_ptr<island_link_args> args_;
  std::unique_ptr<renewal> renewal_;
  backoff backoff_;
  phase phase_ = phase::waiting;
  uint64_t generation_ = 0, boot_ = 0;
  wire wire_;
  std::optional<liveness> live_;
  int64_t greeted_ms_ = 0;
  std::string last_error_;
};

/// Joins an island that is no node to the cloud, and keeps it joined: connects, says hello with the island's path,
/// hands the connection to the mesh, tells a half-open line, comes back with a jittered backoff. `mesh::observe` tells
/// how it is. Needs no disk of its own; the mesh may have one.
caf::behavior island_link(base::stateful<island_link_state>* self, island_link_args args);

}  // namespace skerry::link

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::island_connected)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::island_link_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::island_link_retry)
