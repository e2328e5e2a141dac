#include "schema/kube/defaults.hpp"

#include <boost/test/unit_test.hpp>

#include "test/kube/support.hpp"

using namespace skerry;
using namespace skerry::kube;
using namespace skerry::kube::test;

namespace {
json::value filled(const char* id, const char* text) {
  auto v = js(text);
  apply_defaults(info(id), v);
  auto again = v;
  apply_defaults(info(id), again);
  BOOST_TEST((again == v), "defaults are idempotent");
  return v;
}
}  // namespace

BOOST_AUTO_TEST_SUITE(defaults_suite)

BOOST_AUTO_TEST_CASE(pod) {
  auto v = filled("pods",
                  "{'spec':{'containers':[{'name':'a','image':'nginx','ports':[{'containerPort':80}],'livenessProbe':{'"
                  "httpGet':{'port':80}}}]}}");
  BOOST_TEST(
      str(v) ==
      str(js("{'spec':{'containers':[{'name':'a','image':'nginx','ports':[{'containerPort':80,'protocol':'TCP'}],'"
             "livenessProbe':{'httpGet':"
             "{'port':80,'path':'/"
             "','scheme':'HTTP'},'timeoutSeconds':1,'periodSeconds':10,'successThreshold':1,'failureThreshold':3},"
             "'imagePullPolicy':'Always','terminationMessagePath':'/dev/"
             "termination-log','terminationMessagePolicy':'File','resources':{}}],"
             "'restartPolicy':'Always','terminationGracePeriodSeconds':30,'dnsPolicy':'ClusterFirst','schedulerName':'"
             "default-scheduler',"
             "'securityContext':{},'serviceAccountName':'default','serviceAccount':'default','enableServiceLinks':true,"
             "'preemptionPolicy':'PreemptLowerPriority','priority':0}}")));
}

BOOST_AUTO_TEST_CASE(what_is_given_stays) {
  auto given = js(
      "{'spec':{'containers':[{'name':'a','image':'a:1','imagePullPolicy':'Never','terminationMessagePath':'/"
      "x','terminationMessagePolicy':"
      "'FallbackToLogsOnError','resources':{'limits':{'cpu':'1'},'requests':{'cpu':'500m'}}}],'restartPolicy':'Never',"
      "'terminationGracePeriodSeconds':0,'dnsPolicy':'Default','schedulerName':'mine','securityContext':{'runAsUser':5}"
      ",'serviceAccountName':'me',"
      "'serviceAccount':'me','enableServiceLinks':false,'preemptionPolicy':'Never','priority':7}}");
  auto v = given;
  apply_defaults(info("pods"), v);
  BOOST_TEST(str(v) == str(given));
}

BOOST_AUTO_TEST_CASE(pull_policy_follows_the_tag) {
  struct row {
    const char *image, *policy;
  };
  for (auto [image, policy] : std::initializer_list<row>{{"nginx", "Always"},
                                                         {"nginx:latest", "Always"},
                                                         {"nginx:1.25", "IfNotPresent"},
                                                         {"localhost:5000/nginx", "Always"},
                                                         {"localhost:5000/nginx:1", "IfNotPresent"},
                                                         {"nginx@sha256:abc", "IfNotPresent"},
                                                         {"nginx:latest@sha256:abc", "IfNotPresent"}}) {
    auto v = js("{'spec':{'containers':[{'name':'a','image':'" + std::string{image} +
                "'}],'initContainers':[{'name':'b','image':'x:1'}]}}");
    apply_defaults(info("pods"), v);
    BOOST_TEST(string_at(find(v, "spec.containers")->as_array()[0], "imagePullPolicy") == policy, image);
    BOOST_TEST(string_at(find(v, "spec.initContainers")->as_array()[0], "imagePullPolicy") == "IfNotPresent");
  }
}

BOOST_AUTO_TEST_CASE(requests_follow_limits_in_pods_alone) {
  auto v = filled("pods",
                  "{'spec':{'containers':[{'name':'a','image':'a:1','resources':{'limits':{'cpu':'1','memory':'1Gi'},'"
                  "requests':{'cpu':'100m'}}}]}}");
  BOOST_TEST(str(*find(find(v, "spec.containers")->as_array()[0], "resources.requests")) ==
             str(js("{'cpu':'100m','memory':'1Gi'}")));
  auto d = filled(
      "deployments.apps",
      "{'spec':{'template':{'spec':{'containers':[{'name':'a','image':'a:1','resources':{'limits':{'cpu':'1'}}}]}}}}");
  BOOST_TEST(find(find(d, "spec.template.spec.containers")->as_array()[0], "resources.requests") == nullptr);
}

BOOST_AUTO_TEST_CASE(volumes) {
  auto v = filled("pods",
                  "{'spec':{'containers':[],'volumes':[{'name':'a'},{'name':'s','secret':{'secretName':'x'}},{'name':'"
                  "c','configMap':{'name':'x',"
                  "'defaultMode':256}},{'name':'d','downwardAPI':{'items':[{'path':'p','fieldRef':{'fieldPath':'"
                  "metadata.name'}}]}},"
                  "{'name':'h','hostPath':{'path':'/"
                  "x'}},{'name':'p','projected':{'sources':[{'serviceAccountToken':{'path':'t'}}]}}]}}");
  BOOST_TEST(str(*find(v, "spec.volumes")) ==
             str(js("[{'name':'a','emptyDir':{}},{'name':'s','secret':{'secretName':'x','defaultMode':420}},{'name':'c'"
                    ",'configMap':{'name':'x',"
                    "'defaultMode':256}},{'name':'d','downwardAPI':{'items':[{'path':'p','fieldRef':{'fieldPath':'"
                    "metadata.name','apiVersion':'v1'}}],"
                    "'defaultMode':420}},{'name':'h','hostPath':{'path':'/"
                    "x','type':''}},{'name':'p','projected':{'sources':[{'serviceAccountToken':"
                    "{'path':'t','expirationSeconds':3600}}],'defaultMode':420}}]")));
}

BOOST_AUTO_TEST_CASE(deployment_and_replica_set) {
  auto v = filled("deployments.apps", "{'spec':{'template':{'spec':{'containers':[{'name':'a','image':'a:1'}]}}}}");
  BOOST_TEST(
      str(v) ==
      str(js("{'spec':{'template':{'spec':{'containers':[{'name':'a','image':'a:1','imagePullPolicy':'IfNotPresent','"
             "terminationMessagePath':"
             "'/dev/"
             "termination-log','terminationMessagePolicy':'File','resources':{}}],'restartPolicy':'Always','"
             "terminationGracePeriodSeconds':"
             "30,'dnsPolicy':'ClusterFirst','schedulerName':'default-scheduler','securityContext':{}}},'replicas':1,'"
             "strategy':{'type':"
             "'RollingUpdate','rollingUpdate':{'maxUnavailable':'25%','maxSurge':'25%'}},'revisionHistoryLimit':10,"
             "'progressDeadlineSeconds':600}}")));
  v = filled("deployments.apps", "{'spec':{'replicas':0,'strategy':{'type':'Recreate'}}}");
  BOOST_TEST(str(*find(v, "spec.strategy")) == str(js("{'type':'Recreate'}")));
  BOOST_TEST(int_at(v, "spec.replicas", -1) == 0);
  v = filled("deployments.apps", "{'spec':{'strategy':{'rollingUpdate':{'maxSurge':1}}}}");
  BOOST_TEST(str(*find(v, "spec.strategy.rollingUpdate")) == str(js("{'maxSurge':1,'maxUnavailable':'25%'}")));
  v = filled("replicasets.apps", "{'spec':{'template':{'spec':{'containers':[{'name':'a'}]}}}}");
  BOOST_TEST(int_at(v, "spec.replicas") == 1);
  BOOST_TEST(string_at(v, "spec.template.spec.restartPolicy") == "Always");
}

BOOST_AUTO_TEST_CASE(service) {
  BOOST_TEST(
      str(filled("services", "{'spec':{'ports':[{'port':80},{'port':81,'targetPort':'http','protocol':'UDP'}]}}")) ==
      str(js("{'spec':{'ports':[{'port':80,'protocol':'TCP','targetPort':80},{'port':81,'targetPort':'http','protocol':"
             "'UDP'}],"
             "'sessionAffinity':'None','type':'ClusterIP','internalTrafficPolicy':'Cluster'}}")));
  auto v = filled("services", "{'spec':{'type':'LoadBalancer','sessionAffinity':'ClientIP','ports':[]}}");
  BOOST_TEST(string_at(v, "spec.externalTrafficPolicy") == "Cluster");
  BOOST_TEST(bool_at(v, "spec.allocateLoadBalancerNodePorts"));
  BOOST_TEST(int_at(v, "spec.sessionAffinityConfig.clientIP.timeoutSeconds") == 10800);
}

BOOST_AUTO_TEST_CASE(secret_takes_string_data_in) {
  auto v = filled("secrets", "{'stringData':{'a':'hello','b':'','c':'hi'},'data':{'a':'b2xk','d':'ZA=='}}");
  BOOST_TEST(str(v) == str(js("{'data':{'a':'aGVsbG8=','d':'ZA==','b':'','c':'aGk='},'type':'Opaque'}")));
}

BOOST_AUTO_TEST_CASE(others) {
  BOOST_TEST(str(filled("namespaces", "{'metadata':{'name':'a','labels':{'x':'y'}}}")) ==
             str(js("{'metadata':{'name':'a','labels':{'x':'y','kubernetes.io/"
                    "metadata.name':'a'}},'status':{'phase':'Active'},'spec':{'finalizers':"
                    "['kubernetes']}}")));
  BOOST_TEST(str(filled("storageclasses.storage.k8s.io", "{}")) ==
             str(js("{'reclaimPolicy':'Delete','volumeBindingMode':'Immediate'}")));
  BOOST_TEST(str(filled("networkpolicies.networking.k8s.io", "{'spec':{'egress':[]}}")) ==
             str(js("{'spec':{'egress':[],'policyTypes':['Ingress','Egress']}}")));
  BOOST_TEST(str(filled("configmaps", "{'data':{'a':'b'}}")) == str(js("{'data':{'a':'b'}}")));
}

BOOST_AUTO_TEST_SUITE_END()
