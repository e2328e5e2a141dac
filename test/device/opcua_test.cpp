#include "schema/device/opcua.hpp"
#include "test/json.hpp"

#include <boost/test/unit_test.hpp>

using namespace skerry;
using device::opcua_address;

namespace {

using test::parsed;

std::string wrong_key(const std::string& text) {
  auto r = device::read_opcua_address(parsed(text).as_object());
  const auto* p = std::get_if<device::problem>(&r);
  return p == nullptr ? "" : p->key;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(opcua_configuration)

BOOST_AUTO_TEST_CASE(addresses) {
  auto r = device::read_opcua_address(
      parsed("{'url':'opc.tcp://h:4840/x','userName':'u','password':'p','securityMode':'Sign','securityPolicy':"
             "'http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256','certificate':'/c','privateKey':'/k',"
             "'remoteCertificate':'/r','timeout':'500'}")
          .as_object());
  auto& a = std::get<opcua_address>(r);
  BOOST_TEST(a.url == "opc.tcp://h:4840/x");
  BOOST_TEST((a.security == opcua_address::mode::sign));
  BOOST_TEST(a.remote_certificate == "/r");
  BOOST_TEST(a.timeout_ms == 500u);
  auto plain = std::get<opcua_address>(device::read_opcua_address(parsed("{'url':'opc.tcp://h'}").as_object()));
  BOOST_TEST((plain.security == opcua_address::mode::none));
  BOOST_TEST(plain.session() != a.session());
  BOOST_TEST(wrong_key("{'url':'opc.tcp://h','securityMode':'None','securityPolicy':'None'}").empty());
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_named) {
  const std::string files = ",'certificate':'/c','privateKey':'/k','remoteCertificate':'/r'}";
  for (const auto* text : {"{}", "{'url':'http://h'}", "{'url':'opc.tcp://'}"}) BOOST_TEST(wrong_key(text) == "url");
  const std::string h = "{'url':'opc.tcp://h',";
  BOOST_TEST(wrong_key(h + "'securityMode':'sealed'}") == "securityMode");
  BOOST_TEST(wrong_key(h + "'securityMode':'Sign'" + files) == "securityMode");
  BOOST_TEST(wrong_key(h + "'securityMode':'Sign','securityPolicy':'None'" + files) == "securityMode");
  BOOST_TEST(wrong_key(h + "'securityMode':'None','securityPolicy':'Basic256Sha256'" + files) == "securityMode");
  BOOST_TEST(wrong_key(h + "'securityPolicy':'Basic128Rsa15'}") == "securityPolicy");
  BOOST_TEST(wrong_key(h + "'securityPolicy':'Basic256Sha256'}") == "certificate");
  BOOST_TEST(wrong_key(h + "'securityPolicy':'Basic256Sha256','certificate':'/c','privateKey':'/k'}") ==
             "remoteCertificate");
  BOOST_TEST(wrong_key(h + "'certificate':'relative'}") == "certificate");
  BOOST_TEST(wrong_key(h + "'timeout':99}") == "timeout");
  BOOST_TEST(wrong_key(h + "'samplingInterval':'x'}") == "samplingInterval");
  BOOST_TEST(wrong_key(h + "'userName':'" + std::string(2'000, 'u') + "'}") == "userName");
}

BOOST_AUTO_TEST_CASE(nodes) {
  auto fine = [](const std::string& node) {
    return std::holds_alternative<device::opcua_visitor>(device::read_opcua_visitor(json::object{{"nodeID", node}}));
  };
  for (const auto* node :
       {"ns=2;i=3", "i=2258", "ns=1;s=Temperature", "ns=65535;s=a;b=c", "ns=1;g=09087e75-8e5e-499b-954f-f2a9603db28a"})
    BOOST_TEST(fine(node), node);
  for (const auto* node : {"", "3", "ns=2", "ns=;i=3", "ns=65536;i=3", "ns=-1;i=3", "ns=2;i=", "ns=2;i=4294967296",
                           "ns=2;i=x", "ns=2;q=3"})
    BOOST_TEST(!fine(node), node);
  BOOST_TEST(!fine(std::string(2'000, 's')));
}

BOOST_AUTO_TEST_SUITE_END()
