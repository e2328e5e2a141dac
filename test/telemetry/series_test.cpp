#include <boost/test/unit_test.hpp>

#include "actors/telemetry/query.hpp"
#include "schema/json.hpp"
#include "sim/ports/memory_kv.hpp"

using namespace skerry;
using namespace skerry::telemetry;
using ports::quality;

namespace {

constexpr int64_t day = 24LL * 3'600'000;
constexpr int64_t midnight = 20'000 * day;  // of some day

struct scene {
  sim::memory_kv disk;
  series_limits limits;
  std::unique_ptr<series_store> store;
  uint64_t sequence = 0;
  int64_t now = midnight + 12 * 3'600'000;

  scene() { open(); }
  void open() {
    store = std::make_unique<series_store>(disk, limits);
    BOOST_REQUIRE(!store->load(now));
  }
  /// A frame of node n1 with these samples of boiler's `property`.
  void put(const std::string& property, const std::vector<sample>& samples, const std::string& name = "boiler") {
    frame_builder b;
    for (const auto& s : samples) b.add({"shop", name, "u-" + name}, property, s);
    store->put("n1", "j1", ++sequence, 0, b.take(), now);
    BOOST_REQUIRE(!store->commit());
  }
  std::string ask(const std::string& text, bool csv = true) {
    std::map<std::string, std::string, std::less<>> q;
    for (size_t at = 0; at < text.size();) {
      auto end = std::min(text.find('&', at), text.size());
      auto equals = text.find('=', at);
      q[text.substr(at, equals - at)] = text.substr(equals + 1, end - equals - 1);
      at = end + 1;
    }
    auto read = read_query(
        "shop", "boiler",
        [&](std::string_view key) -> std::string_view {
          auto i = q.find(key);
          return i == q.end() ? std::string_view{} : i->second;
        },
        csv, now);
    if (!read) return "error: " + message_of(read.error());
    auto a = run_query(*store, *read);
    return a ? a->body : "error: " + message_of(a.error());
  }
};

sample at(int64_t ms, int64_t value) { return {ms, quality::good, value}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(telemetry_series)

BOOST_AUTO_TEST_CASE(samples_are_there_before_and_after_they_are_blocks) {
  scene s;
  s.put("t", {at(s.now - 3'000, 1), at(s.now - 2'000, 2)});
  s.put("t", {at(s.now - 1'000, 3)});
  auto expected = s.ask("");
  BOOST_TEST(expected ==
             "time,property,value,quality\n2024-10-04T11:59:57.000Z,t,1,good\n2024-10-04T11:59:58.000Z,t,2,good\n"
             "2024-10-04T11:59:59.000Z,t,3,good\n");
  BOOST_REQUIRE(!s.store->seal("n1", s.now));
  BOOST_TEST(s.ask("") == expected);
  s.put("t", {at(s.now, 4)});
  s.open();
  BOOST_TEST(s.ask("") == expected + "2024-10-04T12:00:00.000Z,t,4,good\n");
}

BOOST_AUTO_TEST_CASE(the_offset_is_in_the_write_of_the_frame) {
  scene s;
  s.put("t", {at(s.now, 1)});
  BOOST_TEST(s.store->kept("n1", "j1") == 1U);
  BOOST_TEST(s.store->kept("n1", "another") == 0U);
  BOOST_TEST(s.store->kept("n2", "j1") == 0U);
  s.disk.fail_writes(make_error(errc::full, "no space"));
  frame_builder b;
  b.add({"shop", "boiler", "u"}, "t", at(s.now, 2));
  s.store->put("n1", "j1", 2, 0, b.take(), s.now);
  BOOST_TEST((code_of(s.store->commit()) == errc::full));
  BOOST_TEST(s.store->kept("n1", "j1") == 1U);
  s.disk.fail_writes({});
  s.open();
  BOOST_TEST(s.store->kept("n1", "j1") == 1U);
  BOOST_TEST(s.ask("agg=count").ends_with("1,1\n"));
}

BOOST_AUTO_TEST_CASE(an_hour_or_a_megabyte_is_due) {
  scene s;
  BOOST_TEST(s.store->due(s.now).empty());
  s.put("t", {at(s.now, 1)});
  BOOST_TEST(s.store->due(s.now + 3'599'000).empty());
  BOOST_TEST(s.store->due(s.now + 3'600'000).size() == 1U);
  s.limits.open_bytes_max = 10;
  s.open();
  BOOST_TEST(s.store->due(s.now).size() == 1U);
}

BOOST_AUTO_TEST_CASE(queries_see_their_range_and_property_alone) {
  scene s;
  s.put("t", {at(midnight - 1, 1), at(midnight, 2), at(midnight + day, 3)});
  s.put("p", {at(midnight, 7)});
  s.put("t", {at(midnight, 9)}, "boiler2");
  auto from = std::to_string(midnight), to = std::to_string(midnight + day);
  for (int sealed = 0; sealed < 2; ++sealed) {
    BOOST_TEST(s.ask("from=" + from + "&to=" + to + "&property=t") ==
               "time,property,value,quality\n2024-10-04T00:00:00.000Z,t,2,good\n");
    BOOST_TEST(s.ask("from=" + from + "&to=" + to) ==
               "time,property,value,quality\n2024-10-04T00:00:00.000Z,p,7,good\n2024-10-04T00:00:00.000Z,t,2,good\n");
    BOOST_TEST(s.ask("from=0&to=" + to + "1&agg=count&property=t") ==
               "time,property,value,count\n1970-01-01T00:00:00.000Z,t,3,3\n");
    BOOST_REQUIRE(!s.store->seal("n1", midnight + 2 * day));
  }
}

BOOST_AUTO_TEST_CASE(aggregates_by_step) {
  scene s;
  auto minute = s.now - 120'000;
  s.put("t", {at(minute, 1), at(minute + 1, 3), at(minute + 2, 8), at(minute + 60'000, 5)});
  s.put("t", {{minute + 60'001, quality::bad, {}}});
  s.put("on", {{minute, quality::good, std::string{"true"}}, {minute + 1, quality::good, std::string{"false"}}});
  auto answers = [&](const char* agg) { return s.ask(std::string{"property=t&step=1m&agg="} + agg); };
  auto head = std::string{"time,property,value,count\n"};
  auto both = [&](const char* a, const char* b) {
    return head + "2024-10-04T11:58:00.000Z,t," + a + ",3\n2024-10-04T11:59:00.000Z,t," + b + ",1\n";
  };
  BOOST_TEST(answers("avg") == both("4", "5"));
  BOOST_TEST(answers("min") == both("1", "5"));
  BOOST_TEST(answers("max") == both("8", "5"));
  BOOST_TEST(answers("sum") == both("12", "5"));
  BOOST_TEST(answers("count") == both("3", "1"));
  BOOST_TEST(answers("first") == both("1", "5"));
  BOOST_TEST(answers("last") == both("8", "5"));
  BOOST_TEST(s.ask("property=on&agg=avg").ends_with(",on,0.5,2\n"));
}

BOOST_AUTO_TEST_CASE(pages_follow_each_other_without_a_gap) {
  scene s;
  std::vector<sample> all;
  for (int64_t i = 0; i < 10; ++i) all.push_back(at(s.now - 1'000 + i / 4, i));
  s.put("t", all);
  std::vector<int64_t> seen;
  std::string next;
  for (int pages = 0; pages < 10; ++pages) {
    std::string error;
    auto v = parse_json(s.ask("limit=3" + (next.empty() ? "" : "&continue=" + next), false), error);
    BOOST_REQUIRE_EQUAL(error, "");
    for (const auto& item : array_at(v, "items")) seen.push_back(int_at(item, "value"));
    next = string_at(v, "metadata.continue");
    if (next.empty()) break;
  }
  BOOST_TEST((seen == std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

BOOST_AUTO_TEST_CASE(json_says_value_time_and_quality) {
  scene s;
  s.put("t", {{s.now - 5, quality::uncertain, 21.5},
              {s.now - 4, quality::bad, {}},
              {s.now - 3, quality::good, std::string{"a\"b"}}});
  auto text = s.ask("", false);
  BOOST_TEST(text.find(R"({"property":"t","time":"2024-10-04T11:59:59.995Z","value":21.5,"quality":"uncertain"})") !=
             std::string::npos);
  BOOST_TEST(text.find(R"("value":null,"quality":"bad"})") != std::string::npos);
  BOOST_TEST(text.find(R"("value":"a\"b"})") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(old_days_go_whole_by_age_and_by_size) {
  scene s;
  s.limits.age_ms = 2 * day;
  s.open();
  for (int64_t d = 0; d < 4; ++d) s.put("t", {at(midnight - d * day, d)});
  BOOST_REQUIRE(!s.store->seal("n1", s.now));
  while (true) {
    auto more = s.store->retain(s.now);
    BOOST_REQUIRE(more);
    if (!*more) break;
  }
  BOOST_TEST(s.ask("from=0&agg=count").ends_with(",3,3\n"));  // today and the two days before
  s.limits.bytes_max = s.store->block_bytes() - 1;
  s.open();
  BOOST_REQUIRE(s.store->retain(s.now));
  BOOST_TEST(s.ask("from=0&agg=count").ends_with(",2,2\n"));
  BOOST_TEST(s.store->knows("shop", "boiler"));
  BOOST_TEST(!s.store->knows("shop", "boile"));
}

BOOST_AUTO_TEST_CASE(wrong_parameters_are_named) {
  scene s;
  for (const auto* q : {"from=yesterday", "to=-x", "step=0", "step=5y", "agg=median", "limit=0", "limit=100001",
                        "format=xml", "continue=7", "continue=7.x", "limit=9x"}) {
    auto key = std::string{q}.substr(0, std::string{q}.find('='));
    BOOST_TEST(s.ask(q).starts_with("error: " + key + ": Invalid value"), q << " -> " << s.ask(q));
  }
}

BOOST_AUTO_TEST_SUITE_END()
