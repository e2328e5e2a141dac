#include "sim/fleet/fleet.hpp"

#include <algorithm>

#include "actors/link/mesh.hpp"
#include "schema/error.hpp"
#include "sim/load/applications.hpp"
#include "sim/load/node_letters.hpp"
#include "sim/load/plants.hpp"
#include "sim/load/user_writes.hpp"

namespace skerry::sim {
namespace {

constexpr int64_t poll_ms = 50, ask_again_ms = 1'000, check_ms = 500;
constexpr uint64_t turns_between_progress = 8'192;
constexpr int64_t samples_max = 400;

std::shared_ptr<node_letters> letters_of(const scenario& s, const run_options& o) {
  if (s.letters_every_ms == 0) return nullptr;
  return std::make_shared<node_letters>(s.letters_every_ms, o.plant);
}

world_options options_of(const scenario& s, const run_options& o, const std::shared_ptr<node_letters>& letters) {
  world_options w;
  w.seed = o.seed;
  w.log = o.log;
  w.told = o.told;
  w.images.insert(w.images.end(), o.images.begin(), o.images.end());
  w.runtime_delay_ms = std::max<int64_t>(1, s.container_ms / 2);
  w.any_image = o.any_image;
  w.wall_ms = o.wall_ms;
  w.yaml = o.yaml;
  w.apps = o.apps;
  if (letters) w.apps.push_back({"book", [letters](island& cloud) { return letters->book(cloud); }});
  return w;
}

}  // namespace

fleet::fleet(scenario s, run_options o)
    : plan(std::move(s)),
      options(std::move(o)),
      schedule(draw_schedule(plan, options.seed)),
      letters(letters_of(plan, options)),
      w(options_of(plan, options, letters)),
      apps(std::make_shared<applications>(plan)),
      writes(plan.writes_per_s > 0 ? std::make_shared<user_writes>(plan.writes_per_s) : nullptr),
      nodes(plan.nodes) {
  parts_.push_back(apps);
  if (writes) parts_.push_back(writes);
  if (letters) parts_.push_back(letters);
  if (auto p = make_plant(options.plant)) parts_.push_back(std::move(p));
  parts_.insert(parts_.end(), options.parts.begin(), options.parts.end());
  invariants_ = all_invariants();
  w.net.split_one_in(plan.split ? 1 : 0);
  eyes = std::make_unique<observer>(w, [this](const store::event& e) {
    bool twice = options.plant == planted::repeated_event && eyes->events == 1'000;
    for (auto& i : invariants_)
      for (int n = twice ? 2 : 1; n > 0; --n) i->on_event(*this, e);
  });
  eyes->drops_one = options.plant == planted::dropped_event;
  auto whole = plan.power_on_ms + plan.duration_ms + plan.settle_ms;
  look_ms_ = std::max<int64_t>(1'000, whole / 1'000);
  sample_ms_ = std::max<int64_t>(1'000, whole / samples_max);
}

fleet::~fleet() = default;

fleet::node* fleet::node_of(std::string_view name) {
  auto i = numbers_.find(name);
  return i == numbers_.end() ? nullptr : &nodes[i->second];
}

void fleet::after(int64_t in_ms, std::function<void()> what) {
  due_.emplace(w.clock.steady_ms() + std::max<int64_t>(in_ms, 0), std::move(what));
}

void fleet::broke(std::string_view invariant, std::string why) {
  if (std::exchange(broken_, true)) return;
  out_.broke = invariant;
  out_.why = std::move(why);
  out_.broke_ms = now_ms();
}

// -- requests ---------------------------------------------------------------------------------------------------------

void fleet::ask(std::string method, std::string target, std::string body, std::string type,
                std::function<void(const call&)> done, std::vector<int> also) {
  ++asking_;
  submit(std::make_shared<const question>(question{std::move(method), std::move(target), std::move(body),
                                                   std::move(type), std::move(done), std::move(also)}));
}

void fleet::submit(std::shared_ptr<const question> q) {
  await(q, send(*w.front, q->method, q->target, q->body, q->type));
}

void fleet::await(std::shared_ptr<const question> q, call_ptr c) {
  after(poll_ms, [this, q, c] {
    if (!c->done) return await(q, c);
    bool good =
        (c->code >= 200 && c->code < 300) || std::find(q->also.begin(), q->also.end(), c->code) != q->also.end();
    if (!good) return after(ask_again_ms, [this, q] { submit(q); });
    --asking_;
    if (q->done) q->done(*c);
  });
}

// -- time -------------------------------------------------------------------------------------------------------------

void fleet::fire() {
  while (!due_.empty() && due_.begin()->first <= w.clock.steady_ms()) due_.extract(due_.begin()).mapped()();
  w.clients_due_ms = due_.empty() ? 0 : due_.begin()->first;
}

void fleet::fire_due() {
  if (!due_.empty() && due_.begin()->first != w.clients_due_ms) w.clients_due_ms = due_.begin()->first;
  if (!due_.empty() && due_.begin()->first <= w.clock.steady_ms()) fire();
}

void fleet::run_to(int64_t at_ms) {
  after(at_ms - now_ms(), [] {});  // time stops there
  for (uint64_t n = 0; now_ms() < at_ms && !broken_; ++n) {
    fire_due();
    w.turn();
    if (n % turns_between_progress == 0 && options.progress) options.progress(*this);
  }
}

/// Until nothing is missing; false if that takes longer.
bool fleet::settle(int64_t within_ms) {
  auto end = now_ms() + within_ms;
  while (!broken_) {
    run_to(now_ms() + check_ms);
    auto why = missing();
    if (why.empty()) return !broken_;
    if (now_ms() < end) continue;
    out_.why = why;
    return false;
  }
  return false;
}

void fleet::look() {
  eyes->look();
  for (auto& i : invariants_) i->look(*this);
  after(look_ms_, [this] { look(); });
}

void fleet::take_sample() {
  sample s;
  s.at_ms = now_ms();
  s.nodes_ready = eyes->nodes_ready;
  s.pods = eyes->pods;
  s.pods_running = eyes->pods_running;
  s.connections = w.net.connections();
  s.bytes = w.net.bytes_delivered();
  for (auto* i : w.islands()) {
    if (!i->mesh) continue;
    for (auto& l : i->mesh->links()) {
      s.waiting += l.waiting + l.latest_waiting + l.durable_waiting;
      s.lag_ms = std::max(s.lag_ms, l.lag_ms);
    }
  }
  if (stop_ms_ < 0) out_.samples.push_back(s);  // who lives on without an end keeps none
  after(sample_ms_, [this] { take_sample(); });
}

// -- a run ------------------------------------------------------------------------------------------------------------

void fleet::switch_on() {
  for (uint32_t i = 0; i < plan.nodes; ++i) {
    auto in = plan.power_on_ms == 0 ? 0 : w.chance.between(0, plan.power_on_ms);
    after(in, [this, i] {
      auto& e = w.add_edge("n" + std::to_string(i),
                           {{"topology.kubernetes.io/region", "r" + std::to_string(region_of(plan, i))}});
      auto drift = static_cast<double>(w.chance.between(-1000, 1000)) / 1000 * plan.clock_drift_ppm;
      e.clock.set(w.chance.between(-500, 500), drift);
      e.runtime.set_pull_ms(w.chance.between(plan.pull_ms / 4, plan.pull_ms));
      nodes[i].machine = &e;
      numbers_[e.name] = i;
    });
  }
}

void fleet::begin() {
  w.net.set_faults(
      [this] {
        fault_plan p;
        auto ms = w.chance.between(plan.latency_ms_min, plan.latency_ms_max) + slower_ms_;
        p.up.delay_ms = p.down.delay_ms = static_cast<uint32_t>(ms);
        return p;
      },
      &w.clock, true);
  for (auto& p : parts_) p->setup(*this);
  look();
  take_sample();
  switch_on();
}

void fleet::unleash() {
  for (auto& f : schedule) {
    if (std::find(options.without.begin(), options.without.end(), f.number) != options.without.end()) continue;
    after(f.at_ms, [this, &f] { apply(f); });
    after(f.end_ms(), [this, &f] { undo(f); });
  }
  for (auto& p : parts_) p->start(*this);
}

outcome fleet::run() {
  begin();
  run_to(plan.power_on_ms + 1);
  if (settle(plan.start_ms)) {
    out_.started_ms = now_ms();
    auto begun = now_ms();
    unleash();
    run_to(begun + plan.duration_ms);
    for (auto& p : parts_) p->finish(*this);
    heal();
    auto healed = now_ms();
    auto bytes = w.net.bytes_delivered();
    if (!broken_ && settle(plan.settle_ms)) {
      out_.converged_ms = now_ms() - healed;
      out_.settle_bytes = w.net.bytes_delivered() - bytes;
      for (auto& i : invariants_) i->at_end(*this);
    } else if (!broken_) {
      broke("converged", "after " + format_duration(plan.settle_ms) + " without faults: " + out_.why);
    }
  } else if (!broken_) {
    broke("started", "after " + format_duration(plan.start_ms) + ": " + out_.why);
  }
  take_sample();
  for (auto& p : parts_) p->metrics(*this, out_.metrics);
  for (auto& i : invariants_) out_.invariants[std::string{i->name()}] = i->checked;
  out_.ok = !broken_;
  out_.virtual_ms = now_ms();
  out_.events = w.events();
  out_.trace = w.trace();
  return std::move(out_);
}

std::string fleet::missing() {
  if (eyes->nodes_ready != plan.nodes)
    return std::to_string(eyes->nodes_ready) + " of " + std::to_string(plan.nodes) + " nodes are ready";
  if (asking_ > 0) return std::to_string(asking_) + " requests are not answered";
  for (auto& p : parts_)
    if (auto why = p->missing(*this); !why.empty()) return why;
  return missing_on_nodes();
}

bool fleet::pods_may_end() const {
  return std::any_of(parts_.begin(), parts_.end(), [](auto& p) { return p->ends_pods(); });
}

size_t fleet::pods_wanted() {
  size_t n = 0;
  for (auto& p : parts_) n += p->pods(*this);
  return n;
}

/// Each pod runs where it is bound, and nothing else does.
std::string fleet::missing_on_nodes() {
  std::map<std::string, std::map<std::string, size_t>> running;  // node, pod
  size_t pods = 0, homes = 0;
  for (auto& n : nodes) {
    auto& mine = running[n.machine->name];
    n.machine->runtime.visit([&](const ports::container_state& c) {
      if (c.phase == ports::container_phase::running) ++mine[c.pod_uid];
    });
    homes += mine.size();
  }
  std::string why;
  w.views->current()->scan("pods", "", "", [&](const store::object& o) {
    auto node = running.find(std::string{store::node_of(o)});
    ++pods;
    if (store::phase_of(o) != "Running" || store::is_deleting(o))
      why = "pod " + std::string{store::name_of(o)} + " is " + std::string{store::phase_of(o)};
    else if (node == running.end() || !node->second.contains(std::string{store::uid_of(o)}))
      why = "pod " + std::string{store::name_of(o)} + " does not run on its node " + std::string{store::node_of(o)};
    return why.empty();
  });
  if (why.empty() && homes != pods)
    why = std::to_string(homes) + " pods run on nodes, and " + std::to_string(pods) + " exist";
  return why;
}

}  // namespace skerry::sim
