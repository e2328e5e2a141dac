#include <boost/test/unit_test.hpp>
#include <thread>

#include "drivers/kv/leveldb.hpp"
#include "sim/ports/fault_env.hpp"
#include "test/store/fixture.hpp"
#include "test/store/scratch.hpp"

using namespace skerry;

namespace {

void put(ports::kv& kv, int i, bool sync = false) {
  ports::kv_batch b;
  b.put("k" + std::to_string(i), std::string(1000, static_cast<char>('a' + i % 26)));
  BOOST_REQUIRE(kv.write(b, sync));
}

size_t count(const ports::kv& kv) {
  size_t n = 0;
  BOOST_REQUIRE(kv.scan("k", "l", [&](std::string_view, std::string_view value) { return n += value.size() == 1000; }));
  return n;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(kv_sync)

// LevelDB leaves a full log without syncing it: what was in it must not be lost behind what was synced later.
BOOST_AUTO_TEST_CASE(a_sync_covers_all_that_was_written_before_it_in_older_logs_too) {
  for (auto by_write : {false, true}) {
    test::scratch dir;
    sim::fault_env env{leveldb::Env::Default()};
    auto options = drivers::leveldb_options::small(dir.path());
    options.env = &env;
    constexpr int many = 2'000;  // eight logs of 256 KiB
    {
      auto kv = drivers::open_leveldb(options);
      BOOST_REQUIRE(kv);
      for (int i = 0; i < many; ++i) put(**kv, i);
      if (by_write)
        put(**kv, many, true);
      else
        BOOST_REQUIRE((*kv)->sync());
      env.power_cut();
    }
    env.power_on();
    auto kv = drivers::open_leveldb(options);
    BOOST_REQUIRE(kv);
    BOOST_TEST(count(**kv) == static_cast<size_t>(many + by_write));
  }
}

BOOST_AUTO_TEST_CASE(syncs_and_writes_go_on_beside_each_other) {
  test::scratch dir;
  auto kv = drivers::open_leveldb(drivers::leveldb_options::small(dir.path()));
  BOOST_REQUIRE(kv);
  std::atomic<bool> done{false};
  std::atomic<int> syncs{0};
  std::thread syncer{[&] {
    while (!done)
      if ((*kv)->sync()) ++syncs;
  }};
  for (int i = 0; i < 5'000; ++i) put(**kv, i);
  done = true;
  syncer.join();
  BOOST_TEST(syncs > 0);
  BOOST_TEST(count(**kv) == 5'000u);
}

BOOST_AUTO_TEST_CASE(a_sync_that_fails_is_told) {
  test::scratch dir;
  sim::fault_env env{leveldb::Env::Default()};
  auto options = drivers::leveldb_options::small(dir.path());
  options.env = &env;
  auto kv = drivers::open_leveldb(options);
  BOOST_REQUIRE(kv);
  put(**kv, 1);
  env.power_cut();
  auto failed = (*kv)->sync();
  BOOST_TEST(!failed);
  BOOST_TEST((code_of(failed.error()) == errc::io));
}

BOOST_AUTO_TEST_SUITE_END()
