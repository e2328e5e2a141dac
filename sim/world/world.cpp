#include "sim/world/world.hpp"

#include <algorithm>
#include <caf/exit_reason.hpp>
#include <caf/scheduled_actor.hpp>
#include <caf/send.hpp>
#include <stdexcept>

#include "schema/error.hpp"

namespace skerry::sim {
namespace {

caf::actor_system_config& deterministic(caf::actor_system_config& c) {
  c.set("scheduler.policy", caf::atom("testing"));
  return c;
}

constexpr const char* address = "cloud:6443";
constexpr int64_t restart_ms = 100, failed_start_ms = 1'000;
constexpr int drain_max = 1'000'000;
/// Turns for each island in which time may stand still.
constexpr uint64_t turns_max = 1'000'000;
enum kind : uint64_t { job_turn = 1, delivery = 2, runtime_act = 3, timer = 4 };

}  // namespace

int64_t virtual_clock::steady_ms() const {
  auto since = source->current_time.time_since_epoch();
  return start_ms + std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

world::world(world_options o)
    : options(std::move(o)),
      chance(options.seed),
      cloud(clock, chance, log(), "/cloud", options.reports_max),
      sys(deterministic(config)),
      coordinator_(dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler())) {
  clock.source = &coordinator_.clock();
  if (options.wall_ms > 0) clock.wall_at_zero_ms = options.wall_ms - virtual_clock::start_ms;
  net.set_faults({}, &clock, true);
  add_standard(words);
  if (options.more_words) options.more_words(words);
  make_cloud();
}

world::~world() {
  closing_ = true;
  for (auto* i : islands()) {
    caf::anon_send_exit(i->root, caf::exit_reason::kill);
    i->root = nullptr;
  }
  for (uint64_t i = 0; i < turns_max * (1 + edges.size()) && (coordinator_.try_run_once() || net.step()); ++i) {
  }
  coordinator_.clock().cancel_all();
  for (auto* i : islands())
    if (i->mesh) i->mesh->stop();
  front.reset();
  for (int n = 0; n < drain_max && coordinator_.try_run_once(); ++n) {
  }
  coordinator_.clock().cancel_all();
  for (auto* i : islands()) {
    i->mesh.reset();
    i->graves.clear();
  }
}

void world::make_cloud() {
  authority = *pki.make_authority("skerry", 3650);
  auto& d = cloud.directory;
  auto& ctx = cloud.ctx;
  namespace paths = supervisors::cloud_paths;
  api = std::make_unique<api::parts>(api::parts{ctx,
                                                registry,
                                                *views,
                                                d.finder(paths::store),
                                                d.finder(paths::api_sessions),
                                                d.finder(paths::api_watches),
                                                options.yaml,
                                                {},
                                                d.finder(paths::api_samples)});
  link = std::make_unique<link::cloud_parts>(link::cloud_parts{.ctx = ctx,
                                                               .store = *views,
                                                               .pki = pki,
                                                               .authority = authority,
                                                               .cluster = "cluster-1",
                                                               .sessions = d.finder(paths::link_sessions),
                                                               .status_writer = d.finder(paths::status_writer),
                                                               .node_sync = d.finder(paths::node_sync),
                                                               .life_cycle = d.finder(paths::node_life_cycle)});
  front = std::make_unique<api::front>(*api);
  tree = std::make_unique<supervisors::cloud_tree_parts>(
      supervisors::cloud_tree_parts{cloud.services, cloud.disk, views, registry, *api, *front, *link, acceptor});
  tree->threads = false;
  tree->series = &series;
  for (auto& a : options.apps) tree->apps.push_back({a.id, a.make(cloud)});
  cloud.start = [this] { return supervisors::start_cloud_tree(sys, *tree, {}); };
  net.listen(address, &acceptor, authority.certificate_pem);
  start(cloud);
}

edge& world::add_edge(const std::string& name, std::map<std::string, std::string> labels) {
  auto pair = *pki.issue(authority, {"system:node:" + name, {"system:nodes"}, {}, false}, 365);
  auto owned = std::make_unique<edge>(clock, chance, log(), name, options.reports_max);
  auto& e = *owned;
  for (auto& image : options.images) e.runtime.offer_image(image);
  if (options.any_image) e.runtime.offer_all();
  e.runtime.set_delay_ms(options.runtime_delay_ms);
  e.runtime.on_due([this, number = edges.size()](int64_t at) { runtimes_.emplace(at, number); });
  e.machine.facts_.hostname = name;
  e.tree = std::make_unique<supervisors::edge_tree_parts>(supervisors::edge_tree_parts{
      .island = e.services,
      .node = name,
      .version = "v1.36.0",
      .labels = std::move(labels),
      .pods_directory = "/pods",
      .kv = e.disk,
      .runtime = e.runtime,
      .files = e.files,
      .prober = e.prober,
      .machine = e.machine,
      .transport = net,
      .pki = pki,
      .server = address,
      .credentials = {authority.certificate_pem, {}, pair.certificate_pem, pair.key_pem},
      .on_renewed = [](const ports::client_credentials&) { return caf::expected<void>{caf::unit}; },
      .threads = false});
  e.start = [this, here = &e] { return supervisors::start_edge_tree(sys, *here->tree, {}); };
  edges.push_back(std::move(owned));
  by_name_[name] = &e;
  start(e);
  return e;
}

caf::error world::make_mesh(island& i) {
  if (i.mesh) {
    i.mesh->stop();
    i.graves.push_back(std::move(i.mesh));
  }
  bool is_cloud = &i == &cloud;
  i.mesh = std::make_unique<link::mesh>(
      link::mesh_args{sys, i.ctx, i.directory, words, i.path, is_cloud ? "" : cloud.path, &i.disk, 0});
  if (auto e = i.mesh->load()) return e;
  if (is_cloud)
    tree->mesh = link->links = i.mesh.get();
  else
    static_cast<edge&>(i).tree->mesh = i.mesh.get();
  return {};
}

// -- processes and machines -------------------------------------------------------------------------------------------

void world::start(island& i) {
  if (i.root) return;
  ++i.starts;
  if (auto e = make_mesh(i)) {
    // Its main says so and ends, and is started again a little later.
    log().write(ports::severity::error, i.path, "cannot start: " + message_of(e));
    restarts_.emplace(clock.steady_ms() + failed_start_ms, &i);
    return;
  }
  i.root = i.start();
  supervisors::report_end(i.services, i.root);
  i.root->attach_functor([this, &i, generation = i.starts] {
    if (i.starts == generation && i.root) ended_.push_back(&i);
  });
}

/// The process is gone before its successor starts: its connections, and all of its actors.
void world::bury(island& i, bool power) {
  auto told = power ? fault_plan::told::nobody : fault_plan::told::both;
  bool is_cloud = &i == &cloud;
  if (is_cloud)
    net.cut_all(told);
  else
    net.cut(static_cast<edge&>(i).line(), told);
  for (int n = 0; n < drain_max && coordinator_.try_run_once(); ++n) {
  }
  if (!power) return;
  i.disk.crash();
  ++i.power_cuts;
  if (!is_cloud) static_cast<edge&>(i).runtime.reboot();
}

void world::crash(island& i, bool power, int64_t down_ms) {
  std::erase_if(restarts_, [&](auto& r) { return r.second == &i; });
  // Nothing that its actors still do on their way out may reach the disk.
  i.disk.fail_writes(make_error(errc::io, "the process is gone"));
  if (auto root = std::exchange(i.root, nullptr)) caf::anon_send_exit(root, caf::exit_reason::kill);
  bury(i, power);
  i.disk.fail_writes({});
  if (down_ms >= 0) restarts_.emplace(clock.steady_ms() + down_ms, &i);
}

void world::start_what_ended() {
  if (closing_ || (ended_.empty() && restarts_.empty())) return;
  auto now = clock.steady_ms();
  for (auto* i : std::exchange(ended_, {})) {
    i->root = nullptr;
    bury(*i, i == &cloud && chance.below(2) == 0);
    restarts_.emplace(now + restart_ms, i);
  }
  while (!restarts_.empty() && restarts_.begin()->first <= now) {
    auto* i = restarts_.extract(restarts_.begin()).mapped();
    start(*i);
  }
}

std::vector<island*> world::islands() {
  std::vector<island*> out{&cloud};
  for (auto& e : edges) out.push_back(e.get());
  return out;
}

size_t world::listed() {
  size_t n = 0;
  for (auto* i : islands()) {
    auto& [version, entries] = i->listed;
    if (auto now = i->directory.version(); version != now) {
      version = now;
      entries = i->directory.list().size();
    }
    n += entries;
  }
  return n;
}

// -- what happens next ------------------------------------------------------------------------------------------------

void world::note(uint64_t kind, uint64_t what, const caf::scheduled_actor* who) {
  if (options.told) {
    static constexpr const char* names[] = {"", "turn", "delivery", "runtime", "timer"};
    auto* named = dynamic_cast<const base::actor*>(who);
    options.told(turned_ms_ - virtual_clock::start_ms, names[kind], what, named == nullptr ? "" : named->path());
  }
  ++events_;
  auto x = trace_ ^ (kind << 60 ^ what ^ static_cast<uint64_t>(turned_ms_) << 20);
  x *= 0x9E3779B97F4A7C15ULL;
  trace_ = x ^ x >> 29;
}

bool world::run_a_job() {
  auto& jobs = coordinator_.jobs;
  if (jobs.empty()) return false;
  std::swap(jobs.front(), jobs[chance.below(jobs.size())]);
  auto* who = dynamic_cast<caf::scheduled_actor*>(jobs.front());
  note(job_turn, who != nullptr ? who->id() : 0, who);
  return coordinator_.try_run_once();
}

bool world::run_a_runtime() {
  while (!runtimes_.empty() && runtimes_.top().first <= clock.steady_ms()) {
    auto number = runtimes_.top().second;
    runtimes_.pop();
    auto n = edges[number]->runtime.poll();
    if (n == 0) continue;
    note(runtime_act, n);
    return true;
  }
  return false;
}

/// To the next timer of an actor, the next thing that a runtime does, or the arrival of delayed bytes.
void world::let_time_pass() {
  auto& timers = coordinator_.clock();
  auto due = net.next_due_ms();
  auto sooner = [&](int64_t at) {
    if (!due || at < *due) due = at;
  };
  if (!restarts_.empty()) sooner(restarts_.begin()->first);
  if (!runtimes_.empty()) sooner(runtimes_.top().first);
  if (clients_due_ms > clock.steady_ms()) sooner(clients_due_ms);
  if (due && *due > clock.steady_ms()) {
    auto at = caf::actor_clock::time_point{} + std::chrono::milliseconds(*due - virtual_clock::start_ms);
    if (timers.schedule().empty() || at < timers.schedule().begin()->first) {
      timers.current_time = at;
      return;
    }
  }
  note(timer, 0);
  timers.trigger_timeout();
}

void world::turn() {
  if (auto now = clock.steady_ms(); std::exchange(turned_ms_, now) != now) turns_ = 0;
  if (++turns_ > turns_max * (1 + edges.size()))
    throw std::runtime_error("time stands still at " + std::to_string(turned_ms_) + ": who works without an end?");
  start_what_ended();
  auto step = [this] {
    if (!net.step()) return false;
    note(delivery, net.bytes_delivered());
    return true;
  };
  switch (chance.below(4)) {
    case 0:
      if (step()) return;
      break;
    case 1:
      if (run_a_runtime()) return;
      break;
    default:
      break;
  }
  if (run_a_job() || step() || run_a_runtime()) return;
  let_time_pass();
}

void world::pass(int64_t virtual_ms) {
  auto end = clock.steady_ms() + virtual_ms;
  while (clock.steady_ms() < end) turn();
}

// -- what is there ----------------------------------------------------------------------------------------------------

json::value world::get(const std::string& target) {
  auto c = send(*front, "GET", target);
  std::string error;
  if (c->code != 200) return {};
  return parse_json(c->text, error);
}

edge* world::edge_of(std::string_view name) {
  auto i = by_name_.find(name);
  return i == by_name_.end() ? nullptr : i->second;
}

sdk::resolver resolver_of(island& i) {
  return [&i](std::string_view path) {
    auto a = i.mesh->resolve(path);
    return a ? *a : caf::actor{};
  };
}

bool world::runs(const json::value& pod) {
  if (string_at(pod, "status.phase") != "Running") return false;
  auto uid = string_at(pod, "metadata.uid");
  auto* e = edge_of(string_at(pod, "spec.nodeName"));
  if (e == nullptr) return false;
  for (auto& c : e->runtime.containers())
    if (c.pod_uid == uid && c.phase == ports::container_phase::running) return true;
  return false;
}

}  // namespace skerry::sim
