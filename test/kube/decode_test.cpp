#include "schema/kube/decode.hpp"

#include <boost/test/unit_test.hpp>

#include "test/kube/support.hpp"

using namespace skerry;
using namespace skerry::kube;
using namespace skerry::kube::test;

BOOST_AUTO_TEST_SUITE(decode_suite)

BOOST_AUTO_TEST_CASE(wrong_types_name_the_field) {
  struct row {
    const char *resource, *value, *error;
  };
  for (auto [resource, value, error] : std::initializer_list<row>{
           {"deployments.apps", "{'spec':{'replicas':'two'}}", "spec.replicas: expected int32, got string"},
           {"deployments.apps", "{'spec':{'replicas':1.5}}",
            "spec.replicas: expected int32, got number out of range or not whole"},
           {"deployments.apps", "{'spec':{'replicas':3000000000}}",
            "spec.replicas: expected int32, got number out of range or not whole"},
           {"deployments.apps", "{'spec':[]}", "spec: expected object, got array"},
           {"deployments.apps", "[]", "expected object, got array"},
           {"deployments.apps", "{'spec':{'strategy':{'rollingUpdate':{'maxSurge':true}}}}",
            "spec.strategy.rollingUpdate.maxSurge: expected int-or-string, got boolean"},
           {"pods", "{'spec':{'containers':{}}}", "spec.containers: expected array, got object"},
           {"pods", "{'spec':{'containers':[{'name':'a'},{'name':7}]}}",
            "spec.containers[1].name: expected string, got number"},
           {"pods", "{'spec':{'containers':['a']}}", "spec.containers[0]: expected object, got string"},
           {"pods", "{'spec':{'containers':[{'resources':{'limits':{'cpu':'lots'}}}]}}",
            "spec.containers[0].resources.limits.cpu: quantities must match the regular expression "
            "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$', got lots"},
           {"pods", "{'spec':{'containers':[{'resources':{'limits':{'cpu':true}}}]}}",
            "spec.containers[0].resources.limits.cpu: expected quantity, got boolean"},
           {"pods", "{'metadata':{'labels':{'a':1}}}", "metadata.labels.a: expected string, got number"},
           {"pods", "{'metadata':{'labels':[]}}", "metadata.labels: expected map, got array"},
           {"pods", "{'metadata':{'creationTimestamp':'yesterday'}}",
            "metadata.creationTimestamp: not a time as RFC 3339 has it (2026-11-23T10:00:00Z): yesterday"},
           {"pods", "{'metadata':{'creationTimestamp':5}}", "metadata.creationTimestamp: expected time, got number"},
           {"pods", "{'spec':{'hostNetwork':'yes'}}", "spec.hostNetwork: expected boolean, got string"},
           {"secrets", "{'data':{'a':'%%%'}}", "data.a: illegal base64 data"},
           {"secrets", "{'data':{'a':'YQ='}}", "data.a: illegal base64 data"},
           {"configmaps", "{'data':{'a':{'b':1}}}", "data.a: expected string, got object"},
           {"pods", "{'kind':'Deployment'}", "Deployment in version \"v1\" cannot be handled as a Pod"},
           {"pods", "{'apiVersion':'v2'}",
            "the API version in the data (v2) does not match the expected API version (v1)"}}) {
    BOOST_TEST_CONTEXT(value) {
      auto v = js(value);
      auto r = decode(info(resource), v);
      BOOST_TEST(!r.ok());
      BOOST_TEST(r.error == error);
    }
  }
}

BOOST_AUTO_TEST_CASE(values_take_their_canonical_form) {
  struct row {
    const char *resource, *given, *kept;
  };
  for (auto [resource, given, kept] : std::initializer_list<row>{
           {"pods", "{'metadata':{'creationTimestamp':null,'name':'a'},'status':null}", "{'metadata':{'name':'a'}}"},
           {"pods", "{'metadata':{'creationTimestamp':'2026-11-23T12:00:00+02:00'}}",
            "{'metadata':{'creationTimestamp':'2026-11-23T10:00:00Z'}}"},
           {"pods", "{'metadata':{'creationTimestamp':'2026-11-23T10:00:00.5Z'}}",
            "{'metadata':{'creationTimestamp':'2026-11-23T10:00:00Z'}}"},
           {"leases.coordination.k8s.io", "{'spec':{'renewTime':'2026-11-23T10:00:00Z'}}",
            "{'spec':{'renewTime':'2026-11-23T10:00:00.000000Z'}}"},
           {"deployments.apps", "{'spec':{'replicas':3.0}}", "{'spec':{'replicas':3}}"},
           {"pods", "{'spec':{'containers':[{'resources':{'requests':{'cpu':0.5,'memory':'1024Mi','x.io/y':2}}}]}}",
            "{'spec':{'containers':[{'resources':{'requests':{'cpu':'500m','memory':'1Gi','x.io/y':'2'}}}]}}"},
           {"configmaps", "{'data':{'a':null,'b':'c'}}", "{'data':{'a':'','b':'c'}}"},
           {"secrets", "{'data':{'a':'aGVs\\nbG8=\\n','b':null}}", "{'data':{'a':'aGVsbG8=','b':''}}"}}) {
    BOOST_TEST_CONTEXT(given) {
      auto v = js(given);
      auto r = decode(info(resource), v);
      BOOST_TEST(r.error == "");
      BOOST_TEST(str(v) == str(js(kept)));
      BOOST_TEST(r.unknown.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(unknown_fields_are_listed_and_kept_or_pruned) {
  auto given =
      js("{'spec':{'replcas':1,'template':{'spec':{'containers':[{'name':'a'},{'name':'b','imag':{'x':1}}]}}},'extra':"
         "null}");
  auto v = given;
  auto r = decode(info("deployments.apps"), v);
  BOOST_TEST(r.ok());
  BOOST_TEST(r.unknown == (std::vector<std::string>{"spec.replcas", "spec.template.spec.containers[1].imag", "extra"}),
             boost::test_tools::per_element());
  BOOST_TEST((v == given));
  r = decode(info("deployments.apps"), v, {.prune_unknown = true});
  BOOST_TEST(r.unknown.size() == 3u);
  BOOST_TEST(str(v) == str(js("{'spec':{'template':{'spec':{'containers':[{'name':'a'},{'name':'b'}]}}}}")));
  auto messages = strict_messages(r, {"spec.replicas"});
  BOOST_TEST(messages.at(0) == "duplicate field \"spec.replicas\"");
  BOOST_TEST(messages.at(1) == "unknown field \"spec.replcas\"");
}

BOOST_AUTO_TEST_CASE(unknown_fields_are_bounded) {
  json::object many;
  for (int i = 0; i < 1000; ++i) many["x" + std::to_string(i)] = i;
  json::value v = many;
  BOOST_TEST(decode(info("pods"), v).unknown.size() == 64u);
}

BOOST_AUTO_TEST_CASE(duplicates_are_found) {
  auto of = [](std::string text) {
    for (auto& c : text)
      if (c == '\'') c = '"';
    return duplicate_fields(text);
  };
  using list = std::vector<std::string>;
  BOOST_TEST(of("{'a':1,'b':{'a':1}}") == list{}, boost::test_tools::per_element());
  BOOST_TEST(of("{'a':1,'a':2}") == list{"a"}, boost::test_tools::per_element());
  BOOST_TEST(of("{'a':1,'a':2,'a':3}") == list{"a"}, boost::test_tools::per_element());
  BOOST_TEST(of("{'spec':{'replicas':1,'t':{},'replicas':2}}") == list{"spec.replicas"},
             boost::test_tools::per_element());
  BOOST_TEST(of("{'l':[{'n':1},{'n':1,'m':[1,2],'n':2}]}") == list{"l[1].n"}, boost::test_tools::per_element());
  BOOST_TEST(of("{'a\\u0062':1,'ab':2}") == list{"ab"}, boost::test_tools::per_element());
  BOOST_TEST(of("{'a':1,'a':") == list{}, boost::test_tools::per_element());
  BOOST_TEST(of("") == list{}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
