#include <boost/test/unit_test.hpp>
#include <caf/event_based_actor.hpp>

#include "actors/store/layout.hpp"
#include "test/store/store_world.hpp"

using namespace skerry;
using namespace skerry::store;
using test::create;
using test::make_draft;
using test::remove;
using test::store_world;
using test::update;
using test::why;

namespace {

draft pod(const std::string& name) { return make_draft("pods", "default", name); }
object_key key(const std::string& name) { return {"pods", "default", name}; }

/// A history whose memory holds nothing, so that each replay reads the disk.
history_options disk_only() {
  history_options h;
  h.recent_events_max = 0;
  return h;
}

/// Makes revisions 1 to 5.
void five(store_world& w) {
  w.must(create(pod("a")));
  w.must(create(make_draft("nodes", "", "n1")));
  w.must(update(pod("a")));
  w.must(create(pod("b")));
  w.must(remove(key("a")));
}
constexpr auto after_two = "modified pods default/a@3<1\nadded pods default/b@4\ndeleted pods default/a@5<3\n";
constexpr auto after_none = "added pods default/a@1\nadded nodes n1@2\n";

size_t records(const ports::kv& kv) {
  size_t n = 0;
  BOOST_REQUIRE(kv.scan(layout::records_first, layout::records_last, [&](auto, auto) { return ++n > 0; }));
  return n;
}

/// Waits until the store has compacted up to a revision. Time goes on meanwhile, for its ticks come by the real clock.
void await_compacted(store_world& w, uint64_t revision) {
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (w.view()->compacted() < revision && std::chrono::steady_clock::now() < deadline) BOOST_REQUIRE(w.commit({}));
  BOOST_TEST(w.view()->compacted() >= revision);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(watches)

BOOST_AUTO_TEST_CASE(a_watch_gets_what_was_and_what_comes) {
  for (bool from_disk : {false, true}) {
    BOOST_TEST_CONTEXT((from_disk ? "disk" : "memory")) {
      store_world w{from_disk ? disk_only() : history_options{}};
      five(w);
      BOOST_REQUIRE(w.subscribe(2));
      BOOST_TEST(w.events_until(5) == after_two);
      w.must(create(pod("c")));
      BOOST_TEST(w.events_until(6) == "added pods default/c@6\n");
      BOOST_REQUIRE(w.subscribe(0));  // takes the place of the first
      BOOST_TEST(w.events_until(6) == std::string{after_none} + after_two + "added pods default/c@6\n");
      BOOST_REQUIRE(w.subscribe(6));
      w.must(update(pod("c")));
      BOOST_TEST(w.events_until(7) == "modified pods default/c@7<6\n");
      caf::anon_send(w.actor, unsubscribe{w.client});
      w.must(update(pod("c")));
      BOOST_TEST(w.client->mailbox().empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_watch_goes_on_over_a_restart_of_the_store) {
  store_world w;
  five(w);
  w.restart();
  BOOST_REQUIRE(w.subscribe(2));
  BOOST_TEST(w.events_until(5) == after_two);
  w.must(create(pod("c")));
  BOOST_TEST(w.events_until(6) == "added pods default/c@6\n");
}

BOOST_AUTO_TEST_CASE(a_watch_of_some_resources_gets_batches_that_have_them) {
  store_world w;
  five(w);
  BOOST_REQUIRE(w.subscribe(0, {"nodes"}));
  BOOST_TEST(w.events_until(2) == "added nodes n1@2\n");
  w.must(create(pod("c")));
  auto both = w.commit({create(pod("d")), create(make_draft("nodes", "", "n2"))});
  BOOST_REQUIRE_MESSAGE(both, why(both));
  BOOST_TEST(w.events_until(8) == "added pods default/d@7\nadded nodes n2@8\n");
}

BOOST_AUTO_TEST_CASE(a_watch_from_what_is_not_there_is_told_to_list_anew) {
  history_options small;
  small.events_max = 4;
  store_world w{small};
  for (int i = 0; i < 10; ++i) w.must(create(pod("p" + std::to_string(i))));
  await_compacted(w, 6);
  BOOST_TEST(w.view()->compacted() == 6u);
  auto r = w.subscribe(5);
  BOOST_REQUIRE(!r);
  BOOST_TEST((code_of(r.error()) == errc::expired));
  BOOST_TEST(why(r).find("revision 5 is compacted") != std::string::npos);
  r = w.subscribe(11);
  BOOST_REQUIRE(!r);
  BOOST_TEST((code_of(r.error()) == errc::expired));
  BOOST_REQUIRE(w.subscribe(6));
  BOOST_TEST(w.events_until(10) ==
             "added pods default/p6@7\nadded pods default/p7@8\nadded pods default/p8@9\nadded pods default/p9@10\n");
  w.restart();
  BOOST_TEST(w.view()->compacted() == 6u);
  BOOST_TEST(w.view()->count("pods") == 10u);
}

BOOST_AUTO_TEST_CASE(compaction_keeps_the_present_and_what_was_before_each_kept_change) {
  history_options small = disk_only();
  small.events_max = 8;
  store_world w{small};
  for (const char* name : {"a", "b", "c"}) w.must(create(pod(name)));
  for (int i = 0; i < 30; ++i) w.must(update(pod("a")));
  w.must(remove(key("b")));
  BOOST_TEST(w.view()->revision() == 34u);
  await_compacted(w, 26);
  BOOST_TEST(w.view()->compacted() == 26u);
  // c; a before the first kept change; the 7 of a after that; the removal, and b before it.
  BOOST_TEST(records(w.kv) == 11u);
  BOOST_REQUIRE(w.subscribe(26));
  auto text = w.events_until(34);
  BOOST_TEST(text.starts_with("modified pods default/a@27<26\n"));
  BOOST_TEST(text.ends_with("modified pods default/a@33<32\ndeleted pods default/b@34<2\n"));
  w.restart();
  BOOST_TEST(w.view()->count("pods") == 2u);
  BOOST_TEST(revision_of(w.view()->get("pods", "default", "a")) == 33u);
  BOOST_TEST(w.must(create(pod("b"))) == 35u);
}

BOOST_AUTO_TEST_CASE(the_log_is_compacted_by_age_down_to_nothing) {
  history_options h;
  h.age_ms_max = 50;
  store_world w{h};
  five(w);
  w.clock.now += 1000;
  await_compacted(w, 5);
  BOOST_TEST(records(w.kv) == 2u);  // the node and b
  w.restart();
  BOOST_TEST(w.view()->revision() == 5u);  // the last record went with its removal; the revision did not go back
  BOOST_TEST(w.view()->compacted() == 5u);
  BOOST_TEST(w.must(create(pod("c"))) == 6u);
  BOOST_REQUIRE(w.subscribe(5));
  BOOST_TEST(w.events_until(6) == "added pods default/c@6\n");
}

BOOST_AUTO_TEST_CASE(replay_and_live_events_meet_without_gap_or_double_under_load) {
  constexpr int writes = 1500;
  store_world w{disk_only()};
  for (int i = 0; i < 700; ++i) w.must(create(pod("x" + std::to_string(i))));
  std::vector<caf::expected<committed>> answers;
  auto loader = w.system.spawn([&](caf::event_based_actor* self) {
    auto left = std::make_shared<int>(writes);
    auto next = std::make_shared<std::function<void()>>();
    *next = [self, left, &w, step = next.get()] {
      if ((*left)-- == 0) return self->quit();
      auto c =
          *left % 3 == 0 ? create(pod("y" + std::to_string(*left))) : update(pod("x" + std::to_string(*left % 700)));
      self->request(w.actor, caf::infinite, commit{{c}})
          .then([step](const committed&) { (*step)(); }, [self](const caf::error& e) { self->quit(e); });
    };
    (*next)();
    return caf::behavior{[next](int) {}};
  });
  for (uint64_t after : {0, 300, 699, 700}) {
    caf::scoped_actor watcher{w.system};
    auto s = w.subscribe(after, {}, watcher);
    BOOST_REQUIRE_MESSAGE(s, why(s));
    uint64_t expected = after + 1, wrong = 0;
    auto until = std::max<uint64_t>(w.view()->revision(), after) + 50;
    until = std::min<uint64_t>(until, 700 + writes);
    bool silent = false;
    while (expected <= until && !silent)
      watcher->receive(
          [&](const events& e) {
            for (const auto& x : *e.batch) wrong += x.revision != expected++;
          },
          caf::after(std::chrono::seconds{20}) >> [&] { silent = true; });
    BOOST_TEST_CONTEXT("after " << after) {
      BOOST_TEST(!silent);
      BOOST_TEST(wrong == 0u);
    }
  }
  w.client->wait_for(loader);
  BOOST_TEST(w.view()->revision() == 700u + writes);
}

BOOST_AUTO_TEST_CASE(a_replay_that_cannot_be_read_is_told) {
  store_world w{disk_only()};
  five(w);
  ports::kv_batch b;
  b.remove(layout::record_key(4));
  BOOST_REQUIRE(w.kv.write(b, true));
  BOOST_REQUIRE(w.subscribe(2));
  bool told = false;
  w.client->receive([&](const lost& l) { told = code_of(l.why) == errc::corrupt; },
                    caf::after(std::chrono::seconds{10}) >> [] {});
  BOOST_TEST(told);
}

BOOST_AUTO_TEST_CASE(a_dead_subscriber_is_forgotten) {
  store_world w;
  {
    caf::scoped_actor gone{w.system};
    BOOST_REQUIRE(w.subscribe(0, {}, gone));
  }
  for (int i = 0; i < 20; ++i) w.must(create(pod("p" + std::to_string(i))));
  BOOST_TEST(w.view()->revision() == 20u);
}

BOOST_AUTO_TEST_SUITE_END()
