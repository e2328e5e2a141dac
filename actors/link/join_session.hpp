#pragma once

#include "actors/base/actor.hpp"
#include "actors/link/cloud.hpp"
#include "actors/link/wire.hpp"

namespace skerry::link {

struct join_session_args {
  const cloud_parts& parts;
  std::string path;
  ports::connection_ptr connection;
  caf::actor hub;
};

struct join_deadline {};

/// Internal state of a join; public only because CAF constructs it.
class join_session_state {
public:
  static inline const char* name = "join_session";
  explicit join_session_state(base::actor* self) : self_(self) {}
  caf::behavior make(join_session_args args);

private:
  void on_join(schema::Join::Reader j);
  caf::error check_purpose(const json::value& secret, const std::string& node, const std::string& controller) const;
  void sign(const std::string& who, const ports::certificate_names& names, const std::string& csr);
  void refuse(const caf::error& why);
  void refuse(errc code, const std::string& why) { refuse(make_error(code, why)); }

  base::actor* self_;
  std::unique_ptr<join_session_args> args_;
  wire wire_;
  bool asked_ = false;
};

/// One connection without a client certificate: takes one Join within limits::connect_ms_max, checks its token against
/// the Secret kube-system/bootstrap-token-<id>, signs the request for exactly CN=system:node:<name>, O=system:nodes
/// (or, with a token that is for it, CN=skerry:controller:<name>, O=skerry:controllers), and ends. A name whose node
/// has a session now is refused: a token must not take a living node's place.
caf::behavior join_session(base::stateful<join_session_state>* self, join_session_args args);

}  // namespace skerry::link

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::link::join_deadline)
