#include "supervisors/inspector.hpp"

#include <algorithm>
#include <caf/actor_cast.hpp>

#include "actors/link/mesh_core.hpp"
#include "schema/error.hpp"
#include "schema/path.hpp"

namespace skerry::supervisors {
namespace {

using namespace inspector_limits;

std::string_view view_of(capnp::Text::Reader t) { return {t.begin(), t.size()}; }

size_t bounded(uint32_t asked, size_t most) { return asked == 0 ? most : std::min<size_t>(asked, most); }

void fill(schema::CrashView::Builder out, const crash_report& r) {
  out.setAtMs(r.at_ms);
  out.setPath(r.path);
  out.setWhy(r.why.substr(0, 4096));
  out.setRestarts(r.restarts);
  out.setLastMessage(r.last_message);
}

/// The latest `limit` reports about what stands at `path` or below.
std::vector<crash_report> latest(const crash_log& log, std::string_view path, size_t limit) {
  auto all = log.reports();
  std::erase_if(all, [&](const crash_report& r) { return !paths::is_below(r.path, path); });
  if (all.size() > limit) all.erase(all.begin(), all.end() - static_cast<ptrdiff_t>(limit));
  return all;
}

template <class Builder>
void fill_list(Builder list, const std::vector<crash_report>& reports) {
  for (unsigned i = 0; i < reports.size(); ++i) fill(list[i], reports[i]);
}

void fill(schema::LinkView::Builder out, const link::link_figures& f, int64_t now_ms) {
  out.setIsland(f.island);
  out.setUp(f.up);
  out.setHeld(f.held);
  out.setSinceMs(f.since_ms == 0 ? -1 : now_ms - f.since_ms);
  out.setSessions(f.sessions);
  out.setLagMs(f.lag_ms);
  out.setAckMs(f.settled_ms_ago);
  out.setFleeting(f.waiting);
  out.setLatest(f.latest_waiting);
  out.setDurable(f.durable_waiting);
  out.setWaitingBytes(f.waiting_bytes + f.durable_bytes);
  out.setCalls(f.calls);
  out.setLettersIn(f.letters_in);
  out.setLettersOut(f.letters_out);
  out.setBytesIn(f.bytes_in);
  out.setBytesOut(f.bytes_out);
  out.setConflated(f.latest_conflated);
  auto d = out.initDrops();
  d.setExpired(f.dropped.expired);
  d.setOverflow(f.dropped.overflow);
  d.setNoTarget(f.dropped.no_target);
  d.setForbidden(f.dropped.forbidden);
  d.setUnknown(f.dropped.unknown);
  d.setCorrupt(f.dropped.corrupt);
  d.setDead(f.dropped.dead);
}

}  // namespace

caf::behavior inspector_state::make(inspector_args args) {
  args_ = std::make_unique<inspector_args>(std::move(args));
  base::prepare(self_, args_->parts.island.ctx, args_->parts.root + "/admin");
  args_->parts.trace.attach(caf::actor{self_});
  using namespace schema;
  return {
      [this](const message_seen& m) { on_seen(m); },
      [this](const letter<AskTree>& m) { return on_tree(*m); },
      [this](const letter<AskInfo>& m) { return on_info(*m); },
      [this](const letter<AskList>& m) { return on_list(*m); },
      [this](const letter<AskCrashes>& m) { return on_crashes(*m); },
      [this](const letter<AskLinks>&) { return on_links(); },
      [this](const letter<AskTop>& m) { return on_top(*m); },
      [this](const letter<TraceOn>& m) { return on_trace(*m); },
      [this](const letter<TraceOff>& m) { return on_trace_off(*m); },
      [this](const letter<Kill>& m) { return on_kill(*m); },
      [this](const letter<Restart>& m) { return on_restart(*m); },
      [this](const letter<Suspend>& m) { return on_hold(view_of((*m).getIsland()), true); },
      [this](const letter<Resume>& m) { return on_hold(view_of((*m).getIsland()), false); },
      [this](const letter<SetLogLevel>& m) { return on_log_level(*m); },
      [this](const top_due& m) { on_top_due(m.number); },
      [this](const inspector_tick&) { on_tick(); },
  };
}

surveyed_tree inspector_state::tree() const {
  const auto& p = args_->parts;
  return {self_, p.island.directory, p.root, args_->root, p.island.ctx.clock};
}

/// A path that this island answers for?
caf::error inspector_state::check(const std::string& path) const {
  if (auto e = paths::check(path)) return e;
  if (paths::is_below(path, args_->parts.root)) return {};
  return make_error(errc::invalid, path + " is not of this island: ask " + std::string{paths::island_of(path)} +
                                       "/admin, not " + args_->parts.root + "/admin");
}

std::string inspector_state::path_or_root(capnp::Text::Reader path) const {
  return path.size() == 0 ? args_->parts.root : std::string{view_of(path)};
}

inspector_state::answer<schema::Tree> inspector_state::on_tree(schema::AskTree::Reader m) {
  auto path = path_or_root(m.getPath());
  if (auto e = check(path)) return e;
  auto promise = self_->make_response_promise();
  auto levels = m.getLevels();
  auto limit = bounded(m.getLimit(), actors_max);
  locate(tree(), path, [this, promise, levels, limit](caf::expected<location> at) mutable {
    if (!at) return promise.deliver(std::move(at.error()));
    survey(tree(), at->child, levels, limit,
           [promise](letter<schema::Tree> t) mutable { promise.deliver(std::move(t)); });
  });
  return promise;
}

inspector_state::answer<schema::Info> inspector_state::on_info(schema::AskInfo::Reader m) {
  auto path = path_or_root(m.getPath());
  if (auto e = check(path)) return e;
  auto promise = self_->make_response_promise();
  locate(tree(), path, [this, promise, path](caf::expected<location> at) mutable {
    if (!at) return promise.deliver(std::move(at.error()));
    auto crashes = latest(args_->parts.island.crashes, path, 10);
    std::erase_if(crashes, [&](const crash_report& r) { return r.path != path; });
    auto tell = [this, promise, at = *at, crashes](const description* d) mutable {
      promise.deliver(letter<schema::Info>::build([&](schema::Info::Builder b) {
        auto actor = b.initActor();
        supervisors::fill(actor, at.child, args_->parts.island.ctx.clock);
        actor.setSilent(at.child.kind != child_kind::worker && at.child.who && d == nullptr);
        b.setSupervisor(at.supervisor);
        b.setHow("");
        fill_list(b.initCrashes(static_cast<unsigned>(crashes.size())), crashes);
        if (d == nullptr) return;
        actor.setChildren(d->total);
        b.setHow(std::string{to_string(d->how)} + ", at most " + std::to_string(d->window.intensity) + " restarts in " +
                 std::to_string(d->window.period_ms) + " ms" + (d->kind == child_kind::pool ? " of each child" : ""));
      }));
    };
    if (at->child.kind == child_kind::worker || !at->child.who) return tell(nullptr);
    self_->request(at->child.who, std::chrono::seconds{2}, describe{{}, 1})
        .then([tell](const description& d) mutable { tell(&d); }, [tell](const caf::error&) mutable { tell(nullptr); });
  });
  return promise;
}

inspector_state::answer<schema::Names> inspector_state::on_list(schema::AskList::Reader m) {
  auto path = path_or_root(m.getPath());
  if (auto e = check(path)) return e;
  auto prefix = path + "/" + std::string{view_of(m.getStart())};
  auto most = bounded(m.getLimit(), names_max);
  std::map<std::string, bool> names;
  bool more = false;
  // What stands below a name is passed over: one look for each name, however much that is.
  for (std::string after;;) {
    auto found = args_->parts.island.directory.entries(prefix, after, 1);
    if (found.empty()) break;
    auto name = found[0].path.substr(path.size() + 1);
    auto slash = name.find('/');
    after = slash == std::string::npos ? found[0].path : path + "/" + name.substr(0, slash) + "/\x7f";
    if (names.size() == most && names.count(name.substr(0, slash)) == 0) {
      more = true;
      break;
    }
    names[name.substr(0, slash)] |= slash != std::string::npos;
  }
  return letter<schema::Names>::build([&](schema::Names::Builder b) {
    auto list = b.initNames(static_cast<unsigned>(names.size()));
    unsigned i = 0;
    for (const auto& [name, below] : names) {
      list[i].setName(name);
      list[i++].setBelow(below);
    }
    b.setMore(more);
  });
}

inspector_state::answer<schema::Crashes> inspector_state::on_crashes(schema::AskCrashes::Reader m) {
  auto path = path_or_root(m.getPath());
  if (auto e = check(path)) return e;
  const auto& log = args_->parts.island.crashes;
  auto reports = latest(log, path, bounded(m.getLimit(), actors_max));
  return letter<schema::Crashes>::build([&](schema::Crashes::Builder b) {
    fill_list(b.initCrashes(static_cast<unsigned>(reports.size())), reports);
    b.setTotal(log.total());
  });
}

inspector_state::answer<schema::Links> inspector_state::on_links() {
  auto all = args_->parts.mesh.links();
  auto now = args_->parts.island.ctx.clock.steady_ms();
  return letter<schema::Links>::build([&](schema::Links::Builder b) {
    auto shown = std::min(all.size(), links_max);
    auto list = b.initLinks(static_cast<unsigned>(shown));
    for (unsigned i = 0; i < shown; ++i) fill(list[i], all[i], now);
    b.setLeft(all.size() - shown);
    b.setForgotten(args_->parts.mesh.core().letters_forgotten());
  });
}

caf::behavior inspector(base::stateful<inspector_state>* self, inspector_args args) {
  return self->state.make(std::move(args));
}

child_spec inspector_worker(const inspector_parts& parts) {
  return worker("admin", [&parts](caf::event_based_actor* root) {
    return root->spawn(inspector, inspector_args{parts, caf::actor_cast<caf::weak_actor_ptr>(root)});
  });
}

void add_admin(vocabulary& words) {
  using namespace schema;
  words.add<AskTree>();
  words.add<Tree>();
  words.add<AskList>();
  words.add<Names>();
  words.add<AskInfo>();
  words.add<Info>();
  words.add<AskCrashes>();
  words.add<Crashes>();
  words.add<AskLinks>();
  words.add<Links>();
  words.add<Suspend>();
  words.add<Resume>();
  words.add<Kill>();
  words.add<Restart>();
  words.add<SetLogLevel>();
  words.add<LogLevel>();
  words.add<Done>();
  words.add<AskTop>();
  words.add<Top>();
  words.add<TraceOn>();
  words.add<TraceOff>();
  words.add<Traced>();
}

}  // namespace skerry::supervisors
