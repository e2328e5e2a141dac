#include "test/proof/flow.hpp"

#include <fstream>

#include "schema/error.hpp"

namespace skerry::test::proof {
namespace {

constexpr auto pause = std::chrono::milliseconds{20};
constexpr int facts_each = 4;
constexpr uint64_t waiting_max = 500;
constexpr int64_t hang_ms = 20'000;  ///< twice the time to live of a request

/// A sender between its turns.
struct state {
  sender_args a;
  caf::actor ledger, board, echo;
  uint64_t next_fact;
  uint64_t said_state[keys_of_flow];
  uint64_t turn = 0;
  int64_t suspended_ms = 0, asked_ms = 0;
  bool was_up = false, asking = false;
};

void ask(base::actor* self, const std::shared_ptr<state>& s) {
  s->asking = true;
  s->asked_ms = s->a.ctx.clock.steady_ms();
  ++s->a.all.requests;
  auto end = [s](said::what_t how) {
    s->asking = false;
    --s->a.all.requests;
    s->a.all.pipe.say(how, s->a.flow);
  };
  self->request(s->echo, caf::infinite, make<Probe>(s->turn, "ask", 40))
      .then(
          [s, end, n = s->turn](const letter<Probe>& l) {
            if ((*l).getNumber() != n || !whole(l)) s->a.all.pipe.wrong(s->a.flow, "a request got another's answer");
            end(said::answered);
          },
          [end](const caf::error& e) { end(code_of(e) == errc::suspended ? said::suspended : said::failed); });
}

uint64_t durable_waiting(state& s) {
  for (auto& f : s.a.links.links())
    if (f.island == s.a.neighbour) return f.durable_waiting;
  return 0;
}

void take_turn(base::actor* self, const std::shared_ptr<state>& s) {
  auto& pipe = s->a.all.pipe;
  if (s->a.all.finish) return;
  ++s->turn;
  if (durable_waiting(*s) < waiting_max)
    for (int i = 0; i < facts_each; ++i) {
      auto n = s->next_fact++;
      pipe.say(said::about, s->a.flow, n);
      self->send(s->ledger, make<ProbeFact>(n, "fact", n * 7 % (n % 50 == 0 ? 5'000 : 150)));
      pipe.say(said::sent, s->a.flow, n);
    }
  auto key = static_cast<uint32_t>(s->turn % keys_of_flow);
  auto n = ++s->said_state[key];
  pipe.say(said::state, s->a.flow, n, key);
  self->send(s->board, make<ProbeState>(n, std::to_string(key), 50));
  if (!s->asking && s->turn % 5 == 0) ask(self, s);
  auto waited = s->a.ctx.clock.steady_ms() - s->asked_ms;
  if (s->asking && waited > hang_ms) pipe.say(said::hung, s->a.flow, static_cast<uint64_t>(waited));
}

}  // namespace

void save(const std::vector<resume_point>& points, const std::string& file) {
  std::ofstream out{file};
  for (auto& p : points) {
    out << p.next_fact;
    for (auto n : p.state) out << ' ' << n;
    out << '\n';
  }
}

std::vector<resume_point> load_points(const std::string& file) {
  std::ifstream in{file};
  std::vector<resume_point> out;
  for (resume_point p; in >> p.next_fact;) {
    for (auto& n : p.state) in >> n;
    out.push_back(p);
  }
  return out;
}

std::string receiver_path(const std::string& island, const std::string& name, const char* kind) {
  return island + "/proof/" + name + "/" + kind;
}

caf::behavior sender(base::actor* self, sender_args args) {
  base::prepare(self, args.ctx, args.path);
  auto s = std::make_shared<state>(state{args, {}, {}, {}, args.at.next_fact, {}});
  auto handle = [&](const char* kind) {
    auto a = args.links.resolve(receiver_path(args.neighbour, args.name, kind));
    if (!a) throw std::runtime_error(message_of(a.error()));
    return *a;
  };
  s->ledger = handle("ledger");
  s->board = handle("board");
  s->echo = handle("echo");
  // The states of its last life are gone with it: it says them anew.
  for (uint32_t key = 0; key < keys_of_flow; ++key) {
    s->said_state[key] = args.at.state[key] + 1;
    args.all.pipe.say(said::state, args.flow, s->said_state[key], key);
    self->send(s->board, make<ProbeState>(s->said_state[key], std::to_string(key), 50));
  }
  args.links.observe(caf::actor_cast<caf::actor>(self), args.neighbour);
  self->delayed_send(self, pause, caf::unit);
  return {[self, s](caf::unit_t) {
            take_turn(self, s);
            self->delayed_send(self, pause, caf::unit);
          },
          [s](const link::link_suspended&) { s->suspended_ms = s->a.ctx.clock.steady_ms(); },
          [s](const link::link_resumed&) {
            auto took = s->a.ctx.clock.steady_ms() - s->suspended_ms;
            if (std::exchange(s->was_up, true))
              s->a.all.pipe.say(said::resumed, s->a.flow, static_cast<uint64_t>(took));
            else
              s->a.all.pipe.say(said::up, s->a.flow);
          }};
}

std::map<std::string, std::function<caf::actor()>> receivers(caf::actor_system& sys, const receiver_args& a) {
  std::map<std::string, std::function<caf::actor()>> out;
  auto path = [&](const char* kind) { return receiver_path(a.island, a.name, kind); };
  out[path("ledger")] = [&sys, a, p = path("ledger")] {
    // Now and then it dies, before or after its effect: drawn by the letter's turn, from the process's own chance.
    auto draw = [&chance = a.ctx.random] {
      auto n = chance.next() % 400;
      return n == 0 ? crash::before_effect : n == 1 ? crash::after_effect : crash::none;
    };
    auto wrong = [a](const std::string& text) { a.pipe.wrong(a.flow, text.c_str()); };
    return sys.spawn(ledger, ledger_args{a.ctx, p, a.kv, a.name, draw, wrong});
  };
  out[path("board")] = [&sys, a, p = path("board")] {
    auto show = [a](const std::string& key, uint64_t number) {
      a.pipe.say(said::shown, a.flow, number, static_cast<uint32_t>(std::stoul(key)));
    };
    return sys.spawn(board, board_args{a.ctx, p, show});
  };
  out[path("echo")] = [&sys, a, p = path("echo")] { return sys.spawn(echo, echo_args{a.ctx, p}); };
  return out;
}

}  // namespace skerry::test::proof
