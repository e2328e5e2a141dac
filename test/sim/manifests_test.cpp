// Objects of a user's own in a simulated fleet.
#include <boost/test/unit_test.hpp>
#include <fstream>

#include "test/store/scratch.hpp"
#include "tools/skerry-sim/commands.hpp"

using namespace skerry;

namespace {

struct folder : test::scratch {
  std::string write(const std::string& name, const std::string& text) {
    auto file = path() + "/" + name;
    std::ofstream{file} << text;
    return file;
  }
};

caf::expected<tools::recipe> recipe_with(const std::string& file) {
  tools::sim_options o;
  o.what = "steady";
  o.nodes = 4;
  o.pods_per_node = 1;
  o.duration_ms = 60'000;
  o.apply = {file};
  return tools::read_recipe(o);
}

constexpr const char* shop = R"(# a shop
apiVersion: v1
kind: ConfigMap
metadata: {name: shop}
data: {greeting: "hello"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
      - name: web
        image: registry.example/shop:7
        envFrom: [{configMapRef: {name: shop}}]
---
kind: List
apiVersion: v1
items:
- {apiVersion: v1, kind: Pod, metadata: {name: one}, spec: {containers: [{name: c, image: "tool:1"}]}}
- {apiVersion: v1, kind: Namespace, metadata: {name: other}}
)";

}  // namespace

BOOST_AUTO_TEST_SUITE(manifests)

BOOST_AUTO_TEST_CASE(objects_of_a_users_own_run_like_those_of_the_scenario) {
  folder dir;
  auto file = dir.write("the shop's.yaml", shop);
  auto r = recipe_with(file);
  BOOST_REQUIRE_MESSAGE(r, test::why(r));
  BOOST_TEST(r->manifests.size() == 4u);
  auto out = tools::play(*r, true, false).out;
  BOOST_TEST_CONTEXT(out.broke << ": " << out.why) BOOST_TEST(out.ok);
  BOOST_TEST(out.samples.back().pods_running == 4u + 3 + 1);
  BOOST_TEST(out.metrics.at("manifests").to_number<int>() == 4);
  BOOST_TEST(r->line().ends_with(" --apply '" + dir.path() + "/the shop'\\''s.yaml'"));
  // A seed file names it beside itself.
  auto seed = tools::read_seed_file(dir.write(
      "seed.yaml", "scenario: steady\nnodes: 4\npodsPerNode: 1\nduration: 60s\napply: [\"the shop's.yaml\"]\n"));
  BOOST_REQUIRE_MESSAGE(seed, test::why(seed));
  BOOST_TEST(tools::play(*seed, true, false).out.trace == out.trace);
}

BOOST_AUTO_TEST_CASE(what_the_api_refuses_ends_the_run_with_its_message) {
  folder dir;
  auto fails = [&](const std::string& text, const std::string& words) {
    auto r = recipe_with(dir.write("bad.yaml", text));
    std::string why = r ? "" : message_of(r.error());
    if (r) {
      auto out = tools::play(*r, true, false).out;
      BOOST_TEST(!out.ok);
      BOOST_TEST(out.broke == "manifests");
      why = out.why;
    }
    BOOST_TEST_CONTEXT(why) BOOST_TEST(why.find("bad.yaml") != std::string::npos);
    BOOST_TEST_CONTEXT(why) BOOST_TEST(why.find(words) != std::string::npos);
  };
  std::string map = "{apiVersion: v1, kind: ConfigMap, metadata: {name: m}}\n";
  fails(map + "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: M!}}\n", "metadata.name");
  fails(map + "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: n}, dat: {}}\n", "dat");
  fails(map + "---\n" + map, "already exists");
  fails("{apiVersion: v1, kind: Gadget, metadata: {name: m}}\n", "Gadget");
  fails(map + "---\n{}\n", "document 2");
  fails(map + "---\na: [\n", "line 4");
  fails(map + "--- # second\n" + map + "...\n", "already exists");
  fails("a: b\n", "apiVersion");
  fails("# nothing\n", "no object");
}

BOOST_AUTO_TEST_SUITE_END()
