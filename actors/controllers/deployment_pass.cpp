#include "actors/controllers/deployment_pass.hpp"

#include <algorithm>
#include <charconv>

#include "actors/controllers/deployment.hpp"
#include "schema/kube/stamp.hpp"

namespace skerry::controllers {

namespace {

constexpr int64_t collisions_tried_max = 32;
constexpr int64_t history_default = 10;

/// Annotations of a deployment that are not its ReplicaSets' (deploymentutil.annotationsToSkip).
bool kept_from_sets(std::string_view key) {
  return key == "kubectl.kubernetes.io/last-applied-configuration" || key == deployment_keys::revision ||
         key == deployment_keys::revision_history || key == deployment_keys::desired ||
         key == deployment_keys::maximum || key == "deprecated.deployment.rollback.to";
}

std::optional<int64_t> number(std::string_view text) {
  int64_t n = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return n;
}

/// Takes nulls and empty members out; true if nothing is left.
bool strip(json::value& v) {
  if (v.is_null()) return true;
  if (auto* o = v.if_object()) {
    for (auto i = o->begin(); i != o->end();)
      if (strip(i->value()))
        i = o->erase(i);
      else
        ++i;
    return o->empty();
  }
  if (auto* a = v.if_array()) {
    for (auto& e : *a) strip(e);
    return a->empty();
  }
  return false;
}

}  // namespace

json::value normal_template(const json::value& pod_template) {
  json::value copy = pod_template;
  if (auto* labels = find(copy, "metadata.labels"); labels != nullptr && labels->is_object())
    labels->get_object().erase(deployment_keys::hash);
  strip(copy);
  return copy;
}

deployment_pass::deployment_pass(const store::view& v, const kube::registry& registry, const recorder& events,
                                 const moment& now, const store::object& deployment, json::value value,
                                 const std::vector<store::object>& replicasets)
    : view_(v), registry_(registry), events_(events), now_(now), before_(deployment), deployment_(std::move(value)) {
  original_status_ = object_at(deployment_, "status");
  limits_ = limits_of(deployment_);
  load(replicasets);
}

void deployment_pass::load(const std::vector<store::object>& replicasets) {
  json::value wanted = json::object{};
  if (const auto* t = find(deployment_, "spec.template")) wanted = normal_template(*t);
  for (const auto& o : replicasets) {
    set s{o, store::parse(o), false};
    replicaset_size n;
    n.name = store::name_of(o);
    n.created_ms = (*o).getCreatedMs();
    n.spec = int_at(s.value, "spec.replicas");
    n.ready = int_at(s.value, "status.readyReplicas");
    n.available = int_at(s.value, "status.availableReplicas");
    n.max_before = number(annotation_at(s.value, deployment_keys::maximum));
    const auto* t = find(s.value, "spec.template");
    // Of several sets with this template the oldest is the new one (k8s FindNewReplicaSet).
    if (t != nullptr && normal_template(*t) == wanted && !deleting(o) &&
        (!newest_ || std::tie(n.created_ms, n.name) < std::tie(sizes_[*newest_].created_ms, sizes_[*newest_].name)))
      newest_ = sets_.size();
    sets_.push_back(std::move(s));
    sizes_.push_back(std::move(n));
  }
  // One set alone that has its size: nothing is moved, and nothing depends on how many pods there are yet.
  if (sizes_.size() == 1 && newest_ && sizes_[0].spec == limits_.replicas) return;
  for (size_t i = 0; i < sets_.size(); ++i)
    for (const auto& pod : view_.owned_by(store::uid_of(sets_[i].stored)))
      sizes_[i].pods += store::resource_of(pod) == resources::pods && pod_active(pod);
}

effects deployment_pass::run() {
  if (deleting(before_)) {
    sync_status(false);
    return finish();
  }
  note_pause();
  bool paused = bool_at(deployment_, "spec.paused");
  if (paused || scaling_event()) {
    sync_new(false);
    scale();
    if (paused) clean_up();
    sync_status(false);
    return finish();
  }
  bool stepped = string_at(deployment_, "spec.strategy.type", "RollingUpdate") == "Recreate" ? recreate() : roll();
  sync_status(true);
  if (!stepped && rollout_complete(deployment_, deployment_.at("status"))) clean_up();
  return finish();
}

/// The condition Progressing says that a deployment is paused, so that its deadline does not run out
/// (checkPausedConditions).
void deployment_pass::note_pause() {
  if (!has_progress_deadline(deployment_)) return;
  const auto* c = find_condition(array_at(deployment_, "status.conditions"), "Progressing");
  auto reason = c != nullptr ? string_at(*c, "reason") : std::string_view{};
  if (reason == "ProgressDeadlineExceeded") return;
  bool paused = bool_at(deployment_, "spec.paused");
  auto& status = ensure(deployment_, "status");
  if (paused && reason != "DeploymentPaused")
    set_deployment_condition(status, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", now_.now_ms);
  else if (!paused && reason == "DeploymentPaused")
    set_deployment_condition(status, "Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed",
                             now_.now_ms);
}

// -- the new set ------------------------------------------------------------------------------------------------------

int64_t deployment_pass::revision_of_set(const set& s) const {
  return number(annotation_at(s.value, deployment_keys::revision)).value_or(0);
}

int64_t deployment_pass::max_old_revision() const {
  int64_t max = 0;
  for (size_t i = 0; i < sets_.size(); ++i)
    if (i != newest_) max = std::max(max, revision_of_set(sets_[i]));
  return max;
}

/// Finds or makes the set of the present template and gives it the highest revision (getNewReplicaSet). False if it was
/// made just now or is not there: then there is nothing to scale in this pass.
bool deployment_pass::sync_new(bool create) {
  if (!newest_) {
    if (create) create_new();
    return false;
  }
  auto& s = sets_[*newest_];
  auto min_ready = int_at(deployment_, "spec.minReadySeconds");
  if (copy_annotations(s.value, max_old_revision() + 1, true)) s.touched = true;
  if (int_at(s.value, "spec.minReadySeconds") != min_ready) {
    ensure(s.value, "spec.minReadySeconds") = min_ready;
    raise_generation(s.value);
    s.touched = true;
  }
  adopt_revision();
  auto& status = ensure(deployment_, "status");
  if (has_progress_deadline(deployment_) && find_condition(array_at(status, "conditions"), "Progressing") == nullptr)
    set_deployment_condition(status, "Progressing", "True", "FoundNewReplicaSet",
                             "Found new replica set \"" + sizes_[*newest_].name + "\"", now_.now_ms);
  return true;
}

bool deployment_pass::copy_annotations(json::value& to, int64_t new_revision, bool existed) const {
  bool changed = false;
  for (const auto& a : object_at(deployment_, "metadata.annotations"))
    if (const auto* s = a.value().if_string(); s != nullptr && !kept_from_sets(a.key()))
      changed |= set_annotation(to, a.key(), {s->data(), s->size()});
  std::string old{annotation_at(to, deployment_keys::revision)};
  if (number(old).value_or(0) < new_revision) {
    changed |= set_annotation(to, deployment_keys::revision, std::to_string(new_revision));
    if (existed && !old.empty()) {
      std::string history{annotation_at(to, deployment_keys::revision_history)};
      set_annotation(to, deployment_keys::revision_history, history.empty() ? old : history + "," + old);
    }
  }
  if (!existed) {
    changed |= set_annotation(to, deployment_keys::desired, std::to_string(limits_.replicas));
    changed |= set_annotation(to, deployment_keys::maximum, std::to_string(limits_.replicas + limits_.max_surge));
  }
  return changed;
}

void deployment_pass::adopt_revision() {
  auto revision = std::string{annotation_at(sets_[*newest_].value, deployment_keys::revision)};
  if (set_annotation(deployment_, deployment_keys::revision, revision)) deployment_touched_ = true;
}

void deployment_pass::create_new() {
  json::value pod_template = object_at(deployment_, "spec.template");
  auto normal = normal_template(pod_template);
  auto collisions = int_at(deployment_, "status.collisionCount");
  auto ns = string_at(deployment_, "metadata.namespace");
  std::string hash, name;
  auto base = std::string{string_at(deployment_, "metadata.name")} + "-";
  for (int64_t tries = 0; tries < collisions_tried_max; ++tries, ++collisions) {
    hash = kube::template_hash(normal, collisions);
    name = base + hash;
    if (!view_.get(resources::replicasets, ns, name)) break;
  }
  if (collisions != int_at(deployment_, "status.collisionCount"))
    ensure(deployment_, "status.collisionCount") = collisions;
  ensure(pod_template, "metadata.labels").emplace_object() = object_at(deployment_, "spec.template.metadata.labels");
  ensure(pod_template, "metadata.labels").get_object()[deployment_keys::hash] = hash;
  json::value selector = object_at(deployment_, "spec.selector");
  auto& match = ensure(selector, "matchLabels");
  if (!match.is_object()) match.emplace_object();
  match.get_object()[deployment_keys::hash] = hash;

  int64_t total = 0;
  for (const auto& s : sizes_) total += s.size();
  bool rolling = string_at(deployment_, "spec.strategy.type", "RollingUpdate") != "Recreate";
  auto replicas = rolling ? std::clamp<int64_t>(limits_.total_max() - total, 0, limits_.replicas) : limits_.replicas;
  json::value rs = json::object{
      {"apiVersion", "apps/v1"},
      {"kind", "ReplicaSet"},
      {"metadata", json::object{{"name", name},
                                {"labels", pod_template.at("metadata").at("labels")},
                                {"ownerReferences", json::array{owner_reference(deployment_)}}}},
      {"spec",
       json::object{{"replicas", replicas}, {"selector", std::move(selector)}, {"template", std::move(pod_template)}}}};
  if (auto min_ready = int_at(deployment_, "spec.minReadySeconds"); min_ready > 0)
    ensure(rs, "spec.minReadySeconds") = min_ready;
  auto revision = max_old_revision() + 1;
  copy_annotations(rs, revision, false);
  changes_.push_back(create(registry_, resources::replicasets, ns, std::move(rs), now_));
  if (replicas > 0)
    events_.record(
        view_, deployment_,
        {"Normal", "ScalingReplicaSet", "Scaled up replica set " + name + " from 0 to " + std::to_string(replicas)},
        now_, event_changes_);
  if (set_annotation(deployment_, deployment_keys::revision, std::to_string(revision))) deployment_touched_ = true;
  if (has_progress_deadline(deployment_))
    set_deployment_condition(ensure(deployment_, "status"), "Progressing", "True", "NewReplicaSetCreated",
                             "Created new replica set \"" + name + "\"", now_.now_ms);
}

// -- sizes ------------------------------------------------------------------------------------------------------------

/// True if spec.replicas changed since the sets were last scaled: then they are scaled in proportion before anything
/// else.
bool deployment_pass::scaling_event() const {
  for (size_t i = 0; i < sets_.size(); ++i) {
    auto desired = number(annotation_at(sets_[i].value, deployment_keys::desired));
    if (active(i) && desired && *desired != limits_.replicas) return true;
  }
  return false;
}

void deployment_pass::resize_set(size_t i, int64_t replicas) {
  auto& s = sets_[i];
  bool changed = set_annotation(s.value, deployment_keys::desired, std::to_string(limits_.replicas));
  changed |= set_annotation(s.value, deployment_keys::maximum, std::to_string(limits_.replicas + limits_.max_surge));
  if (auto from = sizes_[i].spec; from != replicas) {
    ensure(s.value, "spec.replicas") = replicas;
    raise_generation(s.value);
    sizes_[i].spec = replicas;
    changed = true;
    events_.record(view_, deployment_,
                   {"Normal", "ScalingReplicaSet",
                    std::string{"Scaled "} + (from < replicas ? "up" : "down") + " replica set " + sizes_[i].name +
                        " from " + std::to_string(from) + " to " + std::to_string(replicas)},
                   now_, event_changes_);
  }
  s.touched |= changed;
}

/// Follows a change of spec.replicas (k8s deployment/sync.go, scale).
void deployment_pass::scale() {
  std::vector<size_t> running;
  for (size_t i = 0; i < sets_.size(); ++i)
    if (active(i)) running.push_back(i);
  if (running.size() <= 1) {
    if (!running.empty()) return resize_set(running[0], limits_.replicas);
    if (newest_) return resize_set(*newest_, limits_.replicas);
    size_t latest = 0;
    for (size_t i = 1; i < sets_.size(); ++i)
      if (revision_of_set(sets_[i]) > revision_of_set(sets_[latest])) latest = i;
    if (!sets_.empty()) resize_set(latest, limits_.replicas);
    return;
  }
  if (newest_ && sizes_[*newest_].spec == limits_.replicas && sizes_[*newest_].available == limits_.replicas &&
      number(annotation_at(sets_[*newest_].value, deployment_keys::desired)) == limits_.replicas) {
    for (auto i : running)
      if (i != *newest_) resize_set(i, 0);
    return;
  }
  if (string_at(deployment_, "spec.strategy.type", "RollingUpdate") != "RollingUpdate") return;
  for (const auto& r : proportional_step(sizes_, newest_, limits_, int_at(original_status_, "replicas")))
    resize_set(r.index, r.replicas);
}

bool deployment_pass::roll() {
  if (!sync_new(true)) return true;
  std::vector<size_t> order{*newest_};
  for (size_t i = 0; i < sets_.size(); ++i)
    if (i != *newest_) order.push_back(i);
  std::vector<replicaset_size> sizes;
  for (auto i : order) sizes.push_back(sizes_[i]);
  auto steps = rolling_step(sizes, limits_);
  for (const auto& r : steps) resize_set(order[r.index], r.replicas);
  return !steps.empty();
}

bool deployment_pass::old_pods_running() const {
  for (size_t i = 0; i < sets_.size(); ++i) {
    if (i == newest_) continue;
    for (const auto& pod : view_.owned_by(store::uid_of(sets_[i].stored)))
      if (store::resource_of(pod) == resources::pods && !pod_ended(pod)) return true;
  }
  return false;
}

bool deployment_pass::recreate() {
  bool had_new = sync_new(false);
  bool stepped = false;
  for (size_t i = 0; i < sets_.size(); ++i)
    if (i != newest_ && active(i)) {
      resize_set(i, 0);
      stepped = true;
    }
  if (stepped || old_pods_running()) return true;
  if (!had_new) {
    create_new();
    return true;
  }
  if (sizes_[*newest_].spec == limits_.replicas) return false;
  resize_set(*newest_, limits_.replicas);
  return true;
}

/// Deletes the oldest of the sets that are empty and beyond spec.revisionHistoryLimit (cleanupDeployment).
void deployment_pass::clean_up() {
  std::vector<size_t> old;
  for (size_t i = 0; i < sets_.size(); ++i)
    if (i != newest_ && !deleting(sets_[i].stored)) old.push_back(i);
  auto excess = static_cast<int64_t>(old.size()) - int_at(deployment_, "spec.revisionHistoryLimit", history_default);
  std::sort(old.begin(), old.end(),
            [&](size_t a, size_t b) { return revision_of_set(sets_[a]) < revision_of_set(sets_[b]); });
  for (int64_t n = 0; n < excess; ++n) {
    auto i = old[static_cast<size_t>(n)];
    const auto& s = sets_[i];
    bool settled = int_at(s.value, "metadata.generation") <= int_at(s.value, "status.observedGeneration");
    if (s.touched || sizes_[i].spec != 0 || sizes_[i].pods != 0 || int_at(s.value, "status.replicas") != 0 || !settled)
      continue;
    if (auto c = erase(s.stored, {}, now_.now_ms)) changes_.push_back(std::move(*c));
  }
}

// -- status -----------------------------------------------------------------------------------------------------------

void deployment_pass::sync_status(bool rolling) {
  deployment_counts n;
  for (size_t i = 0; i < sets_.size(); ++i) {
    auto replicas = int_at(sets_[i].value, "status.replicas");
    n.spec += sizes_[i].spec;
    n.replicas += replicas;
    n.ready += sizes_[i].ready;
    n.available += sizes_[i].available;
    if (i == newest_) n.updated = replicas;
  }
  auto status = calculate_status(deployment_, n, limits_.max_unavailable, now_.now_ms);
  if (rolling) {
    // What counts as a step is seen against the status as it was stored.
    json::value stored = deployment_;
    stored.as_object()["status"] = original_status_;
    auto name = newest_ ? std::string_view{sizes_[*newest_].name} : std::string_view{};
    if (auto again = progress(stored, status, name, now_.now_ms)) out_.requeue(*again);
  }
  deployment_.as_object()["status"] = std::move(status);
}

effects deployment_pass::finish() {
  std::vector<store::change> changes;
  for (auto& s : sets_)
    if (s.touched) changes.push_back(update(s.stored, std::move(s.value)));
  for (auto& c : changes_) changes.push_back(std::move(c));
  if (deployment_touched_ || deployment_.at("status") != original_status_)
    changes.push_back(update(before_, std::move(deployment_)));
  for (auto& c : event_changes_) changes.push_back(std::move(c));
  out_.commit(std::move(changes));
  return std::move(out_);
}

}  // namespace skerry::controllers
