// DELETE, of one object and of collections.
#include "actors/api/write.hpp"
#include "schema/kube/decode.hpp"

namespace skerry::api {
namespace {

/// What becomes of one object: the change to commit, or nothing if it is on its way already.
std::optional<store::change> change_for(const parts& with, const store::object& o, const delete_options& options) {
  auto value = store::parse(o);
  auto step = kube::begin_deletion(value, store::resource_of(o), options.request, with.ctx.clock.wall_ms());
  if (step == kube::deletion_step::unchanged) return std::nullopt;
  store::change c;
  c.what = step == kube::deletion_step::remove ? store::verb::remove : store::verb::update;
  c.object = {store::key_of(o), std::move(value)};
  c.expected_revision = store::revision_of(o);
  c.expected_uid = store::uid_of(o);
  return c;
}

bool kept_namespace(const target& t) {
  return t.info->id == "namespaces" &&
         (t.name == "default" || t.name == "kube-system" || t.name == "kube-public" || t.name == "kube-node-lease");
}

std::optional<failure> read_policy(std::string_view text, delete_options& o) {
  if (text.empty()) return std::nullopt;
  if (text == "Background")
    o.request.policy = kube::propagation::background;
  else if (text == "Foreground")
    o.request.policy = kube::propagation::foreground;
  else if (text == "Orphan")
    o.request.policy = kube::propagation::orphan;
  else
    return bad_request("propagationPolicy: Unsupported value: \"" + std::string{text} +
                       "\": supported values: \"Background\", \"Foreground\", \"Orphan\"");
  return std::nullopt;
}

}  // namespace

std::variant<delete_options, failure> read_delete_options(const ports::http_request& request, const query& q,
                                                          const body_readers& readers) {
  delete_options o;
  o.dry_run = q.get("dryRun") == "All";
  std::string policy{q.get("propagationPolicy")};
  if (q.has("orphanDependents")) policy = q.flag("orphanDependents") ? "Orphan" : "Background";
  if (auto grace = q.get("gracePeriodSeconds"); !grace.empty()) {
    auto n = parse_revision(grace);
    if (!n)
      return bad_request("gracePeriodSeconds: Invalid value: \"" + std::string{grace} + "\": must be a whole number");
    o.request.grace_seconds = static_cast<int64_t>(std::min<uint64_t>(*n, 1u << 30));
  }
  if (!request.body.empty()) {
    auto parsed = parse_object(request, readers);
    if (auto* f = std::get_if<failure>(&parsed)) return std::move(*f);
    const auto& v = std::get<json::value>(parsed);
    if (auto kind = string_at(v, "kind"); !kind.empty() && kind != "DeleteOptions")
      return bad_request("the body of a DELETE is DeleteOptions, not " + std::string{kind});
    if (const auto* g = find(v, "gracePeriodSeconds"); g != nullptr && !g->is_null()) {
      if (!g->is_int64()) return bad_request("gracePeriodSeconds: expected int64");
      o.request.grace_seconds = g->get_int64();
    }
    if (auto p = string_at(v, "propagationPolicy"); !p.empty()) policy = p;
    if (const auto* p = find(v, "orphanDependents"); p != nullptr && p->is_bool())
      policy = p->get_bool() ? "Orphan" : "Background";
    o.uid = string_at(v, "preconditions.uid");
    o.revision = string_at(v, "preconditions.resourceVersion");
    const auto& dry = array_at(v, "dryRun");
    o.dry_run = o.dry_run || (!dry.empty() && dry[0].is_string() && dry[0].get_string() == "All");
  }
  if (auto f = read_policy(policy, o)) return *f;
  return o;
}

write_job::decision delete_job::decide(const store::view& view) {
  const auto& info = *context_.at.info;
  auto o = view.get(info.id, context_.at.ns, context_.at.name);
  if (!o) return to_reply(not_found(info, context_.at.name));
  if (kept_namespace(context_.at))
    return to_reply(forbidden(info, context_.at.name, "this namespace may not be deleted"));
  auto differs = [&](std::string_view what, std::string_view wanted, std::string_view is) {
    return to_reply(conflict(info, context_.at.name,
                             "Precondition failed: " + std::string{what} + " in precondition: " + std::string{wanted} +
                                 ", " + std::string{what} + " in object meta: " + std::string{is}));
  };
  if (!options_.uid.empty() && options_.uid != store::uid_of(o)) return differs("UID", options_.uid, store::uid_of(o));
  auto revision = std::to_string(store::revision_of(o));
  if (!options_.revision.empty() && options_.revision != revision)
    return differs("ResourceVersion", options_.revision, revision);
  auto change = change_for(context_.with, o, options_);
  removing_ = change && change->what == store::verb::remove;
  if (!change) return answer_with(o);
  if (options_.dry_run) return answer_with(removing_ ? o : store::freeze(change->object, store::revision_of(o)));
  std::vector<store::change> out;
  out.push_back(std::move(*change));
  return out;
}

reply delete_job::answer_with(const store::object& o) const {
  reply r;
  if (removing_ || eviction_) {
    r.body.emplace_back(success_json(*context_.at.info, store::name_of(o), store::uid_of(o)));
    if (eviction_) r.code = 201;
    return r;
  }
  r.body = render(*context_.at.info, o, {}, 0);
  r.body.emplace_back("\n");
  return r;
}

write_job::decision delete_job::committed(const store::committed& c, const store::view&) {
  return answer_with(c.objects.at(0));
}

std::optional<reply> delete_job::failed(const caf::error& e) {
  if (code_of(e) == errc::conflict && --attempts_left > 0) return std::nullopt;
  return to_reply(from_error(e, *context_.at.info, context_.at.name));
}

write_job::decision collection_job::decide(const store::view& view) {
  std::vector<store::change> changes;
  view.scan(context_.at.info->id, selected_.ns, {}, [&](const store::object& o) {
    auto uid = std::string{store::uid_of(o)};
    if (!selected_.matches(o) || done_.contains(uid)) return true;
    auto change = change_for(context_.with, o, options_);
    if (!change || options_.dry_run) {
      done_.insert(std::move(uid));
      objects_.push_back(o);
      return true;
    }
    changes.push_back(std::move(*change));
    return changes.size() < commit_max;
  });
  if (!changes.empty()) return changes;
  list_writer writer{*context_.at.info, {}, 0};
  for (const auto& o : objects_) writer.add(o);
  reply r;
  r.body = std::move(writer).finish(std::max(revision_, view.revision()), {}, -1);
  return r;
}

write_job::decision collection_job::committed(const store::committed& c, const store::view& view) {
  for (const auto& o : c.objects) {
    done_.insert(std::string{store::uid_of(o)});
    objects_.push_back(o);
  }
  revision_ = c.revision;
  return decide(view);
}

std::optional<reply> collection_job::failed(const caf::error& e) {
  auto code = code_of(e);
  if ((code == errc::conflict || code == errc::not_found) && --attempts_left > 0) return std::nullopt;
  return to_reply(from_error(e, *context_.at.info, {}));
}

}  // namespace skerry::api
