#include "drivers/pki/openssl.hpp"
#include "schema/error.hpp"
#include "tools/skerry/cloud.hpp"
#include "tools/skerry/commands.hpp"
#include "tools/skerry/edge.hpp"

namespace skerry::tools {
namespace {

constexpr int certificate_days = 365;

/// The node of this machine needs no token: its certificate is signed here, in the process that holds the authority.
caf::expected<void> enroll(cloud& c, const options& o) {
  auto known = load_node_identity(o.data_dir);
  if (known && known->node == o.node && known->server == "https://" + c.address()) return caf::unit;
  if (!known && code_of(known.error()) != errc::not_found) return known.error();
  const auto& id = c.identity();
  auto pair = c.pki().issue(id.authority, {"system:node:" + o.node, {"system:nodes"}, {}, false}, certificate_days);
  if (!pair) return pair.error();
  return save_node_identity(o.data_dir, {o.node, "https://" + c.address(), id.authority.certificate_pem,
                                         pair->certificate_pem, pair->key_pem});
}

}  // namespace

int run_up(const options& o, const extensions& with) {
  if (!o.words.empty()) return misuse(o, "unexpected '" + o.words[0] + "'");
  auto c = cloud::start(o, with);
  if (!c) return fail(o, c.error());
  if (auto r = enroll(**c, o); !r) return fail(o, message_of(r.error()));
  auto e = edge::start(o, with);
  if (!e) return fail(o, e.error());
  return (*e)->await_end();
}

}  // namespace skerry::tools
