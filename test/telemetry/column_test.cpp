#include "actors/telemetry/column.hpp"

#include <boost/test/unit_test.hpp>
#include <random>

#include "actors/telemetry/bytes.hpp"
#include "schema/error.hpp"

using namespace skerry;
using namespace skerry::telemetry;
using ports::quality;

namespace {

std::vector<sample> column_of(std::initializer_list<const char*> texts) {
  std::vector<sample> out;
  for (const auto* t : texts) {
    out.push_back({1'700'000'000'000 + static_cast<int64_t>(out.size()) * 1'000, quality::good, value_of(t)});
  }
  return out;
}

void there_and_back(const std::vector<sample>& samples) {
  auto back = unpack(pack(samples));
  BOOST_REQUIRE(back);
  BOOST_REQUIRE_EQUAL(back->size(), samples.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    BOOST_TEST((*back)[i].time_ms == samples[i].time_ms);
    BOOST_TEST(((*back)[i].state == samples[i].state));
    BOOST_TEST(text_of((*back)[i]) == text_of(samples[i]));
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(telemetry_column)

BOOST_AUTO_TEST_CASE(values_are_what_a_twin_shows) {
  for (const auto* t : {"0",     "-7",    "9223372036854775807",
                        "21.5",  "-0.25", "1e+300",
                        "true",  "",      "007",
                        "0x10",  "nan",   "inf",
                        "-inf",  " 1",    "1 ",
                        "+1",    "-",     "-0",
                        "1e999", "12.50", "a b",
                        "00.5"})
    BOOST_TEST(text_of({0, quality::good, value_of(t)}) == (std::string_view{t} == "12.50" ? "12.5" : t));
  BOOST_TEST(std::holds_alternative<int64_t>(value_of("42")));
  BOOST_TEST(std::holds_alternative<double>(value_of("42.5")));
  BOOST_TEST(std::holds_alternative<std::string>(value_of("007")));
}

BOOST_AUTO_TEST_CASE(what_is_packed_is_there_again) {
  there_and_back({});
  there_and_back(column_of({"1"}));
  there_and_back(column_of({"1", "2", "3", "-9223372036854775808", "9223372036854775807"}));
  there_and_back(column_of({"21.5", "21.6", "21", "-3.125", "0.000000001"}));
  there_and_back(column_of({"3.141592653589793", "2.718281828459045", "1e+300", "5e-324", "0"}));
  there_and_back(column_of({"on", "off", "on", "on", "", "21.5"}));
  there_and_back(column_of({"9223372036854775807", "0.5"}));
}

BOOST_AUTO_TEST_CASE(times_need_not_be_in_order) {
  auto c = column_of({"1", "2", "3"});
  c[1].time_ms = 5;
  c[2].time_ms = 9'000'000'000'000'000;
  there_and_back(c);
}

BOOST_AUTO_TEST_CASE(qualities_are_kept_and_bad_ones_have_no_value) {
  auto c = column_of({"1", "2", "3", "4"});
  c[0].state = quality::uncertain;
  c[2] = {c[2].time_ms, quality::bad, {}};
  there_and_back(c);
}

BOOST_AUTO_TEST_CASE(a_value_that_changes_slowly_costs_less_than_three_bytes) {
  std::mt19937 chance{1};
  std::vector<sample> c;
  double value = 21.5;
  int64_t at = 1'700'000'000'000;
  for (int i = 0; i < 3'600; ++i) {
    at += 1'000 + static_cast<int64_t>(chance() % 7) - 3;
    if (chance() % 10 == 0) value = std::round((value + (chance() % 2 == 0 ? 0.1 : -0.1)) * 10) / 10;
    c.push_back({at, quality::good, value});
  }
  there_and_back(c);
  BOOST_TEST(static_cast<double>(pack(c).size()) / 3'600 < 2.5);
}

BOOST_AUTO_TEST_CASE(a_count_without_samples_is_corrupt) {
  std::string huge;
  put_number(huge, 60'000);
  huge += '\0';
  auto r = unpack(huge + "abc");
  BOOST_REQUIRE(!r);
  BOOST_TEST((code_of(r.error()) == errc::corrupt));
}

BOOST_AUTO_TEST_CASE(texts_that_blow_up_are_corrupt) {
  // One text of 64 kB, named again by a byte each.
  std::vector<sample> c;
  std::string text(64 * 1024, 'x');
  for (int i = 0; i < 1'000; ++i) c.push_back({i, quality::good, text});
  auto packed = pack(c);
  BOOST_TEST(packed.size() < 70'000);
  BOOST_TEST(!unpack(packed));
}

BOOST_AUTO_TEST_CASE(hostile_bytes_are_corrupt_or_a_column) {
  std::mt19937 chance{7};
  std::vector<std::string> good = {pack(column_of({"1", "2", "3", "70000"})), pack(column_of({"21.5", "22", "22.25"})),
                                   pack(column_of({"a", "b", "a"})),
                                   pack(column_of({"3.141592653589793", "2.7", "1e+30"}))};
  size_t refused = 0;
  for (int round = 0; round < 50'000; ++round) {
    auto bytes = good[chance() % good.size()];
    for (auto n = chance() % 4; n-- > 0 && !bytes.empty();)
      bytes[chance() % bytes.size()] = static_cast<char>(chance());
    if (chance() % 3 == 0) bytes.resize(chance() % (bytes.size() + 1));
    auto read = unpack(bytes);
    if (!read) {
      ++refused;
      continue;
    }
    // What was read is the same when it is packed and read again.
    auto again = unpack(pack(*read));
    BOOST_REQUIRE(again);
    BOOST_REQUIRE(*again == *read || read->size() == again->size());
  }
  BOOST_TEST(refused > 1'000U);
}

BOOST_AUTO_TEST_SUITE_END()
