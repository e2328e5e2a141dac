#pragma once
#include <optional>

#include "actors/base/actor.hpp"
#include "actors/link/cloud.hpp"
#include "actors/link/liveness.hpp"
#include "actors/link/wire.hpp"

namespace skerry::link {

struct island_session_args {
  const cloud_parts& parts;
  std::string path;
  uint64_t id = 0;
  ports::connection_ptr connection;
  caf::actor hub;
};

struct island_session_tick {};

/// Internal state of an island's session; public only because CAF constructs it.
class island_session_state {
public:
  static inline const char* name = "island_session";
  explicit island_session_state(base::actor* self) : self_(self) {}
  caf::behavior make(island_session_args args);

private:
  void on_frames(const wire_frames& m);
  void on_frame(const frame& f);
  void on_hello(schema::Hello::Reader h);
  void welcome();
  void on_renewal(schema::Join::Reader j);
  void on_tick();
  void end(errc code, const std::string& why, uint32_t retry_after_ms = 0);
  int64_t now() const { return args_->parts.ctx.clock.steady_ms(); }

  base::actor* self_;
  std::unique_ptr<island_session_args> args_;
  wire wire_;
  std::string island_;  ///< empty: no hello yet
  bool up_ = false, over_ = false;
  int64_t opened_ms_ = 0;
  std::optional<liveness> live_;
};

/// The cloud's end of the link of an island that is no node: a controller or a REPL. Letters alone cross it: it gets no
/// desired set and reports no facts. Which island it may be is `may_be_island`'s to say, by its certificate.
caf::behavior island_session(base::stateful<island_session_state>* self, island_session_args args);

inline constexpr std::string_view masters_organization = "system:masters";

/// Does this certificate let its holder join as an island that is no node?
bool is_island_peer(const ports::peer_identity& peer);
/// errc::forbidden or errc::invalid if the holder may not be `island`: an administrator (O system:masters) may be any
/// controller or REPL, a controller (CN skerry:controller:<name>, O skerry:controllers) "/controller/<name>" alone.
caf::error may_be_island(const ports::peer_identity& peer, std::string_view island);

}  // namespace skerry::link

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::island_session_tick)
