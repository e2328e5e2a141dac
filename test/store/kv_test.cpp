#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <map>
#include <random>

#include "drivers/kv/leveldb.hpp"
#include "schema/error.hpp"
#include "sim/ports/fault_env.hpp"
#include "sim/ports/memory_kv.hpp"
#include "test/store/scratch.hpp"

using namespace skerry;
using skerry::drivers::leveldb_options;
using skerry::drivers::open_leveldb;

namespace {

using table = std::map<std::string, std::string>;

table dump(const ports::kv& kv, std::string_view first = {}, std::string_view last = {}) {
  table t;
  std::string before;
  auto r = kv.scan(first, last, [&](auto k, auto v) {
    BOOST_TEST((before.empty() || before < k));
    before = k;
    t.emplace(k, v);
    return true;
  });
  BOOST_REQUIRE(r);
  return t;
}

/// The contract of the port, held by each implementation.
void check_contract(ports::kv& kv) {
  BOOST_TEST(dump(kv).empty());
  BOOST_TEST(!kv.get("a").value());
  ports::kv_batch b;
  b.put("a", "1");
  b.put("b", "2");
  b.put("a", "3");  // later changes of a batch win
  b.put("c", "4");
  b.remove("c");
  b.put(std::string("\0\xff", 2), std::string("\0x", 2));
  b.put("empty", "");
  b.remove("never there");
  BOOST_REQUIRE(kv.write(b, true));
  BOOST_TEST(kv.get("a").value().value() == "3");
  BOOST_TEST(kv.get("empty").value().value() == "");
  BOOST_TEST(!kv.get("c").value());
  BOOST_TEST(
      (dump(kv) == table{{std::string("\0\xff", 2), std::string("\0x", 2)}, {"a", "3"}, {"b", "2"}, {"empty", ""}}));
  BOOST_TEST((dump(kv, "a", "b") == table{{"a", "3"}}));
  BOOST_TEST((dump(kv, "aa", "") == table{{"b", "2"}, {"empty", ""}}));
  BOOST_TEST(dump(kv, "b", "a").empty());
  int seen = 0;
  BOOST_REQUIRE(kv.scan("", "", [&](auto, auto) { return ++seen < 2; }));
  BOOST_TEST(seen == 2);
  // A scan sees one snapshot, whatever is written meanwhile.
  seen = 0;
  BOOST_REQUIRE(kv.scan("", "", [&](auto, auto) {
    ports::kv_batch more;
    more.put("z" + std::to_string(seen++), "");
    BOOST_REQUIRE(kv.write(more, false));
    return true;
  }));
  BOOST_TEST(seen == 4);
  BOOST_REQUIRE(kv.write({}, true));
  BOOST_REQUIRE(kv.sync());
  kv.compact("", "");

  unsigned seed = 20261123;
  std::mt19937 random{seed};
  auto model = dump(kv);
  for (int i = 0; i < 300; ++i) {
    ports::kv_batch r;
    for (unsigned n = random() % 5; n > 0; --n) {
      auto key = "k" + std::to_string(random() % 50);
      if (random() % 3 == 0) {
        r.remove(key);
        model.erase(key);
      } else {
        auto value = std::string(random() % 300, static_cast<char>('a' + random() % 26));
        r.put(key, value);
        model[key] = value;
      }
    }
    BOOST_REQUIRE(kv.write(r, random() % 8 == 0));
  }
  BOOST_TEST_CONTEXT("seed " << seed) { BOOST_TEST((dump(kv) == model)); }
}

void put(ports::kv& kv, const std::string& key, const std::string& value, bool sync = true) {
  ports::kv_batch b;
  b.put(key, value);
  auto r = kv.write(b, sync);
  BOOST_REQUIRE_MESSAGE(r, test::why(r));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(key_value_stores)

BOOST_AUTO_TEST_CASE(memory_keeps_the_contract) {
  sim::memory_kv kv;
  check_contract(kv);
}

BOOST_AUTO_TEST_CASE(leveldb_keeps_the_contract) {
  test::scratch dir;
  auto kv = open_leveldb(leveldb_options::small(dir.path() + "/a/b"));
  BOOST_REQUIRE(kv);
  check_contract(**kv);
}

BOOST_AUTO_TEST_CASE(leveldb_keeps_what_was_written_over_a_reopening) {
  test::scratch dir;
  table before;
  {
    auto kv = open_leveldb(leveldb_options::small(dir.path()));
    BOOST_REQUIRE(kv);
    for (int i = 0; i < 2000; ++i) put(**kv, "k" + std::to_string(i), std::string(1000, 'v'), false);
    before = dump(**kv);
  }
  auto kv = open_leveldb(leveldb_options::large(dir.path()));
  BOOST_REQUIRE(kv);
  BOOST_TEST((dump(**kv) == before));
}

BOOST_AUTO_TEST_CASE(synced_writes_survive_a_power_cut_and_batches_stay_whole) {
  sim::memory_kv memory;
  put(memory, "synced", "1");
  put(memory, "not", "1", false);
  memory.crash();
  BOOST_TEST((dump(memory) == table{{"synced", "1"}}));

  unsigned seed = 7;
  std::mt19937 random{seed};
  test::scratch dir;
  sim::fault_env env{leveldb::Env::Default()};
  auto options = leveldb_options::small(dir.path());
  options.env = &env;
  int synced = -1, written = -1;
  for (int round = 0; round < 20; ++round) {
    auto kv = open_leveldb(options);
    BOOST_REQUIRE_MESSAGE(kv, test::why(kv));
    // Each batch writes the same number under two keys: they must agree, and be no older than the last synced one.
    auto left = (*kv)->get("left").value(), right = (*kv)->get("right").value();
    BOOST_TEST((left == right));
    if (synced >= 0) {
      BOOST_REQUIRE(left);
      BOOST_TEST(std::stoi(*left) >= synced);
      BOOST_TEST(std::stoi(*left) <= written);
    }
    for (unsigned n = random() % 200; n > 0; --n) {
      ports::kv_batch b;
      b.put("left", std::to_string(++written));
      b.put("filler" + std::to_string(random() % 100), std::string(random() % 4000, 'x'));
      b.put("right", std::to_string(written));
      bool sync = random() % 4 == 0;
      BOOST_REQUIRE((*kv)->write(b, sync));
      if (sync) synced = written;
    }
    env.power_cut();
    BOOST_TEST(!(*kv)->write({}, true));
    kv->reset();
    env.power_on();
  }
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_told_and_gone_when_there_is_space_again) {
  test::scratch dir;
  sim::fault_env env{leveldb::Env::Default()};
  auto options = leveldb_options::small(dir.path());
  options.env = &env;
  auto kv = open_leveldb(options);
  BOOST_REQUIRE(kv);
  for (int round = 0; round < 5; ++round) {
    auto name = std::to_string(round);
    put(**kv, "kept" + name, "1");
    env.set_space(100'000u * static_cast<unsigned>(round));
    errc got = errc::none;
    int wrote = 0;
    for (int i = 0; i < 2000 && got == errc::none; ++i) {
      ports::kv_batch b;
      b.put("fill" + name + "/" + std::to_string(i), std::string(1000, static_cast<char>('a' + i % 26)));
      auto r = (*kv)->write(b, true);
      if (r)
        ++wrote;
      else
        got = code_of(r.error());
    }
    BOOST_TEST((got == errc::full));
    ports::kv_batch b;
    b.put("refused", "1");
    for (int i = 0; i < 3; ++i) {
      auto r = (*kv)->write(b, true);
      BOOST_REQUIRE(!r);
      BOOST_TEST((code_of(r.error()) == errc::full));
      BOOST_TEST(message_of(r.error()).find(dir.path()) != std::string::npos);
      BOOST_TEST((*kv)->get("kept" + name).value().value() == "1");  // reads go on
    }
    env.free_space();
    put(**kv, "after" + name, "1");
    BOOST_TEST((*kv)->get("kept" + name).value().value() == "1");
    for (int i = 0; i < wrote; ++i) BOOST_TEST((*kv)->get("fill" + name + "/" + std::to_string(i)).value().has_value());
  }
}

BOOST_AUTO_TEST_CASE(bad_directories_are_told_with_path_and_remedy) {
  test::scratch dir;
  auto expect = [&](const std::string& path, errc code, const char* words) {
    auto kv = open_leveldb(leveldb_options::small(path));
    BOOST_REQUIRE(!kv);
    auto text = message_of(kv.error());
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST((code_of(kv.error()) == code));
      BOOST_TEST(text.find(path) != std::string::npos);
      BOOST_TEST(text.find(words) != std::string::npos);
    }
  };
  std::ofstream{dir.path() + "/file"} << "x";
  expect(dir.path() + "/file", errc::io, "--data-dir");
  expect(dir.path() + "/file/below", errc::io, "--data-dir");
  expect("/proc/skerry", errc::io, "--data-dir");

  auto data = dir.path() + "/data";
  auto first = open_leveldb(leveldb_options::small(data));
  BOOST_REQUIRE(first);
  expect(data, errc::locked, "another skerry uses it");  // this process
  pid_t child = ::fork();
  if (child == 0) {
    auto kv = open_leveldb(leveldb_options::small(data));  // another one
    ::_exit(!kv && code_of(kv.error()) == errc::locked ? 0 : 1);
  }
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  BOOST_TEST(status == 0);
}

BOOST_AUTO_TEST_CASE(damage_is_told_and_how_to_repair_it) {
  test::scratch dir;
  {
    auto kv = open_leveldb(leveldb_options::small(dir.path()));
    BOOST_REQUIRE(kv);
    for (int i = 0; i < 3000; ++i) put(**kv, "k" + std::to_string(i), std::string(300, 'v'), false);
  }
  std::ofstream{dir.path() + "/CURRENT"} << "MANIFEST-999999\n";
  auto kv = open_leveldb(leveldb_options::small(dir.path()));
  BOOST_REQUIRE(!kv);
  BOOST_TEST((code_of(kv.error()) == errc::corrupt));
  BOOST_TEST(message_of(kv.error()).find("plyvel.repair_db('" + dir.path()) != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
