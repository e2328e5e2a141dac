// The checker itself: it must see what it is there to see.
#include <boost/test/unit_test.hpp>

#include "test/proof/record.hpp"

using skerry::test::proof::sent_record;

BOOST_AUTO_TEST_SUITE(record)

BOOST_AUTO_TEST_CASE(sees_loss_doubles_and_disorder) {
  sent_record r;
  BOOST_TEST(r.next() == 1u);
  for (uint64_t n = 1; n <= 5; ++n) r.sent(n);
  BOOST_TEST(r.next() == 6u);
  BOOST_TEST(r.check({1, 2, 3, 4, 5}) == "");
  BOOST_TEST(r.check({1, 2, 4, 5}).find("letter 3 is lost") == 0u);
  BOOST_TEST(r.check({1, 2, 3, 4}).find("letter 5 did not arrive") == 0u);
  BOOST_TEST(r.check({1, 2, 2, 3, 4, 5}).find("letter 2 took effect twice") == 0u);
  BOOST_TEST(r.check({1, 3, 2, 4, 5}) != "");
  BOOST_TEST(r.check({1, 2, 3, 4, 5, 1}).find("letter 1 came after 5") == 0u);
  BOOST_TEST(r.check({1, 2, 3, 4, 5, 6}).find("letter 6 was never sent") == 0u);
  BOOST_TEST(r.check({}) != "");
}

BOOST_AUTO_TEST_CASE(what_may_be_lost_may_arrive_too) {
  sent_record r;
  r.sent(1);
  r.about(2);
  r.sent(3);
  r.may_be_lost(3);
  r.sent(4);
  BOOST_TEST(r.check({1, 4}) == "");
  BOOST_TEST(r.check({1, 2, 3, 4}) == "");
  BOOST_TEST(r.check({1, 2, 4}) == "");
  BOOST_TEST(r.check({2, 3, 4}) != "");
}

BOOST_AUTO_TEST_SUITE_END()
