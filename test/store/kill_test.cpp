// kill -9 under load, hundreds of times: what was answered with success is there, with its revision; nothing is half
// there.
//
// A child (this binary again, running the disabled case `kill_child/writes_until_killed`) writes from several actors
// and says each success in a pipe. Writer w's commit s sets "left" and "right" of w to s and creates, updates or
// removes one of its items, by a rule that gives the whole state from s alone. At most one commit of a writer is on its
// way.
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <caf/event_based_actor.hpp>
#include <chrono>
#include <cstring>
#include <set>

#include "actors/store/core.hpp"
#include "drivers/kv/leveldb.hpp"
#include "test/store/fixture.hpp"

using namespace skerry;
using namespace skerry::store;

namespace {

constexpr int writers = 16;  // enough for one batch to be applied while another is written
constexpr uint64_t items = 10;
constexpr int rounds = 300;

struct said {
  uint32_t writer;
  uint32_t zero = 0;
  uint64_t sequence;
  uint64_t revision;
};

history_options short_log() {
  history_options h;
  h.events_max = 400;  // so that kills hit compaction as well
  return h;
}

std::string name_of_item(int writer, uint64_t item) {
  return "w" + std::to_string(writer) + "-" + std::to_string(item);
}
enum class turn : uint8_t { create, update, remove };
turn turn_of(uint64_t sequence) { return static_cast<turn>(sequence / items % 3); }

commit make_commit(int writer, uint64_t sequence) {
  auto with = [&](std::string name) {
    auto d = test::make_draft("configmaps", "default", std::move(name));
    ensure(d.value, "data.sequence") = std::to_string(sequence);
    ensure(d.value, "data.filler") = std::string(200 + sequence * 37 % 900, 'f');
    return d;
  };
  auto w = "w" + std::to_string(writer);
  auto set = sequence == 1 ? test::create(with(w + "-left")) : test::update(with(w + "-left"));
  auto other = sequence == 1 ? test::create(with(w + "-right")) : test::update(with(w + "-right"));
  auto item = with(name_of_item(writer, sequence % items));
  change third = test::remove(item.key);
  if (turn_of(sequence) != turn::remove) third = {verb::update, item, {}, {}};
  // Sequence 1 to items-1 belong to the first "create" turn; item 0 is first met by an update turn.
  bool there = sequence >= items && turn_of(sequence - items) != turn::remove && sequence != items;
  if (turn_of(sequence) != turn::remove && !there) third.what = verb::create;
  return {{std::move(set), std::move(other), std::move(third)}};
}

uint64_t sequence_in(const view& v, const std::string& name) {
  auto o = v.get("configmaps", "default", name);
  return o ? std::stoull(std::string{string_at(parse(o), "data.sequence")}) : 0;
}

caf::behavior writer(caf::event_based_actor* self, caf::actor to, int number, uint64_t done, int pipe) {
  auto sequence = std::make_shared<uint64_t>(done);
  auto next = std::make_shared<std::function<void()>>();
  *next = [=, again = next.get()] {
    ++*sequence;
    self->request(to, caf::infinite, make_commit(number, *sequence))
        .then(
            [=](const committed& c) {
              said s{static_cast<uint32_t>(number), 0, *sequence, c.revision};
              if (::write(pipe, &s, sizeof s) != sizeof s) std::abort();
              (*again)();
            },
            [](const caf::error& e) {
              std::fprintf(stderr, "refused: %s\n", message_of(e).c_str());
              std::abort();
            });
  };
  (*next)();
  return {[next](int) {}};
}

struct child {
  pid_t pid = -1;
  int pipe = -1;
};

child start_child(const std::string& directory) {
  int ends[2];
  BOOST_REQUIRE(::pipe(ends) == 0);
  auto pipe_text = std::to_string(ends[1]);
  const char* args[] = {"test_store",
                        "--run_test=kill_child/writes_until_killed",
                        "--catch_system_errors=no",
                        "--log_level=nothing",
                        "--report_level=no",
                        "--",
                        directory.c_str(),
                        pipe_text.c_str(),
                        nullptr};
  child c{::fork(), ends[0]};
  if (c.pid == 0) {
    ::close(ends[0]);
    ::dup2(::open("/dev/null", O_WRONLY), STDOUT_FILENO);
    ::execv("/proc/self/exe", const_cast<char**>(args));
    ::_exit(127);
  }
  ::close(ends[1]);
  return c;
}

/// Kills the child after `delay_us`, counted from its first word (or from now), and returns all that it said.
std::vector<said> kill_and_read(child c, bool after_first, unsigned delay_us) {
  if (after_first) {
    pollfd p{c.pipe, POLLIN, 0};
    BOOST_REQUIRE_MESSAGE(::poll(&p, 1, 30'000) == 1, "the child writes nothing");
  }
  ::usleep(delay_us);
  ::kill(c.pid, SIGKILL);
  std::vector<said> all;
  said s{};
  while (::read(c.pipe, &s, sizeof s) == sizeof s) all.push_back(s);
  ::close(c.pipe);
  int status = 0;
  BOOST_REQUIRE(::waitpid(c.pid, &status, 0) == c.pid);
  BOOST_REQUIRE_MESSAGE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the child ended by itself: " << status);
  return all;
}

struct known {
  uint64_t sequence = 0, revision = 0;
};

/// Checks one writer's objects against what it was answered; returns what it is at.
known check_writer(const view& v, int writer, known answered) {
  auto w = "w" + std::to_string(writer);
  auto at = sequence_in(v, w + "-left");
  BOOST_TEST(at == sequence_in(v, w + "-right"));
  BOOST_TEST(at >= answered.sequence);
  BOOST_TEST(at <= answered.sequence + 1);
  for (uint64_t item = 0; item < items; ++item) {
    // The last sequence that met this item.
    auto last = at < item ? 0 : at - (at - item) % items;
    auto expected = last == 0 || turn_of(last) == turn::remove ? 0 : last;
    BOOST_TEST(sequence_in(v, name_of_item(writer, item)) == expected);
  }
  if (at == 0) return {};
  auto left = revision_of(v.get("configmaps", "default", w + "-left"));
  BOOST_TEST(revision_of(v.get("configmaps", "default", w + "-right")) == left + 1);
  auto item = v.get("configmaps", "default", name_of_item(writer, at % items));
  if (item) BOOST_TEST(revision_of(item) == left + 2);
  if (at == answered.sequence)
    BOOST_TEST(left + 2 == answered.revision);
  else
    BOOST_TEST(left + 2 > answered.revision);
  return {at, left + 2};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(kill_child, *boost::unit_test::disabled())

BOOST_AUTO_TEST_CASE(writes_until_killed) {
  auto& suite = boost::unit_test::framework::master_test_suite();
  BOOST_REQUIRE(suite.argc == 3);
  test::manual_clock clock;
  test::seeded_random random;
  test::kept_log log;
  context ctx{clock, random, log};
  auto kv = drivers::open_leveldb(drivers::leveldb_options::small(suite.argv[1]));
  BOOST_REQUIRE_MESSAGE(kv, test::why(kv));
  auto views = std::make_shared<publisher>();
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("sharing"));
  caf::actor_system system{config};
  auto store = system.spawn<caf::detached>(
      store_actor, store_args{ctx, "/cloud/store", **kv, views, caf::actor{}, short_log(), true});
  caf::scoped_actor self{system};
  self->request(store, std::chrono::seconds{20}, commit{})
      .receive([](const committed&) {}, [](const caf::error&) { std::abort(); });
  for (int w = 0; w < writers; ++w)
    system.spawn(writer, store, w, sequence_in(*views->current(), "w" + std::to_string(w) + "-left"),
                 std::stoi(suite.argv[2]));
  self->wait_for(store);  // for ever
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(kills)

BOOST_AUTO_TEST_CASE(what_was_answered_survives_hundreds_of_kills_under_load) {
  unsigned seed = std::random_device{}();
  std::mt19937 random{seed};
  test::scratch dir;
  test::seeded_random uuids;
  std::vector<known> state(writers);
  uint64_t revision = 0, answers = 0, unanswered = 0;
  std::string cluster;
  for (int round = 0; round < rounds; ++round) {
    BOOST_TEST_CONTEXT("seed " << seed << " round " << round) {
      bool after_first = random() % 8 != 0;
      auto all = kill_and_read(start_child(dir.path()), after_first, random() % (after_first ? 20'000 : 40'000));
      answers += all.size();
      auto answered = state;
      std::set<uint64_t> revisions;
      for (const auto& s : all) {
        BOOST_REQUIRE(s.writer < static_cast<uint32_t>(writers));
        auto& a = answered[s.writer];
        BOOST_TEST(s.sequence == a.sequence + 1);
        BOOST_TEST(s.revision > a.revision);
        BOOST_TEST(revisions.insert(s.revision).second);
        a = {s.sequence, s.revision};
      }
      auto kv = drivers::open_leveldb(drivers::leveldb_options::small(dir.path()));
      BOOST_REQUIRE_MESSAGE(kv, test::why(kv));
      auto loaded = core::load(**kv, uuids, short_log());
      BOOST_REQUIRE_MESSAGE(loaded, test::why(loaded));
      auto v = (*loaded)->make_view();
      BOOST_TEST(v->revision() >= revision);
      if (!revisions.empty()) BOOST_TEST(v->revision() >= *revisions.rbegin());
      revision = v->revision();
      for (int w = 0; w < writers; ++w) {
        auto at = check_writer(*v, w, answered[static_cast<size_t>(w)]);
        unanswered += at.sequence > answered[static_cast<size_t>(w)].sequence;
        state[static_cast<size_t>(w)] = at;
      }
      if (cluster.empty()) cluster = (*loaded)->cluster_uid();
      BOOST_TEST((*loaded)->cluster_uid() == cluster);
    }
  }
  BOOST_TEST_MESSAGE(rounds << " kills, " << answers << " answers, " << unanswered
                            << " commits done but not answered, revision " << revision);
  BOOST_TEST(answers > static_cast<uint64_t>(rounds));
}

BOOST_AUTO_TEST_SUITE_END()
