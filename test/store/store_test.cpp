#include <boost/test/unit_test.hpp>

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
draft pod(const char* name, const char* extra = "{}") { return make_draft("pods", "default", name, extra); }
object_key key(const char* name) { return {"pods", "default", name}; }

template <class T>
errc code(const caf::expected<T>& e) {
  return e ? errc::none : code_of(e.error());
}
}  // namespace

BOOST_AUTO_TEST_SUITE(store_actor_)

BOOST_AUTO_TEST_CASE(objects_come_change_and_go_under_one_revision_each) {
  store_world w;
  auto created = w.commit({create(pod("a"))});
  BOOST_REQUIRE_MESSAGE(created, why(created));
  BOOST_TEST(created->revision == 1u);
  BOOST_REQUIRE(created->objects.size() == 1u);
  BOOST_TEST(string_at(parse(created->objects[0]), "metadata.resourceVersion") == "1");
  BOOST_TEST(w.view()->revision() == 1u);
  BOOST_TEST(w.view()->get("pods", "default", "a").same(created->objects[0]));

  BOOST_TEST(w.must(update(pod("a", R"({"spec":{"nodeName":"n1"}})"), 1)) == 2u);
  BOOST_TEST(node_of(w.view()->get("pods", "default", "a")) == "n1");
  BOOST_TEST(w.view()->pods_on("n1").size() == 1u);

  auto gone = w.commit({remove(key("a"), 2)});
  BOOST_REQUIRE_MESSAGE(gone, why(gone));
  BOOST_TEST(gone->revision == 3u);
  BOOST_TEST(string_at(parse(gone->objects[0]), "metadata.resourceVersion") == "3");
  BOOST_TEST(!w.view()->get("pods", "default", "a"));
  BOOST_TEST(w.view()->count("pods") == 0u);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_refused_and_says_which) {
  store_world w;
  w.must(create(pod("a")));
  auto check = [&](change c, errc expected, const char* words) {
    auto r = w.commit({std::move(c)});
    BOOST_REQUIRE(!r);
    BOOST_TEST((code(r) == expected));
    BOOST_TEST_CONTEXT(why(r)) BOOST_TEST(why(r).find(words) != std::string::npos);
  };
  check(create(pod("a")), errc::already_exists, "pods default/a");
  check(update(pod("b")), errc::not_found, "pods default/b");
  check(remove(key("b")), errc::not_found, "pods default/b");
  check(update(pod("a"), 7), errc::conflict, "revision 1, not 7");
  check(remove(key("a"), 7), errc::conflict, "pods default/a");
  auto by_uid = update(pod("a"));
  by_uid.expected_uid = "other";
  check(by_uid, errc::conflict, "uid-a");
  auto large = pod("large");
  large.value.as_object()["data"] = std::string(limits::object_bytes_max, 'x');
  check(create(large), errc::too_large, "pods default/large");
  auto many = w.commit(std::vector<change>(limits::batch_writes_max + 1, create(pod("m"))));
  BOOST_TEST((code(many) == errc::too_large));
  BOOST_TEST(w.view()->revision() == 1u);
  by_uid.expected_uid = "uid-a";
  BOOST_TEST(w.must(by_uid) == 2u);
  auto nothing = w.commit({});
  BOOST_REQUIRE(nothing);
  BOOST_TEST(nothing->revision == 2u);
}

BOOST_AUTO_TEST_CASE(a_commit_of_several_changes_is_all_or_none) {
  store_world w;
  w.must(create(pod("a")));
  auto before = w.view();
  auto r = w.commit({create(pod("b")), update(pod("a")), remove(key("a")), create(pod("a")), update(pod("b"), 99)});
  BOOST_TEST((code(r) == errc::conflict));
  BOOST_TEST(w.view()->revision() == 1u);
  BOOST_TEST(w.view()->get("pods", "default", "a").same(before->get("pods", "default", "a")));
  BOOST_TEST(!w.view()->get("pods", "default", "b"));
  r = w.commit({create(pod("b")), update(pod("b"), 2), remove(key("a"), 1), create(pod("a"))});
  BOOST_REQUIRE_MESSAGE(r, why(r));
  BOOST_TEST(r->revision == 5u);
  BOOST_TEST(r->objects.size() == 4u);
  BOOST_TEST(revision_of(w.view()->get("pods", "default", "b")) == 3u);
  BOOST_TEST(revision_of(w.view()->get("pods", "default", "a")) == 5u);
  w.restart();
  BOOST_TEST(w.must(create(pod("c"))) == 6u);
  BOOST_TEST(w.view()->count("pods") == 3u);
}

BOOST_AUTO_TEST_CASE(commits_that_wait_share_one_synced_write) {
  store_world w;
  w.must(create(pod("first")));
  auto syncs = w.kv.syncs();
  w.gate.close();
  auto held = w.client->request(w.actor, std::chrono::seconds{20}, commit{{create(pod("held"))}});
  BOOST_REQUIRE(w.gate.await_writer());
  // While that one is written, these pile up: one refused among them, and one that builds on another.
  std::vector<decltype(held)> waiting;
  for (int i = 0; i < 40; ++i)
    waiting.push_back(
        w.client->request(w.actor, std::chrono::seconds{20}, commit{{create(pod(("p" + std::to_string(i)).c_str()))}}));
  waiting.push_back(w.client->request(w.actor, std::chrono::seconds{20}, commit{{create(pod("p7"))}}));
  waiting.push_back(w.client->request(w.actor, std::chrono::seconds{20}, commit{{update(pod("p7"), 10)}}));
  BOOST_TEST(w.view()->revision() == 1u);
  w.gate.open();
  held.receive([](const committed& c) { BOOST_TEST(c.revision == 2u); }, [](const caf::error&) { BOOST_TEST(false); });
  uint64_t next = 3;
  int refused = 0;
  for (auto& r : waiting)
    r.receive([&](const committed& c) { BOOST_TEST(c.revision == next++); },
              [&](const caf::error& e) {
                BOOST_TEST((code_of(e) == errc::already_exists));
                ++refused;
              });
  BOOST_TEST(refused == 1);
  BOOST_TEST(next == 44u);
  BOOST_TEST(w.kv.syncs() == syncs + 2);
}

BOOST_AUTO_TEST_CASE(a_full_disk_fails_the_whole_batch_and_changes_nothing) {
  store_world w;
  w.must(create(pod("a")));
  BOOST_REQUIRE(w.subscribe(1));
  for (int round = 0; round < 3; ++round) {
    auto before = w.view();
    w.kv.fail_writes(make_error(errc::full, "no space left"));
    auto r = w.commit({create(pod("b")), update(pod("a"))});
    BOOST_TEST((code(r) == errc::full));
    r = w.commit({remove(key("a"))});
    BOOST_TEST((code(r) == errc::full));
    BOOST_TEST(w.view() == before);
    // What is wrong in itself is told as that: nothing of it had to be written.
    BOOST_TEST((code(w.commit({create(pod("a"))})) == errc::already_exists));
    w.kv.fail_writes({});
    auto revision = w.view()->revision();
    BOOST_TEST(w.must(update(pod("a"), revision_of(before->get("pods", "default", "a")))) == revision + 1);
  }
  BOOST_TEST(w.events_until(4) ==
             "modified pods default/a@2<1\nmodified pods default/a@3<2\nmodified pods default/a@4<3\n");
  w.restart();
  BOOST_TEST(w.view()->revision() == 4u);
}

BOOST_AUTO_TEST_CASE(a_batch_that_failed_but_reached_the_disk_does_not_come_back) {
  // A kv that writes and then says that it did not: as a disk may whose sync failed.
  struct liar : ports::kv {
    sim::memory_kv& kv;
    bool lie = false;
    explicit liar(sim::memory_kv& k) : kv(k) {}
    caf::expected<void> write(const ports::kv_batch& b, bool sync) override {
      auto r = kv.write(b, sync);
      if (lie) return make_error(errc::io, "sync failed");
      return r;
    }
    caf::expected<std::optional<std::string>> get(std::string_view key) const override { return kv.get(key); }
    caf::expected<void> scan(std::string_view first, std::string_view last,
                             const std::function<bool(std::string_view, std::string_view)>& visit) const override {
      return kv.scan(first, last, visit);
    }
    void compact(std::string_view, std::string_view) override {}
  };
  store_world w;
  w.stop();
  liar kv{w.kv};
  auto views = std::make_shared<publisher>();
  w.actor = w.system.spawn<caf::detached>(store_actor, store_args{w.ctx, "/s", kv, views, caf::actor{}, {}});
  w.must(create(pod("a")));
  kv.lie = true;
  auto r = w.commit({create(pod("b")), create(pod("c")), update(pod("a"))});
  BOOST_TEST((code(r) == errc::io));
  kv.lie = false;
  BOOST_TEST(w.must(create(pod("d"))) == 2u);
  w.restart();
  BOOST_TEST(w.must(create(pod("e"))) == 3u);
  BOOST_TEST(w.view()->count("pods") == 3u);
  BOOST_TEST(!w.view()->get("pods", "default", "b"));
}

namespace {

/// Makes the store overlap: two batches of a crowd, and then one that stands before the closed gate.
struct overlapped {
  using answer =
      decltype(std::declval<caf::scoped_actor&>()->request(caf::actor{}, std::chrono::seconds{20}, commit{}));

  explicit overlapped(store_world& w) : w(w) {
    w.gate.close();
    send(create(pod("first")));
    BOOST_REQUIRE(w.gate.await_writer());
    for (int i = 0; i < 40; ++i) send(create(pod(("p" + std::to_string(i)).c_str())));
    w.gate.open();
    for (auto& r : sent) r.receive([](const committed&) {}, [](const caf::error& e) { BOOST_FAIL(message_of(e)); });
    sent.clear();
    w.gate.close();
    send(update(pod("p0", R"({"spec":{"nodeName":"n1"}})"), 2));
    BOOST_REQUIRE(w.gate.await_writer());
  }
  void send(change c) { sent.push_back(w.client->request(w.actor, std::chrono::seconds{20}, commit{{std::move(c)}})); }
  store_world& w;
  std::vector<answer> sent;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_crowds_next_batch_is_applied_while_one_is_written) {
  store_world w;
  overlapped o{w};
  auto before = w.view();
  BOOST_TEST(before->revision() == 41u);
  // The store takes messages though a write stands before the gate: a subscription is answered, at what is on disk.
  auto s = w.subscribe(41);
  BOOST_REQUIRE_MESSAGE(s, why(s));
  BOOST_TEST(s->revision == 41u);
  o.send(update(pod("p0"), 42));  // stands on the one that is being written
  o.send(update(pod("p1"), 42));  // which is not p1's revision
  o.send(create(pod("last")));
  BOOST_TEST(w.view() == before);
  w.gate.open();
  std::vector<uint64_t> revisions;
  int conflicts = 0;
  for (auto& r : o.sent)
    r.receive([&](const committed& c) { revisions.push_back(c.revision); },
              [&](const caf::error& e) { conflicts += code_of(e) == errc::conflict ? 1 : 0; });
  BOOST_TEST(revisions == (std::vector<uint64_t>{42, 43, 44}), boost::test_tools::per_element());
  BOOST_TEST(conflicts == 1);
  BOOST_TEST(w.events_until(44) ==
             "modified pods default/p0@42<2\nmodified pods default/p0@43<42\nadded pods default/last@44\n");
  w.restart();
  BOOST_TEST(w.view()->revision() == 44u);
}

BOOST_AUTO_TEST_CASE(a_failed_write_takes_along_what_was_applied_on_top_of_it) {
  store_world w;
  overlapped o{w};
  auto before = w.view();
  o.send(update(pod("p0"), 42));
  o.send(create(pod("last")));
  BOOST_REQUIRE(w.subscribe(41));  // the store has taken the two before it
  w.kv.fail_writes(make_error(errc::full, "no space left"));
  w.gate.open();
  int full = 0;
  for (auto& r : o.sent)
    r.receive([](const committed&) { BOOST_TEST(false); },
              [&](const caf::error& e) { full += code_of(e) == errc::full ? 1 : 0; });
  BOOST_TEST(full == 3);
  BOOST_TEST(w.view() == before);
  w.kv.fail_writes({});
  BOOST_TEST(w.must(update(pod("p0"), 2)) == 42u);
  BOOST_TEST(w.events_until(42) == "modified pods default/p0@42<2\n");
}

BOOST_AUTO_TEST_CASE(nothing_is_written_behind_the_back_of_the_next_store) {
  store_world w;
  overlapped o{w};
  o.send(create(pod("last")));
  BOOST_REQUIRE(w.subscribe(41));
  caf::anon_send_exit(w.actor, caf::exit_reason::kill);
  w.gate.open();
  for (auto& r : o.sent)
    r.receive([](const committed&) {}, [](const caf::error& e) { BOOST_TEST((e != caf::sec::request_timeout)); });
  w.client->wait_for(w.actor);
  auto writes = w.kv.writes();
  w.start();
  // Whether the one at the gate was made or called off: the store that follows agrees with the disk, and goes on.
  auto p0 = w.must(update(pod("p0")));
  BOOST_TEST(w.kv.writes() == writes + 1);
  BOOST_TEST((p0 == 42u || p0 == 43u));
  w.restart();
  BOOST_TEST(w.view()->revision() == p0);
  BOOST_TEST(!w.view()->get("pods", "default", "last"));
}

BOOST_AUTO_TEST_CASE(each_commit_is_answered_when_the_store_ends) {
  store_world w;
  w.must(create(pod("a")));
  w.gate.close();
  auto writing = w.client->request(w.actor, std::chrono::seconds{20}, commit{{create(pod("b"))}});
  BOOST_REQUIRE(w.gate.await_writer());
  auto queued = w.client->request(w.actor, std::chrono::seconds{20}, commit{{create(pod("c"))}});
  caf::anon_send_exit(w.actor, caf::exit_reason::user_shutdown);
  auto late = w.client->request(w.actor, std::chrono::seconds{20}, commit{{create(pod("d"))}});
  w.gate.open();
  int answers = 0;
  auto count = [&](auto& r) {
    r.receive([&](const committed&) { ++answers; },
              [&](const caf::error& e) {
                BOOST_TEST((e != caf::sec::request_timeout));
                ++answers;
              });
  };
  count(writing);
  count(queued);
  count(late);
  BOOST_TEST(answers == 3);
}

BOOST_AUTO_TEST_CASE(a_damaged_or_foreign_store_is_refused) {
  store_world w;
  for (const char* name : {"a", "b", "c"}) w.must(create(pod(name)));
  w.stop();
  auto fails_with = [&](const char* words) {
    w.start();
    w.client->wait_for(w.actor);
    w.actor = nullptr;
    auto text = w.log.lines.back();
    BOOST_TEST_CONTEXT(text) BOOST_TEST(text.find(words) != std::string::npos);
  };
  auto edit = [&](std::string k, std::optional<std::string> v) {
    auto old = w.kv.get(k).value();
    ports::kv_batch b;
    v ? b.put(k, std::move(*v)) : b.remove(k);
    BOOST_REQUIRE(w.kv.write(b, true));
    return old;
  };
  auto second = layout::record_key(2);
  auto kept = edit(second, std::nullopt);
  fails_with("revision 2 is missing");
  edit(second, "rubbish!");
  fails_with("record of revision 2 is not whole");
  edit(second, kept);
  edit("store/format", "99");
  fails_with("format 99");
  edit("store/format", "1");
  w.start();
  BOOST_TEST(w.must(create(pod("d"))) == 4u);
}

BOOST_AUTO_TEST_SUITE_END()
