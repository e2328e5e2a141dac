#include "supervisors/survey.hpp"

#include <algorithm>
#include <caf/actor_cast.hpp>

#include "schema/error.hpp"
#include "schema/path.hpp"

namespace skerry::supervisors {
namespace {

constexpr auto answer_max = std::chrono::seconds{2};
constexpr uint32_t page = 1'000;

bool is_supervisor(const caf::actor& a) {
  const auto* who = base::actor_of(a);
  if (who == nullptr) return false;
  std::string_view name = who->name();
  return name == "supervisor" || name == "pool";
}

/// An id that comes just before `id`, so that a pool's page begins with it.
std::string before(std::string id) {
  if (id.empty() || id.back() == 0) return {};
  --id.back();
  return id + "\x7f";
}

caf::error no_answer(const std::string& path) {
  return make_error(errc::timed_out, "the supervisor " + path + " does not answer: it is stuck in a handler");
}

/// Looks for one child page by page; keeps itself alive by its handlers.
class search : public std::enable_shared_from_this<search> {
public:
  search(const surveyed_tree& tree, std::string path, std::string above,
         std::function<void(caf::expected<location>)> done)
      : self_(tree.self), path_(std::move(path)), above_(std::move(above)), done_(std::move(done)) {}

  void ask(const caf::actor& supervisor, std::string after, bool jumped) {
    self_->request(supervisor, answer_max, describe{std::move(after), page})
        .then(
            [me = shared_from_this(), supervisor, jumped](const description& d) {
              for (const auto& c : d.children)
                if (c.path == me->path_) return me->done_(location{c, me->above_});
              bool passed = jumped && !d.children.empty() && d.children.back().path > me->path_;
              if (!d.more || passed) return me->done_(make_error(errc::not_found, "nobody stands at " + me->path_));
              if (!jumped && d.kind == child_kind::pool)
                return me->ask(supervisor, before(me->path_.substr(me->above_.size() + 1)), true);
              me->ask(supervisor, d.children.back().id, jumped);
            },
            [me = shared_from_this()](const caf::error&) { me->done_(no_answer(me->above_)); });
  }

private:
  caf::event_based_actor* self_;
  std::string path_, above_;
  std::function<void(caf::expected<location>)> done_;
};

struct node {
  child_view view;
  uint64_t children = 0;
  bool silent = false;
  std::vector<std::unique_ptr<node>> below;
};

/// Asks supervisor after supervisor; keeps itself alive by its handlers.
class walk : public std::enable_shared_from_this<walk> {
public:
  walk(const surveyed_tree& tree, const child_view& top, uint32_t levels, size_t limit,
       std::function<void(letter<schema::Tree>)> done)
      : self_(tree.self), clock_(tree.clock), levels_(levels), limit_(limit), done_(std::move(done)) {
    top_.view = top;
  }
  void start() {
    ++open_;
    expand(top_, 0, {}, 0);
    close();
  }

private:
  size_t share_of(const node& n) const { return &n == &top_ ? limit_ : std::max<size_t>(limit_ / 4, 1); }

  void expand(node& n, uint32_t level, std::string after, size_t shown) {
    if (level >= levels_ || n.view.kind == child_kind::worker || !n.view.who) return;
    auto room = std::min(limit_ - std::min(limit_, taken_), share_of(n) - shown);
    if (room == 0) return;
    ++open_;
    self_
        ->request(n.view.who, answer_max,
                  describe{std::move(after), static_cast<uint32_t>(std::min<size_t>(room, page))})
        .then(
            [me = shared_from_this(), &n, level, shown](const description& d) {
              me->take(n, level, shown, d);
              me->close();
            },
            [me = shared_from_this(), &n](const caf::error&) {
              n.silent = true;
              me->close();
            });
  }

  void take(node& n, uint32_t level, size_t shown, const description& d) {
    n.children = d.total;
    for (const auto& c : d.children) {
      if (taken_ >= limit_) break;
      ++taken_;
      ++shown;
      n.below.push_back(std::make_unique<node>());
      n.below.back()->view = c;
      expand(*n.below.back(), level + 1, {}, 0);
    }
    if (d.more && !d.children.empty()) expand(n, level, d.children.back().id, shown);
  }

  void close() {
    if (--open_ > 0) return;
    done_(letter<schema::Tree>::build([this](schema::Tree::Builder b) {
      auto list = b.initActors(static_cast<unsigned>(taken_ + 1));
      unsigned at = 0;
      uint64_t left = 0;
      write(top_, 0, list, at, left);
      b.setLeft(left);
    }));
  }

  void write(const node& n, uint32_t level, capnp::List<schema::ActorView>::Builder out, unsigned& at, uint64_t& left) {
    auto b = out[at++];
    fill(b, n.view, clock_);
    b.setChildren(n.children);
    b.setSilent(n.silent);
    if (level < levels_ && n.children > n.below.size()) left += n.children - n.below.size();
    for (const auto& c : n.below) write(*c, level + 1, out, at, left);
  }

  caf::event_based_actor* self_;
  const ports::clock& clock_;
  uint32_t levels_;
  size_t limit_, taken_ = 0, open_ = 0;
  node top_;
  std::function<void(letter<schema::Tree>)> done_;
};

schema::ActorView::Phase phase_of(phase p) {
  using out = schema::ActorView::Phase;
  switch (p) {
    case phase::down:
      return out::DOWN;
    case phase::paused:
      return out::PAUSED;
    case phase::spawning:
    case phase::unready:
      return out::STARTING;
    case phase::up:
      return out::RUNNING;
    case phase::asked:
      return out::STOPPING;
    case phase::killed:
      return out::KILLED;
  }
  return out::DOWN;
}

}  // namespace

const char* to_string(strategy s) {
  switch (s) {
    case strategy::one_for_one:
      return "one_for_one";
    case strategy::one_for_all:
      return "one_for_all";
    case strategy::rest_for_one:
      return "rest_for_one";
  }
  return "unknown";
}

caf::actor supervisor_at(const surveyed_tree& tree, std::string_view path) {
  if (path == tree.root) {
    auto strong = tree.root_actor.lock();
    return strong ? caf::actor_cast<caf::actor>(strong) : caf::actor{};
  }
  auto a = tree.directory.find(path);
  return a && is_supervisor(a) ? a : caf::actor{};
}

std::string supervisor_above(const surveyed_tree& tree, std::string_view path) {
  if (path == tree.root) return {};
  for (auto up = paths::parent_of(path); up.size() > tree.root.size(); up = paths::parent_of(up))
    if (tree.directory.find(up)) return std::string{up};
  return tree.root;
}

void locate(const surveyed_tree& tree, const std::string& path, std::function<void(caf::expected<location>)> done) {
  if (path == tree.root) {
    child_view top;
    top.path = path;
    top.kind = child_kind::supervisor;
    top.now = phase::up;
    top.who = supervisor_at(tree, path);
    return done(location{std::move(top), {}});
  }
  auto above = supervisor_above(tree, path);
  auto supervisor = supervisor_at(tree, above);
  if (!supervisor || !paths::is_below(path, tree.root))
    return done(make_error(errc::not_found, "nobody stands at " + path));
  std::make_shared<search>(tree, path, above, std::move(done))->ask(supervisor, {}, false);
}

void survey(const surveyed_tree& tree, const child_view& top, uint32_t levels, size_t limit,
            std::function<void(letter<schema::Tree>)> done) {
  std::make_shared<walk>(tree, top, levels, limit, std::move(done))->start();
}

void fill(schema::ActorView::Builder out, const child_view& child, const ports::clock& clock) {
  using kind = schema::ActorView::Kind;
  using rule = schema::ActorView::Rule;
  out.setPath(child.path);
  out.setKind(child.kind == child_kind::worker ? kind::WORKER
              : child.kind == child_kind::pool ? kind::POOL
                                               : kind::SUPERVISOR);
  out.setPhase(phase_of(child.now));
  out.setRule(child.when == restart::permanent   ? rule::PERMANENT
              : child.when == restart::transient ? rule::TRANSIENT
                                                 : rule::TEMPORARY);
  out.setRestarts(child.restarts);
  out.setLastMessage("");
  if (!child.who) return;
  out.setActor(child.who.id());
  const auto* who = base::actor_of(child.who);
  if (who == nullptr) return;
  const auto& m = who->meter();
  out.setWaiting(m.depth());
  out.setHandled(m.handled());
  auto since = m.busy_since_ns();
  auto now = clock.steady_ns();
  auto turn = since != 0 && now > since ? now - since : 0;
  out.setBusyUs(static_cast<uint64_t>((m.busy_ns() + turn) / 1000));
  out.setStuckMs(static_cast<uint64_t>(turn / 1'000'000));
  if (auto at = who->started_ms(); at != 0) out.setUpMs(std::max<int64_t>(0, clock.wall_ms() - at));
  out.setLastMessage(m.last_message());
}

}  // namespace skerry::supervisors
