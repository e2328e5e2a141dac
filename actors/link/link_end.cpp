#include "actors/link/link_end.hpp"

#include <caf/system_messages.hpp>

#include "actors/link/facts_in.hpp"
#include "actors/link/mesh_core.hpp"
#include "actors/link/peer.hpp"

namespace skerry::link {
namespace {
constexpr uint64_t receipt_bit = 1ULL << 59;
constexpr uint32_t protocol = 1;
std::string text_of(capnp::Text::Reader t) { return {t.begin(), t.size()}; }
}  // namespace

link_end::link_end(mesh_core& core, peer_ptr over, ports::connection_ptr connection)
    : core_(core), peer_(std::move(over)), connection_(std::move(connection)), names_(1) {}

link_end::~link_end() = default;

void link_end::close() {
  if (!closed_.exchange(true)) peer_->down(*this);
}

void link_end::on_drained() {
  if (!closed_) peer_->drained(*this);
}

void link_end::released(size_t bytes) noexcept {
  auto all = released_.fetch_add(bytes + limits::envelope_bytes) + bytes + limits::envelope_bytes;
  auto told = told_.load();
  if (all - told < core_.args().window_bytes / 8 || closed_ || !told_.compare_exchange_strong(told, all)) return;
  peer_->release_moved(*this);
}

void link_end::add_figures(link_figures& f) const {
  f.letters_in += letters_in_;
  f.frames_in += frames_in_;
  f.bytes_in += bytes_in_;
}

bool link_end::takes(const frame& f) {
  auto which = (*f).which();
  return which == schema::Frame::MESH || which == schema::Frame::LETTERS || which == schema::Frame::SETTLED;
}

caf::error link_end::on_frame(const frame& f) {
  auto turn = peer_->incoming();
  if (closed_) return {};
  ++frames_in_;
  bytes_in_ += f.bytes().size() + 4;
  try {
    auto r = *f;
    if (r.isMesh()) return on_mesh(r.getMesh());
    if (!greeted_) return make_error(errc::invalid, "letters before `mesh`");
    if (r.isLetters()) return on_letters(r.getLetters());
    peer_->on_settled(*this, r.getSettled());
  } catch (const kj::Exception& e) {
    return make_error(errc::corrupt, std::string{"a frame of letters does not parse: "} + e.getDescription().cStr());
  }
  return {};
}

caf::error link_end::on_mesh(schema::Mesh::Reader m) {
  if (greeted_) return make_error(errc::invalid, "`mesh` was said twice");
  auto island = text_of(m.getIsland());
  if (island != peer_->island())
    return make_error(errc::forbidden, "island " + island + " speaks on the link of " + peer_->island());
  if (m.getProtocol() != protocol) return {};  // another generation: no letters, but the session stays
  greeted_ = true;
  journal_ = text_of(m.getJournal());
  peer_->ready(*this, m.getWindowBytes(), text_of(m.getJournal()));
  return {};
}

/// Numbers for paths. What the other side may reach and speak for is decided here, once.
caf::error link_end::define(schema::Letters::Reader l) {
  if (l.getRestart()) names_.resize(1);
  for (auto n : l.getNames()) {
    auto number = n.getNumber();
    if (number == 0 || number > limits::link_names_max || number > names_.size())
      return make_error(errc::invalid, "number " + std::to_string(number) + " for a path is out of turn");
    if (number == names_.size()) names_.emplace_back();
    auto& out = names_[number];
    out = {};
    out.path = text_of(n.getPath());
    if (paths::check(out.path)) continue;  // stays unreachable
    const auto& a = core_.args();
    auto relay = peer_->island() == a.uplink;
    out.local = core_.is_local(out.path);
    out.genuine = relay || paths::is_below(out.path, peer_->island());
    out.reachable = out.local || a.uplink.empty();
    out.repl = paths::kind_of(out.path) == paths::island_kind::repl;
  }
  return {};
}

caf::error link_end::on_letters(schema::Letters::Reader l) {
  if (auto e = define(l)) return e;
  for (auto e : l.getLetters()) {
    if (e.getTo() >= names_.size() || e.getFrom() >= names_.size())
      return make_error(errc::invalid, "a letter with a number that was not given");
    on_envelope(e);
  }
  return {};
}

/// Who stands for a sender: the proxy for its path if it is of the other side. What was delegated comes with a sender
/// of a third island, or of this one: its answer goes back to who delegated it, so it stands for a path over this very
/// link; and where the other side may not speak for that path, for the other side's island.
const caf::strong_actor_ptr& link_end::sender_of(name& n) {
  if (n.as) return n.as;
  if (n.genuine && !n.local) return n.as = core_.proxy_for(n.path);
  return n.as = core_.proxy_over(peer_, n.genuine ? std::string_view{n.path} : std::string_view{peer_->island()});
}

/// Who gets a letter to this path: who stands there, or a proxy where it is to be relayed. Null if nobody.
caf::strong_actor_ptr link_end::target_of(name& n) {
  if (!n.local) {
    auto now = core_.forgotten();
    if (!n.who_relayed || n.version != now) n.who_relayed = core_.proxy_for(n.path);
    n.version = now;
    return n.who_relayed;
  }
  auto version = core_.version();
  if (n.version == version)
    if (auto who = n.who.lock()) return who;
  auto who = core_.find_local(n.path);
  n.version = version;
  n.who = caf::weak_actor_ptr{who.get()};
  return who;
}

void link_end::on_envelope(schema::Envelope::Reader e) {
  const caf::strong_actor_ptr nobody;
  auto& to = names_[e.getTo()];
  auto& from = names_[e.getFrom()];
  using kind = schema::Envelope::Kind;
  auto what = e.getKind();
  if (what == kind::ANSWER) return on_answer(e, e.getFrom() != 0 ? sender_of(from) : nobody);
  if (what == kind::WATCHING || what == kind::GONE) {
    if (!from.genuine) return peer_->count_dropped(&drop_counts::forbidden);
    if (what == kind::WATCHING) return peer_->on_watching(from.path, e.getReceipt());
    return peer_->on_gone(from.path, e.hasFailure() ? read_failure(e.getFailure()) : caf::error{});
  }
  auto sender = e.getFrom() != 0 && from.genuine ? std::string_view{from.path} : std::string_view{peer_->island()};
  if (to.repl && !to.local && !core_.find_peer(paths::island_of(to.path)))  // what it traced may still come
    return refuse(e, errc::unavailable, to.path + " is not joined", &drop_counts::no_target);
  if (!to.reachable || !may_pass(e, to, paths::island_of(sender)))
    return refuse(e, errc::forbidden, std::string{sender} + " may not reach " + to.path, &drop_counts::forbidden);
  switch (what) {
    case kind::LETTER:
      if (from.repl && from.genuine && !to.local)
        core_.invited().note(from.path, paths::island_of(to.path), core_.now());
      return on_letter(e, to, e.getFrom() != 0 ? sender_of(from) : nobody);
    case kind::EXIT:
      if (auto who = target_of(to))
        who->enqueue(sender_of(from), caf::make_message_id(caf::message_priority::high),
                     caf::make_message(caf::exit_msg{sender_of(from) ? sender_of(from)->address() : caf::actor_addr{},
                                                     read_failure(e.getFailure())}),
                     nullptr);
      return;
    case kind::WATCH:
    case kind::UNWATCH:
      return on_watch(e, to, from.path);
    default:
      return peer_->count_dropped(&drop_counts::unknown);  // of a later version
  }
}

bool link_end::may_pass(schema::Envelope::Reader e, const name& to, std::string_view from) const {
  using errand = passage::errand;
  using kind = schema::Envelope::Kind;
  passage p{from, to.path};
  auto what = e.getKind();
  if (what == kind::LETTER)
    p.what = e.getCall() == 0 && e.getDelivery() == schema::Envelope::Delivery::FLEETING ? errand::tell : errand::ask;
  else
    p.what = what == kind::EXIT ? errand::exit : errand::watch;
  p.invited = to.repl && core_.invited().hold(to.path, from, core_.now());
  return core_.args().may_reach(p);
}

/// A letter that goes to nobody: counted, answered, and settled if it is one that the other side keeps.
void link_end::refuse(schema::Envelope::Reader e, errc code, const std::string& why, uint64_t drop_counts::*count) {
  peer_->count_dropped(count);
  if (e.getKind() != schema::Envelope::Kind::LETTER) return;
  if (e.getDelivery() != schema::Envelope::Delivery::DURABLE) released(e.getBody().size());
  peer_->fail(e.getCall(), make_error(code, why));
  if (e.getDelivery() == schema::Envelope::Delivery::LATEST && e.getReceipt() != 0)
    peer_->settle_state(e.getReceipt(), code != errc::unavailable);
}

void link_end::on_letter(schema::Envelope::Reader e, name& to, const caf::strong_actor_ptr& from) {
  ++letters_in_;
  auto id = e.getType();
  if (last_type_ == nullptr || last_type_->id() != id) last_type_ = core_.args().words.find(id);
  if (e.getDelivery() == schema::Envelope::Delivery::DURABLE && e.getReceipt() != 0) return on_fact(e, to, from);
  if (last_type_ == nullptr)
    return refuse(e, errc::unsupported, "a message of an unknown type; use the same version of skerry on both sides",
                  &drop_counts::unknown);
  auto who = target_of(to);
  if (!who) return refuse(e, errc::unavailable, "nobody stands at " + to.path + " just now", &drop_counts::no_target);
  auto body = e.getBody();
  auto mid = caf::make_message_id(e.getCall() & call_table::id_mask);
  auto sender = from;
  if (e.getDelivery() == schema::Envelope::Delivery::LATEST && e.getReceipt() != 0) {
    if (e.getCall() != 0) peer_->expect_answer(e.getReceipt(), e.getCall());
    mid = caf::make_message_id(receipt_bit | (e.getReceipt() & call_table::id_mask));
    if (!sender) sender = core_.proxy_for(peer_->island());
  }
  auto element = last_type_->make_element({reinterpret_cast<const std::byte*>(body.begin()), body.size()},
                                          std::move(sender), mid, shared_from_this());
  if (!element)
    return refuse(e, code_of(element.error()), to.path + ": " + message_of(element.error()), &drop_counts::corrupt);
  who->enqueue(std::move(*element), nullptr);
}

void link_end::on_fact(schema::Envelope::Reader e, name& to, const caf::strong_actor_ptr& from) {
  if (core_.args().kv == nullptr || journal_.empty())
    return refuse(e, errc::unsupported, core_.args().island + " has no disk for durable letters", &drop_counts::dead);
  auto body = e.getBody();
  facts_in::arrival a{peer_,
                      journal_,
                      to.path,
                      e.getReceipt(),
                      e.getCall(),
                      last_type_,
                      {reinterpret_cast<const std::byte*>(body.begin()), body.size()},
                      from ? from : core_.proxy_for(peer_->island())};
  core_.facts().arrived(a, to.stream);
}

void link_end::on_answer(schema::Envelope::Reader e, const caf::strong_actor_ptr& from) {
  if (e.hasFailure()) {
    auto why = read_failure(e.getFailure());
    return peer_->answered(e.getCall(), from, caf::make_message(std::move(why)));
  }
  if (e.getType() == 0) return peer_->answered(e.getCall(), from, caf::make_message());
  const auto* type = core_.args().words.find(e.getType());
  auto body = e.getBody();
  auto answer = type != nullptr ? type->make({reinterpret_cast<const std::byte*>(body.begin()), body.size()})
                                : make_error(errc::unsupported,
                                             "the answer is a message of an unknown type; use the "
                                             "same version of skerry on both sides");
  if (answer) return peer_->answered(e.getCall(), from, std::move(*answer));
  peer_->count_dropped(type != nullptr ? &drop_counts::corrupt : &drop_counts::unknown);
  peer_->answered(e.getCall(), from, caf::make_message(std::move(answer.error())));
}

void link_end::on_watch(schema::Envelope::Reader e, name& to, const std::string& from) {
  if (e.getKind() == schema::Envelope::Kind::UNWATCH) return peer_->unwatched(to.path);
  peer_->watched(to.path, from, target_of(to), e.getReceipt(), to.local);
}

}  // namespace skerry::link
