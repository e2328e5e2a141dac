#include "actors/pod/container_build.hpp"
#include "test/pod/driver.hpp"

using namespace skerry;
using namespace skerry::pod;
using namespace skerry::pod::testing;

namespace {

config_set some_configs() {
  auto cm = std::make_shared<config_object>(
      parse_config(json::parse(R"({"data":{"mode":"fast","level":"3"},"binaryData":{"raw":"AAE="}})"), false));
  auto secret =
      std::make_shared<config_object>(parse_config(json::parse(R"({"data":{"password":"czNjcjN0","bad":"%"}})"), true));
  return {{{false, "cm"}, cm}, {{true, "sec"}, secret}};
}

const std::vector<std::string> ips{"10.0.0.7"};

caf::expected<ports::container_spec> build(const std::string& container, const std::string& more = "",
                                           const std::string& metadata = "") {
  static auto configs = some_configs();
  static auto facts = host();
  auto spec = spec_of(pod_json(R"({"nodeName":"n1","containers":[)" + container + "]" + more + "}", metadata));
  return build_container({*spec, configs, *facts, ips}, spec->containers.at(0), 2);
}

std::string value_of(const caf::expected<ports::container_spec>& s, const std::string& name) {
  BOOST_REQUIRE_MESSAGE(s.engaged(), (s ? std::string{} : message_of(s.error())));
  for (auto& [k, v] : s->environment)
    if (k == name) return v;
  return "<unset>";
}

std::string env(const std::string& entry) { return R"({"name":"a","image":"x:1","env":[)" + entry + "]}"; }

}  // namespace

BOOST_AUTO_TEST_SUITE(pod_environment)

BOOST_AUTO_TEST_CASE(sources_of_values) {
  struct row {
    const char* from;
    const char* expected;
  };
  for (auto& r : {row{R"({"configMapKeyRef":{"name":"cm","key":"mode"}})", "fast"},
                  row{R"({"configMapKeyRef":{"name":"cm","key":"raw"}})", nullptr},
                  row{R"({"secretKeyRef":{"name":"sec","key":"password"}})", "s3cr3t"},
                  row{R"({"configMapKeyRef":{"name":"none","key":"x","optional":true}})", "<unset>"},
                  row{R"({"secretKeyRef":{"name":"sec","key":"none","optional":true}})", "<unset>"},
                  row{R"({"fieldRef":{"fieldPath":"metadata.name"}})", "web"},
                  row{R"({"fieldRef":{"fieldPath":"metadata.namespace"}})", "shop"},
                  row{R"({"fieldRef":{"fieldPath":"metadata.uid"}})", "u1"},
                  row{R"({"fieldRef":{"fieldPath":"metadata.labels['app']"}})", "shop-web"},
                  row{R"({"fieldRef":{"fieldPath":"spec.nodeName"}})", "n1"},
                  row{R"({"fieldRef":{"fieldPath":"spec.serviceAccountName"}})", "default"},
                  row{R"({"fieldRef":{"fieldPath":"status.podIP"}})", "10.0.0.7"},
                  row{R"({"fieldRef":{"fieldPath":"status.hostIP"}})", "192.168.1.5"},
                  row{R"({"resourceFieldRef":{"resource":"limits.cpu"}})", "4"},
                  row{R"({"resourceFieldRef":{"resource":"limits.cpu","divisor":"1m"}})", "4000"},
                  row{R"({"resourceFieldRef":{"resource":"limits.memory","divisor":"1Mi"}})", "8192"},
                  row{R"({"resourceFieldRef":{"resource":"requests.memory"}})", "0"}}) {
    BOOST_TEST_CONTEXT(r.from) {
      auto s =
          build(env(R"({"name":"V","valueFrom":)" + std::string{r.from} + "}"), "", R"(,"labels":{"app":"shop-web"})");
      if (r.expected == nullptr)
        BOOST_TEST(value_of(s, "V") == std::string("\0\1", 2));
      else
        BOOST_TEST(value_of(s, "V") == r.expected);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_missing_is_named) {
  struct row {
    const char* from;
    const char* text;
  };
  for (auto& r :
       {row{R"({"configMapKeyRef":{"name":"none","key":"x"}})", "configmap \"none\" not found"},
        row{R"({"secretKeyRef":{"name":"none","key":"x"}})", "secret \"none\" not found"},
        row{R"({"configMapKeyRef":{"name":"cm","key":"x"}})", "couldn't find key x in ConfigMap shop/cm"},
        row{R"({"secretKeyRef":{"name":"sec","key":"x"}})", "couldn't find key x in Secret shop/sec"},
        row{R"({"secretKeyRef":{"name":"sec","key":"bad"}})", "couldn't find key bad in Secret shop/sec"},
        row{R"({"fieldRef":{"fieldPath":"spec.magic"}})", "unsupported fieldPath: spec.magic"},
        row{R"({"resourceFieldRef":{"resource":"limits.gpu"}})", "unsupported container resource: limits.gpu"}}) {
    auto s = build(env(R"({"name":"V","valueFrom":)" + std::string{r.from} + "}"));
    BOOST_REQUIRE(!s);
    BOOST_TEST(message_of(s.error()) == r.text);
  }
}

BOOST_AUTO_TEST_CASE(order_prefix_and_expansion) {
  auto s = build(
      R"x({"name":"a","image":"x:1","envFrom":[{"prefix":"CM_","configMapRef":{"name":"cm"}},{"secretRef":{"name":"none","optional":true}}],
      "env":[{"name":"A","value":"1"},{"name":"B","value":"$(A)-$(CM_mode)-$(NOPE)-$$(A)-$x"},{"name":"CM_level","value":"9"}],
      "command":["run","$(B)"],"args":["$(A"]})x");
  BOOST_TEST(value_of(s, "CM_mode") == "fast");
  BOOST_TEST(value_of(s, "CM_level") == "9");
  BOOST_TEST(value_of(s, "B") == "1-fast-$(NOPE)-$(A)-$x");
  BOOST_TEST(s->command.at(1) == "1-fast-$(NOPE)-$(A)-$x");
  BOOST_TEST(s->args.at(0) == "$(A");
}

BOOST_AUTO_TEST_CASE(resources_to_cgroup_values) {
  struct row {
    const char* resources;
    int64_t cpu_max, cpu_request;
    uint64_t memory;
    int oom;
    const char* qos;
  };
  for (auto& r : {row{"{}", 0, 0, 0, 1000, "BestEffort"},
                  row{R"({"limits":{"cpu":"500m","memory":"64Mi"}})", 500, 500, 64 << 20, -997, "Guaranteed"},
                  row{R"({"limits":{"cpu":1,"memory":"1Gi"},"requests":{"cpu":"250m","memory":"1Gi"}})", 1000, 250,
                      1 << 30, 875, "Burstable"},
                  row{R"({"requests":{"memory":"1Mi"}})", 0, 0, 0, 999, "Burstable"},
                  row{R"({"requests":{"memory":"8Gi"}})", 0, 0, 0, 3, "Burstable"}}) {
    BOOST_TEST_CONTEXT(r.resources) {
      std::string c = R"({"name":"a","image":"x:1","resources":)" + std::string{r.resources} + "}";
      auto s = build(c);
      BOOST_REQUIRE(s.engaged());
      BOOST_TEST(s->cpu_milli_max == r.cpu_max);
      BOOST_TEST(s->cpu_milli_request == r.cpu_request);
      BOOST_TEST(s->memory_bytes_max == r.memory);
      BOOST_TEST(s->oom_score_adjust == r.oom);
      BOOST_TEST(to_string(spec_of(pod_json(R"({"containers":[)" + c + "]}"))->qos) == std::string{r.qos});
    }
  }
}

BOOST_AUTO_TEST_CASE(security_is_inherited_and_overridden) {
  auto s = build(
      R"({"name":"a","image":"x:1","securityContext":{"runAsUser":7,"capabilities":{"add":["NET_ADMIN"],"drop":["ALL"]},
      "readOnlyRootFilesystem":true,"allowPrivilegeEscalation":false}})",
      R"(,"securityContext":{"runAsUser":1,"runAsGroup":2,"runAsNonRoot":true})");
  BOOST_REQUIRE(s.engaged());
  BOOST_TEST(*s->user == 7);
  BOOST_TEST(*s->group == 2);
  BOOST_TEST(s->run_as_non_root);
  BOOST_TEST(s->read_only_root);
  BOOST_TEST(!s->allow_privilege_escalation);
  BOOST_TEST(s->add_capabilities.at(0) == "NET_ADMIN");
  auto root = build(R"({"name":"a","image":"x:1","securityContext":{"runAsUser":0,"runAsNonRoot":true}})");
  BOOST_REQUIRE(!root);
  BOOST_TEST(message_of(root.error()).find("breaks non-root policy") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(mounts) {
  auto s = build(
      R"({"name":"a","image":"x:1","env":[{"name":"W","value":"deep"}],"volumeMounts":[
      {"name":"e","mountPath":"/e","subPathExpr":"$(W)/x"},{"name":"h","mountPath":"/h","readOnly":true},{"name":"c","mountPath":"/c"}]})",
      R"(,"volumes":[{"name":"e","emptyDir":{}},{"name":"h","hostPath":{"path":"/srv"}},{"name":"c","configMap":{"name":"cm"}}])");
  BOOST_REQUIRE(s.engaged());
  BOOST_TEST(s->mounts.at(0).source == "/data/pods/u1/volumes/e");
  BOOST_TEST(s->mounts.at(0).sub_path == "deep/x");
  BOOST_TEST(!s->mounts.at(0).read_only);
  BOOST_TEST(s->mounts.at(1).source == "/srv");
  BOOST_TEST(s->mounts.at(1).read_only);
  BOOST_TEST(s->mounts.at(2).read_only);
  BOOST_TEST(!build(R"({"name":"a","image":"x:1","volumeMounts":[{"name":"none","mountPath":"/e"}]})"));
  BOOST_TEST(!build(R"({"name":"a","image":"x:1","volumeMounts":[{"name":"e","mountPath":"/e","subPath":"../.."}]})",
                    R"(,"volumes":[{"name":"e","emptyDir":{}}])"));
}

BOOST_AUTO_TEST_CASE(sandbox) {
  auto p = spec_of(pod_json(
      R"({"hostname":"h","dnsPolicy":"None","dnsConfig":{"nameservers":["1.1.1.1"],"searches":["s"],"options":[{"name":"ndots","value":"2"}]},
      "hostAliases":[{"ip":"1.2.3.4","hostnames":["x","y"]}],"securityContext":{"sysctls":[{"name":"net.a","value":"1"}]},
      "containers":[{"name":"a","image":"x:1","ports":[{"containerPort":80,"hostPort":8080},{"containerPort":81}]}]})"));
  auto s = build_sandbox(*p, *host());
  BOOST_TEST(s.hostname == "h");
  BOOST_TEST(s.dns_servers == std::vector<std::string>{"1.1.1.1"}, boost::test_tools::per_element());
  BOOST_TEST(s.dns_options.at(0) == "ndots:2");
  BOOST_TEST(s.host_aliases.at(0).second.at(1) == "y");
  BOOST_TEST(s.ports.size() == 1u);
  BOOST_TEST(s.ports.at(0).host_port == 8080);
  BOOST_TEST(s.sysctls.at("net.a") == "1");
  BOOST_TEST(build_sandbox(*spec_of(pod_json(one_container)), *host()).dns_servers.at(0) == "9.9.9.9");
}

BOOST_AUTO_TEST_CASE(pull_policy_by_tag) {
  struct row {
    const char* image;
    ports::pull_policy policy;
  };
  using p = ports::pull_policy;
  for (auto& r : {row{"busybox", p::always}, row{"busybox:latest", p::always}, row{"busybox:1", p::if_not_present},
                  row{"reg:5000/busybox", p::always}, row{"reg:5000/b:2", p::if_not_present},
                  row{"b@sha256:0", p::if_not_present}}) {
    auto s = spec_of(pod_json(R"({"containers":[{"name":"a","image":")" + std::string{r.image} + "\"}]}"));
    BOOST_TEST((s->containers[0].pull == r.policy), r.image);
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(pod_volumes)

namespace {
caf::expected<std::vector<volume_step>> plan(const std::string& volumes) {
  static auto configs = some_configs();
  static auto facts = host();
  auto spec = spec_of(
      pod_json(R"({"containers":[{"name":"a","image":"x:1","resources":{"limits":{"cpu":"1500m"}}}],"volumes":[)" +
                   volumes + "]}",
               R"(,"labels":{"app":"web","b":"c\"d"})"));
  return plan_volumes({*spec, configs, *facts, ips});
}
}  // namespace

BOOST_AUTO_TEST_CASE(kinds_of_volumes) {
  auto s = plan(R"({"name":"disk","emptyDir":{}},{"name":"ram","emptyDir":{"medium":"Memory","sizeLimit":"1Mi"}},
      {"name":"host","hostPath":{"path":"/srv","type":"Directory"}},
      {"name":"cm","configMap":{"name":"cm","defaultMode":292,"items":[{"key":"mode","path":"a/b","mode":256},{"key":"level","path":"l"}]}},
      {"name":"sec","secret":{"secretName":"sec"}})");
  BOOST_REQUIRE_MESSAGE(s.engaged(), (s ? std::string{} : message_of(s.error())));
  BOOST_TEST(s->at(0).mode == 0777u);
  BOOST_TEST(!s->at(0).memory);
  BOOST_TEST(s->at(1).memory);
  BOOST_TEST(s->at(1).size_bytes == 1u << 20);
  BOOST_TEST((s->at(2).what == volume_step::kind::host_path));
  BOOST_TEST(s->at(2).type == "Directory");
  BOOST_TEST(!s->at(3).memory);
  BOOST_TEST(s->at(4).content.at("a/b").bytes == "fast");
  BOOST_TEST(s->at(4).content.at("a/b").mode == 0400u);
  BOOST_TEST(s->at(4).content.at("l").mode == 0444u);
  BOOST_TEST(s->at(4).content.size() == 2u);
  BOOST_TEST(s->at(5).memory);
  BOOST_TEST(s->at(6).content.at("password").bytes == "s3cr3t");
}

BOOST_AUTO_TEST_CASE(fs_group) {
  auto spec = spec_of(
      pod_json(R"({"securityContext":{"fsGroup":9,"supplementalGroups":[5]},"containers":[{"name":"a","image":"x:1"}],
      "volumes":[{"name":"e","emptyDir":{}},{"name":"c","configMap":{"name":"cm","defaultMode":256}}]})"));
  auto configs = some_configs();
  auto steps = plan_volumes({*spec, configs, *host(), ips});
  BOOST_REQUIRE(steps.engaged());
  BOOST_TEST(steps->at(0).mode == 02777u);
  BOOST_TEST(*steps->at(0).group == 9u);
  BOOST_TEST(steps->at(2).content.at("mode").mode == 0440u);
  BOOST_TEST(*steps->at(2).content.at("mode").group == 9u);
  auto container = build_container({*spec, configs, *host(), ips}, spec->containers.at(0), 0);
  BOOST_REQUIRE(container.engaged());
  BOOST_TEST(container->supplemental_groups == (std::vector<uint32_t>{5, 9}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(projected_and_downward) {
  auto s = plan(R"({"name":"p","projected":{"sources":[{"configMap":{"name":"cm"}},{"secret":{"name":"sec"}},
      {"downwardAPI":{"items":[{"path":"labels","fieldRef":{"fieldPath":"metadata.labels"}},
                               {"path":"cpu","resourceFieldRef":{"containerName":"a","resource":"limits.cpu"}}]}}]}})");
  BOOST_REQUIRE_MESSAGE(s.engaged(), (s ? std::string{} : message_of(s.error())));
  BOOST_TEST(s->at(0).memory);
  auto& c = s->at(1).content;
  BOOST_TEST(c.at("mode").bytes == "fast");
  BOOST_TEST(c.at("labels").bytes == "app=\"web\"\nb=\"c\\\"d\"");
  BOOST_TEST(c.at("cpu").bytes == "2");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_mounted_is_said) {
  struct row {
    const char* volume;
    const char* text;
  };
  for (auto& r : {row{R"({"name":"v","configMap":{"name":"no"}})",
                      "MountVolume.SetUp failed for volume \"v\" : configmap \"no\" not found"},
                  row{R"({"name":"v","secret":{"secretName":"sec","items":[{"key":"no","path":"p"}]}})",
                      "MountVolume.SetUp failed for volume \"v\" : references non-existent secret key: no"},
                  row{R"({"name":"v","configMap":{"name":"cm","items":[{"key":"mode","path":"../p"}]}})",
                      "MountVolume.SetUp failed for volume \"v\" : path \"../p\" of key mode must be relative and "
                      "without \"..\""},
                  row{R"({"name":"v","nfs":{"server":"s","path":"/"}})",
                      "MountVolume.SetUp failed for volume \"v\" : volume type nfs is not supported on this node"},
                  row{R"({"name":"v","projected":{"sources":[{"serviceAccountToken":{"path":"t"}}]}})",
                      "MountVolume.SetUp failed for volume \"v\" : volume type projected serviceAccountToken is not "
                      "supported on this node"}}) {
    auto s = plan(r.volume);
    BOOST_REQUIRE(!s);
    BOOST_TEST(message_of(s.error()) == r.text);
  }
  BOOST_TEST(plan(R"({"name":"v","configMap":{"name":"no","optional":true}})").engaged());
}

BOOST_AUTO_TEST_SUITE_END()
