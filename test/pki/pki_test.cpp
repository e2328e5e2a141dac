#include <boost/test/unit_test.hpp>

#include "drivers/pki/openssl.hpp"
#include "schema/error.hpp"

using namespace skerry;

BOOST_AUTO_TEST_SUITE(pki_openssl)

BOOST_AUTO_TEST_CASE(an_authority_issues_and_fingerprints_are_of_the_der) {
  pki::openssl p;
  auto ca = p.make_authority("skerry", 3650);
  BOOST_REQUIRE(ca);
  auto pin = p.fingerprint(ca->certificate_pem);
  BOOST_REQUIRE(pin);
  BOOST_TEST(pin->size() == 7u + 64);
  BOOST_TEST(pin->starts_with("sha256:"));
  auto server = p.issue(*ca, {"skerry", {}, {"127.0.0.1", "localhost", "::1"}, true}, 365);
  BOOST_REQUIRE(server);
  BOOST_TEST(*p.fingerprint(server->certificate_pem) != *pin);
  BOOST_TEST(server->key_pem.starts_with("-----BEGIN PRIVATE KEY-----"));
  auto year = *p.expires_ms(server->certificate_pem), decade = *p.expires_ms(ca->certificate_pem);
  BOOST_TEST((decade - year) / 86'400'000 >= 3284);
  BOOST_TEST((decade - year) / 86'400'000 <= 3286);
}

BOOST_AUTO_TEST_CASE(a_request_is_signed_for_the_names_given_here_not_for_those_it_asks) {
  pki::openssl p;
  auto ca = p.make_authority("skerry", 10);
  auto request = p.make_request({"system:masters-please", {"system:masters"}, {}, false});
  BOOST_REQUIRE(request);
  auto certificate = p.sign_request(*ca, request->certificate_pem, {"system:node:a", {"system:nodes"}, {}, false}, 30);
  BOOST_REQUIRE(certificate);
  BOOST_TEST(certificate->find("BEGIN CERTIFICATE") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(broken_input_is_an_error_that_names_it) {
  pki::openssl p;
  auto ca = p.make_authority("skerry", 10);
  auto request = p.make_request({"system:node:a", {"system:nodes"}, {}, false});
  auto broken = request->certificate_pem;
  auto at = broken.size() / 2;
  broken[at] = broken[at] == 'A' ? 'B' : 'A';
  for (const auto& csr : {std::string{}, std::string{"garbage"}, broken, ca->certificate_pem}) {
    auto r = p.sign_request(*ca, csr, {"system:node:a", {"system:nodes"}, {}, false}, 30);
    BOOST_REQUIRE(!r);
    BOOST_TEST(message_of(r.error()).find("certificate request") != std::string::npos);
  }
  BOOST_TEST(!p.issue(*ca, {"x", {}, {"bad host,IP:1.2.3.4"}, true}, 1));
  BOOST_TEST(!p.issue({ca->certificate_pem, "no key"}, {"x", {}, {}, true}, 1));
  BOOST_TEST(!p.issue(*ca, {std::string(200, 'x'), {}, {}, true}, 1));
  BOOST_TEST(!p.fingerprint("nothing"));
  BOOST_TEST(!p.expires_ms("nothing"));
}

BOOST_AUTO_TEST_SUITE_END()
