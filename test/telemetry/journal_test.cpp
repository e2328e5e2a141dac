#include "actors/telemetry/journal.hpp"

#include <boost/test/unit_test.hpp>

#include "actors/telemetry/column.hpp"
#include "sim/ports/memory_kv.hpp"

using namespace skerry;
using namespace skerry::telemetry;
using ports::quality;

namespace {

const source boiler{"shop", "boiler", "u1"};

struct scene {
  sim::memory_kv disk;
  std::unique_ptr<journal> j;
  frame_builder b;
  int64_t at = 1'000;

  explicit scene(size_t bytes_max = 1 << 20) { open(bytes_max); }
  void open(size_t bytes_max = 1 << 20) {
    j = std::make_unique<journal>(disk, bytes_max);
    BOOST_REQUIRE(!j->load("j1"));
  }
  void add(int64_t value) {
    b.add(boiler, "t", {at += 10, quality::good, value});
    BOOST_REQUIRE(!j->add(b));
  }
  /// The values of all frames, in order.
  std::vector<int64_t> values() {
    std::vector<int64_t> out;
    uint64_t last = 0;
    while (true) {
      auto e = j->next_after(last);
      BOOST_REQUIRE(e);
      if (!*e) return out;
      last = (**e).sequence;
      auto frame =
          letter<schema::SampleFrame>::from_bytes(std::as_bytes(std::span{(**e).bytes.data(), (**e).bytes.size()}));
      BOOST_REQUIRE(frame);
      for (auto d : (**frame).getDevices())
        BOOST_REQUIRE(!visit_series(view_of(d.getSeries()), [&](std::string_view, std::string_view column) {
          auto samples = unpack(column);
          BOOST_REQUIRE(samples);
          for (auto& s : *samples) out.push_back(std::get<int64_t>(s.value));
        }));
    }
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(telemetry_journal)

BOOST_AUTO_TEST_CASE(pieces_become_a_frame_in_their_order) {
  scene s;
  for (int64_t i = 1; i <= 5; ++i) s.add(i);
  BOOST_TEST(s.j->pieces() == 5U);
  BOOST_TEST(s.values().empty());
  BOOST_REQUIRE(!s.j->fold());
  BOOST_TEST(s.j->pieces() == 0U);
  BOOST_TEST((s.values() == std::vector<int64_t>{1, 2, 3, 4, 5}));
}

BOOST_AUTO_TEST_CASE(all_is_there_after_a_start_and_numbers_rise) {
  scene s;
  s.add(1);
  BOOST_REQUIRE(!s.j->fold());
  s.add(2);
  auto first = (*s.j->next_after(0))->sequence;
  s.open();
  BOOST_TEST(s.j->name() == "j1");
  BOOST_TEST(s.j->pieces() == 1U);
  s.add(3);
  BOOST_REQUIRE(!s.j->fold());
  BOOST_TEST((s.values() == std::vector<int64_t>{1, 2, 3}));
  // Beyond what may have been written, sent and lost with the power.
  BOOST_TEST((*s.j->next_after(first))->sequence > first + journal::start_gap);
}

BOOST_AUTO_TEST_CASE(what_the_cloud_has_is_let_go) {
  scene s;
  for (int64_t i = 1; i <= 3; ++i) {
    s.add(i);
    BOOST_REQUIRE(!s.j->fold());
  }
  auto second = (*s.j->next_after(1))->sequence;
  BOOST_REQUIRE(!s.j->acknowledge(second));
  BOOST_TEST((s.values() == std::vector<int64_t>{3}));
  BOOST_REQUIRE(!s.j->acknowledge(second + 1));
  BOOST_TEST(s.j->bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(the_oldest_make_room_and_are_counted) {
  scene s{4'096};
  for (int64_t i = 1; i <= 100; ++i) {
    s.add(i);
    BOOST_REQUIRE(!s.j->fold());
  }
  auto left = s.values();
  BOOST_TEST(s.j->bytes() <= 4'096U);
  BOOST_TEST(left.back() == 100);
  BOOST_TEST(left.size() + s.j->lost() == 100U);
  s.open(4'096);
  BOOST_TEST(s.j->lost() + left.size() == 100U);
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_told) {
  scene s;
  s.disk.fail_writes(make_error(errc::full, "no space"));
  s.b.add(boiler, "t", {1, quality::good, int64_t{1}});
  BOOST_TEST((code_of(s.j->add(s.b)) == errc::full));
  s.disk.fail_writes({});
  s.add(2);
  BOOST_REQUIRE(!s.j->fold());
  BOOST_TEST((s.values() == std::vector<int64_t>{2}));
}

BOOST_AUTO_TEST_SUITE_END()
