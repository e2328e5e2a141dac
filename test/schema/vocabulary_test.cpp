#include "schema/vocabulary.hpp"

#include <boost/test/unit_test.hpp>

#include "schema/probe.capnp.h"

using namespace skerry;

namespace {

template <class T>
caf::message probe(uint64_t number, const char* key) {
  return caf::make_message(letter<T>::build([&](typename T::Builder b) {
    b.setNumber(number);
    b.setKey(key);
  }));
}

struct counting_account : mailbox_account {
  size_t bytes = 0;
  void released(size_t n) noexcept override { bytes += n; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(vocabulary_of_messages)

BOOST_AUTO_TEST_CASE(annotations_say_how_a_message_crosses) {
  vocabulary words;
  add_standard(words);
  auto how = [&](const char* name) { return words.find(name)->delivery(); };
  BOOST_TEST((how("Probe").how == delivery::kind::fleeting));
  BOOST_TEST(how("Probe").ttl_ms == 10'000u);
  BOOST_TEST((how("Probe").priority == delivery::queue::state));
  BOOST_TEST((how("ProbeState").how == delivery::kind::latest));
  BOOST_TEST(how("ProbeState").key_field == "key");
  BOOST_TEST((how("ProbeFact").how == delivery::kind::durable));
  BOOST_TEST((how("ProbeFact").priority == delivery::queue::fact));
  BOOST_TEST(how("ProbeBulk").ttl_ms == 60'000u);
  BOOST_TEST((how("ProbeBulk").priority == delivery::queue::bulk));
}

BOOST_AUTO_TEST_CASE(a_message_is_found_by_id_name_and_content_and_comes_back_from_its_bytes) {
  vocabulary words;
  add_standard(words);
  auto m = probe<schema::ProbeState>(7, "door");
  const auto* t = words.of(m.content());
  BOOST_REQUIRE(t != nullptr);
  BOOST_TEST(t->name() == "ProbeState");
  BOOST_TEST(words.find(t->id()) == t);
  BOOST_TEST(words.find("ProbeState") == t);
  BOOST_TEST(t->key_of(m.content()) == "door");
  auto again = t->make(t->bytes_of(m.content()));
  BOOST_REQUIRE(again);
  BOOST_TEST((*again->get_as<letter<schema::ProbeState>>(0)).getNumber() == 7u);
  BOOST_TEST(t->share(m.content()).get_as<letter<schema::ProbeState>>(0).same(m.get_as<letter<schema::ProbeState>>(0)));
  BOOST_TEST(words.of(caf::make_message(1).content()) == nullptr);
  vocabulary empty;
  BOOST_TEST(empty.of(m.content()) == nullptr);
  BOOST_TEST(empty.find("ProbeState") == nullptr);
}

BOOST_AUTO_TEST_CASE(an_element_tells_its_account_when_the_mailbox_lets_it_go) {
  vocabulary words;
  add_standard(words);
  auto m = probe<schema::Probe>(1, "k");
  auto bytes = words.find("Probe")->bytes_of(m.content());
  auto account = std::make_shared<counting_account>();
  {
    auto element = words.find("Probe")->make_element(bytes, nullptr, caf::make_message_id(), account);
    BOOST_REQUIRE(element);
    auto copy = (*element)->copy_content_to_message();
    BOOST_TEST(account->bytes == 0u);
    *element = nullptr;
    BOOST_TEST(account->bytes == bytes.size());
    BOOST_TEST((*copy.get_as<letter<schema::Probe>>(0)).getNumber() == 1u);
  }
  BOOST_TEST(account->bytes == bytes.size());
}

BOOST_AUTO_TEST_SUITE_END()
