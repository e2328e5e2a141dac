#include "actors/link/mesh_core.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>
#include <charconv>

#include "actors/link/facts_in.hpp"

namespace skerry::link {
namespace {
constexpr uint32_t tick_ms = 50;
constexpr size_t dead_letters_kept = 100;
}  // namespace

mesh_core::mesh_core(mesh_args args)
    : args_(std::move(args)),
      who_(args_.island + "/mesh"),
      is_repl_(paths::kind_of(args_.island) == paths::island_kind::repl),
      boot_(args_.ctx.random.next() | 1),
      facts_(std::make_unique<facts_in>(*this, args_.kv)),
      cache_(args_.system) {}

mesh_core::~mesh_core() = default;

uint32_t mesh_core::next_epoch() {
  auto e = ++epochs_;
  return e != 0 ? e : ++epochs_;
}

// -- paths
// --------------------------------------------------------------------------------------------------------------

caf::strong_actor_ptr mesh_core::proxy_for(std::string_view path) {
  if (auto p = cache_.find(path)) return p;
  return cache_.get(path, peer_for(paths::island_of(path)));
}

caf::strong_actor_ptr mesh_core::find_local(std::string_view path) {
  auto name = path.substr(path.rfind('/') + 1);
  if (!name.starts_with('@') || path.size() != args_.island.size() + 1 + name.size())
    return caf::actor_cast<caf::strong_actor_ptr>(args_.directory.find(path));
  caf::actor_id id = 0;
  std::from_chars(name.data() + 1, name.data() + name.size(), id);
  std::lock_guard lock{exported_mutex_};
  auto i = exported_.find(id);
  return i == exported_.end() ? nullptr : i->second.lock();
}

std::string mesh_core::path_of(const caf::strong_actor_ptr& a) {
  if (!a) return {};
  if (auto* p = proxy_of(a)) return std::string{p->path()};
  auto known = args_.directory.path_of(caf::actor_cast<caf::actor>(a));
  if (!known.empty()) return known;
  {
    std::lock_guard lock{exported_mutex_};
    auto [i, fresh] = exported_.try_emplace(a->id(), caf::weak_actor_ptr{a.get()});
    if (fresh) exported_order_.push_back(a->id());
    if (exported_order_.size() > limits::exported_max) {
      exported_.erase(exported_order_.front());
      exported_order_.pop_front();
    }
  }
  return args_.island + "/@" + std::to_string(a->id());
}

void mesh_core::watch_local(proxy& p) {
  std::string path{p.path()};
  auto who = find_local(path);
  if (!who) return p.fire(make_error(errc::not_found, "nobody stands at " + path));
  who->get()->attach_functor([this, path](const caf::error& why) {
    if (auto p = find_proxy(path)) static_cast<proxy*>(p->get())->fire(why);
  });
}

uint64_t mesh_core::incarnation_of(const caf::strong_actor_ptr& a) const {
  auto x = boot_ ^ (a->id() * 0x9e3779b97f4a7c15ULL);
  return x != 0 ? x : 1;
}

// -- peers
// --------------------------------------------------------------------------------------------------------------

peer_ptr mesh_core::find_peer(std::string_view island) const {
  std::shared_lock lock{peers_mutex_};
  auto i = peers_.find(island);
  return i == peers_.end() ? nullptr : i->second;
}

peer_ptr mesh_core::peer_for(std::string_view island) {
  if (auto p = find_peer(island)) return p;
  return neighbour(args_.uplink.empty() || island == args_.island ? island : std::string_view{args_.uplink});
}

peer_ptr mesh_core::neighbour(std::string_view island) {
  if (auto p = find_peer(island)) return p;
  auto fresh = caf::make_counted<peer>(*this, std::string{island});
  std::unique_lock lock{peers_mutex_};
  return peers_.try_emplace(std::string{island}, std::move(fresh)).first->second;
}

std::vector<peer_ptr> mesh_core::all_peers() const {
  std::vector<peer_ptr> out;
  std::shared_lock lock{peers_mutex_};
  for (const auto& [island, p] : peers_) out.push_back(p);
  return out;
}

void mesh_core::forget(std::string_view island) {
  peer_ptr gone;
  {
    std::unique_lock lock{peers_mutex_};
    auto i = peers_.find(island);
    if (i == peers_.end()) return;
    gone = std::move(i->second);
    peers_.erase(i);
  }
  invited_.forget(island);
  auto waited = gone->forget();
  ports::kv_batch batch;
  auto durable = gone->drop_facts(&batch);
  if (args_.kv != nullptr && !batch.changes.empty())
    if (auto w = args_.kv->write(batch, false); !w)
      log(ports::severity::warning, "letters of " + std::string{island} + " stay on disk: " + message_of(w.error()));
  auto why = make_error(errc::unavailable, std::string{island} + " is deleted");
  for (auto& p : cache_.drop(*gone)) static_cast<proxy*>(p->get())->kill_proxy(nullptr, why);
  ++forgotten_;  // who looked in between holds a proxy of the old peer
  if (waited + durable == 0) return;
  letters_forgotten_ += waited + durable;
  add_dead("", std::string{island}, "",
           std::to_string(durable) + " durable letters and " + std::to_string(waited) +
               " of other kinds waited and are dropped: the island is gone for good");
}

// -- observers, worker
// --------------------------------------------------------------------------------------------------

caf::error mesh_core::observe(const caf::actor& who, std::string_view island, caf::message suspended,
                              caf::message resumed) {
  if (auto e = paths::check(island); e || paths::island_of(island) != island)
    return e ? e : make_error(errc::invalid, std::string{island} + " is a path of an island, and no island");
  auto p = peer_for(island);
  {
    std::lock_guard lock{mutex_};
    std::erase_if(observers_, [](const observer& o) { return o.who.lock() == nullptr; });
    if (observers_.size() >= limits::observers_max)
      return make_error(errc::too_many, "more than " + std::to_string(limits::observers_max) + " observe links");
    observers_.push_back({std::string{island}, caf::actor_cast<caf::weak_actor_ptr>(who), suspended, resumed});
  }
  caf::actor_cast<caf::strong_actor_ptr>(who)->enqueue(nullptr, caf::make_message_id(),
                                                       p->is_up() ? resumed : suspended, nullptr);
  return {};
}

void mesh_core::tell_observers(const std::string& neighbour, bool up) {
  std::vector<std::pair<caf::strong_actor_ptr, caf::message>> to;
  {
    std::lock_guard lock{mutex_};
    for (auto& o : observers_)
      if (o.island == neighbour || neighbour == args_.uplink)
        if (auto strong = o.who.lock()) to.emplace_back(std::move(strong), up ? o.resumed : o.suspended);
  }
  for (auto& [who, what] : to) who->enqueue(nullptr, caf::make_message_id(), std::move(what), nullptr);
}

void mesh_core::attach(const caf::actor& worker) {
  {
    std::lock_guard lock{mutex_};
    worker_ = caf::actor_cast<caf::weak_actor_ptr>(worker);
  }
  // What its predecessor had in hand when it ended is looked after again.
  for (auto& p : all_peers()) {
    p->unmark_due();
    wake(*p);
  }
  woken_ = false;
  wake();
}

void mesh_core::wake() {
  if (woken_.load(std::memory_order_relaxed) || woken_.exchange(true)) return;
  caf::strong_actor_ptr worker;
  {
    std::lock_guard lock{mutex_};
    worker = worker_.lock();
  }
  if (worker) caf::anon_send(caf::actor_cast<caf::actor>(worker), mesh_work{});
}

void mesh_core::wake(peer& who) {
  if (!who.mark_due()) return wake();
  {
    std::lock_guard lock{due_mutex_};
    due_.emplace_back(&who);
  }
  wake();
}

/// Costs by the peers that have something to do, and not by all that there are.
uint32_t mesh_core::work() {
  woken_ = false;
  std::vector<peer_ptr> peers;
  {
    std::lock_guard lock{due_mutex_};
    peers.swap(due_);
  }
  for (auto& p : peers) p->unmark_due();
  auto t = now();
  retry_commit_ = false;
  commit(peers);
  auto more = facts_->retry(t) || retry_commit_;
  for (auto& p : peers) {
    if (!p->tick(t) && (!retry_commit_ || p->facts_written() == 0)) continue;
    more = true;
    if (!p->mark_due()) continue;
    std::lock_guard lock{due_mutex_};
    due_.push_back(std::move(p));
  }
  return more ? tick_ms : 0;
}

void mesh_core::stop() {
  std::map<std::string, peer_ptr, std::less<>> all;
  {
    std::unique_lock lock{peers_mutex_};
    all.swap(peers_);
  }
  std::vector<peer_ptr> due;  // let go of without the lock: what they hold may send
  {
    std::lock_guard lock{due_mutex_};
    due.swap(due_);
  }
  for (auto& [island, p] : all) {
    p->forget();
    p->drop_facts(nullptr);  // they hold proxies, which hold their peer
  }
  facts_->stop();
  std::lock_guard lock{exported_mutex_};
  exported_.clear();
  exported_order_.clear();
}

void mesh_core::warn(const std::string& text, base::line_limit& lines) {
  std::optional<std::string> end;
  {
    std::lock_guard lock{mutex_};
    end = lines.ask(now());
  }
  if (end) log(ports::severity::warning, text + *end);
}

void mesh_core::add_dead(std::string from, std::string to, std::string type, std::string why) {
  warn("dead letter: " + type + " from " + from + " to " + to + ": " + why, dead_lines_);
  std::lock_guard lock{mutex_};
  dead_.push_back({args_.ctx.clock.wall_ms(), std::move(from), std::move(to), std::move(type), std::move(why)});
  if (dead_.size() > dead_letters_kept) dead_.pop_front();
}

std::vector<mesh::dead_letter> mesh_core::dead_letters() const {
  std::lock_guard lock{mutex_};
  return {dead_.begin(), dead_.end()};
}

}  // namespace skerry::link
