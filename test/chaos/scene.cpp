#include "test/chaos/scene.hpp"

#include <cstdio>

#include <boost/test/unit_test.hpp>
#include <caf/send.hpp>

#include "schema/error.hpp"

namespace skerry::test::chaos {
struct poke {};
}  // namespace skerry::test::chaos
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::test::chaos::poke)

namespace skerry::test::chaos {
namespace {

constexpr const char* config_maps = "/api/v1/namespaces/default/configmaps";
constexpr const char* all_pods = "/api/v1/namespaces/default/pods";
constexpr const char* deployments = "/apis/apps/v1/namespaces/default/deployments";

constexpr const char* deployment = R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},
  "spec":{"replicas":4,"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},
  "spec":{"containers":[{"name":"main","image":"app:1"}]}}}})";

bool comes_and_goes(const std::string& path) {
  return path.starts_with("/cloud/link/sessions/") || path.starts_with("/cloud/api/watches/") ||
         path.find("/pod/") != std::string::npos;
}

}  // namespace

// -- ledger -----------------------------------------------------------------------------------------------------------

bool ledger::ending::crashed() const {
  return over && !orphaned && supervisors::ending_of(why) == supervisors::ending::abnormal;
}

bool ledger::follow(size_t island, const std::string& path, const caf::actor& victim, const caf::actor& supervisor) {
  auto end = std::make_shared<ending>();
  auto alone = std::make_shared<bool>(false);
  if (supervisor) supervisor->attach_functor([alone] { *alone = true; });
  ++*open_;
  victim->attach_functor([end, alone, open = open_](const caf::error& why) {
    *end = {true, *alone, why};
    --*open;
  });
  if (end->over) return false;
  victims_.push_back({island, path, end});
  return true;
}

/// Is this a supervisor that gave up, as it should: more of its children crashed than its window admits?
bool ledger::gave_up(const supervisors::crash_report& r, const std::vector<supervisors::crash_report>& all) {
  unsigned intensity = 0, period_ms = 0;
  auto said = r.why.find(": more than ");
  if (said != r.path.size() || !r.why.starts_with(r.path) ||
      std::sscanf(r.why.c_str() + said, ": more than %u restarts within %u ms", &intensity, &period_ms) != 2)
    return false;
  auto crashed = std::count_if(all.begin(), all.end(), [&](auto& c) {
    return c.path.starts_with(r.path + "/") && c.path.find('/', r.path.size() + 1) == std::string::npos &&
           c.at_ms <= r.at_ms && c.at_ms >= r.at_ms - period_ms;
  });
  return crashed > intensity;
}

size_t ledger::kills() const {
  return static_cast<size_t>(std::count_if(victims_.begin(), victims_.end(), [](auto& v) { return v.end->crashed(); }));
}

std::string ledger::fault(world& w) const {
  auto text = [](size_t island, const std::string& path, const std::string& why) {
    return "island " + std::to_string(island) + ", " + path + ": " + why;
  };
  std::map<std::string, int> due, told;
  for (auto& v : victims_)
    if (v.end->crashed()) ++due[text(v.island, v.path, message_of(v.end->why))];
  auto all = w.islands();
  for (size_t i = 0; i < all.size(); ++i) {
    auto reports = all[i]->crashes.reports();
    for (auto& r : reports)
      if (!gave_up(r, reports)) ++told[text(i, r.path, r.why)];
  }
  for (auto& [what, n] : due)
    if (told[what] < n)
      return "crash of " + what + " happened " + std::to_string(n) + " times, and was reported " +
             std::to_string(told[what]) + " times";
  for (auto& [what, n] : told)
    if (due[what] < n) return "crash of " + what + " was reported, and nobody did it";
  return {};
}

// -- scene ------------------------------------------------------------------------------------------------------------

void scene::loud_log::write(ports::severity, std::string_view who, std::string_view text) {
  if (!loud) return;
  std::fprintf(stderr, "%lld %.*s: %.*s\n",
               static_cast<long long>(clock == nullptr ? 0 : clock->steady_ms() - sim::virtual_clock::start_ms),
               int(who.size()), who.data(), int(text.size()), text.data());
}

scene::scene(uint64_t seed)
    : w({.seed = seed,
         .log = &log,
         .reports_max = 100'000,  // as good as all
         .more_words = {},
         .apps = {{"book", [](sim::island& i) { return start_book(i.ctx, i.disk, "/cloud/app/book"); }}}}),
      maps(*w.front, config_maps),
      watched_pods(*w.front, all_pods) {
  log.clock = &w.clock;
  for (auto* name : {"n1", "n2"}) w.add_edge(name);
}

bool scene::nodes_ready() {
  for (auto& e : w.edges) {
    auto node = w.get("/api/v1/nodes/" + e->name);
    bool ready = false;
    for (auto& c : array_at(node, "status.conditions"))
      ready |= string_at(c, "type") == "Ready" && string_at(c, "status") == "True";
    if (!ready) return false;
  }
  return true;
}

void scene::load(bool more) {
  // Time stands still while anybody has work: who always asks for more would stop it.
  more = more && w.clock.steady_ms() >= w.clients_due_ms;
  if (more) w.clients_due_ms = w.clock.steady_ms() + 50 + static_cast<int64_t>(w.chance.below(200));
  auto now = w.clock.steady_ms();
  first.work(more, now);
  second.work(more, now);
  third.work(more, now);
  pods.work(more && w.chance.below(4) == 0, now);
  web.work(more && w.chance.below(16) == 0, now, w.chance);
  letters.work(more);
  maps.work(now);
  watched_pods.work(now);
  if (partition_ends_ms != 0 && w.clock.steady_ms() > partition_ends_ms) {
    partition_ends_ms = 0;
    w.net.partition(false);
  }
}

void scene::pass(int64_t virtual_ms) {
  auto end = w.clock.steady_ms() + virtual_ms;
  for (int n = 0; w.clock.steady_ms() < end; ++n) {
    if (n % 64 == 0 || w.clock.steady_ms() >= w.clients_due_ms) load(true);
    w.turn();
  }
}

void scene::set_up() {
  BOOST_REQUIRE(w.until([&] { return nodes_ready(); }));
  call_ptr made;
  BOOST_REQUIRE(w.until([&] {
    if (made && made->done && made->code == 201) return true;
    if (!made || made->done) made = send(*w.front, "POST", deployments, deployment);
    return false;
  }));
  auto why = missing();
  BOOST_REQUIRE_MESSAGE(until([&] { return (why = missing()).empty(); }, 60'000), "before any kill: " << why);
  auto all = w.islands();
  for (size_t i = 0; i < all.size(); ++i)
    for (auto& path : all[i]->directory.list())
      if (!comes_and_goes(path)) standing.insert(std::to_string(i) + path);
}

void scene::tell(std::string what) {
  history.push_back(std::to_string(w.clock.steady_ms()) + " " + std::move(what));
  if (history.size() > 30) history.pop_front();
}

std::string scene::story() const {
  std::string out;
  for (auto& line : history) out += "\n  " + line;
  return out;
}

// -- what befalls it --------------------------------------------------------------------------------------------------

std::vector<scene::target> scene::everybody() {
  std::vector<target> all;
  auto islands = w.islands();
  for (size_t i = 0; i < islands.size(); ++i)
    for (auto& e : islands[i]->directory.entries("", "", SIZE_MAX)) {
      seen_[{i, e.path}] = e.who;
      all.push_back({i, e.path, e.who});
    }
  return all;
}

/// False for one that has ended, and its supervisor does not know yet.
bool scene::follow(const target& t) {
  bool root = t.path == w.islands()[t.island]->path;
  return crashes.follow(t.island, t.path, t.who,
                        root ? caf::actor{} : seen_[{t.island, t.path.substr(0, t.path.rfind('/'))}]);
}

/// Its own work shall meet an exception; one that has none for a while gets something to stumble over.
void scene::trip(const target& t) {
  auto& directory = w.islands()[t.island]->directory;
  trap.armed = true;
  directory.trace(t.path, &trap);
  for (int n = 0; n < 100 && trap.armed; ++n) load(n % 32 == 0), w.turn();
  if (trap.armed) caf::anon_send(t.who, poke{});
  for (int n = 0; n < 5'000 && !crashes.over(); ++n) w.turn();
  trap.armed = false;
  directory.trace(t.path, nullptr);
}

void scene::kill_one() {
  // In the middle of work, not in the quiet after it.
  w.clients_due_ms = 0;
  load(true);
  for (auto n = w.chance.below(300); n > 0; --n) w.turn();
  auto all = everybody();
  auto& victim = all[w.chance.below(all.size())];
  if (!follow(victim)) return;
  std::vector<target> children;
  for (auto& t : all)
    if (t.island == victim.island && t.path.starts_with(victim.path + "/") &&
        t.path.find('/', victim.path.size() + 1) == std::string::npos)
      children.push_back(t);
  if (!children.empty() && w.chance.below(2) == 0) {
    auto& child = children[w.chance.below(children.size())];
    if (follow(child)) {
      tell("kill " + child.path + ", and");
      caf::anon_send_exit(child.who, caf::exit_reason::kill);
    }
  }
  if (w.chance.below(2) == 0) {
    tell("exception " + victim.path);
    return trip(victim);
  }
  tell("kill " + victim.path);
  caf::anon_send_exit(victim.who, caf::exit_reason::kill);
  for (int n = 0; n < 5'000 && !crashes.over(); ++n) w.turn();
}

void scene::cut_links() {
  ++cuts;
  switch (w.chance.below(3)) {
    case 0:
      tell("cut");
      return w.net.cut();
    case 1:
      tell("silence");
      return w.net.freeze();
    default:
      ++partitions;
      partition_ends_ms = w.clock.steady_ms() + static_cast<int64_t>(w.chance.below(60'000));
      tell("partition until " + std::to_string(partition_ends_ms));
      w.net.partition(true);
      w.net.freeze();
  }
}

void scene::faults(bool on) {
  if (!on) {
    w.net.clear_faults();
    w.net.partition(false);
    partition_ends_ms = 0;
    return;
  }
  sim::fault_odds odds;
  odds.cut = 2;
  odds.cut_bytes_max = 256 * 1024;
  w.net.set_faults([this, odds] { return sim::draw_faults(w.chance, odds); }, &w.clock, true);
}

// -- what must hold ---------------------------------------------------------------------------------------------------

std::string scene::missing() {
  if (!first.idle() || !second.idle() || !third.idle() || !pods.idle() || !web.idle())
    return "a request is not answered";
  auto all = w.islands();
  for (auto& s : standing)
    if (!all[static_cast<size_t>(s[0] - '0')]->directory.find(s.substr(1))) return s.substr(1) + " does not stand";
  auto d = w.get(std::string{deployments} + "/web");
  for (auto* count : {"spec.replicas", "status.replicas", "status.updatedReplicas", "status.readyReplicas"})
    if (int_at(d, count) != web.replicas())
      return std::string{"the deployment's "} + count + " is not " + std::to_string(web.replicas());
  auto list = w.get(all_pods);
  if (auto why = missing_pods(list); !why.empty()) return why;
  for (auto* client : {&first, &second, &third})
    for (auto& [name, value] : client->acknowledged())
      if (string_at(w.get(std::string{config_maps} + "/" + name), "data.value") != value)
        return name + ": the acknowledged value " + value + " is not there";
  if (!maps.agrees_with(w.get(config_maps))) return "a watcher of ConfigMaps does not see what is there";
  if (!watched_pods.agrees_with(list)) return "a watcher of pods does not see what is there";
  if (auto why = letters.fault(); !why.empty()) return why;
  return crashes.fault(w);
}

std::string scene::missing_pods(const json::value& list) {
  size_t mine = 0, others = 0, containers = 0;
  for (auto& pod : array_at(list, "items")) {
    auto name = std::string{string_at(pod, "metadata.name")};
    if (!w.runs(pod)) return "pod " + name + " does not run";
    auto& count = name.starts_with("pod-") ? mine : others;
    ++count;
    if (name.starts_with("pod-") && !pods.alive().contains(name)) return "pod " + name + " was to go";
  }
  if (mine != pods.alive().size()) return "a pod that was acknowledged is not there";
  if (others != static_cast<size_t>(web.replicas())) return "there are more pods than the deployment wants";
  for (auto& e : w.edges) containers += e->runtime.containers().size();
  if (containers != mine + others) return "there are more containers than pods";
  return {};
}

std::string scene::restarted() {
  std::set<std::string> seen;
  for (auto& e : w.edges)
    for (auto& c : e->runtime.started())
      if (c.attempt != 0 || !seen.insert(c.pod_uid + "/" + c.name).second)
        return "container " + c.name + " of pod " + c.pod_uid + " on " + e->name + " was started again";
  return {};
}

}  // namespace skerry::test::chaos
