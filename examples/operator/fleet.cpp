// The operator in a simulated fleet: the very same actor, nodes, faults, virtual time, one seed. Ends with 0 if each
// site has what it should have once faults have ended; else it says what is wrong, and the same arguments play it
// again.
//   site-fleet [NODES [SEED]]
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "sim/fleet/fleet.hpp"
#include "site.hpp"
#include "site_operator.hpp"

namespace {

namespace sim = skerry::sim;
namespace json = skerry::json;
constexpr const char* maps = "/api/v1/namespaces/default/configmaps";
constexpr uint32_t sites = 10;
constexpr int64_t change_ms = 20'000;

std::string name_of(uint32_t site) { return "site-" + std::to_string(site); }

/// Users who make sites and change them, and what must have become of that.
class users final : public sim::part {
public:
  void setup(sim::fleet& f) override {
    f.after(f.plan.power_on_ms, [this, &f] {
      for (uint32_t i = 0; i < sites; ++i)
        f.ask("POST", maps,
              R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" + name_of(i) +
                  R"(","labels":{"site.example/managed":"true"}},"data":{"image":"app:1","replicas":"2"}})",
              "application/json", {}, {409});
    });
  }
  void start(sim::fleet& f) override {
    changing_ = true;
    change(f);
  }
  void finish(sim::fleet&) override { over_ = true; }
  bool ends_pods() const override { return changing_; }
  size_t pods(sim::fleet&) override {
    size_t n = 0;
    for (auto r : replicas_) n += r;
    return n;
  }
  std::string missing(sim::fleet& f) override {
    auto view = f.w.views->current();
    for (uint32_t i = 0; i < sites; ++i) {
      auto name = name_of(i);
      auto d = view->get("deployments.apps", "default", name);
      if (!d) return name + " has no Deployment";
      if (!view->get("services", "default", name)) return name + " has no Service";
      auto there = skerry::int_at(skerry::store::parse(d), "spec.replicas");
      if (there != static_cast<int64_t>(replicas_[i]))
        return name + " has " + std::to_string(there) + " replicas, and is to have " + std::to_string(replicas_[i]);
    }
    return {};
  }

private:
  /// Now and then a user changes a site; the API may be away just then, and is asked until it answers.
  void change(sim::fleet& f) {
    if (over_) return;
    auto site = static_cast<uint32_t>(f.w.chance.below(sites));
    replicas_[site] = 1 + f.w.chance.below(4);
    f.ask("PATCH", std::string{maps} + "/" + name_of(site),
          R"({"data":{"replicas":")" + std::to_string(replicas_[site]) + R"("}})", "application/merge-patch+json", {});
    f.after(change_ms, [this, &f] { change(f); });
  }

  std::vector<size_t> replicas_ = std::vector<size_t>(sites, 2);
  bool changing_ = false, over_ = false;
};

skerry::supervisors::start_function start_operator(sim::island& cloud) {
  return [&cloud](caf::event_based_actor* parent) {
    return parent->spawn(site::site_operator, site::operator_args{cloud.ctx, sim::resolver_of(cloud),
                                                                  "/cloud/app/site-operator", "in-the-cloud"});
  };
}

}  // namespace

int main(int argc, char** argv) {
  sim::scenario plan;
  plan.name = "sites";
  plan.nodes = argc > 1 ? static_cast<uint32_t>(std::clamp(std::atoi(argv[1]), 1, 100'000)) : 20;
  plan.pods_per_node = 1;
  plan.duration_ms = 30 * 60'000;
  plan.settle_ms = 10 * 60'000;
  plan.chaos = {
      60'000,
      120'000,
      0.3,
      {sim::fault_kind::partition, sim::fault_kind::crash, sim::fault_kind::reconnect, sim::fault_kind::delays}};
  sim::run_options options;
  options.seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  options.apps = {{"site-operator", start_operator}};
  options.parts = {std::make_shared<users>()};
  sim::fleet fleet{plan, options};
  auto out = fleet.run();
  std::printf("%u nodes, seed %llu: %zu faults, %llu events, trace %016llx\n", plan.nodes,
              static_cast<unsigned long long>(options.seed), out.bands.size(),
              static_cast<unsigned long long>(out.events), static_cast<unsigned long long>(out.trace));
  if (out.ok) return std::puts("ok"), 0;
  std::printf("FAILED after %s: %s: %s\n", sim::format_duration(out.virtual_ms).c_str(), out.broke.c_str(),
              out.why.c_str());
  return 1;
}
