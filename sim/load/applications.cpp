#include "sim/load/applications.hpp"

#include <numeric>

#include "sim/fleet/fleet.hpp"

namespace skerry::sim {
namespace {

constexpr const char* deployments = "/apis/apps/v1/namespaces/default/deployments";

std::string name_of(uint32_t app) { return "app-" + std::to_string(app); }

}  // namespace

applications::applications(const scenario& s) : replicas_(s.pods_per_node, s.nodes), versions_(s.pods_per_node, 1) {}

void applications::setup(fleet& f) {
  // Like a user who comes when the machines are on.
  f.after(f.plan.power_on_ms, [this, &f] {
    for (uint32_t app = 0; app < replicas_.size(); ++app) create(f, app);
  });
}

void applications::create(fleet& f, uint32_t app) {
  auto name = name_of(app);
  auto labels = R"({"app":")" + name + R"("})";
  f.ask("POST", deployments,
        R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":")" + name + R"("},"spec":{"replicas":)" +
            std::to_string(replicas_[app]) + R"(,"selector":{"matchLabels":)" + labels +
            R"(},"template":{"metadata":{"labels":)" + labels +
            R"(},"spec":{"containers":[{"name":"main","image":"app:1"}]}}}})",
        "application/json", {}, {409});
}

void applications::start(fleet& f) {
  for (auto& r : f.plan.changes) f.after(r.at_ms, [this, &f, &r] { change(f, r); });
}

void applications::change(fleet& f, const change_rule& r) {
  ++changes_;
  std::string patch;
  if (r.kind == change_rule::what::scale) {
    replicas_[r.app] = static_cast<int64_t>(r.factor * f.plan.nodes);
    patch = R"({"spec":{"replicas":)" + std::to_string(replicas_[r.app]) + "}}";
  } else {
    patch = R"({"spec":{"template":{"metadata":{"annotations":{"version":")" + std::to_string(++versions_[r.app]) +
            R"("}}}}})";
  }
  f.ask("PATCH", std::string{deployments} + "/" + name_of(r.app), patch, "application/merge-patch+json", {});
}

size_t applications::pods(fleet&) {
  return static_cast<size_t>(std::accumulate(replicas_.begin(), replicas_.end(), int64_t{0}));
}

std::string applications::missing(fleet& f) {
  auto all = f.pods_wanted();
  if (f.eyes->pods_running != all || f.eyes->pods != all)
    return std::to_string(f.eyes->pods_running) + " of " + std::to_string(all) + " pods run, and " +
           std::to_string(f.eyes->pods) + " exist";
  for (uint32_t app = 0; app < replicas_.size(); ++app) {
    auto why = missing_of_rollout(*f.w.views->current(), "default", name_of(app), replicas_[app]);
    if (!why.empty()) return why;
  }
  return {};
}

std::string missing_of_rollout(const store::view& v, const std::string& ns, const std::string& name, int64_t replicas) {
  auto o = v.get("deployments.apps", ns, name);
  if (!o) return "deployment " + name + " is not there";
  auto d = store::parse(o);
  if (int_at(d, "status.observedGeneration") != int_at(d, "metadata.generation"))
    return "a change of deployment " + name + " is not seen yet";
  for (auto* count : {"spec.replicas", "status.replicas", "status.updatedReplicas", "status.readyReplicas"})
    if (int_at(d, count) != replicas)
      return "deployment " + name + "'s " + count + " is " + std::to_string(int_at(d, count)) + ", not " +
             std::to_string(replicas);
  return {};
}

void applications::metrics(fleet&, json::object& out) { out["changesOfApplications"] = changes_; }

}  // namespace skerry::sim
