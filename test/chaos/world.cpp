#include "test/chaos/world.hpp"

#include <algorithm>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>
#include <cstdio>

#include "schema/error.hpp"
#include "test/chaos/letters.hpp"

namespace skerry::test::chaos {
namespace {

caf::actor_system_config& deterministic(caf::actor_system_config& c) {
  c.set("scheduler.policy", caf::atom("testing"));
  return c;
}

constexpr const char* address = "cloud:6443";
constexpr int64_t start_ms = 1'000'000;
constexpr int64_t restart_ms = 100;
constexpr int drain_max = 1'000'000;
constexpr uint64_t turns_max = 2'000'000;

}  // namespace

int64_t world::virtual_clock::steady_ms() const {
  auto since = source->current_time.time_since_epoch();
  return start_ms + std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

void world::quiet_log::write(ports::severity, std::string_view who, std::string_view text) {
  if (!loud) return;
  std::fprintf(stderr, "%lld %.*s: %.*s\n", static_cast<long long>(clock->steady_ms() - start_ms), int(who.size()),
               who.data(), int(text.size()), text.data());
}

world::world(uint64_t seed, int nodes) : chance(seed), sys(deterministic(config)) {
  clock.source = &coordinator().clock();
  log.clock = &clock;
  add_standard(words);
  make_cloud();
  for (int i = 1; i <= nodes; ++i) make_edge("n" + std::to_string(i));
}

world::~world() {
  closing_ = true;
  for (auto* i : islands()) {
    caf::anon_send_exit(i->root, caf::exit_reason::kill);
    i->root = nullptr;
  }
  for (int i = 0; i < 100'000 && (coordinator().try_run_once() || net.step()); ++i) {
  }
  coordinator().clock().cancel_all();
  for (auto* i : islands()) i->mesh->stop();
  front.reset();
  for (int n = 0; n < drain_max && coordinator().try_run_once(); ++n) {
  }
  coordinator().clock().cancel_all();
  for (auto* i : islands()) {
    i->mesh.reset();
    i->graves.clear();
  }
}

void world::make_cloud() {
  authority = *pki.make_authority("skerry", 3650);
  auto& d = cloud.directory;
  namespace paths = supervisors::cloud_paths;
  api = std::make_unique<api::parts>(api::parts{ctx,
                                                registry,
                                                *views,
                                                d.finder(paths::store),
                                                d.finder(paths::api_sessions),
                                                d.finder(paths::api_watches),
                                                {},
                                                {}});
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
      supervisors::cloud_tree_parts{cloud.services, kv, views, registry, *api, *front, *link, acceptor});
  tree->threads = false;
  tree->apps.push_back({"book", start_book(ctx, kv, "/cloud/app/book")});
  cloud.start = [this] { return supervisors::start_cloud_tree(sys, *tree, {}); };
  net.listen(address, &acceptor, authority.certificate_pem);
  start(cloud);
}

void world::make_edge(const std::string& name) {
  auto pair = *pki.issue(authority, {"system:node:" + name, {"system:nodes"}, {}, false}, 365);
  auto e = std::make_unique<edge>(ctx, clock, name);
  e->runtime.offer_image("app:1");
  e->runtime.set_delay_ms(20);
  e->tree = std::make_unique<supervisors::edge_tree_parts>(supervisors::edge_tree_parts{
      .island = e->services,
      .node = name,
      .version = "v1.36.0",
      .labels = {},
      .pods_directory = "/pods",
      .kv = e->kv,
      .runtime = e->runtime,
      .files = e->files,
      .prober = e->prober,
      .machine = e->machine,
      .transport = net,
      .pki = pki,
      .server = address,
      .credentials = {authority.certificate_pem, {}, pair.certificate_pem, pair.key_pem},
      .on_renewed = [](const ports::client_credentials&) { return caf::expected<void>{caf::unit}; },
      .threads = false});
  e->start = [this, here = e.get()] { return supervisors::start_edge_tree(sys, *here->tree, {}); };
  edges.push_back(std::move(e));
  start(*edges.back());
}

void world::make_mesh(island& i) {
  if (i.mesh) {
    i.mesh->stop();
    i.graves.push_back(std::move(i.mesh));
  }
  bool is_cloud = &i == &cloud;
  i.mesh = std::make_unique<link::mesh>(
      link::mesh_args{sys, ctx, i.directory, words, i.path, is_cloud ? "" : cloud.path, &i.disk, 0});
  if (auto e = i.mesh->load()) throw std::runtime_error(i.path + ": " + message_of(e));
  if (is_cloud)
    tree->mesh = link->links = i.mesh.get();
  else
    static_cast<edge&>(i).tree->mesh = i.mesh.get();
}

void world::start(island& i) {
  ++i.starts;
  make_mesh(i);
  i.root = i.start();
  supervisors::report_end(i.services, i.root);
  i.root->attach_functor([this, &i] { ended_.push_back(&i); });
}

void world::start_what_ended() {
  if (closing_) return;
  auto now = clock.steady_ms();
  for (auto* i : std::exchange(ended_, {})) {
    // The process is gone before its successor starts: its connections, and all of its actors.
    net.cut();
    for (int n = 0; n < drain_max && coordinator().try_run_once(); ++n) {
    }
    if (i == &cloud && chance.below(2) == 0) {  // its machine went down with it
      kv.crash();
      ++power_cuts_;
    }
    restarts_.emplace_back(now + restart_ms, i);
  }
  auto due = std::stable_partition(restarts_.begin(), restarts_.end(), [&](auto& r) { return r.first > now; });
  std::vector<std::pair<int64_t, island*>> all(due, restarts_.end());
  restarts_.erase(due, restarts_.end());
  for (auto& [at, i] : all) start(*i);
}

std::vector<world::island*> world::islands() {
  std::vector<island*> out{&cloud};
  for (auto& e : edges) out.push_back(e.get());
  return out;
}

size_t world::listed() {
  size_t n = 0;
  for (auto* i : islands()) {
    auto& [version, entries] = listed_[i];
    if (auto now = i->directory.version(); version != now) {
      version = now;
      entries = i->directory.list().size();
    }
    n += entries;
  }
  return n;
}

// -- what happens next ------------------------------------------------------------------------------------------------

bool world::run_a_job() {
  auto& jobs = coordinator().jobs;
  if (jobs.empty()) return false;
  std::swap(jobs.front(), jobs[chance.below(jobs.size())]);
  return coordinator().try_run_once();
}

bool world::run_a_runtime() {
  for (auto& e : edges)
    if (e->runtime.poll() > 0) return true;
  return false;
}

/// To the next timer of an actor, the next thing that a runtime does, or the arrival of delayed bytes.
void world::let_time_pass() {
  auto& clock = coordinator().clock();
  auto due = net.next_due_ms();
  for (auto& [at, i] : restarts_)
    if (!due || at < *due) due = at;
  if (clients_due_ms > this->clock.steady_ms() && (!due || clients_due_ms < *due)) due = clients_due_ms;
  for (auto& e : edges)
    if (auto at = e->runtime.next_ms(); at && (!due || *at < *due)) due = at;
  auto& timers = clock.schedule();
  if (due && *due > this->clock.steady_ms()) {
    auto at = caf::actor_clock::time_point{} + std::chrono::milliseconds(*due - start_ms);
    if (timers.empty() || at < timers.begin()->first) {
      clock.current_time = at;
      return;
    }
  }
  clock.trigger_timeout();
}

void world::turn() {
  if (auto now = clock.steady_ms(); std::exchange(turned_ms_, now) != now) turns_ = 0;
  if (++turns_ > turns_max)
    throw std::runtime_error("time stands still at " + std::to_string(turned_ms_) + ": who works without an end?");
  start_what_ended();
  switch (chance.below(4)) {
    case 0:
      if (net.step()) return;
      break;
    case 1:
      if (run_a_runtime()) return;
      break;
    default:
      break;
  }
  if (run_a_job() || net.step() || run_a_runtime()) return;
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

bool world::runs(const json::value& pod) {
  if (string_at(pod, "status.phase") != "Running") return false;
  auto uid = string_at(pod, "metadata.uid");
  for (auto& e : edges) {
    if (e->name != string_at(pod, "spec.nodeName")) continue;
    for (auto& c : e->runtime.containers())
      if (c.pod_uid == uid && c.phase == ports::container_phase::running) return true;
  }
  return false;
}

}  // namespace skerry::test::chaos
