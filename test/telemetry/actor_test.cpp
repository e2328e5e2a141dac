#include <boost/test/unit_test.hpp>
#include <caf/send.hpp>

#include "actors/link/mesh.hpp"
#include "actors/telemetry/courier.hpp"
#include "actors/telemetry/keeper.hpp"
#include "actors/telemetry/query.hpp"
#include "test/node/world.hpp"

using namespace skerry;
using namespace skerry::telemetry;
using ports::quality;

namespace {

/// The line between the two: it can be cut, and lose what is on it.
struct line {
  bool loses_letters = false, loses_answers = false;
  size_t crossed = 0;
};
caf::behavior wire(caf::event_based_actor* self, line* l, std::function<caf::actor()> to) {
  return {[=](const letter<schema::PutSamples>& m) -> caf::result<letter<schema::SamplesKept>> {
    ++l->crossed;
    auto target = to();
    if (l->loses_letters || !target) return make_error(errc::suspended, "the link is cut");
    auto promise = self->make_response_promise<letter<schema::SamplesKept>>();
    self->request(target, caf::infinite, m)
        .then(
            [=](const letter<schema::SamplesKept>& k) mutable {
              if (l->loses_answers)
                promise.deliver(make_error(errc::suspended, "the link was cut"));
              else
                promise.deliver(k);
            },
            [=](const caf::error& e) mutable { promise.deliver(e); });
    return promise;
  }};
}

/// What the cloud knows: one object.
struct one_object final : store::view, store::reader {
  store::object what;
  uint64_t revision() const override { return 1; }
  uint64_t compacted() const override { return 0; }
  store::object get(std::string_view resource, std::string_view ns, std::string_view name) const override {
    auto same =
        what && store::resource_of(what) == resource && store::namespace_of(what) == ns && store::name_of(what) == name;
    return same ? what : store::object{};
  }
  void scan(std::string_view, std::string_view, std::string_view,
            const std::function<bool(const store::object&)>& visit) const override {
    visit(what);
  }
  size_t count(std::string_view) const override { return 1; }
  std::vector<store::object> owned_by(std::string_view) const override { return {}; }
  std::vector<store::object> pods_on(std::string_view) const override { return {}; }
  std::vector<store::object> devices_on(std::string_view) const override { return {}; }
  std::vector<std::string> resources() const override { return {}; }
  store::view_ptr current() const override { return {std::shared_ptr<const void>{}, this}; }
};

/// A node's courier and the cloud's keeper, each with its own disk.
struct scene : node::testing::world {
  sim::memory_kv cloud_disk;
  series_store series{cloud_disk, {}};
  one_object known;
  line l;
  std::string node = "n1";
  caf::actor courier, keeper, between;
  int64_t next = 0;
  std::shared_ptr<const device_points> boiler =
      std::make_shared<const device_points>(device_points{{"shop", "boiler", "u1"}, {"count", "label"}});

  scene() {
    place("n1", "u1");
    between = sys.spawn(wire, &l, [this] { return keeper; });
    start_keeper();
    start_courier();
    link_up();
  }
  ~scene() {
    stop(courier);
    stop(keeper);
    stop(between);
  }
  void place(const std::string& on, const std::string& uid) {
    store::draft d;
    d.value = json::parse(R"({"metadata":{"name":"boiler","namespace":"shop","uid":")" + uid +
                          R"("},"spec":{"nodeName":")" + on + R"("}})");
    d.key = {std::string{store::devices_resource}, "shop", "boiler"};
    known.what = store::freeze(d, ++revision);
  }
  void stop(caf::actor& who) {
    if (who) caf::anon_send_exit(who, caf::exit_reason::kill);
    who = nullptr;
    settle();
  }
  void start_keeper() {
    keeper = sys.spawn(telemetry::keeper, keeper_args{ctx, "/cloud/samples", series, known,
                                                      [this](const caf::strong_actor_ptr&) { return node; }});
    settle();
  }
  void start_courier() {
    courier = sys.spawn(telemetry::courier, courier_args{ctx, "/node/n1/samples", kv, [this] { return between; }, {}});
    settle();
  }
  void link_up() {
    caf::anon_send(courier, link::link_resumed{"/cloud"});
    settle();
  }
  void link_down() {
    caf::anon_send(courier, link::link_suspended{"/cloud"});
    settle();
  }
  void take(int count) {
    for (int i = 0; i < count; ++i) {
      clock.advance(1);
      ++next;
      caf::anon_send(courier, samples_taken{boiler, {{0, {clock.wall_ms(), quality::good, next}}}});
    }
    settle();
  }
  /// Are exactly the samples 1 to `last` at the cloud, in order?
  bool there(int64_t last) {
    std::vector<int64_t> seen;
    BOOST_REQUIRE(!series.scan(
        {"shop", "boiler", "count", 0, INT64_MAX / 2},
        [&](std::string_view, sample s) {
          seen.push_back(std::get<int64_t>(s.value));
          return true;
        },
        [](int64_t) { return true; }));
    for (size_t i = 0; i < seen.size(); ++i)
      if (seen[i] != static_cast<int64_t>(i) + 1) return false;
    return seen.size() == static_cast<size_t>(last);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(telemetry_actors)

BOOST_AUTO_TEST_CASE(samples_reach_the_cloud_within_two_seconds) {
  scene s;
  s.take(10);
  s.pass(2'000);
  BOOST_TEST(s.there(10));
  s.take(5);
  s.pass(2'000);
  BOOST_TEST(s.there(15));
}

BOOST_AUTO_TEST_CASE(what_a_cut_holds_back_comes_after_it) {
  scene s;
  s.take(3);
  s.pass(2'000);
  s.link_down();
  for (int i = 0; i < 50; ++i) {
    s.take(10);
    s.pass(1'000);
  }
  auto crossed = s.l.crossed;
  BOOST_TEST(s.there(3));
  s.link_up();
  s.pass(3'000);
  BOOST_TEST(s.there(503));
  BOOST_TEST(s.l.crossed - crossed < 10U);  // in large frames
}

BOOST_AUTO_TEST_CASE(answers_that_are_lost_double_nothing) {
  scene s;
  s.l.loses_answers = true;
  for (int i = 0; i < 5; ++i) {
    s.take(10);
    s.pass(1'500);
  }
  s.l.loses_answers = false;
  s.pass(5'000);
  BOOST_TEST(s.there(50));
}

BOOST_AUTO_TEST_CASE(a_killed_agent_and_a_killed_cloud_lose_and_double_nothing) {
  scene s;
  for (int round = 0; round < 20; ++round) {
    s.take(7);
    s.pass(300);
    s.l.loses_answers = round % 3 == 0;
    s.l.loses_letters = round % 5 == 1;
    if (round % 2 == 0) {
      s.stop(s.courier);
      s.start_courier();
      s.link_up();
    } else {
      s.stop(s.keeper);
      s.start_keeper();
    }
    s.pass(500);
  }
  s.l.loses_answers = s.l.loses_letters = false;
  s.pass(10'000);
  BOOST_TEST(s.there(140));
}

BOOST_AUTO_TEST_CASE(a_cloud_whose_disk_is_full_is_tried_again) {
  scene s;
  s.cloud_disk.fail_writes(make_error(errc::full, "no space"));
  s.take(10);
  s.pass(5'000);
  BOOST_TEST(s.there(0));
  s.cloud_disk.fail_writes({});
  s.pass(5'000);
  BOOST_TEST(s.there(10));
}

BOOST_AUTO_TEST_CASE(a_node_speaks_for_its_own_devices_alone) {
  for (auto [on, uid] : {std::pair{"n2", "u1"}, {"n1", "u2"}}) {
    scene s;
    s.place(on, uid);
    s.take(10);
    s.pass(3'000);
    BOOST_TEST(s.there(0));
    s.place("n1", "u1");
    s.next = 0;
    s.take(10);
    s.pass(3'000);
    BOOST_TEST(s.there(10));
  }
}

BOOST_AUTO_TEST_CASE(who_is_no_node_is_refused) {
  scene s;
  s.node = "";
  s.take(3);
  s.pass(3'000);
  BOOST_TEST(s.there(0));
  BOOST_TEST(std::any_of(s.log.lines.begin(), s.log.lines.end(),
                         [](auto& x) { return x.find("only nodes") != std::string::npos; }));
}

BOOST_AUTO_TEST_CASE(a_frame_that_is_no_frame_is_refused_and_given_up) {
  scene s;
  s.take(3);
  s.pass(50);
  s.link_down();
  // A disk that changed what is on it.
  ports::kv_batch batch;
  BOOST_REQUIRE(s.kv.scan("samples/", "samples0", [&](std::string_view key, std::string_view) {
    if (key.starts_with("samples/p/") || key.starts_with("samples/f/"))
      batch.put(std::string{key}, std::string(64, '\x7f'));
    return true;
  }));
  BOOST_REQUIRE(!batch.changes.empty());
  BOOST_REQUIRE(s.kv.write(batch, true));
  s.link_up();
  s.next = 0;
  s.pass(3'000);
  s.take(4);
  s.pass(6'000);
  BOOST_TEST(s.there(4));
}

BOOST_AUTO_TEST_CASE(texts_of_any_length_become_frames_that_are_taken) {
  scene s;
  std::string text(4'096, 'x');
  for (int i = 0; i < 8; ++i) {
    samples_taken m{s.boiler, {}};
    for (int k = 0; k < 100; ++k)
      m.samples.push_back({1, {s.clock.wall_ms(), quality::good, text + std::to_string(i * 100 + k)}});
    caf::anon_send(s.courier, m);
  }
  s.pass(30'000);
  size_t seen = 0;
  BOOST_REQUIRE(!s.series.scan(
      {"shop", "boiler", "label", 0, INT64_MAX / 2}, [&](auto, const sample&) { return ++seen > 0; },
      [](int64_t) { return true; }));
  BOOST_TEST(seen == 800U);
}

BOOST_AUTO_TEST_SUITE_END()
