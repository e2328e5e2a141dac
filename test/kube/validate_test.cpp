#include <boost/test/unit_test.hpp>

#include "test/kube/validate_support.hpp"

using namespace skerry;
using namespace skerry::kube;
using namespace skerry::kube::test;

BOOST_AUTO_TEST_SUITE(validate_suite)

BOOST_AUTO_TEST_CASE(metadata) {
  each(
      "configmaps", "{'metadata':{'name':'a'}}",
      {{"[{'op':'replace','path':'/metadata/name','value':'A'}]",
        "metadata.name | FieldValueInvalid | Invalid value: \"A\": a lowercase RFC 1123 subdomain"},
       {"[{'op':'replace','path':'/metadata/name','value':'a_b'}]", "metadata.name"},
       {"[{'op':'replace','path':'/metadata/name','value':'a..b'}]", "metadata.name"},
       {"[{'op':'replace','path':'/metadata/name','value':'a.b-c'}]", ""},
       {"[{'op':'remove','path':'/metadata/name'}]",
        "metadata.name | FieldValueRequired | Required value: name or generateName is required"},
       {"[{'op':'add','path':'/metadata/generateName','value':'x-'},{'op':'remove','path':'/metadata/name'}]", ""},
       {"[{'op':'add','path':'/metadata/generateName','value':'X-'},{'op':'remove','path':'/metadata/name'}]",
        "metadata.generateName | FieldValueInvalid"},
       {"[{'op':'add','path':'/metadata/labels','value':{'a/b':'c','x':''}}]", ""},
       {"[{'op':'add','path':'/metadata/labels','value':{'-a':'c'}}]",
        "metadata.labels | FieldValueInvalid | Invalid value: \"-a\": name part must consist"},
       {"[{'op':'add','path':'/metadata/labels','value':{'A_/b':'c'}}]", "prefix part a lowercase RFC 1123 subdomain"},
       {"[{'op':'add','path':'/metadata/labels','value':{'a':'b c'}}]",
        "Invalid value: \"b c\": a valid label must be"},
       {"[{'op':'add','path':'/metadata/annotations','value':{'UPPER.io/a':'any thing'}}]", ""},
       {"[{'op':'add','path':'/metadata/annotations','value':{'a b':''}}]", "metadata.annotations | FieldValueInvalid"},
       {"[{'op':'add','path':'/metadata/finalizers','value':['x.io/y','bad one']}]", "metadata.finalizers[1]"},
       {"[{'op':'add','path':'/metadata/ownerReferences','value':[{'apiVersion':'v1','kind':'Pod','name':'a'}]}]",
        "metadata.ownerReferences[0].uid | FieldValueRequired"},
       {"[{'op':'add','path':'/metadata/"
        "ownerReferences','value':[{'apiVersion':'v1','kind':'Pod','name':'a','uid':''}]}]",
        "must not be empty"},
       {"[{'op':'add','path':'/metadata/"
        "ownerReferences','value':[{'apiVersion':'v1','kind':'Pod','name':'a','uid':'1','controller':true},{'"
        "apiVersion':"
        "'v1','kind':'Pod','name':'b','uid':'2','controller':true}]}]",
        "Only one reference can have Controller set to true. Found \"true\" in references for a and b"}});
  std::string large(256 * 1024, 'x');
  BOOST_TEST(created("configmaps", js("{'metadata':{'name':'a','annotations':{'a':'" + large + "'}}}")) ==
             "metadata.annotations | FieldValueTooLong | Too long: may not be more than 262144 bytes");
  BOOST_TEST(created("namespaces", js("{'metadata':{'name':'a.b'}}")).find("a lowercase RFC 1123 label must consist") !=
             std::string::npos);
  BOOST_TEST(created("clusterroles.rbac.authorization.k8s.io", js("{'metadata':{'name':'system:node'}}")) == "");
  BOOST_TEST(created("clusterroles.rbac.authorization.k8s.io", js("{'metadata':{'name':'a/b'}}"))
                 .find("may not contain '/'") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(deployments) {
  BOOST_TEST(
      created("deployments.apps", js("{'metadata':{'name':'a'}}")) ==
      "spec.selector | FieldValueRequired | Required value\nspec.template | FieldValueRequired | Required value");
  each("deployments.apps", deployment,
       {{"[{'op':'add','path':'/spec/replicas','value':-1}]",
         "spec.replicas | FieldValueInvalid | Invalid value: -1: must be greater than or equal to 0"},
        {"[{'op':'remove','path':'/spec/selector'}]", "spec.selector | FieldValueRequired | Required value"},
        {"[{'op':'replace','path':'/spec/selector','value':{}}]",
         "spec.selector | FieldValueInvalid | Invalid value: {}: empty selector is invalid for deployment"},
        {"[{'op':'replace','path':'/spec/template/metadata/labels','value':{'app':'x'}}]",
         "spec.template.metadata.labels | FieldValueInvalid | Invalid value: {\"app\":\"x\"}: `selector` does not "
         "match template `labels`"},
        {"[{'op':'replace','path':'/spec/template/spec','value':{'containers':[]}}]",
         "spec.template.spec.containers | FieldValueRequired"},
        {"[{'op':'remove','path':'/spec/template/spec'}]", "spec.template.spec.containers | FieldValueRequired"},
        {"[{'op':'add','path':'/spec/template/spec/restartPolicy','value':'Never'}]",
         "spec.template.spec.restartPolicy | FieldValueNotSupported | Unsupported value: \"Never\": supported values: "
         "\"Always\""},
        {"[{'op':'add','path':'/spec/strategy','value':{'type':'Blue'}}]",
         "spec.strategy.type | FieldValueNotSupported"},
        {"[{'op':'add','path':'/spec/strategy','value':{'type':'Recreate','rollingUpdate':{}}}]",
         "may not be specified when strategy `type` is 'Recreate'"},
        {"[{'op':'add','path':'/spec/strategy','value':{'rollingUpdate':{'maxSurge':0,'maxUnavailable':0}}}]",
         "spec.strategy.rollingUpdate.maxUnavailable | FieldValueInvalid | Invalid value: 0: may not be 0 when "
         "`maxSurge` is 0"},
        {"[{'op':'add','path':'/spec/strategy','value':{'rollingUpdate':{'maxSurge':'0%','maxUnavailable':'0%'}}}]",
         "may not be 0 when `maxSurge` is 0"},
        {"[{'op':'add','path':'/spec/strategy','value':{'rollingUpdate':{'maxUnavailable':'101%'}}}]",
         "must not be greater than 100%"},
        {"[{'op':'add','path':'/spec/strategy','value':{'rollingUpdate':{'maxSurge':'1'}}}]",
         "a valid percent string must be"},
        {"[{'op':'add','path':'/spec/strategy','value':{'rollingUpdate':{'maxSurge':-1}}}]",
         "must be greater than or equal to 0"},
        {"[{'op':'add','path':'/spec/minReadySeconds','value':600}]",
         "spec.progressDeadlineSeconds | FieldValueInvalid | Invalid value: 600: must be greater than minReadySeconds"},
        {"[{'op':'add','path':'/spec/selector/matchExpressions','value':[{'key':'a','operator':'Lik'}]}]",
         "not a valid selector operator"},
        {"[{'op':'add','path':'/spec/revisionHistoryLimit','value':-1}]", "spec.revisionHistoryLimit"}});
  BOOST_TEST(updated("deployments.apps", js(deployment), with(deployment, "{'spec':{'replicas':5}}")) == "");
  BOOST_TEST(
      updated("deployments.apps", js(deployment),
              with(deployment,
                   "{'spec':{'selector':{'matchLabels':{'b':'c'}},'template':{'metadata':{'labels':{'b':'c'}}}}}")) ==
      "spec.selector | FieldValueInvalid | Invalid value: {\"matchLabels\":{\"app\":\"web\",\"b\":\"c\"}}: field is "
      "immutable");
}

BOOST_AUTO_TEST_CASE(services) {
  each(
      "services", service,
      {{"[{'op':'replace','path':'/metadata/name','value':'1a'}]", "a DNS-1035 label must consist"},
       {"[{'op':'remove','path':'/spec/ports'}]", "spec.ports | FieldValueRequired"},
       {"[{'op':'remove','path':'/spec/ports'},{'op':'add','path':'/spec/clusterIP','value':'None'}]", ""},
       {"[{'op':'add','path':'/spec/ports/-','value':{'port':81,'name':'x'}}]",
        "spec.ports[0].name | FieldValueRequired"},
       {"[{'op':'replace','path':'/spec/ports/0','value':{'port':0,'targetPort':80}}]",
        "spec.ports[0].port | FieldValueInvalid"},
       {"[{'op':'add','path':'/spec/ports/0/targetPort','value':'HTTP'}]",
        "spec.ports[0].targetPort | FieldValueInvalid"},
       {"[{'op':'add','path':'/spec/type','value':'Cluster'}]", "spec.type | FieldValueNotSupported"},
       {"[{'op':'add','path':'/spec/type','value':'ExternalName'}]", "spec.externalName | FieldValueRequired"},
       {"[{'op':'add','path':'/spec/sessionAffinity','value':'x'}]", "spec.sessionAffinity | FieldValueNotSupported"}});
}

BOOST_AUTO_TEST_CASE(config_maps_and_secrets) {
  each("configmaps", "{'metadata':{'name':'a'},'data':{'k':'v'}}",
       {{"[{'op':'add','path':'/data/a~1b','value':''}]",
         "data[a/b] | FieldValueInvalid | Invalid value: \"a/b\": a valid config key must consist"},
        {"[{'op':'add','path':'/data/..','value':''}]", "must not be '.' or start with '..'"},
        {"[{'op':'add','path':'/binaryData','value':{'k':''}}]", "duplicate of key present in data"}});
  std::string large(1024 * 1024 + 1, 'x');
  BOOST_TEST(created("configmaps", js("{'metadata':{'name':'a'},'data':{'k':'" + large + "'}}"))
                 .find("may not be more than 1048576 bytes") != std::string::npos);
  auto fixed = "{'metadata':{'name':'a'},'data':{'k':'v'},'immutable':true}";
  for (auto id : {"configmaps", "secrets"}) {
    auto base = std::string{id} == "secrets" ? "{'metadata':{'name':'a'},'data':{'k':'dg=='},'immutable':true}" : fixed;
    BOOST_TEST(updated(id, js(base), with(base, "{'metadata':{'labels':{'a':'b'}}}")) == "");
    BOOST_TEST(updated(id, js(base), with(base, "{'data':{'k':''}}")) ==
               "data | FieldValueForbidden | Forbidden: field is immutable when `immutable` is set");
    BOOST_TEST(updated(id, js(base), with(base, "{'immutable':false}")) ==
               "immutable | FieldValueForbidden | Forbidden: field is immutable when `immutable` is set");
  }
  BOOST_TEST(updated("secrets", js("{'metadata':{'name':'a'}}"), js("{'metadata':{'name':'a'},'type':'x'}")) ==
             "type | FieldValueInvalid | Invalid value: \"x\": field is immutable");
  BOOST_TEST(created("secrets", js("{'metadata':{'name':'a'},'type':'kubernetes.io/tls','data':{'tls.crt':''}}")) ==
             "data[tls.key] | FieldValueRequired | Required value");
  BOOST_TEST(created("secrets", js("{'metadata':{'name':'bootstrap-token-abcdef'},'type':'bootstrap.kubernetes.io/"
                                   "token','stringData':{'token-id':'abcdef'}}")) == "");
}

BOOST_AUTO_TEST_CASE(other_kinds) {
  each("nodes", "{'metadata':{'name':'n1'}}",
       {{"[{'op':'add','path':'/spec','value':{'taints':[{'key':'a','effect':'No'}]}}]",
         "spec.taints[0].effect | FieldValueNotSupported"},
        {"[{'op':'add','path':'/"
         "spec','value':{'taints':[{'key':'a','effect':'NoSchedule'},{'key':'a','effect':'NoSchedule'}]}}]",
         "FieldValueDuplicate"},
        {"[{'op':'add','path':'/spec','value':{'taints':[{'key':'a'}]}}]",
         "spec.taints[0].effect | FieldValueRequired"}});
  each("leases.coordination.k8s.io", "{'metadata':{'name':'n1'},'spec':{'leaseDurationSeconds':40}}",
       {{"[{'op':'replace','path':'/spec/leaseDurationSeconds','value':0}]", "must be greater than 0"}});
  each("events", "{'metadata':{'name':'e'},'involvedObject':{'namespace':'default'}}",
       {{"[{'op':'replace','path':'/involvedObject/namespace','value':'x'}]", "does not match event.namespace"},
        {"[{'op':'replace','path':'/involvedObject','value':{'kind':'Node'}}]", ""},
        {"[{'op':'remove','path':'/involvedObject'}]", "involvedObject | FieldValueRequired"}});
  auto binding = "{'metadata':{'name':'b'},'roleRef':{'kind':'Role','name':'a'}}";
  BOOST_TEST(updated("rolebindings.rbac.authorization.k8s.io", js(binding), with(binding, "{'roleRef':{'name':'c'}}"))
                 .find("cannot change roleRef") != std::string::npos);
  // A kind without code of its own is checked by the table alone.
  BOOST_TEST(created("ingresses.networking.k8s.io",
                     js("{'metadata':{'name':'i'},'spec':{'rules':[{'http':{'paths':[{'backend':{}}]}}]}}")) ==
             "spec.rules[0].http.paths[0].pathType | FieldValueRequired | Required value");
}

BOOST_AUTO_TEST_CASE(what_must_not_change) {
  auto before = ready("configmaps", js("{'metadata':{'name':'a'}}"));
  auto after = before;
  after.at("metadata").as_object()["uid"] = "other";
  BOOST_TEST(shown(validate_update(info("configmaps"), before, after)) ==
             "metadata.uid | FieldValueInvalid | Invalid value: \"other\": field is immutable");
  before.at("metadata").as_object()["deletionTimestamp"] = "2026-11-23T10:00:00Z";
  after = before;
  after.at("metadata").as_object()["finalizers"] = json::array{"x.io/y"};
  BOOST_TEST(shown(validate_update(info("configmaps"), before, after))
                 .find("no new finalizers can be added if the object is being deleted") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(errors_are_bounded_and_summed_up) {
  json::array containers;
  for (int i = 0; i < 500; ++i) containers.push_back(json::object{{"name", "A"}});
  auto errors =
      validate_create(info("pods"), ready("pods", json::object{{"metadata", json::object{{"name", "a"}}},
                                                               {"spec", json::object{{"containers", containers}}}}));
  BOOST_TEST(errors.size() == 64u);
  BOOST_TEST(
      invalid_message(
          info("deployments.apps"), "web",
          {{"spec.replicas", "FieldValueInvalid", "Invalid value: -1: must be greater than or equal to 0"}}) ==
      "Deployment.apps \"web\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0");
  BOOST_TEST(
      invalid_message(info("pods"), "a",
                      {{"x", "FieldValueRequired", "Required value"}, {"y", "FieldValueRequired", "Required value"}}) ==
      "Pod \"a\" is invalid: [x: Required value, y: Required value]");
}

BOOST_AUTO_TEST_CASE(names) {
  for (auto s : {"a", "a-b", "0", "a1", "1a"}) BOOST_TEST(is_dns_label(s), s);
  for (auto s : {"", "-a", "a-", "A", "a.b", "a_b", "ä"}) BOOST_TEST(!is_dns_label(s), s);
  BOOST_TEST(is_dns_label(std::string(63, 'a')));
  BOOST_TEST(!is_dns_label(std::string(64, 'a')));
  for (auto s : {"a.b", "a-b.c", "1.2.3.4"}) BOOST_TEST(is_dns_subdomain(s), s);
  for (auto s : {"", ".a", "a.", "a..b", "a.-b", "a-.b", "A.b", "a-"}) BOOST_TEST(!is_dns_subdomain(s), s);
  BOOST_TEST(!is_dns_subdomain(std::string(254, 'a')));
  BOOST_TEST((is_dns_1035_label("a1") && !is_dns_1035_label("1a")));
  for (auto s : {"a", "a/b", "x.io/A_b.c-d", "A"}) BOOST_TEST(is_qualified_name(s), s);
  for (auto s : {"", "/a", "a/", "a/b/c", "A/b", "-a", "a-", "a b"}) BOOST_TEST(!is_qualified_name(s), s);
  for (auto s : {"", "a", "A.b_c-d", "1"}) BOOST_TEST(is_label_value(s), s);
  for (auto s : {"-", "a-", ".a", "a b", "a/b"}) BOOST_TEST(!is_label_value(s), s);
}

BOOST_AUTO_TEST_SUITE_END()
