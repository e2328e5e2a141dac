// The store on LevelDB on a disk with faults: power cuts that lose what was not synced, and no space.
#include <boost/test/unit_test.hpp>
#include <map>
#include <optional>

#include "drivers/kv/leveldb.hpp"
#include "sim/ports/fault_env.hpp"
#include "test/store/store_world.hpp"

using namespace skerry;
using namespace skerry::store;

namespace {

/// A store actor over LevelDB on a faulty disk.
struct disk_world {
  test::scratch dir;
  sim::fault_env env{leveldb::Env::Default()};
  std::unique_ptr<ports::kv> kv;
  test::store_world w;
  history_options history;

  disk_world() {
    history.events_max = 50;
    w.stop();
    open();
  }
  ~disk_world() { w.stop(); }
  void open() {
    auto options = drivers::leveldb_options::small(dir.path());
    options.env = &env;
    auto opened = drivers::open_leveldb(options);
    BOOST_REQUIRE_MESSAGE(opened, test::why(opened));
    kv = std::move(*opened);
    w.actor = w.system.spawn<caf::detached>(store_actor,
                                            store_args{w.ctx, "/store", *kv, w.views, caf::actor{}, history, true});
    BOOST_REQUIRE(w.commit({}));  // loaded: what comes next is the store's, not its start's
  }
  void close() {
    w.stop();
    kv.reset();
  }
};

draft item(unsigned i, uint64_t value) {
  auto d = test::make_draft("configmaps", "default", "c" + std::to_string(i));
  ensure(d.value, "data.value") = std::to_string(value);
  ensure(d.value, "data.filler") = std::string(value * 131 % 3000, 'f');
  return d;
}

/// What must be there: value and revision by number, as answered.
using answered = std::map<unsigned, std::pair<uint64_t, uint64_t>>;

void check(const view& v, const answered& all, std::optional<unsigned> unsure) {
  for (const auto& [i, expected] : all) {
    auto o = v.get("configmaps", "default", "c" + std::to_string(i));
    BOOST_REQUIRE(o);
    if (unsure == i && revision_of(o) > expected.second) continue;  // its last commit was refused, and is there
    BOOST_TEST(revision_of(o) == expected.second);
    BOOST_TEST(string_at(parse(o), "data.value") == std::to_string(expected.first));
  }
}

caf::expected<committed> write(disk_world& d, answered& all, unsigned i, uint64_t value) {
  auto r = d.w.commit({all.contains(i) ? test::update(item(i, value)) : test::create(item(i, value))});
  if (r) all[i] = {value, r->revision};
  return r;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(disks)

BOOST_AUTO_TEST_CASE(what_was_answered_survives_power_cuts) {
  unsigned seed = std::random_device{}();
  BOOST_TEST_CONTEXT("seed " << seed) {
    std::mt19937 random{seed};
    disk_world d;
    answered all;
    uint64_t value = 0;
    for (int round = 0; round < 40; ++round) {
      for (unsigned n = random() % 60; n > 0; --n) {
        auto r = write(d, all, random() % 20, ++value);
        BOOST_REQUIRE_MESSAGE(r, test::why(r));
      }
      d.env.power_cut();
      auto last = random() % 20;
      bool known = all.contains(last);
      auto refused = d.w.commit({known ? test::update(item(last, value + 1)) : test::create(item(last, value + 1))});
      BOOST_REQUIRE(!refused);
      BOOST_TEST((code_of(refused.error()) == errc::io), to_string(refused.error()));
      check(*d.w.view(), all, {});
      d.close();
      d.env.power_on();
      d.open();
      check(*d.w.view(), all, last);
      BOOST_TEST(d.w.view()->count("configmaps") - all.size() <= (known ? 0u : 1u));
      if (auto o = d.w.view()->get("configmaps", "default", "c" + std::to_string(last)))
        all[last] = {std::stoull(std::string{string_at(parse(o), "data.value")}), revision_of(o)};
    }
  }
}

BOOST_AUTO_TEST_CASE(a_full_disk_refuses_and_recovers_without_a_restart) {
  disk_world d;
  answered all;
  uint64_t value = 0;
  for (unsigned i = 0; i < 10; ++i) BOOST_REQUIRE(write(d, all, i, ++value));
  for (int round = 0; round < 4; ++round) {
    d.env.set_space(static_cast<uint64_t>(round) * 60'000);
    auto r = write(d, all, 0, ++value);
    for (int i = 0; r && i < 1000; ++i) r = write(d, all, static_cast<unsigned>(i) % 10, ++value);
    BOOST_REQUIRE(!r);
    BOOST_TEST((code_of(r.error()) == errc::full));
    auto before = d.w.view();
    check(*before, all, {});
    for (int i = 0; i < 3; ++i) BOOST_TEST((code_of(write(d, all, 11, ++value).error()) == errc::full));
    BOOST_TEST(d.w.view()->revision() == before->revision());
    d.env.free_space();
    for (unsigned i = 0; i < 10; ++i) {
      auto again = write(d, all, i, ++value);
      BOOST_REQUIRE_MESSAGE(again, test::why(again));
    }
    BOOST_TEST(d.w.view()->revision() == before->revision() + 10);
  }
  d.close();
  d.open();
  check(*d.w.view(), all, {});
  BOOST_TEST(d.w.view()->count("configmaps") == 10u);
}

BOOST_AUTO_TEST_SUITE_END()
