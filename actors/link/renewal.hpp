#pragma once
#include <functional>
#include <string>

#include "actors/ports/pki.hpp"
#include "actors/ports/transport.hpp"
#include "schema/link.capnp.h"

namespace skerry::link {

/// Keeps the certificate of a link's outer end good: before it ends, a new key is made here and the cloud is asked,
/// over the session that the old one opened, to sign for it. Belongs to one actor.
class renewal {
public:
  /// Writes a renewed certificate and key where the next start finds them.
  using saver = std::function<caf::expected<void>(const ports::client_credentials&)>;

  /// `pki` null: never. `before_ms`: so long before its end a certificate is renewed. `save` may be empty.
  renewal(ports::pki* pki, ports::certificate_names names, int64_t before_ms, saver save);

  /// What to send to the cloud now, `Join` with this certificate request (PEM); empty: nothing is due, or it has been
  /// asked. Errors: of the pki.
  caf::expected<std::string> due(const ports::client_credentials& present, int64_t wall_ms);
  /// The session has ended: what was asked is not answered any more.
  void reset() { key_pem_.clear(); }
  /// The cloud's answer: saves it, then puts it into `present`. Returns when it ends, in Unix milliseconds. Errors:
  /// errc::conflict (it was not asked for), of the pki (it does not parse), of `save`.
  caf::expected<int64_t> take(schema::Joined::Reader answer, ports::client_credentials& present);

private:
  ports::pki* pki_;
  ports::certificate_names names_;
  int64_t before_ms_;
  saver save_;
  std::string key_pem_;  ///< of the request under way
};

inline constexpr int64_t renew_before_ms_default = 30LL * 24 * 3600 * 1000;

}  // namespace skerry::link
