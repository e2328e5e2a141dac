#include "actors/controllers/deployment.hpp"

#include "actors/controllers/deployment_pass.hpp"
#include "actors/controllers/replicaset.hpp"
#include "cluster.hpp"

using namespace skerry;
using namespace skerry::controllers;
using test::cluster;

BOOST_AUTO_TEST_SUITE(deployment)

namespace {

constexpr auto web =
    R"({"metadata":{"name":"web","annotations":{"team":"x","kubectl.kubernetes.io/last-applied-configuration":"{}"}},
  "spec":{"replicas":3,"selector":{"matchLabels":{"app":"web"}},
          "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"i:1"}]}}}})";

struct world : cluster {
  explicit world(uint64_t seed = 1)
      : cluster(seed), deployments(test::registry()), replicasets(test::registry()), kubelet(*this) {
    run(deployments, {"deployments.apps", "replicasets.apps", "pods"});
    run(replicasets, {"replicasets.apps", "pods"});
    this->cluster::world = [this] { return kubelet(); };
  }
  json::value d() { return at("deployments.apps", "default", "web"); }
  void edit(const std::function<void(json::value&)>& f) { change("deployments.apps", "default", "web", f); }
  void image(std::string_view i) {
    edit([&](json::value& v) {
      v.at("spec").at("template").at("spec").at("containers").as_array()[0].as_object()["image"] = i;
    });
  }
  void scale(int64_t n) {
    edit([&](json::value& v) { v.at("spec").as_object()["replicas"] = n; });
  }
  /// The sets by the image of their template.
  json::value set(std::string_view image) {
    for (auto& rs : all("replicasets.apps"))
      if (string_at(array_at(rs, "spec.template.spec.containers").at(0), "image") == image) return rs;
    return {};
  }
  int64_t pods(std::string_view image) {
    int64_t n = 0;
    for (auto& p : all("pods")) n += string_at(array_at(p, "spec.containers").at(0), "image") == image;
    return n;
  }
  std::string_view progress() {
    status = d();
    const auto* c = find_condition(array_at(status, "status.conditions"), "Progressing");
    return c != nullptr ? string_at(*c, "reason") : std::string_view{};
  }
  std::string annotation(std::string_view image, std::string_view key) {
    auto rs = set(image);
    return std::string{annotation_at(rs, key)};
  }
  json::value status;
  deployment_core deployments;
  replicaset_core replicasets;
  test::fake_kubelet kubelet;
};

}  // namespace

BOOST_AUTO_TEST_CASE(comes_up_with_the_marks_that_kubectl_reads) {
  world w;
  w.create("deployments.apps", web);
  w.settle();
  BOOST_TEST(w.pods("i:1") == 3);
  auto d = w.d();
  for (auto field : {"replicas", "updatedReplicas", "readyReplicas", "availableReplicas"})
    BOOST_TEST(int_at(d, std::string{"status."} + field) == 3, field);
  BOOST_TEST(find(d, "status.unavailableReplicas") == nullptr);
  BOOST_TEST(int_at(d, "status.observedGeneration") == int_at(d, "metadata.generation"));
  BOOST_TEST(w.progress() == "NewReplicaSetAvailable");
  const auto* available = find_condition(array_at(d, "status.conditions"), "Available");
  BOOST_REQUIRE(available != nullptr);
  BOOST_TEST(string_at(*available, "status") == "True");
  BOOST_TEST(string_at(*available, "reason") == "MinimumReplicasAvailable");
  BOOST_TEST(annotation_at(d, deployment_keys::revision) == "1");
  auto rs = w.set("i:1");
  auto hash = string_at(rs, "metadata.labels.pod-template-hash");
  BOOST_TEST(string_at(rs, "metadata.name") == "web-" + std::string{hash});
  BOOST_TEST(string_at(rs, "spec.selector.matchLabels.pod-template-hash") == hash);
  BOOST_TEST(string_at(rs, "spec.template.metadata.labels.pod-template-hash") == hash);
  BOOST_TEST(annotation_at(rs, deployment_keys::revision) == "1");
  BOOST_TEST(annotation_at(rs, deployment_keys::desired) == "3");
  BOOST_TEST(annotation_at(rs, deployment_keys::maximum) == "4");
  BOOST_TEST(annotation_at(rs, "team") == "x");
  BOOST_TEST(annotation_at(rs, "kubectl.kubernetes.io/last-applied-configuration") == "");
}

BOOST_AUTO_TEST_CASE(rolls_over_and_back_by_the_old_set) {
  world w;
  w.create("deployments.apps", web);
  w.settle();
  w.image("i:2");
  w.settle();
  BOOST_TEST(w.pods("i:1") == 0);
  BOOST_TEST(w.pods("i:2") == 3);
  BOOST_TEST(w.annotation("i:2", deployment_keys::revision) == "2");
  BOOST_TEST(w.progress() == "NewReplicaSetAvailable");
  auto first = w.set("i:1");

  // kubectl rollout undo puts the old template back, with the empty members that Go writes.
  w.edit([&](json::value& v) {
    auto t = first.at("spec").at("template");
    t.at("metadata").at("labels").as_object().erase(deployment_keys::hash);
    t.at("spec").at("containers").as_array()[0].as_object()["resources"] = json::object{};
    v.at("spec").as_object()["template"] = t;
  });
  w.settle();
  BOOST_TEST(w.pods("i:1") == 3);
  BOOST_TEST(w.pods("i:2") == 0);
  BOOST_TEST(w.all("replicasets.apps").size() == 2);
  BOOST_TEST(w.annotation("i:1", deployment_keys::revision) == "3");
  BOOST_TEST(w.annotation("i:1", deployment_keys::revision_history) == "1");
  BOOST_TEST(annotation_at(w.d(), deployment_keys::revision) == "3");
  BOOST_TEST(string_at(w.set("i:1"), "metadata.uid") == string_at(first, "metadata.uid"));
}

BOOST_AUTO_TEST_CASE(a_rolling_update_keeps_its_bounds_at_every_revision) {
  struct row {
    const char* surge;
    const char* unavailable;
    int64_t replicas;
  };
  for (uint64_t seed = 1; seed <= 30; ++seed)
    for (const auto& r : {row{"1", "0", 3}, row{"0", "1", 4}, row{"\"25%\"", "\"25%\"", 10}, row{"\"50%\"", "2", 7}}) {
      world w{seed};
      auto v = test::parsed(web);
      ensure(v, "spec.replicas") = r.replicas;
      ensure(v, "spec.strategy") = test::parsed(std::string{R"({"type":"RollingUpdate","rollingUpdate":{"maxSurge":)"} +
                                                r.surge + R"(,"maxUnavailable":)" + r.unavailable + "}}");
      w.create("deployments.apps", v);
      w.settle();
      auto l = limits_of(w.d());
      w.invariant = [&] {
        int64_t there = 0, serving = 0;
        w.view()->scan("pods", "", "", [&](const store::object& o) {
          there += pod_active(o);
          serving += pod_active(o) && store::phase_of(o) == "Running";
          return true;
        });
        BOOST_REQUIRE_MESSAGE(there <= l.total_max(), "seed " << seed << ": " << there << " pods of " << l.total_max());
        BOOST_REQUIRE_MESSAGE(serving >= l.available_min(),
                              "seed " << seed << ": " << serving << " serve of " << l.available_min());
      };
      for (auto image : {"i:2", "i:3", "i:1"}) {
        w.image(image);
        // The next change comes in the middle of this rollout.
        for (size_t n = w.random().below(60); n > 0; --n) w.step();
      }
      w.settle();
      BOOST_TEST(w.pods("i:1") == r.replicas);
      BOOST_TEST(w.all("pods").size() == static_cast<size_t>(r.replicas));
    }
}

BOOST_AUTO_TEST_CASE(an_image_that_never_gets_ready_stops_the_rollout_and_runs_out_of_time) {
  world w;
  auto v = test::parsed(web);
  ensure(v, "spec.progressDeadlineSeconds") = 60;
  w.create("deployments.apps", v);
  w.settle();
  w.kubelet.broken_image = "bad";
  w.image("bad");
  w.settle();
  BOOST_TEST(w.pods("i:1") == 3);
  BOOST_TEST(w.pods("bad") == 1);
  BOOST_TEST(w.progress() == "ReplicaSetUpdated");
  w.settle(10'000, 120'000);
  BOOST_TEST(w.progress() == "ProgressDeadlineExceeded");
  w.image("i:1");
  w.settle();
  BOOST_TEST(w.pods("bad") == 0);
  BOOST_TEST(w.pods("i:1") == 3);
  BOOST_TEST(w.progress() == "NewReplicaSetAvailable");
}

BOOST_AUTO_TEST_CASE(recreate_never_runs_two_templates_at_once) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    world w{seed};
    auto v = test::parsed(web);
    ensure(v, "spec.strategy") = json::object{{"type", "Recreate"}};
    w.create("deployments.apps", v);
    w.settle();
    w.invariant = [&] { BOOST_REQUIRE_MESSAGE(w.pods("i:1") == 0 || w.pods("i:2") == 0, "seed " << seed); };
    w.image("i:2");
    w.settle();
    BOOST_TEST(w.pods("i:2") == 3);
    BOOST_TEST(w.progress() == "NewReplicaSetAvailable");
  }
}

BOOST_AUTO_TEST_CASE(a_paused_one_scales_but_does_not_roll) {
  world w;
  w.create("deployments.apps", web);
  w.settle();
  w.edit([](json::value& v) { v.at("spec").as_object()["paused"] = true; });
  w.image("i:2");
  w.scale(5);
  w.settle();
  BOOST_TEST(w.pods("i:1") == 5);
  BOOST_TEST(w.pods("i:2") == 0);
  BOOST_TEST(w.progress() == "DeploymentPaused");
  w.edit([](json::value& v) { v.at("spec").as_object().erase("paused"); });
  w.settle();
  BOOST_TEST(w.pods("i:2") == 5);
  BOOST_TEST(w.progress() == "NewReplicaSetAvailable");
}

BOOST_AUTO_TEST_CASE(scales_in_the_middle_of_a_rollout_and_to_zero) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    world w{seed};
    w.create("deployments.apps", web);
    w.settle();
    w.image("i:2");
    for (size_t n = w.random().below(30); n > 0; --n) w.step();
    w.scale(9);
    for (size_t n = w.random().below(30); n > 0; --n) w.step();
    w.scale(4);
    w.settle();
    BOOST_TEST(w.pods("i:2") == 4);
    BOOST_TEST(w.pods("i:1") == 0);
    BOOST_TEST(w.annotation("i:2", deployment_keys::desired) == "4");
    w.scale(0);
    w.settle();
    BOOST_TEST(w.all("pods").empty());
    BOOST_TEST(w.progress() == "NewReplicaSetAvailable");
    w.scale(2);
    w.settle();
    BOOST_TEST(w.pods("i:2") == 2);
  }
}

BOOST_AUTO_TEST_CASE(history_is_kept_as_long_as_asked) {
  world w;
  auto v = test::parsed(web);
  ensure(v, "spec.revisionHistoryLimit") = 2;
  w.create("deployments.apps", v);
  w.settle();
  for (auto image : {"i:2", "i:3", "i:4", "i:5"}) {
    w.image(image);
    w.settle();
  }
  BOOST_TEST(w.all("replicasets.apps").size() == 3);
  BOOST_TEST(w.set("i:2").is_null());
  BOOST_TEST(!w.set("i:3").is_null());
  BOOST_TEST(w.annotation("i:5", deployment_keys::revision) == "5");
}

BOOST_AUTO_TEST_CASE(a_set_of_that_name_with_another_template_is_a_collision) {
  world w;
  w.create("deployments.apps", web);
  w.settle();
  auto rs = w.set("i:1");
  world x;
  json::value squatter = json::object{{"metadata", json::object{{"name", string_at(rs, "metadata.name")}}},
                                      {"spec", test::parsed(R"({"replicas":0,"selector":{"matchLabels":{"a":"b"}},
      "template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"z"}]}}})")}};
  x.create("replicasets.apps", squatter);
  x.create("deployments.apps", web);
  x.settle();
  BOOST_TEST(x.pods("i:1") == 3);
  BOOST_TEST(int_at(x.d(), "status.collisionCount") == 1);
  BOOST_TEST(string_at(x.set("i:1"), "metadata.name") != string_at(rs, "metadata.name"));
}

BOOST_AUTO_TEST_CASE(an_orphaned_set_is_adopted) {
  world w;
  w.create("deployments.apps", web);
  w.settle();
  auto rs = w.set("i:1");
  w.change("replicasets.apps", "default", string_at(rs, "metadata.name"),
           [](json::value& v) { v.at("metadata").as_object().erase("ownerReferences"); });
  w.settle();
  BOOST_TEST(array_at(w.set("i:1"), "metadata.ownerReferences").size() == 1);
  BOOST_TEST(w.all("replicasets.apps").size() == 1);
}

BOOST_AUTO_TEST_CASE(minimum_ready_seconds_space_a_rollout) {
  world w;
  auto v = test::parsed(web);
  ensure(v, "spec.minReadySeconds") = 20;
  w.create("deployments.apps", v);
  w.settle(200'000, 30'000);
  BOOST_TEST(w.progress() == "NewReplicaSetAvailable");
  w.image("i:2");
  w.settle();
  BOOST_TEST(w.pods("i:1") == 3);
  BOOST_TEST(w.pods("i:2") == 1);
  w.settle(200'000, 200'000);
  BOOST_TEST(w.pods("i:1") == 0);
  BOOST_TEST(w.pods("i:2") == 3);
}

BOOST_AUTO_TEST_SUITE_END()
