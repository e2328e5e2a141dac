#include "schema/kube/validate.hpp"

#include <boost/test/unit_test.hpp>

#include "schema/kube/decode.hpp"
#include "schema/kube/defaults.hpp"
#include "schema/kube/patch.hpp"
#include "schema/kube/stamp.hpp"
#include "test/kube/support.hpp"

using namespace skerry;
using namespace skerry::kube;
using namespace skerry::kube::test;

namespace {

const char* const pod =
    "{'metadata':{'name':'web'},'spec':{'volumes':[{'name':'data','emptyDir':{}},{'name':'conf','configMap':{'name':'c'"
    "}}],'initContainers':"
    "[{'name':'init','image':'busybox:1'}],'containers':[{'name':'a','image':'a:1','ports':[{'name':'http','"
    "containerPort':80}],'env':[{'name':'X',"
    "'value':'1'},{'name':'Y','valueFrom':{'configMapKeyRef':{'name':'c','key':'k'}}},{'name':'Z','valueFrom':{'"
    "fieldRef':{'fieldPath':"
    "'metadata.name'}}}],'envFrom':[{'configMapRef':{'name':'c'}}],'volumeMounts':[{'name':'data','mountPath':'/"
    "data'}],'readinessProbe':{'httpGet':"
    "{'port':'http'}},'livenessProbe':{'exec':{'command':['true']}},'resources':{'limits':{'cpu':'1'},'requests':{'cpu'"
    ":'100m'}}},{'name':'b',"
    "'image':'b:1'}],'tolerations':[{'key':'a','operator':'Exists','effect':'NoExecute','tolerationSeconds':5}]}}";
const char* const deployment =
    "{'metadata':{'name':'web'},'spec':{'selector':{'matchLabels':{'app':'web'}},'template':{'metadata':{'labels':{'"
    "app':'web'}},'spec':{'containers':"
    "[{'name':'a','image':'a:1'}]}}}}";
const char* const service = "{'metadata':{'name':'web'},'spec':{'selector':{'app':'web'},'ports':[{'port':80}]}}";

json::value ready(const char* id, json::value v) {
  const auto& i = info(id);
  auto r = decode(i, v);
  BOOST_TEST(r.error == "");
  stamp_new(i, v, i.namespaced ? "default" : "", 0, "uid", "abcde");
  apply_defaults(i, v);
  return v;
}

/// The object with a JSON merge patch over it.
json::value with(const char* base, const char* patch) { return merge_patch(js(base), js(patch)); }
/// The object with a JSON patch over it.
json::value changed(const char* base, const char* ops) {
  auto r = json_patch(js(base), js(ops));
  if (!r) throw std::runtime_error(message_of(r.error()));
  return *r;
}

std::string shown(const field_errors& errors) {
  std::string out;
  for (const auto& e : errors)
    out += (out.empty() ? "" : "\n") + e.field + " | " + std::string{e.reason} + " | " + e.message;
  return out;
}
std::string created(const char* id, json::value v) { return shown(validate_create(info(id), ready(id, std::move(v)))); }
std::string updated(const char* id, json::value before, json::value after) {
  return shown(validate_update(info(id), ready(id, std::move(before)), ready(id, std::move(after))));
}

struct row {
  const char *ops, *error;
};
/// Each operation on `base` must give an error that contains this text, and it alone.
void each(const char* id, const char* base, std::initializer_list<row> rows) {
  BOOST_TEST(created(id, js(base)) == "");
  for (auto [ops, error] : rows) {
    BOOST_TEST_CONTEXT(ops) {
      auto got = created(id, changed(base, ops));
      BOOST_TEST(got.find(error) != std::string::npos, got << "\n  lacks: " << error);
      BOOST_TEST((*error == '\0' ? got.empty() : got.find('\n') == std::string::npos), got);
    }
  }
}

}  // namespace

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

BOOST_AUTO_TEST_CASE(pods) {
  BOOST_TEST(created("pods", js("{'metadata':{'name':'a'}}")) ==
             "spec.containers | FieldValueRequired | Required value");
  each("pods", pod,
       {{"[{'op':'replace','path':'/spec/containers','value':[]}]",
         "spec.containers | FieldValueRequired | Required value"},
        {"[{'op':'remove','path':'/spec/containers/0/name'}]",
         "spec.containers[0].name | FieldValueRequired | Required value"},
        {"[{'op':'replace','path':'/spec/containers/0/name','value':''}]",
         "spec.containers[0].name | FieldValueRequired"},
        {"[{'op':'replace','path':'/spec/containers/0/name','value':'A'}]",
         "spec.containers[0].name | FieldValueInvalid | Invalid value: \"A\": a lowercase RFC 1123 label"},
        {"[{'op':'replace','path':'/spec/containers/1/name','value':'a'}]",
         "spec.containers[1].name | FieldValueDuplicate | Duplicate value: \"a\""},
        {"[{'op':'replace','path':'/spec/containers/1/name','value':'init'}]",
         "spec.containers[1].name | FieldValueDuplicate"},
        {"[{'op':'remove','path':'/spec/containers/1/image'}]",
         "spec.containers[1].image | FieldValueRequired | Required value"},
        {"[{'op':'replace','path':'/spec/containers/1/image','value':' x'}]",
         "must not have leading or trailing whitespace"},
        {"[{'op':'add','path':'/spec/containers/1/imagePullPolicy','value':'Often'}]",
         "spec.containers[1].imagePullPolicy | FieldValueNotSupported | Unsupported value: \"Often\": supported "
         "values: \"Always\", \"IfNotPresent\", \"Never\""},
        {"[{'op':'replace','path':'/spec/containers/0/ports/0/containerPort','value':0}]",
         "spec.containers[0].ports[0].containerPort | FieldValueRequired"},
        {"[{'op':'replace','path':'/spec/containers/0/ports/0/containerPort','value':65536}]",
         "Invalid value: 65536: must be between 1 and 65535, inclusive"},
        {"[{'op':'remove','path':'/spec/containers/0/ports/0/containerPort'}]",
         "spec.containers[0].ports[0].containerPort | FieldValueRequired"},
        {"[{'op':'add','path':'/spec/containers/0/ports/-','value':{'containerPort':81,'name':'http'}}]",
         "spec.containers[0].ports[1].name | FieldValueDuplicate"},
        {"[{'op':'add','path':'/spec/containers/0/ports/-','value':{'containerPort':81,'name':'HTTP'}}]",
         "spec.containers[0].ports[1].name | FieldValueInvalid"},
        {"[{'op':'add','path':'/spec/containers/0/ports/-','value':{'containerPort':81,'protocol':'tcp'}}]",
         "Unsupported value: \"tcp\": supported values: \"SCTP\", \"TCP\", \"UDP\""},
        {"[{'op':'add','path':'/spec/containers/0/ports/-','value':{'containerPort':81,'hostPort':70000}}]",
         "spec.containers[0].ports[1].hostPort | FieldValueInvalid"},
        {"[{'op':'add','path':'/spec/containers/1/"
         "ports','value':[{'containerPort':1,'hostPort':90},{'containerPort':2,'hostPort':90}]}]",
         "spec.containers[1].ports[1].hostPort | FieldValueDuplicate"},
        {"[{'op':'add','path':'/spec/containers/0/env/-','value':{'value':'x'}}]",
         "spec.containers[0].env[3].name | FieldValueRequired"},
        {"[{'op':'add','path':'/spec/containers/0/env/-','value':{'name':'a=b'}}]",
         "spec.containers[0].env[3].name | FieldValueInvalid"},
        {"[{'op':'add','path':'/spec/containers/0/env/1/value','value':'x'}]",
         "may not be specified when `value` is not empty"},
        {"[{'op':'replace','path':'/spec/containers/0/env/1/valueFrom','value':{}}]",
         "spec.containers[0].env[1].valueFrom | FieldValueInvalid | Invalid value: \"\": must specify one of"},
        {"[{'op':'replace','path':'/spec/containers/0/env/2/valueFrom/fieldRef/fieldPath','value':'spec.foo'}]",
         "Unsupported value: \"spec.foo\": supported values: \"metadata.name\""},
        {"[{'op':'replace','path':'/spec/containers/0/env/2/valueFrom/fieldRef/"
         "fieldPath','value':'metadata.labels[\\u0027a\\u0027]'}]",
         ""},
        {"[{'op':'remove','path':'/spec/containers/0/env/1/valueFrom/configMapKeyRef/key'}]",
         "configMapKeyRef.key | FieldValueRequired"},
        {"[{'op':'remove','path':'/spec/containers/0/env/1/valueFrom/configMapKeyRef/name'}]",
         "configMapKeyRef.name | FieldValueRequired"},
        {"[{'op':'replace','path':'/spec/containers/0/envFrom','value':[{}]}]",
         "spec.containers[0].envFrom[0] | FieldValueInvalid"},
        {"[{'op':'replace','path':'/spec/containers/0/volumeMounts/0/name','value':'nope'}]",
         "spec.containers[0].volumeMounts[0].name | FieldValueNotFound | Not found: \"nope\""},
        {"[{'op':'add','path':'/spec/containers/0/volumeMounts/-','value':{'name':'conf','mountPath':'/data'}}]",
         "must be unique"},
        {"[{'op':'add','path':'/spec/containers/0/volumeMounts/0/subPath','value':'../x'}]", "must not contain '..'"},
        {"[{'op':'remove','path':'/spec/containers/0/volumeMounts/0/mountPath'}]",
         "spec.containers[0].volumeMounts[0].mountPath | FieldValueRequired"},
        {"[{'op':'add','path':'/spec/volumes/-','value':{'name':'data','emptyDir':{}}}]",
         "spec.volumes[2].name | FieldValueDuplicate"},
        {"[{'op':'add','path':'/spec/volumes/0/hostPath','value':{'path':'/x'}}]",
         "spec.volumes[0].hostPath | FieldValueForbidden | Forbidden: may not specify more than 1 volume type"},
        {"[{'op':'add','path':'/spec/volumes/-','value':{'name':'x','secret':{}}}]",
         "spec.volumes[2].secret.secretName | FieldValueRequired"},
        {"[{'op':'add','path':'/spec/volumes/-','value':{'name':'x','hostPath':{'path':'/a/../b'}}}]",
         "must not contain '..'"},
        {"[{'op':'add','path':'/spec/volumes/-','value':{'name':'x','hostPath':{'path':'/a','type':'Fil'}}}]",
         "spec.volumes[2].hostPath.type | FieldValueNotSupported"},
        {"[{'op':'add','path':'/spec/volumes/-','value':{'name':'x','configMap':{'name':'c','defaultMode':512}}}]",
         "must be a number between 0 and 0777 (octal), both inclusive"},
        {"[{'op':'add','path':'/spec/volumes/"
         "-','value':{'name':'x','configMap':{'name':'c','items':[{'key':'k','path':'/abs'}]}}}]",
         "must be a relative path"},
        {"[{'op':'add','path':'/spec/volumes/-','value':{'name':'x','unknown':'y'}}]",
         "spec.volumes[2] | FieldValueRequired | Required value: must specify a volume type"},
        {"[{'op':'add','path':'/spec/containers/0/readinessProbe/tcpSocket','value':{'port':1}}]",
         "may not specify more than 1 handler type"},
        {"[{'op':'replace','path':'/spec/containers/0/readinessProbe','value':{'periodSeconds':5}}]",
         "spec.containers[0].readinessProbe | FieldValueRequired | Required value: must specify a handler type"},
        {"[{'op':'replace','path':'/spec/containers/0/readinessProbe/httpGet/port','value':0}]",
         "must be between 1 and 65535, inclusive"},
        {"[{'op':'add','path':'/spec/containers/0/livenessProbe/successThreshold','value':2}]",
         "spec.containers[0].livenessProbe.successThreshold | FieldValueInvalid | Invalid value: 2: must be 1"},
        {"[{'op':'add','path':'/spec/containers/0/livenessProbe/periodSeconds','value':-1}]",
         "Invalid value: -1: must be greater than or equal to 0"},
        {"[{'op':'replace','path':'/spec/containers/0/livenessProbe/exec','value':{}}]",
         "livenessProbe.exec.command | FieldValueRequired"},
        {"[{'op':'add','path':'/spec/initContainers/0/livenessProbe','value':{'exec':{'command':['x']}}}]",
         "spec.initContainers[0].livenessProbe | FieldValueForbidden | Forbidden: may not be set for init containers "
         "without restartPolicy=Always"},
        {"[{'op':'replace','path':'/spec/containers/0/resources/requests/cpu','value':'2'}]",
         "spec.containers[0].resources.requests | FieldValueInvalid | Invalid value: \"2\": must be less than or equal "
         "to cpu limit of 1"},
        {"[{'op':'replace','path':'/spec/containers/0/resources/requests/cpu','value':'-1'}]",
         "spec.containers[0].resources.requests[cpu] | FieldValueInvalid"},
        {"[{'op':'add','path':'/spec/containers/0/resources/requests/wheels','value':'4'}]",
         "must be a standard resource for containers"},
        {"[{'op':'add','path':'/spec/restartPolicy','value':'Sometimes'}]",
         "spec.restartPolicy | FieldValueNotSupported"},
        {"[{'op':'add','path':'/spec/dnsPolicy','value':'None'}]", "spec.dnsConfig.nameservers | FieldValueRequired"},
        {"[{'op':'add','path':'/spec/terminationGracePeriodSeconds','value':-1}]",
         "spec.terminationGracePeriodSeconds | FieldValueInvalid"},
        {"[{'op':'add','path':'/spec/activeDeadlineSeconds','value':0}]",
         "spec.activeDeadlineSeconds | FieldValueInvalid"},
        {"[{'op':'add','path':'/spec/nodeSelector','value':{'a':'b c'}}]", "spec.nodeSelector | FieldValueInvalid"},
        {"[{'op':'add','path':'/spec/nodeName','value':'A'}]", "spec.nodeName | FieldValueInvalid"},
        {"[{'op':'replace','path':'/spec/tolerations/0/effect','value':'NoSchedule'}]",
         "effect must be 'NoExecute' when `tolerationSeconds` is set"},
        {"[{'op':'add','path':'/spec/tolerations/-','value':{'value':'x'}}]",
         "operator must be Exists when `key` is empty"},
        {"[{'op':'add','path':'/spec/tolerations/-','value':{'operator':'Exists'}}]", ""},
        {"[{'op':'add','path':'/spec/tolerations/-','value':{'key':'a','operator':'Like'}}]",
         "spec.tolerations[1].operator | FieldValueNotSupported"},
        {"[{'op':'add','path':'/spec/hostname','value':'a.b'}]", "spec.hostname | FieldValueInvalid"},
        {"[{'op':'add','path':'/spec/"
         "affinity','value':{'nodeAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':{'nodeSelectorTerms':[{"
         "'matchExpressions':[{'key':'a','operator':'In'}]}]}}}}]",
         "nodeSelectorTerms[0].matchExpressions[0].values | FieldValueRequired"},
        {"[{'op':'add','path':'/spec/containers/0/securityContext','value':{'runAsUser':-1}}]",
         "spec.containers[0].securityContext.runAsUser | FieldValueInvalid"}});
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

BOOST_AUTO_TEST_CASE(updates_of_pods) {
  BOOST_TEST(updated("pods", js(pod), js(pod)) == "");
  BOOST_TEST(updated("pods", js(pod),
                     changed(pod, "[{'op':'replace','path':'/spec/containers/0/image','value':'a:2'}]")) == "");
  BOOST_TEST(updated("pods", js(pod),
                     with(pod, "{'metadata':{'labels':{'a':'b'}},'spec':{'activeDeadlineSeconds':5}}")) == "");
  BOOST_TEST(
      updated("pods", js(pod),
              changed(pod, "[{'op':'add','path':'/spec/tolerations/-','value':{'key':'x','operator':'Exists'}}]")) ==
      "");
  BOOST_TEST(updated("pods", js(pod), with(pod, "{'spec':{'tolerations':null}}"))
                 .find("spec.tolerations | FieldValueForbidden") == 0);
  for (auto ops : {"[{'op':'add','path':'/spec/hostNetwork','value':true}]",
                   "[{'op':'replace','path':'/spec/containers/0/env/0/value','value':'2'}]",
                   "[{'op':'add','path':'/spec/nodeName','value':'n1'}]",
                   "[{'op':'add','path':'/spec/terminationGracePeriodSeconds','value':5}]"}) {
    auto got = updated("pods", js(pod), changed(pod, ops));
    BOOST_TEST(got.find("spec | FieldValueForbidden | Forbidden: pod updates may not change fields other than") == 0,
               got);
  }
  BOOST_TEST(updated("pods", js(pod), changed(pod, "[{'op':'remove','path':'/spec/containers/1'}]")) ==
             "spec | FieldValueForbidden | Forbidden: pod updates may not add or remove containers");
  // Status and binding are not bound by it.
  auto before = ready("pods", js(pod)), after = ready("pods", with(pod, "{'spec':{'nodeName':'n1'}}"));
  BOOST_TEST(shown(validate_update(info("pods"), before, after, "binding")) == "");
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
