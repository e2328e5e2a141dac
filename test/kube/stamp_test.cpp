#include "schema/kube/stamp.hpp"

#include <boost/test/unit_test.hpp>

#include "schema/kube/equal.hpp"
#include "test/kube/support.hpp"

using namespace skerry;
using namespace skerry::kube;
using namespace skerry::kube::test;

namespace {
constexpr int64_t noon = 1795435200000;  // 2026-11-23T12:00:00Z
json::value stamped(const char* id, const char* text, const char* ns = "default") {
  auto v = js(text);
  stamp_new(info(id), v, ns, noon, "uid-1", "x7k2p");
  return v;
}
}  // namespace

BOOST_AUTO_TEST_SUITE(stamp_suite)

BOOST_AUTO_TEST_CASE(a_new_object) {
  BOOST_TEST(str(stamped("configmaps",
                         "{'metadata':{'name':'a','resourceVersion':'5','uid':'mine','selfLink':'/"
                         "x','deletionTimestamp':'2020-01-01T00:00:00Z',"
                         "'creationTimestamp':'2020-01-01T00:00:00Z','managedFields':[]},'data':{}}")) ==
             str(js("{'metadata':{'name':'a','uid':'uid-1','creationTimestamp':'2026-11-23T12:00:00Z','namespace':'"
                    "default'},'data':{},"
                    "'apiVersion':'v1','kind':'ConfigMap'}")));
}

BOOST_AUTO_TEST_CASE(names_are_generated) {
  BOOST_TEST(string_at(stamped("pods", "{'metadata':{'generateName':'web-'}}"), "metadata.name") == "web-x7k2p");
  BOOST_TEST(string_at(stamped("pods", "{'metadata':{'generateName':'web-','name':'own'}}"), "metadata.name") == "own");
  auto lengthy = "{'metadata':{'generateName':'" + std::string(100, 'a') + "'}}";
  BOOST_TEST(string_at(stamped("pods", lengthy.c_str()), "metadata.name").size() == 63u);
  BOOST_TEST(find(stamped("pods", "{}"), "metadata.name") == nullptr);
  BOOST_TEST(string_at(stamped("namespaces", "{'metadata':{'generateName':'t-'}}", ""), "metadata.labels") == "");
  BOOST_TEST(str(*find(stamped("namespaces", "{'metadata':{'generateName':'t-'}}", ""), "metadata.labels")) ==
             str(js("{'kubernetes.io/metadata.name':'t-x7k2p'}")));
}

BOOST_AUTO_TEST_CASE(status_is_not_the_clients) {
  auto pod = stamped("pods", "{'spec':{'containers':[]},'status':{'phase':'Running','podIP':'1.2.3.4'}}");
  BOOST_TEST(str(*find(pod, "status")) == str(js("{'phase':'Pending','qosClass':'BestEffort'}")));
  BOOST_TEST(find(stamped("deployments.apps", "{'status':{'replicas':5}}"), "status") == nullptr);
  BOOST_TEST(string_at(stamped("namespaces", "{'metadata':{'name':'a'},'status':{'phase':'Terminating'}}", ""),
                       "status.phase") == "Active");
  BOOST_TEST(string_at(stamped("nodes", "{'status':{'phase':'x'}}", ""), "status.phase") == "x");
  BOOST_TEST(int_at(stamped("deployments.apps", "{'metadata':{'generation':9}}"), "metadata.generation") == 1);
  BOOST_TEST(find(stamped("configmaps", "{}"), "metadata.generation") == nullptr);
  BOOST_TEST(find(stamped("nodes", "{'metadata':{'namespace':'x'}}", ""), "metadata.namespace") == nullptr);
}

BOOST_AUTO_TEST_CASE(an_update_keeps_what_is_not_its_own) {
  auto before = js(
      "{'apiVersion':'apps/"
      "v1','kind':'Deployment','metadata':{'name':'a','namespace':'n','uid':'u','creationTimestamp':'t','generation':3,"
      "'resourceVersion':'10','labels':{'a':'b'}},'spec':{'replicas':1},'status':{'replicas':1}}");
  auto after =
      js("{'metadata':{'name':'a','namespace':'n','uid':'other','generation':99,'resourceVersion':'10','labels':{'c':'"
         "d'},'deletionTimestamp':'x'},"
         "'spec':{'replicas':2},'status':{'replicas':7}}");
  prepare_update(info("deployments.apps"), before, after);
  BOOST_TEST(
      (after ==
       js("{'apiVersion':'apps/"
          "v1','kind':'Deployment','metadata':{'name':'a','namespace':'n','uid':'u','creationTimestamp':'t',"
          "'generation':4,'resourceVersion':'10','labels':{'c':'d'}},'spec':{'replicas':2},'status':{'replicas':1}}")));
  auto same = before;
  prepare_update(info("deployments.apps"), before, same);
  BOOST_TEST((same == before));
  same.at("metadata").as_object()["labels"] = js("{}");
  prepare_update(info("deployments.apps"), before, same);
  BOOST_TEST(int_at(same, "metadata.generation") == 3);
  same.at("metadata").as_object()["annotations"] = js("{'kubernetes.io/change-cause':'x'}");
  prepare_update(info("deployments.apps"), before, same);
  BOOST_TEST(int_at(same, "metadata.generation") == 4);
}

BOOST_AUTO_TEST_CASE(an_update_of_status_changes_status_alone) {
  auto before =
      js("{'metadata':{'name':'a','uid':'u','generation':3,'resourceVersion':'10','labels':{'a':'b'}},'spec':{'"
         "replicas':1},'status':{'replicas':1}}");
  auto after =
      js("{'metadata':{'name':'z','resourceVersion':'9','labels':{}},'spec':{'replicas':2},'status':{'replicas':7}}");
  prepare_update(info("deployments.apps"), before, after, "status");
  BOOST_TEST((after == js("{'metadata':{'name':'a','uid':'u','generation':3,'resourceVersion':'9','labels':{'a':'b'}},'"
                          "spec':{'replicas':1},"
                          "'status':{'replicas':7}}")));
}

BOOST_AUTO_TEST_CASE(a_service_keeps_its_address) {
  auto before =
      js("{'metadata':{'name':'a'},'spec':{'type':'ClusterIP','clusterIP':'10.0.0.1','clusterIPs':['10.0.0.1']}}");
  auto after = js("{'metadata':{'name':'a'},'spec':{'type':'ClusterIP','ports':[]}}");
  prepare_update(info("services"), before, after);
  BOOST_TEST(string_at(after, "spec.clusterIP") == "10.0.0.1");
  BOOST_TEST(array_at(after, "spec.clusterIPs").size() == 1u);
}

BOOST_AUTO_TEST_CASE(content_is_compared_without_revisions) {
  auto a = js("{'metadata':{'name':'a','resourceVersion':'1','generation':1},'spec':{'x':[1,2]}}");
  BOOST_TEST(same_content(a, js("{'spec':{'x':[1,2]},'metadata':{'resourceVersion':'2','name':'a'}}")));
  BOOST_TEST(!same_content(a, js("{'spec':{'x':[2,1]},'metadata':{'name':'a'}}")));
  BOOST_TEST(!same_content(a, js("{'spec':{'x':[1,2]},'metadata':{'name':'a','labels':{}}}")));
  BOOST_TEST(!same_content(a, js("{'metadata':{'name':'a'}}")));
}

BOOST_AUTO_TEST_CASE(equality_knows_no_order_of_keys) {
  BOOST_TEST(equal(js("{'a':1,'b':{'c':[1,{'d':2}]}}"), js("{'b':{'c':[1,{'d':2}]},'a':1}")));
  BOOST_TEST(!equal(js("{'a':1,'b':2}"), js("{'a':1,'c':2}")));
  BOOST_TEST(!equal(js("{'a':1}"), js("{'a':1,'b':2}")));
  BOOST_TEST(!equal(js("[1,2]"), js("[2,1]")));
  BOOST_TEST(!equal(js("[1]"), js("{}")));
  BOOST_TEST(!equal(js("{}"), js("[]")));
  BOOST_TEST(equal(json::value(uint64_t{5}), json::value(int64_t{5})));
}

BOOST_AUTO_TEST_CASE(template_hashes) {
  auto t = js("{'metadata':{'labels':{'a':'b'}},'spec':{'containers':[{'name':'x','image':'y'}]}}");
  auto h = template_hash(t);
  // Fixed for ever: another value would replace every replica set on an upgrade.
  BOOST_TEST(h ==
             template_hash(js("{'spec':{'containers':[{'image':'y','name':'x'}]},'metadata':{'labels':{'a':'b'}}}")));
  BOOST_TEST(h == "6c67d679f6");
  BOOST_TEST(h.size() <= 10u);
  BOOST_TEST(h.find_first_not_of("bcdfghjklmnpqrstvwxz2456789") == std::string::npos);
  BOOST_TEST(h != template_hash(t, 1));
  BOOST_TEST(template_hash(t, 1) != template_hash(t, 2));
  BOOST_TEST(h !=
             template_hash(js("{'metadata':{'labels':{'a':'b'}},'spec':{'containers':[{'name':'x','image':'z'}]}}")));
  BOOST_TEST(template_hash(js("{'a':'bc'}")) != template_hash(js("{'ab':'c'}")));
  BOOST_TEST(random_suffix(0) == "bbbbb");
  BOOST_TEST(random_suffix(0x123456789abcdefULL).size() == 5u);
}

BOOST_AUTO_TEST_CASE(quality_of_service) {
  auto qos = [](const char* containers) {
    return std::string{qos_class(js("{'containers':" + std::string{containers} + "}"))};
  };
  BOOST_TEST(qos("[{}]") == "BestEffort");
  BOOST_TEST(qos("[{'resources':{'limits':{'cpu':'1','memory':'1Gi'}}}]") == "Guaranteed");
  BOOST_TEST(
      qos("[{'resources':{'limits':{'cpu':'1','memory':'1Gi'},'requests':{'cpu':'1000m','memory':'1024Mi'}}}]") ==
      "Guaranteed");
  BOOST_TEST(qos("[{'resources':{'limits':{'cpu':'1','memory':'1Gi'},'requests':{'cpu':'1'}}},{}]") == "Burstable");
  BOOST_TEST(qos("[{'resources':{'limits':{'cpu':'1'}}}]") == "Burstable");
  BOOST_TEST(qos("[{'resources':{'requests':{'cpu':'0'}}}]") == "BestEffort");
  BOOST_TEST(qos("[{'resources':{'requests':{'x.io/gpu':'1'}}}]") == "BestEffort");
}

BOOST_AUTO_TEST_SUITE_END()
