#include "site_operator.hpp"

#include "actors/sdk/meta.hpp"
#include "site.hpp"

namespace site {
namespace {
using sdk::outcome;
using skerry::store::name_of;
using skerry::store::namespace_of;
constexpr const char* maps = "configmaps";
constexpr const char* deployments = "deployments.apps";
constexpr const char* services = "services";
constexpr const char* component = "site-operator";
}  // namespace

struct operator_state::core {
  using finish = sdk::reconciler::finish;

  core(skerry::base::actor* self, operator_args a)
      : args(std::move(a)),
        objects(self, args.resolve),
        sites(self, args.ctx, args.resolve, {.resource = maps, .label_selector = selector}),
        deploys(self, args.ctx, args.resolve, {.resource = deployments, .label_selector = child_selector}),
        svcs(self, args.ctx, args.resolve, {.resource = services, .label_selector = child_selector}),
        work(self, args.ctx, {.name = args.path},
             [this](const sdk::key& k, finish end) { reconcile(k, std::move(end)); }),
        leader(self, args.ctx, objects, {.ns = "default", .name = component, .identity = args.identity}) {}

  void start() {
    follow(sites);
    follow(deploys);
    follow(svcs);
    leader.start({[this] { go(); }, [this] { work.pause(); },
                  [this](const std::string& who) { args.ctx.log.info(args.path, who + " leads"); }});
  }

  /// A site's children have its name: whatever changes, the site of that name is to be looked at.
  void follow(sdk::informer& i) {
    auto mark = [this](const sdk::object& o) {
      work.mark({maps, std::string{namespace_of(o)}, std::string{name_of(o)}});
    };
    i.start({mark, [mark](auto&, const sdk::object& now) { mark(now); }, mark, [this] { go(); }});
  }

  /// Works once all caches are complete and this replica leads.
  void go() {
    if (leader.leads() && sites.synced() && deploys.synced() && svcs.synced()) work.resume();
  }

  void reconcile(const sdk::key& k, finish end) {
    if (!leader.leads()) return end(outcome::again(1000));
    auto map = sites.cache().get(k.ns, k.name);
    if (!map) return remove(k, std::move(end));
    auto w = read(map);
    if (!w.error.empty()) return report(map, "invalid: " + w.error, std::move(end));
    keep(deploys, map, deployment(map, w), [this, map, w, end](const caf::error& e) {
      if (e) return end(outcome::failed(e));
      keep(svcs, map, service(map, w), [this, map, end](const caf::error& why) {
        if (why) return end(outcome::failed(why));
        auto d = deploys.cache().get(namespace_of(map), name_of(map));
        report(map, d ? status(d) : "created", end);
      });
    });
  }

  /// Makes a child, or changes it where it is not as it should be.
  void keep(const sdk::informer& have, const sdk::object& map, const json::value& wanted,
            std::function<void(const caf::error&)> done) {
    sdk::key k{have.resource(), std::string{namespace_of(map)}, std::string{name_of(map)}};
    auto finished = [done](const caf::expected<sdk::object>& o) { done(o ? caf::error{} : o.error()); };
    auto there = have.cache().get(k.ns, k.name);
    if (there && !differs(there, wanted)) return done({});
    if (there) return objects.patch(k, sdk::patch_kind::strategic, wanted, finished);
    objects.create(k.resource, wanted, [this, map, k, done](const caf::expected<sdk::object>& o) {
      if (!o) return done(o.error());
      note(map, "Created", "made " + k.resource + " " + k.name);
      done({});
    });
  }

  /// The site is no site any more: its children go, if they are still those that were seen.
  void remove(const sdk::key& k, finish end) {
    auto left = std::make_shared<int>(1);
    auto first = std::make_shared<caf::error>();
    auto one = [left, first, end](const caf::error& e) {
      if (e && skerry::code_of(e) != skerry::errc::not_found && !*first) *first = e;
      if (--*left == 0) end(*first ? outcome::failed(*first) : outcome::done());
    };
    for (auto* i : {&deploys, &svcs}) {
      auto o = i->cache().get(k.ns, k.name);
      if (!o || skerry::store::is_deleting(o)) continue;
      ++*left;
      objects.remove({i->resource(), k.ns, k.name}, {.uid = std::string{skerry::store::uid_of(o)}}, one);
    }
    one({});
  }

  void report(const sdk::object& map, const std::string& text, finish end) {
    if (sdk::annotation_of(map, status_annotation) == text) return end(outcome::done());
    json::value patch =
        json::object{{"metadata", json::object{{"annotations", json::object{{status_annotation, text}}}}}};
    objects.patch(
        skerry::store::key_of(map), sdk::patch_kind::merge, patch,
        [end](const caf::expected<sdk::object>& o) { end(o ? outcome::done() : outcome::failed(o.error())); });
  }

  void note(const sdk::object& map, std::string_view reason, const std::string& text) {
    auto event = sdk::make_event(map, "Normal", reason, text, component, args.ctx.clock.wall_ms());
    objects.create("events", event, [this](const caf::expected<sdk::object>& o) {
      if (!o) args.ctx.log.warning(args.path, "event: " + skerry::message_of(o.error()));
    });
  }

  operator_args args;
  sdk::objects objects;
  sdk::informer sites, deploys, svcs;
  sdk::reconciler work;
  sdk::leader leader;
};

operator_state::operator_state() = default;
operator_state::~operator_state() = default;

caf::behavior site_operator(skerry::base::stateful<operator_state>* self, operator_args args) {
  skerry::base::prepare(self, args.ctx, args.path);
  self->state.parts = std::make_unique<operator_state::core>(self, std::move(args));
  self->state.parts->start();
  return sdk::with_wakes();
}

}  // namespace site
