// Controllers join as nodes do, with tokens that are for them.
#include <boost/json/serialize.hpp>

#include "actors/link/join.hpp"
#include "actors/link/tokens.hpp"
#include "test/link/world.hpp"

using namespace skerry;
using namespace skerry::test;

BOOST_AUTO_TEST_SUITE(controller_joins)

BOOST_AUTO_TEST_CASE(a_token_is_for_one_controller_or_for_nodes) {
  world w{9};
  auto put_token = [&](const link::token& t, const char* controller) {
    auto secret = link::make_token_secret(t, 0, "test", controller);
    w.create("secrets", "kube-system", link::token_secret_name(t.id), "t-" + t.id, json::serialize(secret));
    return link::format_full_token(*w.pki.fingerprint(w.ca.certificate_pem), t);
  };
  auto mine = put_token(link::make_token(w.chance), "op-a"), nodes = put_token(link::make_token(w.chance), "");
  auto try_join = [&](const std::string& token, const std::string& node, const std::string& controller) {
    caf::expected<ports::client_credentials> out{make_error(errc::internal, "unanswered")};
    link::join(w.net, w.pki, {"cloud:6443", token, node, controller},
               [&](caf::expected<ports::client_credentials> r) { out = std::move(r); });
    w.until([&] { return out || code_of(out.error()) != errc::internal; }, 60'000);
    return out;
  };
  auto code = [&](const std::string& token, const std::string& node, const std::string& controller) {
    auto r = try_join(token, node, controller);
    return r ? errc::none : code_of(r.error());
  };
  auto joined = try_join(mine, "", "op-a");
  BOOST_REQUIRE((joined));
  auto who = sim::sim_pki::identity_of(joined->certificate_pem);
  BOOST_TEST(who.common_name == "skerry:controller:op-a");
  BOOST_TEST(link::controller_of_peer(who) == "op-a");
  BOOST_TEST(link::node_of_peer(who) == "");
  BOOST_TEST((code(mine, "", "op-b") == errc::unauthorized));
  BOOST_TEST((code(mine, "n1", "") == errc::unauthorized));
  BOOST_TEST((code(nodes, "", "op-a") == errc::unauthorized));
  BOOST_TEST((code(mine, "", "Op A") == errc::invalid));
  BOOST_TEST((code(nodes, "n1", "") == errc::none));
}

BOOST_AUTO_TEST_SUITE_END()
