// Hundreds of cuts at random bytes, power cuts at the edge, crashes of the cloud, half-open lines: the desired set
// converges, every fact arrives, in order, and takes effect once. The seed is printed; SKERRY_SEED sets it.
#include <boost/test/unit_test.hpp>
#include <iostream>

#include "test/link/world.hpp"

using namespace skerry;
using test::world;

namespace {

struct story {
  world w;
  world::edge* e;
  std::vector<std::string> created;     ///< events as the store took them
  std::vector<std::string> reported;    ///< events that were answered, in order
  std::map<std::string, int> statuses;  ///< pod -> newest number that was answered
  std::map<std::string, int> asked;     ///< pod -> newest number that was asked
  std::vector<std::string> again;
  std::set<std::string> busy;  ///< pods whose report is not answered yet
  int next_pod = 0, next_event = 0;
  int pending = 0;

  explicit story(uint64_t seed) : w(seed) {
    e = &w.add_edge("n1");
    w.create_pod("anchor", "n1", "anchor");
    for (int i = 0; i < 6; ++i)
      w.create("configmaps", "default", "cm" + std::to_string(i), "cm" + std::to_string(i), R"({"data":{}})");
    watch();
  }

  void watch() {
    auto revision = w.views->current()->revision();
    w.sys.spawn([this, revision](caf::event_based_actor* self) -> caf::behavior {
      self->send(w.actors["store"], store::subscribe{{"events"}, revision, caf::actor_cast<caf::actor>(self)});
      return {[](const store::subscribed&) {},
              [this](const store::events& m) {
                for (auto& ev : *m.batch)
                  if (store::resource_of(ev.now) == "events") {
                    BOOST_TEST((ev.type == store::event_type::added), "an event was written twice");
                    created.emplace_back(store::name_of(ev.now));
                  }
              }};
    });
  }

  void change_cloud() {
    auto& r = w.chance;
    auto cm = "cm" + std::to_string(r.below(6));
    switch (r.below(5)) {
      case 0: {
        auto n = std::to_string(next_pod++);
        w.create_pod("pod" + n, "n1", "uid" + n, R"([{"name":"v","configMap":{"name":")" + cm + R"("}}])");
        asked["pod" + n] = 0;
        break;
      }
      case 1:
        w.change("configmaps", "default", cm, [&](auto& v) { ensure(v, "data.k") = std::to_string(r.next()); });
        break;
      case 2:
        if (asked.size() > 8) {
          auto i = asked.begin();
          w.remove("pods", "default", i->first);
          statuses.erase(i->first);
          asked.erase(i);
        }
        break;
      case 3:
        w.remove("configmaps", "default", cm);
        break;
      default:
        w.create("configmaps", "default", cm, "again" + std::to_string(r.next()), R"({"data":{}})");
    }
  }

  void report_event() {
    // One at a time: the order of reports is then the order of answers.
    if (pending > 0) return;
    auto name = "event" + std::to_string(next_event++);
    ++pending;
    send_event(name);
  }
  void send_event(const std::string& name) {
    auto body =
        R"({"metadata":{"name":")" + name +
        R"(","namespace":"default"},"involvedObject":{"kind":"Pod","namespace":"default","name":"anchor"},"count":1})";
    w.report(*e, link::report_event{body}, [this, name](const caf::error& err) {
      if (err) return again.push_back(name);  // the link was being restarted: the agent asks again
      reported.push_back(name);
      --pending;
    });
  }
  void report_status() {
    for (auto& [pod, n] : asked) {
      if (w.chance.below(3) != 0 || !busy.insert(pod).second) continue;
      auto number = ++n;
      auto uid = "uid" + pod.substr(3);
      w.report(
          *e,
          link::report_pod_status{{"default", pod, uid}, R"({"phase":"Running","n":)" + std::to_string(number) + "}"},
          [this, pod = pod, number](const caf::error& err) {
            busy.erase(pod);
            if (!err && asked.count(pod)) statuses[pod] = std::max(statuses[pod], number);
          });
    }
  }
  void ask_again() {
    for (auto& name : std::exchange(again, {})) send_event(name);
  }
  bool facts_arrived() {
    ask_again();
    if (pending > 0 || w.stats(*e).facts_waiting > 0) return false;
    for (auto& [pod, n] : statuses) {
      auto o = w.get("pods", "default", pod);
      if (!o || int_at(store::parse(o), "status.n") < n) return false;
    }
    return true;
  }
};

uint64_t seed_of_run() {
  if (auto* s = std::getenv("SKERRY_SEED")) return std::strtoull(s, nullptr, 10);
  return std::random_device{}();
}

void run(uint64_t seed, int cuts) {
  std::cout << "seed " << seed << std::endl;
  BOOST_TEST_CONTEXT("seed " << seed) {
    story s{seed};
    auto& w = s.w;
    auto& r = w.chance;
    int power_cuts = 0, freezes = 0, cloud_crashes = 0;
    for (int i = 0; i < cuts; ++i) {
      auto turns = r.below(r.below(4) == 0 ? 400 : 60);
      for (uint64_t t = 0; t < turns; ++t) {
        w.turn();
        s.ask_again();
        if (r.below(12) == 0) s.change_cloud();
        if (r.below(8) == 0) s.report_event();
        if (r.below(20) == 0) s.report_status();
      }
      switch (r.below(12)) {
        case 0:
          w.restart_edge(*s.e), ++power_cuts;
          break;
        case 1:
          w.net.freeze(), ++freezes;
          break;
        case 2:
          if (i % 3 == 0) {
            w.restart_cloud(), ++cloud_crashes;
            s.watch();
          }
          break;
        default:
          w.net.cut();
      }
    }
    auto ok = w.until([&] { return w.converged(*s.e) && s.facts_arrived(); });
    BOOST_TEST(w.converged(*s.e), "the desired set did not converge");
    BOOST_TEST(s.facts_arrived(), "facts did not arrive: " << w.stats(*s.e).facts_waiting << " wait");
    BOOST_TEST(ok);
    w.settle();
    BOOST_TEST(s.created.size() == s.reported.size());
    BOOST_TEST((s.created == s.reported), "events came out of order, or not once");
    std::cout << "  " << cuts << " cuts (" << power_cuts << " power, " << freezes << " half-open, " << cloud_crashes
              << " cloud), " << s.reported.size() << " events, " << w.net.bytes_delivered() << " bytes, "
              << w.clock.steady_ms() / 1000 << " s of virtual time\n";
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(link_cuts)

BOOST_AUTO_TEST_CASE(nothing_is_lost_by_cuts_at_any_byte) {
  auto seed = seed_of_run();
  for (int i = 0; i < 4; ++i) run(seed + static_cast<uint64_t>(i), 150);
}

BOOST_AUTO_TEST_SUITE_END()
