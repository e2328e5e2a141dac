#include <boost/test/unit_test.hpp>

#include "test/kube/support.hpp"

using namespace skerry;
using namespace skerry::kube;
using namespace skerry::kube::test;

BOOST_AUTO_TEST_SUITE(registry_suite)

BOOST_AUTO_TEST_CASE(deployments_are_found_by_each_name) {
  const auto* d = tables().find("apps", "v1", "deployments");
  BOOST_REQUIRE(d != nullptr);
  BOOST_TEST(d == tables().find_id("deployments.apps"));
  BOOST_TEST(d == tables().find_kind("apps/v1", "Deployment"));
  BOOST_TEST(d->singular == "deployment");
  BOOST_TEST(d->list_kind == "DeploymentList");
  BOOST_TEST(d->api_version == "apps/v1");
  BOOST_TEST(d->namespaced);
  BOOST_TEST(d->short_names.at(0) == "deploy");
  BOOST_TEST(d->categories.at(0) == "all");
  BOOST_TEST(d->has_status());
  const auto* scale = d->subresource("scale");
  BOOST_REQUIRE(scale != nullptr);
  BOOST_TEST(scale->kind == "Scale");
  BOOST_TEST(scale->group == "autoscaling");
  BOOST_TEST(scale->version == "v1");
  BOOST_TEST(scale->type == &type("autoscaling.v1.Scale"));
  std::string verbs;
  for (auto v : d->verbs) verbs += std::string{v} + " ";
  BOOST_TEST(verbs == "create delete deletecollection get list patch update watch ");
  BOOST_TEST(tables().find("apps", "v1", "nothing") == nullptr);
  BOOST_TEST(tables().find_id("deployments") == nullptr);
}

BOOST_AUTO_TEST_CASE(the_issue_names_these_resources) {
  for (auto id : {"namespaces", "nodes", "pods", "configmaps", "secrets", "serviceaccounts", "services", "events",
                  "leases.coordination.k8s.io", "deployments.apps", "replicasets.apps"}) {
    BOOST_TEST_CONTEXT(id) {
      const auto& i = info(id);
      BOOST_TEST(i.type != nullptr);
      BOOST_TEST(!i.columns.empty());
    }
  }
  BOOST_TEST(!info("nodes").namespaced);
  BOOST_TEST(!info("namespaces").namespaced);
  BOOST_TEST(info("pods").subresource("binding")->type == &type("core.v1.Binding"));
}

BOOST_AUTO_TEST_CASE(groups_stand_together) {
  std::vector<std::string_view> seen;
  for (const auto& r : tables().resources()) {
    if (!seen.empty() && seen.back() == r.api_version) continue;
    for (auto s : seen) BOOST_TEST(s != r.api_version);
    seen.push_back(r.api_version);
  }
}

BOOST_AUTO_TEST_CASE(fields_carry_their_merge_semantics) {
  const auto& container = type("core.v1.Container");
  const auto* ports = container.find("ports");
  BOOST_REQUIRE(ports != nullptr);
  BOOST_TEST((ports->form == shape::list && ports->what == wire::object && ports->merge == merge_type::keyed));
  BOOST_TEST(ports->merge_key == "containerPort");
  BOOST_TEST(ports->keys == "containerPort+protocol");
  BOOST_TEST(ports->patch_merge);
  BOOST_TEST(ports->type == &type("core.v1.ContainerPort"));
  BOOST_TEST(!container.find("command")->patch_merge);
  BOOST_TEST((container.find("command")->merge == merge_type::atomic));
  BOOST_TEST(container.find("nothing") == nullptr);
  BOOST_TEST(type("core.v1.PodSpec").find("volumes")->patch_retain_keys);
  BOOST_TEST((type("core.v1.ResourceRequirements").find("limits")->what == wire::quantity));
  BOOST_TEST((type("core.v1.ResourceRequirements").find("limits")->form == shape::map));
  for (const auto& f : container.fields) BOOST_TEST(container.find(f.name) == &f);
}

BOOST_AUTO_TEST_CASE(a_kind_is_a_line) {
  registry r{
      "toys.v1.Toy\tgvk=toys.example/v1/"
      "Toy\n\tkind\tstring\t\n\tspec\ttoys.v1.ToySpec\trequired\ntoys.v1.ToySpec\n\tsize\tint32\t\n",
      "toys.example/v1\ttoys\tToy\ttoys.example/v1\tcluster\tget,list,post\n",
      "toys.example/v1\ttoys\tty\t-\t-\t-\tName;Size=.spec.size;Age\n"};
  const auto* i = r.find_id("toys.toys.example");
  BOOST_REQUIRE(i != nullptr);
  BOOST_TEST(i->columns.size() == 3u);
  BOOST_TEST(i->columns[2].source == "@age");
  BOOST_TEST(!i->namespaced);
}

BOOST_AUTO_TEST_CASE(broken_tables_say_where) {
  auto says = [](std::string_view types, std::string_view resources, std::string_view served, std::string_view part) {
    try {
      registry r{types, resources, served};
    } catch (const std::runtime_error& e) {
      return std::string_view{e.what()}.find(part) != std::string_view::npos;
    }
    return false;
  };
  BOOST_TEST(says("a.v1.A\n\tx\tno.v1.Such\t\n", "", "", "types.tsv: unknown type: no.v1.Such"));
  BOOST_TEST(says("\tx\tstring\t\n", "", "", "a field before any type"));
  BOOST_TEST(says("a.v1.A\n\tx\tstring\tfoo\n", "", "", "unknown flag"));
  BOOST_TEST(says("", "", "v1\tthings\t-\t-\t-\t-\t-\n", "served.tsv: not in resources.tsv"));
}

BOOST_AUTO_TEST_SUITE_END()
