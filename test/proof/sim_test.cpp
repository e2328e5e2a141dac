// Delivery, proven in one process under the deterministic scheduler: a thousand cuts at any byte, half-open and slow
// lines, crashes, power cuts that lose what was not synced. All drawn from a seed, which is printed and replays.
#include <boost/test/unit_test.hpp>
#include <caf/send.hpp>

#include <sstream>

#include "schema/error.hpp"
#include "schema/limits.hpp"
#include "test/proof/options.hpp"
#include "test/proof/sim_world.hpp"

using namespace skerry;
using namespace skerry::test::proof;

namespace {

constexpr int nodes = 3;
constexpr uint64_t keys = 4;
constexpr uint64_t durable_waiting_max = 400;  ///< so that the end comes in time

struct flow {
  sim_world::island* from;
  std::string to, name;
  sent_record record;
  std::map<std::string, uint64_t> said, shown;  ///< latest: by key
};

struct story {
  std::vector<std::unique_ptr<flow>> flows;
  std::map<uint64_t, int64_t> asked;  ///< requests that are not answered: when they were made
  uint64_t answers = 0, suspended = 0, other_errors = 0, next_ask = 0;
  uint64_t echo_ends = 0, downs = 0, suspends = 0, resumes = 0;
  uint64_t durable_waiting = 0;
  int64_t slowest_answer_ms = 0;

  std::map<std::string, std::vector<caf::actor_addr>> askers;
  sim_world w;  ///< last: its end still lets actors run, which use all of the above

  explicit story(uint64_t seed) : w(seed) {
    auto& cloud = w.add("/cloud");
    for (int n = 1; n <= nodes; ++n) w.add("/node/n" + std::to_string(n));
    for (int n = 1; n <= nodes; ++n) {
      auto& node = *w.islands.at("/node/n" + std::to_string(n));
      add_flow(node, cloud, "up" + std::to_string(n));
      add_flow(node, cloud, "more" + std::to_string(n));
      add_flow(cloud, node, "down" + std::to_string(n));
      add_echo(node);
      add_watcher(node);
    }
    add_echo(cloud);
    for (auto& [path, i] : w.islands) w.start(*i);
  }

  void add_flow(sim_world::island& from, sim_world::island& to, const std::string& name) {
    flows.push_back(std::make_unique<flow>());
    auto& f = *flows.back();
    f.from = &from;
    f.to = to.path + "/proof/" + name;
    f.name = name;
    to.apps[f.to + "/ledger"] = [this, &to, &f] {
      ledger_args a{w.ctx, f.to + "/ledger", to.kv, f.name, {}, {}};
      a.draw = [this] {
        auto n = w.chance.below(200);
        return n == 0 ? crash::before_effect : n == 1 ? crash::after_effect : crash::none;
      };
      a.wrong = [this](const std::string& what) { w.wrong(what); };
      return w.sys->spawn(ledger, std::move(a));
    };
    to.apps[f.to + "/board"] = [this, &f] {
      auto show = [this, &f](const std::string& key, uint64_t number) {
        if (number < f.shown[key]) w.wrong("state " + key + " of " + f.name + " went back");
        f.shown[key] = number;
      };
      return w.sys->spawn(board, board_args{w.ctx, f.to + "/board", show});
    };
  }
  void add_echo(sim_world::island& i) {
    i.apps[i.path + "/echo"] = [this, &i] {
      auto a = w.sys->spawn(echo, echo_args{w.ctx, i.path + "/echo"});
      a->attach_functor([this](const caf::error&) { ++echo_ends; });
      return a;
    };
  }
  /// Watches the cloud's echo and its link: no cut may look like an end.
  void add_watcher(sim_world::island& i) {
    i.apps[i.path + "/watcher"] = [this, &i] {
      return w.sys->spawn([this, &i](caf::event_based_actor* self) -> caf::behavior {
        auto other = w.handle(i, "/cloud/echo");
        self->set_down_handler([this, self, other](caf::scheduled_actor*, caf::down_msg&) {
          ++downs;
          self->monitor(other);
        });
        self->monitor(other);
        i.links->observe(caf::actor_cast<caf::actor>(self), "/cloud");
        auto up = std::make_shared<int>(-1);
        return {[this, up](const link::link_suspended&) {
                  if (*up == 0) w.wrong("told suspended twice");
                  *up = 0;
                  ++suspends;
                },
                [this, up](const link::link_resumed&) {
                  if (*up == 1) w.wrong("told resumed twice");
                  *up = 1;
                  ++resumes;
                }};
      });
    };
  }

  void say_fact() {
    auto& f = *flows[w.chance.below(flows.size())];
    if (!f.from->links || durable_waiting > durable_waiting_max) return;
    w.send_fact(*f.from, f.to + "/ledger", f.record, w.chance.below(w.chance.below(10) == 0 ? 4'000 : 200));
  }
  void say_state(flow& f, const std::string& key) {
    if (!f.from->links) return;
    caf::anon_send(w.handle(*f.from, f.to + "/board"), make<ProbeState>(++f.said[key], key, w.chance.below(100)));
  }
  void ask() {
    auto from = std::next(w.islands.begin(), static_cast<long>(w.chance.below(w.islands.size())));
    auto to = std::next(w.islands.begin(), static_cast<long>(w.chance.below(w.islands.size())));
    if (from == to || !from->second->links || (from->first != "/cloud" && to->first != "/cloud")) return;
    auto id = ++next_ask;
    auto other = w.handle(*from->second, to->first + "/echo");
    asked[id] = w.clock.steady_ms();
    auto asker = w.sys->spawn([this, id, other](caf::event_based_actor* self) {
      self->request(other, caf::infinite, make<Probe>(id, "ask", 30))
          .then(
              [this, id](const letter<Probe>& l) {
                if ((*l).getNumber() != id || !whole(l)) w.wrong("a request got another's answer");
                answered(id);
                ++answers;
              },
              [this, id](const caf::error& e) {
                answered(id);
                ++(code_of(e) == errc::suspended ? suspended : other_errors);
              });
    });
    asker->attach_functor([this, id](const caf::error&) { asked.erase(id); });
    askers[from->first].push_back(caf::actor_cast<caf::actor_addr>(asker));
  }
  void answered(uint64_t id) {
    slowest_answer_ms = std::max(slowest_answer_ms, w.clock.steady_ms() - asked[id]);
    asked.erase(id);
  }

  void restart(sim_world::island& i, bool power_cut) {
    for (auto& a : askers[i.path])
      if (auto who = caf::actor_cast<caf::actor>(a)) caf::anon_send_exit(who, caf::exit_reason::kill);
    askers[i.path].clear();
    w.stop(i, power_cut);
    w.start(i);
    for (auto& f : flows)
      if (f->from == &i)
        for (auto& [key, number] : f->said) say_state(*f, key);
  }

  void check_bounds() {
    durable_waiting = 0;
    for (auto& [path, i] : w.islands) {
      if (!i->links) continue;
      for (auto& l : i->links->links()) {
        durable_waiting = std::max(durable_waiting, l.durable_waiting);
        if (l.waiting_bytes > limits::fleeting_waiting_bytes_max) w.wrong("too many fleeting bytes wait");
        if (l.latest_waiting > limits::latest_waiting_max) w.wrong("too many keys wait");
        if (l.calls > limits::calls_waiting_max) w.wrong("too many calls wait");
      }
    }
  }
  /// What is still to be done; empty: nothing.
  std::string unrest() {
    std::ostringstream out;
    for (auto& [id, since] : asked)
      out << "request " << id << " has no end for " << w.clock.steady_ms() - since << " ms; ";
    for (auto& [path, i] : w.islands)
      for (auto& l : i->links->links())
        if (l.durable_waiting > 0 || l.latest_waiting > 0 || l.calls > 0 || !l.up)
          out << path << " to " << l.island << ": " << (l.up ? "up, " : "cut, ") << l.durable_waiting << " durable, "
              << l.latest_waiting << " latest, " << l.calls << " calls, " << l.unsettled_bytes << " bytes unsettled; ";
    return out.str();
  }
  bool quiet() { return unrest().empty(); }
  uint64_t cuts() const { return w.net.faults().cuts; }

  void act() {
    switch (w.chance.below(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return say_fact();
      case 4: {
        auto& f = *flows[w.chance.below(flows.size())];
        return say_state(f, "k" + std::to_string(w.chance.below(keys)));
      }
      case 5:
        return ask();
      default:
        return;
    }
  }
  void disaster() {
    auto i = std::next(w.islands.begin(), static_cast<long>(w.chance.below(w.islands.size())));
    switch (w.chance.below(40)) {
      case 0:
      case 1:
        return restart(*i->second, true);
      case 2:
      case 3:
        return restart(*i->second, false);
      case 4:
        return w.net.freeze();
      case 5:
        return w.net.cut();
      case 6:
        if (auto a = i->second->directory->find(i->first + "/echo")) caf::anon_send_exit(a, caf::exit_reason::kill);
        return;
      default:
        return;
    }
  }
  void verify();
};

void story::verify() {
  for (auto& f : flows) {
    auto& to = *w.islands.at(std::string{paths::island_of(f->to)});
    auto effects = effects_of(*to.store, f->name);
    BOOST_REQUIRE(effects);
    BOOST_TEST(f->record.check(*effects) == "", f->name << ": " << f->record.check(*effects));
    for (auto& [key, number] : f->said)
      BOOST_TEST(f->shown[key] == number, f->name << ": state " << key << " shows " << f->shown[key]);
  }
  for (auto& what : w.wrongs) BOOST_ERROR(what);
  BOOST_TEST(asked.size() == 0u, asked.size() << " requests hang");
  BOOST_TEST(other_errors + suspended + answers > 0u);
  BOOST_TEST(downs <= echo_ends, downs << " monitors fired for " << echo_ends << " ends");
}

void run(uint64_t seed, uint64_t cuts) {
  BOOST_TEST_CONTEXT("seed " << seed) {
    story s{seed};
    auto& w = s.w;
    sim::fault_odds odds;
    odds.cut_bytes_max = 100'000;
    odds.delay_ms_max = 200;
    w.net.set_faults([&w, odds] { return sim::draw_faults(w.chance, odds); }, &w.clock, true);
    for (uint64_t turns = 0; s.cuts() < cuts; ++turns) {
      w.turn();
      s.act();
      if (turns % 64 == 0) s.check_bounds(), s.disaster();
      BOOST_REQUIRE_MESSAGE(turns < 20'000 * cuts, "nothing crosses any more");
    }
    w.net.clear_faults();
    auto ok = w.until([&] { return s.quiet(); }, 600'000);
    BOOST_TEST(ok, "it does not come to rest: " << s.unrest());
    s.verify();
    uint64_t facts = 0;
    for (auto& f : s.flows) facts += f->record.size();
    auto n = w.net.faults();
    std::cout << "  " << n.cuts << " cuts (" << n.half_open << " half-open, " << n.corrupt << " corrupt), " << n.silent
              << " silent, " << n.slow << " slow, " << n.delayed << " delayed, " << w.kills << " kills, "
              << w.power_cuts << " power cuts, " << w.app_crashes << " crashes of receivers; " << facts << " facts, "
              << s.answers << " answers, " << s.suspended << " suspended, " << s.other_errors
              << " other errors, slowest " << s.slowest_answer_ms << " ms, " << w.clock.steady_ms() / 1000
              << " s of virtual time\n";
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(delivery_simulated)

BOOST_AUTO_TEST_CASE(a_thousand_cuts_lose_and_double_nothing) {
  auto runs = number_option("runs", 4);
  auto cuts = number_option("cuts", 250);
  auto seed = seed_of_run("delivery_simulated");
  for (uint64_t i = 0; i < runs; ++i) run(seed + i, cuts);
}

BOOST_AUTO_TEST_SUITE_END()
