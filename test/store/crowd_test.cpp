#include "actors/store/crowd.hpp"

#include <boost/test/unit_test.hpp>

using skerry::store::crowd;

namespace {

/// Feeds a batch that this many writers join, of those from `first` on; returns for how many turns it was held open.
int batch(crowd& c, uint64_t first, size_t writers) {
  int turns = 0;
  for (size_t i = 1; i <= writers; ++i) {
    c.met(first + i);
    if (i < writers) turns += c.worth_waiting(i);
  }
  while (turns < 1000 && c.worth_waiting(writers)) ++turns;
  c.wrote(writers);
  return turns;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crowds)

BOOST_AUTO_TEST_CASE(one_writer_alone_never_waits) {
  crowd c;
  for (int i = 0; i < 50; ++i) BOOST_TEST(batch(c, 0, 1) == 0);
}

BOOST_AUTO_TEST_CASE(two_halves_become_one) {
  crowd c;
  batch(c, 0, 8);
  batch(c, 8, 8);
  // Eight are here: the other eight are worth waiting for; with all sixteen nothing is.
  for (uint64_t i = 1; i <= 15; ++i) {
    c.met(i);
    BOOST_TEST(c.worth_waiting(i));
  }
  c.met(16);
  BOOST_TEST(!c.worth_waiting(16));
}

BOOST_AUTO_TEST_CASE(a_large_crowd_takes_turns_and_a_small_one_does_not) {
  crowd c;
  for (int i = 0; i < 10; ++i) batch(c, 0, 8);
  BOOST_TEST(!c.overlaps());
  batch(c, 0, 16);
  batch(c, 0, 16);
  BOOST_TEST(c.overlaps());
  // Half of them is enough for a batch, and keeps it so.
  for (uint64_t i = 0; i < 10; ++i) {
    for (uint64_t k = 1; k <= 8; ++k) {
      c.met(i % 2 * 8 + k);
      BOOST_TEST(c.worth_waiting(k) == (k < 8));
    }
    c.wrote(8);
    BOOST_TEST(c.overlaps());
  }
  batch(c, 0, 2);
  batch(c, 0, 2);
  BOOST_TEST(!c.overlaps());
}

BOOST_AUTO_TEST_CASE(who_does_not_come_back_is_waited_for_but_a_little) {
  crowd c;
  batch(c, 0, 16);
  batch(c, 0, 16);
  int turns = 0;
  for (uint64_t i = 0; i < 40; ++i) turns += batch(c, 100 + 4 * i, 4);
  BOOST_TEST(turns < 1000);  // of 4,000
}

BOOST_AUTO_TEST_SUITE_END()
