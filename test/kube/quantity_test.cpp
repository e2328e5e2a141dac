#include <boost/test/unit_test.hpp>

#include "schema/kube/fmt.hpp"
#include "schema/kube/quantity.hpp"
#include "test/kube/support.hpp"

using namespace skerry;
using namespace skerry::kube;
using namespace skerry::kube::test;

BOOST_AUTO_TEST_SUITE(quantity_suite)

BOOST_AUTO_TEST_CASE(canonical_forms) {
  struct row {
    const char *given, *canonical;
  };
  for (auto [given, canonical] : std::initializer_list<row>{{"0", "0"},
                                                            {"1", "1"},
                                                            {"100m", "100m"},
                                                            {"0.1", "100m"},
                                                            {"1000m", "1"},
                                                            {"1500m", "1500m"},
                                                            {"0.5", "500m"},
                                                            {".5", "500m"},
                                                            {"5.", "5"},
                                                            {"2000", "2k"},
                                                            {"1500", "1500"},
                                                            {"1e3", "1e3"},
                                                            {"1E3", "1e3"},
                                                            {"12e4", "120e3"},
                                                            {"1E", "1E"},
                                                            {"1024Mi", "1Gi"},
                                                            {"1.5Gi", "1536Mi"},
                                                            {"512Ki", "512Ki"},
                                                            {"1Gi", "1Gi"},
                                                            {"0.5Ki", "512"},
                                                            {"1000Ki", "1000Ki"},
                                                            {"128974848", "128974848"},
                                                            {"129e6", "129e6"},
                                                            {"129M", "129M"},
                                                            {"123Mi", "123Mi"},
                                                            {"-1", "-1"},
                                                            {"-1.5Gi", "-1536Mi"},
                                                            {"+3", "3"},
                                                            {"1n", "1n"},
                                                            {"0.1n", "1n"},
                                                            {"1u", "1u"},
                                                            {"100000m", "100"},
                                                            {"0Mi", "0"},
                                                            {"1000000", "1M"},
                                                            {"3.0", "3"},
                                                            {"9223372036854775807", "9223372036854775807"},
                                                            {"16Ei", "16Ei"}}) {
    BOOST_TEST_CONTEXT(given) {
      auto q = quantity::parse(given);
      BOOST_REQUIRE(q.has_value());
      BOOST_TEST(q->to_string() == canonical);
      auto again = quantity::parse(q->to_string());
      BOOST_REQUIRE(again.has_value());
      BOOST_TEST((*again == *q));
      BOOST_TEST(again->to_string() == canonical);
    }
  }
}

BOOST_AUTO_TEST_CASE(these_are_none) {
  for (auto text : {"", ".", "-", "a", "1x", "1mi", "1KI", "1 Gi", " 1", "1ee3", "1e", "1e+", "--1", "1.2.3", "1Kib",
                    "0x1", "1e9999", "Gi"})
    BOOST_TEST(!quantity::parse(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(what_is_plainly_canonical_is_canonical) {
  for (auto text : {"0",
                    "1",
                    "999",
                    "1000",
                    "1500",
                    "100m",
                    "1000m",
                    "0m",
                    "1Ki",
                    "1024Ki",
                    "1023Mi",
                    "64Mi",
                    "1Gi",
                    "01",
                    "1k",
                    "1.5",
                    "",
                    "m",
                    "Mi",
                    "123456789012345",
                    "1234567890123456",
                    "00",
                    "0Mi"}) {
    if (!quantity::plainly_canonical(text)) continue;
    auto q = quantity::parse(text);
    BOOST_REQUIRE(q.has_value());
    BOOST_TEST(q->to_string() == text);
  }
  BOOST_TEST((quantity::plainly_canonical("100m") && quantity::plainly_canonical("64Mi") &&
              !quantity::plainly_canonical("1024Mi")));
}

BOOST_AUTO_TEST_CASE(values_round_up) {
  BOOST_TEST(quantity::parse("100m")->milli() == 100);
  BOOST_TEST(quantity::parse("1")->milli() == 1000);
  BOOST_TEST(quantity::parse("100m")->value() == 1);
  BOOST_TEST(quantity::parse("1500m")->value() == 2);
  BOOST_TEST(quantity::parse("-1500m")->value() == -2);
  BOOST_TEST(quantity::parse("1u")->milli() == 1);
  BOOST_TEST(quantity::parse("64Mi")->value() == 64 * 1024 * 1024);
  BOOST_TEST(quantity::parse("100Ei")->value() == INT64_MAX);
  BOOST_TEST(quantity::parse("999999999999999999999999999999999999999999999Ei")->value() == INT64_MAX);
  BOOST_TEST(quantity::from_milli(250).to_string() == "250m");
  BOOST_TEST(quantity::from_value(1 << 20, quantity::format::binary_si).to_string() == "1Mi");
}

BOOST_AUTO_TEST_CASE(sums_and_comparisons) {
  auto a = *quantity::parse("1500m"), b = *quantity::parse("0.5");
  BOOST_TEST((a + b).to_string() == "2");
  BOOST_TEST((a - b).to_string() == "1");
  BOOST_TEST((b - a).to_string() == "-1");
  BOOST_TEST((a > b));
  BOOST_TEST((*quantity::parse("1Ki") > *quantity::parse("1k")));
  BOOST_TEST((*quantity::parse("1024") == *quantity::parse("1Ki")));
  quantity sum;
  sum += *quantity::parse("64Mi");
  sum += *quantity::parse("64Mi");
  BOOST_TEST(sum.to_string() == "128Mi");
}

BOOST_AUTO_TEST_CASE(json_numbers_are_quantities) {
  BOOST_TEST(quantity::from_json(js("2"))->to_string() == "2");
  BOOST_TEST(quantity::from_json(js("0.5"))->to_string() == "500m");
  BOOST_TEST(quantity::from_json(js("'1Gi'"))->to_string() == "1Gi");
  BOOST_TEST(!quantity::from_json(js("true")).has_value());
  BOOST_TEST(!quantity::from_json(js("null")).has_value());
}

BOOST_AUTO_TEST_CASE(integers_or_percentages) {
  BOOST_TEST(*int_or_percent(js("3"), 10, true) == 3);
  BOOST_TEST(*int_or_percent(js("'25%'"), 10, true) == 3);
  BOOST_TEST(*int_or_percent(js("'25%'"), 10, false) == 2);
  BOOST_TEST(*int_or_percent(js("'0%'"), 10, true) == 0);
  BOOST_TEST(*int_or_percent(js("'100%'"), 7, false) == 7);
  for (auto text : {"'25'", "'%'", "'x%'", "true", "'-5%'", "''"})
    BOOST_TEST(!int_or_percent(js(text), 10, true).has_value(), text);
}

BOOST_AUTO_TEST_CASE(durations_as_kubectl_prints_them) {
  struct row {
    int64_t seconds;
    const char* text;
  };
  for (auto [seconds, text] : std::initializer_list<row>{
           {-5, "<invalid>"}, {-1, "0s"},         {0, "0s"},         {1, "1s"},      {119, "119s"},
           {120, "2m"},       {330, "5m30s"},     {599, "9m59s"},    {600, "10m"},   {10799, "179m"},
           {10800, "3h"},     {11700, "3h15m"},   {28799, "7h59m"},  {28800, "8h"},  {172799, "47h"},
           {172800, "2d"},    {183600, "2d3h"},   {691199, "7d23h"}, {691200, "8d"}, {63071999, "729d"},
           {63072000, "2y"},  {63158400, "2y1d"}, {252288000, "8y"}})
    BOOST_TEST(human_duration(seconds * 1000) == text);
  BOOST_TEST(human_age("2026-11-23T10:00:00Z", *parse_time("2026-11-23T10:05:30Z")) == "5m30s");
  BOOST_TEST(human_age("", 0) == "<unknown>");
}

BOOST_AUTO_TEST_SUITE_END()
