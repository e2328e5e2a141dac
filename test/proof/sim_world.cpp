#include "test/proof/sim_world.hpp"

#include <caf/send.hpp>
#include <stdexcept>

#include "drivers/kv/leveldb.hpp"
#include "schema/error.hpp"

namespace skerry::test::proof {
namespace {

constexpr int64_t beat_ms = 50;
constexpr int64_t ping_ms = 1'000;
constexpr int64_t half_open_ms = 3'000;
const std::string cloud_address = "cloud:6443";

/// Keeps virtual time going.
caf::behavior metronome(caf::event_based_actor* self) {
  self->delayed_send(self, std::chrono::milliseconds{beat_ms}, caf::unit);
  return {[self](caf::unit_t) { self->delayed_send(self, std::chrono::milliseconds{beat_ms}, caf::unit); }};
}

ports::bytes ping() {
  return link::encode_with([](schema::Frame::Builder b) { b.setPing(1); });
}

}  // namespace

sim_world::sim_world(uint64_t seed) : chance(seed) {
  config.set("scheduler.policy", caf::atom("testing"));
  sys = std::make_unique<caf::actor_system>(config);
  clock.source = &coordinator().clock();
  ca = *pki.make_authority("skerry", 3650);
  add_standard(words);
  net.listen(cloud_address, this, ca.certificate_pem);
  sys->spawn(metronome);
}

sim_world::~sim_world() {
  for (auto& [path, i] : islands) stop(*i, false);
  net.cut();
  drain();
  coordinator().clock().cancel_all();
  drain();
  islands.clear();
  coordinator().clock().cancel_all();
}

sim_world::island& sim_world::add(const std::string& path) {
  auto& i = islands[path] = std::make_unique<island>();
  i->path = path;
  i->folder = dir.path() + "/" + std::to_string(islands.size());
  return *i;
}

void sim_world::start(island& i) {
  auto options = drivers::leveldb_options::small(i.folder);
  options.env = &i.disk;
  auto opened = drivers::open_leveldb(options);
  if (!opened) throw std::runtime_error(message_of(opened.error()));
  i.store = std::move(*opened);
  i.kv.inner = i.store.get();
  i.kv.dead = false;
  i.kv.synced = [&i] { i.unsynced.clear(); };
  i.directory = std::make_unique<base::directory>();
  auto uplink = i.path == "/cloud" ? std::string{} : std::string{"/cloud"};
  i.links = std::make_unique<link::mesh>(link::mesh_args{*sys, ctx, *i.directory, words, i.path, uplink, &i.kv, 0});
  if (auto e = i.links->load()) throw std::runtime_error(message_of(e));
  ++i.life;
  i.apps[i.path + "/mesh"] = [this, &i] {
    return sys->spawn(link::mesh_actor, link::mesh_actor_args{ctx, *i.links, i.path + "/mesh", {}});
  };
  for (auto& [path, make] : i.apps) start_app(i, path);
}

void sim_world::start_app(island& i, const std::string& path) {
  auto a = i.apps.at(path)();
  i.actors[path] = a;
  i.directory->put(path, a);
  a->attach_functor([this, &i, path, id = a.id(), life = i.life](const caf::error& why) {
    if (i.life != life || i.actors.find(path) == i.actors.end() || i.actors[path].id() != id) return;
    i.directory->erase(path, id);
    i.actors.erase(path);
    if (why != caf::exit_reason::kill) ++app_crashes;
  });
}

/// The process dies: nothing of it runs any more, its connections end; with a power cut its disk forgets.
void sim_world::stop(island& i, bool power_cut) {
  if (!i.links) return;
  ++i.life;
  i.kv.dead = true;
  if (power_cut) i.disk.power_cut();
  for (auto& c : carriers)
    if (c->island == i.path && !c->over) {
      c->over = true;
      c->connection->close();
      c->end->close();
    }
  i.line.reset();
  i.connecting = false;
  i.links->stop();
  for (auto& [path, a] : i.actors) caf::anon_send_exit(a, caf::exit_reason::kill);
  i.actors.clear();
  while (coordinator().try_run_once()) {
  }
  std::erase_if(carriers, [&](auto& c) { return c->island == i.path; });
  i.links.reset();
  i.directory.reset();
  i.store.reset();
  if (power_cut) {
    i.disk.power_on();
    ++power_cuts;
    for (auto& [record, number] : i.unsynced) record->may_be_lost(number);
  } else {
    ++kills;
  }
}

void sim_world::on_link(ports::connection_ptr c) {
  auto name = c->peer().common_name;
  auto& cloud = *islands.at("/cloud");
  constexpr std::string_view prefix = "system:node:";
  if (!cloud.links || !name.starts_with(prefix)) return c->close();
  carry(cloud, "/node/" + name.substr(prefix.size()), std::move(c));
}

void sim_world::carry(island& i, const std::string& neighbour, ports::connection_ptr c) {
  auto mine = std::make_shared<carrier>();
  mine->connection = std::move(c);
  mine->island = i.path;
  mine->heard_ms = mine->pinged_ms = clock.steady_ms();
  ports::connection::handlers h;
  std::weak_ptr<carrier> weak = mine;
  h.on_bytes = [this, weak](ports::bytes data) {
    auto c = weak.lock();
    if (!c || c->over) return;
    std::vector<link::frame> frames;
    auto broken = c->reader.feed(data, frames);
    c->heard_ms = clock.steady_ms();
    for (auto& f : frames)
      if (!broken && link::link_end::takes(f)) broken = c->end->on_frame(f);
    if (!broken) return;
    log.warning(c->island, message_of(broken));
    c->connection->close();
  };
  h.on_drained = [weak] {
    if (auto c = weak.lock(); c && !c->over) c->end->on_drained();
  };
  h.on_end = [weak](const caf::error&) {
    if (auto c = weak.lock(); c && !std::exchange(c->over, true)) c->end->close();
  };
  carriers.push_back(mine);
  if (i.path != "/cloud") i.line = mine;
  auto end = i.links->open(neighbour, mine->connection);
  if (!end) throw std::runtime_error(message_of(end.error()));
  mine->end = *end;
  ++joined;
  mine->connection->start(std::move(h));
}

void sim_world::connect(island& i) {
  i.connecting = true;
  auto pair = *pki.issue(ca, {"system:node:" + i.path.substr(6), {"system:nodes"}, {}, false}, 365);
  net.connect(cloud_address, {ca.certificate_pem, {}, pair.certificate_pem, pair.key_pem}, 1000,
              [this, &i, life = i.life](caf::expected<ports::connection_ptr> c) {
                if (life != i.life) return;
                i.connecting = false;
                if (c) carry(i, "/cloud", std::move(*c));
              });
}

void sim_world::tend() {
  auto now = clock.steady_ms();
  for (auto& c : carriers) {
    if (c->over) continue;
    if (now - c->heard_ms > half_open_ms) {
      c->over = true;
      c->connection->close();
      c->end->close();
    } else if (now - c->pinged_ms > ping_ms) {
      c->pinged_ms = now;
      c->connection->send(ping());
    }
  }
  std::erase_if(carriers, [](auto& c) { return c->over && c.use_count() == 1; });
  for (auto& [path, i] : islands) {
    if (!i->links) continue;
    for (auto& [app, make] : i->apps)
      if (i->actors.find(app) == i->actors.end()) start_app(*i, app);
    if (i->path == "/cloud" || i->connecting) continue;
    if (i->line && !i->line->over) continue;
    if (i->line) {
      i->line.reset();
      i->connect_ms = now + static_cast<int64_t>(chance.below(200));
    }
    if (now >= i->connect_ms) connect(*i);
  }
}

void sim_world::drain() {
  while (coordinator().try_run_once() || net.step()) {
  }
}

/// To the next timer, or to the next bytes that are due.
bool sim_world::pass_time() {
  auto& c = coordinator().clock();
  auto net_due = net.next_due_ms();
  const auto& timers = c.schedule();
  if (net_due && *net_due > clock.steady_ms()) {
    auto at = c.current_time + std::chrono::milliseconds{*net_due - clock.steady_ms()};
    if (timers.empty() || at < timers.begin()->first) {
      c.current_time = at;
      return true;
    }
  }
  return c.trigger_timeout();
}

bool sim_world::turn() {
  if (++turns_ % 8 == 0) tend();
  if (chance.below(24) == 0 && pass_time()) return true;
  auto& jobs = coordinator().jobs;
  if (chance.below(2) == 0 && net.step()) return true;
  if (!jobs.empty()) {
    std::swap(jobs.front(), jobs[chance.below(jobs.size())]);
    return coordinator().try_run_once();
  }
  return net.step() || pass_time();
}

caf::actor sim_world::handle(island& from, const std::string& path) {
  auto a = from.links->resolve(path);
  if (!a) throw std::runtime_error(message_of(a.error()));
  return *a;
}

void sim_world::send_fact(island& from, const std::string& to, sent_record& record, size_t bytes) {
  auto number = record.next();
  record.about(number);
  caf::anon_send(handle(from, to), make<ProbeFact>(number, "fact", bytes));
  record.sent(number);
  from.unsynced.emplace_back(&record, number);
}

}  // namespace skerry::test::proof
