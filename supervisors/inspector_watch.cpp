#include <algorithm>
#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

#include "actors/link/proxy.hpp"
#include "schema/error.hpp"
#include "schema/path.hpp"
#include "supervisors/inspector.hpp"

namespace skerry::supervisors {
namespace {

using namespace inspector_limits;

constexpr auto tick = std::chrono::seconds{5};
constexpr size_t page = 1'000;
static_assert(lease_ms_max <= link::invitation_ms, "who traces a node may be told of it to the end of its lease");

std::string text_of(capnp::Text::Reader t) { return {t.begin(), t.size()}; }

letter<schema::Done> done() {
  return letter<schema::Done>::build([](schema::Done::Builder) {});
}

struct busy_actor {
  std::string path;
  caf::actor who;
  uint64_t handled;
  int64_t busy_ns;
};

/// What it has done so far, with the turn that it is in.
int64_t busy_ns_of(const base::meter& m, int64_t now_ns) {
  auto since = m.busy_since_ns();
  return m.busy_ns() + (since != 0 && now_ns > since ? now_ns - since : 0);
}

/// Calls `f(path, handle, base actor)` for what stands at `path` or below, top_actors_max at most; returns how many.
template <class F>
uint64_t for_each_below(const base::directory& directory, const std::string& path, F f) {
  uint64_t seen = 0;
  for (std::string after; seen < top_actors_max;) {
    auto found = directory.entries(path, after, page);
    if (found.empty()) break;
    after = found.back().path;
    for (auto& e : found) {
      const auto* who = base::actor_of(e.who);
      if (who == nullptr || !paths::is_below(e.path, path)) continue;
      ++seen;
      f(e, *who);
    }
  }
  return seen;
}

}  // namespace

inspector_state::~inspector_state() {
  for (const auto& [path, list] : followers_) args_->parts.island.directory.trace(path, nullptr);
  for (auto& [number, top] : tops_)
    top.promise.deliver(make_error(errc::unavailable, args_->parts.root + "/admin ended; ask again"));
}

inspector_state::sample inspector_state::take_sample(const std::string& path) const {
  sample out;
  auto now = args_->parts.island.ctx.clock.steady_ns();
  for_each_below(args_->parts.island.directory, path, [&](const auto& e, const base::actor& who) {
    out[e.who.id()] = {who.meter().handled(), busy_ns_of(who.meter(), now)};
  });
  return out;
}

inspector_state::answer<schema::Top> inspector_state::on_top(schema::AskTop::Reader m) {
  auto path = path_or_root(m.getPath());
  if (auto e = check(path)) return e;
  if (tops_.size() >= tops_max)
    return make_error(errc::too_many,
                      std::to_string(tops_max) + " others count the busiest actors here just now; try again");
  auto number = ++tops_made_;
  auto window = std::clamp<uint32_t>(m.getWindowMs(), 1, window_ms_max);
  auto limit = static_cast<uint32_t>(std::min<size_t>(m.getLimit() == 0 ? 20 : m.getLimit(), actors_max));
  auto promise = self_->make_response_promise();
  tops_[number] = {promise, path, limit, args_->parts.island.ctx.clock.steady_ms(), take_sample(path)};
  self_->delayed_send(self_, std::chrono::milliseconds{window}, top_due{number});
  return promise;
}

void inspector_state::on_top_due(uint64_t number) {
  auto i = tops_.find(number);
  if (i == tops_.end()) return;
  auto top = std::move(i->second);
  tops_.erase(i);
  auto& clock = args_->parts.island.ctx.clock;
  auto now = clock.steady_ns();
  std::vector<busy_actor> busy;
  auto seen = for_each_below(args_->parts.island.directory, top.path, [&](auto& e, const base::actor& who) {
    auto before = top.before[e.who.id()];
    auto handled = who.meter().handled() - before.handled;
    auto spent = std::max<int64_t>(0, busy_ns_of(who.meter(), now) - before.busy_ns);
    if (handled > 0 || spent > 0 || who.meter().depth() > 0) busy.push_back({e.path, e.who, handled, spent});
  });
  auto shown = std::min<size_t>(top.limit, busy.size());
  std::partial_sort(
      busy.begin(), busy.begin() + static_cast<ptrdiff_t>(shown), busy.end(),
      [](const auto& a, const auto& b) { return a.busy_ns != b.busy_ns ? a.busy_ns > b.busy_ns : a.path < b.path; });
  top.promise.deliver(letter<schema::Top>::build([&](schema::Top::Builder b) {
    auto list = b.initActors(static_cast<unsigned>(shown));
    for (unsigned k = 0; k < shown; ++k) {
      const auto& meter = base::actor_of(busy[k].who)->meter();
      list[k].setPath(busy[k].path);
      list[k].setBusyUs(static_cast<uint64_t>(busy[k].busy_ns / 1000));
      list[k].setHandled(busy[k].handled);
      list[k].setWaiting(meter.depth());
      list[k].setLastMessage(meter.last_message());
    }
    b.setWindowMs(static_cast<uint32_t>(clock.steady_ms() - top.since_ms));
    b.setSeen(seen);
  }));
}

inspector_state::answer<schema::Done> inspector_state::on_trace(schema::TraceOn::Reader m) {
  auto path = text_of(m.getPath());
  if (auto e = check(path)) return e;
  auto who = caf::actor_cast<caf::actor>(self_->current_sender());
  if (!who) return make_error(errc::invalid, "a trace goes to its sender: this request has none");
  if (path == args_->parts.root + "/admin")
    return make_error(errc::invalid, path + " cannot be traced: each message that it tells of would be one more");
  auto& directory = args_->parts.island.directory;
  if (!directory.find(path) && followers_.count(path) == 0)
    return make_error(errc::not_found, "nobody stands at " + path + " just now");
  auto& list = followers_[path];
  auto lease = std::clamp<uint32_t>(m.getLeaseMs(), 1, lease_ms_max);
  auto until = args_->parts.island.ctx.clock.steady_ms() + lease;
  auto known = std::find_if(list.begin(), list.end(), [&](const follower& f) { return f.who == who; });
  if (known != list.end()) return known->until_ms = until, done();
  size_t all = 0;
  for (const auto& [p, l] : followers_) all += l.size();
  if (all >= followers_max) {
    if (list.empty()) followers_.erase(path);
    return make_error(errc::too_many, std::to_string(followers_max) + " traces run on this island: end one first");
  }
  list.push_back({who, until});
  directory.trace(path, &args_->parts.trace);
  if (!std::exchange(ticking_, true)) self_->delayed_send(self_, tick, inspector_tick{});
  return done();
}

inspector_state::answer<schema::Done> inspector_state::on_trace_off(schema::TraceOff::Reader m) {
  auto path = text_of(m.getPath());
  auto who = caf::actor_cast<caf::actor>(self_->current_sender());
  if (auto i = followers_.find(path); i != followers_.end()) {
    std::erase_if(i->second, [&](const follower& f) { return f.who == who; });
    if (i->second.empty()) forget_trace(path);
  }
  return done();
}

void inspector_state::forget_trace(const std::string& path) {
  args_->parts.island.directory.trace(path, nullptr);
  followers_.erase(path);
}

/// Ends what nobody renewed.
void inspector_state::on_tick() {
  auto now = args_->parts.island.ctx.clock.steady_ms();
  std::vector<std::string> over;
  for (auto& [path, list] : followers_) {
    std::erase_if(list, [&](const follower& f) { return f.until_ms <= now; });
    if (list.empty()) over.push_back(path);
  }
  for (const auto& path : over) forget_trace(path);
  ticking_ = !followers_.empty();
  if (ticking_) self_->delayed_send(self_, tick, inspector_tick{});
}

std::string inspector_state::name_of(const caf::strong_actor_ptr& who) const {
  if (!who) return {};
  if (auto* p = link::proxy_of(who)) return std::string{p->path()};
  auto path = args_->parts.island.directory.path_of(caf::actor_cast<caf::actor>(who));
  return path.empty() ? args_->parts.root + "/@" + std::to_string(who->id()) : path;
}

void inspector_state::on_seen(const message_seen& m) {
  args_->parts.trace.taken();
  auto path = args_->parts.island.directory.path_of(caf::actor_cast<caf::actor>(m.who));
  if (path.empty()) path = m.path;  // it has ended meanwhile
  auto i = followers_.find(path);
  if (i == followers_.end()) return;
  auto told = letter<schema::Traced>::build([&](schema::Traced::Builder b) {
    b.setPath(path);
    b.setAtMs(args_->parts.island.ctx.clock.wall_ms());
    b.setSender(name_of(m.sender));
    b.setRequest(m.request);
    b.setAnswer(m.answer);
    b.setName(m.name);
    b.setMissed(m.missed);
    if (m.type == nullptr) return;
    auto bytes = m.type->bytes_of(m.letter.content());
    b.setType(m.type->id());
    b.setSize(bytes.size());
    if (bytes.size() <= traced_bytes_max)
      b.setBytes({reinterpret_cast<const capnp::byte*>(bytes.data()), bytes.size()});
  });
  for (const auto& f : i->second) self_->send(f.who, told);
}

}  // namespace skerry::supervisors
