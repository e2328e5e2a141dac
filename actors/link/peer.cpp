// A peer seen from the actors of this island: what they send, watch and are answered.
#include "actors/link/peer.hpp"

#include <caf/actor_cast.hpp>
#include <caf/system_messages.hpp>

#include "actors/link/facts_in.hpp"
#include "actors/link/mesh_core.hpp"

namespace skerry::link {
namespace {

// Request ids that this island gives to its own actors for letters that came: the answer is a receipt, not a message.
constexpr uint64_t receipt_bit = 1ULL << 59;

std::string type_text(const caf::type_erased_tuple& content) {
  if (content.size() != 1) return std::to_string(content.size()) + " values";
  auto [number, info] = content.type(0);
  return info != nullptr ? info->name() : "a value of CAF's type " + std::to_string(number);
}

}  // namespace

peer::peer(mesh_core& core, std::string island)
    : core_(core), island_(std::move(island)), facts_(island_), calls_(core.ctx().random.next() & call_table::id_mask) {
  counted_.island = island_;
}

peer::~peer() = default;

int64_t peer::now() const { return core_.now(); }

// -- letters
// ------------------------------------------------------------------------------------------------------------

void peer::send(proxy& to, caf::mailbox_element_ptr what) {
  if (what->mid.is_response()) return answer(std::move(what));
  if (island_ == core_.args().island) {
    if (auto who = core_.find_local(to.path())) return who->enqueue(std::move(what), nullptr);
    return proxy::bounce_with(what, make_error(errc::unavailable, "nobody stands at " + std::string{to.path()}));
  }
  if (core_.is_repl() && what->sender)
    core_.invited().note(core_.path_of(what->sender), paths::island_of(to.path()), now());
  outgoing o;
  o.to = to.ctrl();
  auto& content = what->content();
  if (content.size() == 1 && content.match_element<caf::exit_msg>(0)) {
    o.kind = envelope_kind::exit;
    o.failure = content.get_as<caf::exit_msg>(0).reason;
  } else if (o.type = core_.args().words.of(content); o.type != nullptr) {
    o.bytes = o.type->bytes_of(content).size();
  } else {
    // The result of a handler that was sent a letter and not asked: nothing, or its error. Neither crosses.
    if (!what->mid.is_request() && (content.size() == 0 || content.match_elements<caf::error>())) return;
    count_dropped(&drop_counts::unknown);
    core_.warn("a message that is no letter of the vocabulary was not sent to " + std::string{to.path()} + ": " +
               type_text(content));
    return proxy::bounce_with(
        what, make_error(errc::unsupported, "only letters of the vocabulary cross to " + std::string{to.path()} +
                                                ", not " + type_text(content)));
  }
  o.what = std::move(what);
  if (o.bytes > limits::letter_bytes_max) {
    count_dropped(&drop_counts::overflow);
    return bounce(o, errc::too_large,
                  "a letter of " + std::to_string(o.bytes) + " bytes; at most " +
                      std::to_string(limits::letter_bytes_max) + " are allowed");
  }
  if (o.durable()) return send_fact(std::move(o));
  graveyard dead;
  std::unique_lock lock{mutex_};
  if (deleted_) {
    lock.unlock();
    return bounce(o, errc::unavailable, island_ + " is deleted");
  }
  push_letter(std::move(o), dead);
  lock.unlock();
  bury(dead, errc::too_many, "too much waits for it");
}

/// Queues a letter by the rules of its type, and sends what can be sent.
void peer::push_letter(outgoing o, graveyard& dead) {
  o.since_ms = now();
  auto ttl = o.type != nullptr ? o.type->delivery().ttl_ms : delivery::default_ttl_ms;
  if (o.what->mid.is_request()) {
    call_table::call c{o.what->sender, o.what->mid, ttl, std::max<int64_t>(o.since_ms + ttl, 1), o.to};
    o.call = calls_.add(std::move(c));
    if (o.call == 0) {
      ++dropped_.overflow;
      return dead.refused.push_back(std::move(o));
    }
  }
  if (o.type != nullptr && o.type->delivery().how == delivery::kind::latest) {
    auto* p = proxy_of(o.to);
    auto key = std::string{p->path()};
    key += '\0';
    auto type = o.type->id();
    key.append(reinterpret_cast<const char*>(&type), sizeof type);
    key += o.type->key_of(o.what->content());
    std::vector<outgoing> replaced;
    auto taken = latest_.put(std::move(key), std::move(o), replaced);
    if (!taken) ++dropped_.overflow;
    for (auto& r : replaced) (taken ? dead.quiet : dead.refused).push_back(std::move(r));
    flush(dead);
    return look_after();
  }
  o.deadline_ms = std::max<int64_t>(o.since_ms + ttl, 1);
  push(std::move(o), dead);
}

/// Into the fleeting queue of its priority.
void peer::push(outgoing o, graveyard& dead) {
  auto where =
      o.type == nullptr || o.kind != envelope_kind::letter ? delivery::queue::state : o.type->delivery().priority;
  auto& q = where == delivery::queue::state ? state_ : where == delivery::queue::fact ? fact_ : bulk_;
  auto before = dead.refused.size();
  q.make_room(o.bytes, dead.refused);
  dropped_.overflow += dead.refused.size() - before;
  for (auto i = before; i < dead.refused.size(); ++i)
    if (auto& r = dead.refused[i]; r.kind == envelope_kind::letter) calls_.take(r.call);
  q.push(std::move(o));
  flush(dead);
  look_after();
}

/// What has a deadline is looked at again and again until it has gone.
void peer::look_after() {
  if (!state_.empty() || !fact_.empty() || !bulk_.empty() || calls_.has_deadlines() || latest_.has_refused())
    core_.wake(*this);
}

void peer::post(outgoing o) {
  graveyard dead;
  std::unique_lock lock{mutex_};
  if (deleted_) return;
  o.since_ms = now();
  o.deadline_ms = o.since_ms + delivery::default_ttl_ms;
  push(std::move(o), dead);
  lock.unlock();
  bury(dead, errc::too_many, "too much waits for it");
}

// -- answers
// ------------------------------------------------------------------------------------------------------------

/// An actor of this island answers a letter that came from the other side.
void peer::answer(caf::mailbox_element_ptr what) {
  auto id = what->mid.request_id().integer_value();
  if ((id & receipt_bit) == 0) return post(answer_to(id, std::move(what)));
  if (facts_in::is_receipt(id)) return core_.facts().answered(id, std::move(what));
  auto receipt = id & call_table::id_mask;
  // A bounce has no sender: the actor ended with the letter in its mailbox.
  auto bounced = !what->sender && what->content().size() == 1 && what->content().match_element<caf::error>(0);
  uint64_t call = 0;
  {
    std::lock_guard lock{mutex_};
    auto i = expected_.find(receipt);
    if (i != expected_.end()) call = i->second, expected_.erase(i);
  }
  if (call != 0 && !bounced) post(answer_to(call, std::move(what)));
  settle_state(receipt, !bounced);
}

/// The answer as it is sent: a letter, nothing, or a failure.
outgoing peer::answer_to(uint64_t call, caf::mailbox_element_ptr what) {
  auto& content = what->content();
  outgoing o;
  o.kind = envelope_kind::answer;
  o.call = call;
  if (content.size() == 1 && content.match_element<caf::error>(0)) {
    o.failure = content.get_as<caf::error>(0);
  } else if (content.size() != 0) {
    o.type = core_.args().words.of(content);
    if (o.type == nullptr) {
      o.failure = make_error(errc::unsupported,
                             "the answer is no letter of the vocabulary and cannot cross: " + type_text(content));
      core_.warn(message_of(o.failure));
    } else {
      o.bytes = o.type->bytes_of(content).size();
    }
  }
  o.what = std::move(what);
  return o;
}

void peer::expect_answer(uint64_t receipt, uint64_t call) {
  std::lock_guard lock{mutex_};
  if (expected_.size() >= limits::calls_waiting_max) expected_.erase(expected_.begin());
  expected_[receipt] = call;
}

void peer::fail(uint64_t call, const caf::error& why) {
  if (call == 0) return;
  outgoing o;
  o.kind = envelope_kind::answer;
  o.call = call;
  o.failure = why;
  post(std::move(o));
}

void peer::answered(uint64_t call, caf::strong_actor_ptr from, caf::message what) {
  call_table::call c;
  {
    std::lock_guard lock{mutex_};
    c = calls_.take(call);
  }
  if (c.who) c.who->enqueue(std::move(from), c.mid.response_id(), std::move(what), nullptr);
}

// -- monitors
// -----------------------------------------------------------------------------------------------------------

void peer::watch(proxy& what) {
  if (island_ == core_.args().island) return core_.watch_local(what);
  graveyard dead;
  std::unique_lock lock{mutex_};
  if (deleted_) return;
  if (!watches_.try_emplace(std::string{what.path()}, 0).second) return;
  if (!ready_) return;  // said when the link is up
  outgoing o;
  o.kind = envelope_kind::watch;
  o.to_path = what.path();
  o.from_path = core_.args().island;
  o.since_ms = now();
  push(std::move(o), dead);
  lock.unlock();
}

void peer::unwatch(proxy& what) {
  graveyard dead;
  std::unique_lock lock{mutex_};
  if (watches_.erase(std::string{what.path()}) == 0 || !ready_) return;
  outgoing o;
  o.kind = envelope_kind::unwatch;
  o.to_path = what.path();
  o.from_path = core_.args().island;
  o.since_ms = now();
  push(std::move(o), dead);
  lock.unlock();
}

void peer::on_watching(std::string_view path, uint64_t incarnation) {
  std::lock_guard lock{mutex_};
  if (auto i = watches_.find(path); i != watches_.end()) i->second = incarnation;
}

void peer::on_gone(std::string_view path, const caf::error& why) {
  {
    std::lock_guard lock{mutex_};
    auto i = watches_.find(path);
    if (i == watches_.end()) return;
    watches_.erase(i);
  }
  if (auto p = core_.find_proxy(path)) static_cast<proxy*>(p->get())->fire(why);
}

void peer::watched(const std::string& path, const std::string& watcher, const caf::strong_actor_ptr& who,
                   uint64_t known, bool local) {
  // A relay makes no claim about who stands behind its proxy: 1 is always the same.
  auto incarnation = !who ? 0 : local ? core_.incarnation_of(who) : 1;
  if (!who) return post_gone(path, watcher, make_error(errc::not_found, "nobody stands at " + path));
  if (known != 0 && known != incarnation)
    return post_gone(path, watcher, make_error(errc::unavailable, path + " ended while the link was cut"));
  auto fresh = false;
  {
    std::lock_guard lock{mutex_};
    if (guarded_.size() >= limits::exported_max) return;
    auto& g = guarded_[path];
    fresh = g.who != who->id();
    g = {who->id(), watcher};
  }
  outgoing o;
  o.kind = envelope_kind::watching;
  o.to_path = watcher;
  o.from_path = path;
  o.receipt = incarnation;
  post(std::move(o));
  if (fresh)
    who->get()->attach_functor(
        [self = peer_ptr{this}, path, id = who->id()](const caf::error& why) { self->ended(path, id, why); });
}

void peer::unwatched(const std::string& path) {
  std::lock_guard lock{mutex_};
  guarded_.erase(path);
}

void peer::ended(const std::string& path, caf::actor_id who, const caf::error& why) {
  std::string watcher;
  {
    std::lock_guard lock{mutex_};
    auto i = guarded_.find(path);
    if (i == guarded_.end() || i->second.who != who) return;
    watcher = std::move(i->second.watcher);
    guarded_.erase(i);
  }
  post_gone(path, watcher, why);
}

void peer::post_gone(const std::string& path, const std::string& watcher, const caf::error& why) {
  outgoing o;
  o.kind = envelope_kind::gone;
  o.to_path = watcher;
  o.from_path = path;
  o.failure = why;
  post(std::move(o));
}

// -- what does not arrive
// -------------------------------------------------------------------------------------------------

void peer::bounce(outgoing& o, errc code, const std::string& why) {
  if (!o.what || o.kind != envelope_kind::letter) return;
  auto* p = proxy_of(o.to);
  proxy::bounce_with(o.what, make_error(code, (p != nullptr ? std::string{p->path()} : island_) + ": " + why));
}

/// Lets go of envelopes, without the lock: what they hold may send when it is destroyed.
void peer::bury(graveyard& dead, errc code, const char* why) {
  for (auto& o : dead.refused) bounce(o, code, why);
  dead.refused.clear();
  dead.quiet.clear();
}

void peer::count_dropped(uint64_t drop_counts::*what, uint64_t n) {
  std::lock_guard lock{mutex_};
  dropped_.*what += n;
}

}  // namespace skerry::link
