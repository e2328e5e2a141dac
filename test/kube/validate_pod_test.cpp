#include <boost/test/unit_test.hpp>

#include "test/kube/validate_support.hpp"

using namespace skerry;
using namespace skerry::kube;
using namespace skerry::kube::test;

BOOST_AUTO_TEST_SUITE(validate_pod_suite)

BOOST_AUTO_TEST_CASE(a_pod_has_containers) {
  BOOST_TEST(created("pods", js("{'metadata':{'name':'a'}}")) ==
             "spec.containers | FieldValueRequired | Required value");
}

BOOST_AUTO_TEST_CASE(containers_of_pods) {
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
        {"[{'op':'add','path':'/spec/containers/0/securityContext','value':{'runAsUser':-1}}]",
         "spec.containers[0].securityContext.runAsUser | FieldValueInvalid"}});
}

BOOST_AUTO_TEST_CASE(environment_of_pods) {
  each("pods", pod,
       {{"[{'op':'add','path':'/spec/containers/0/env/-','value':{'value':'x'}}]",
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
         "spec.containers[0].envFrom[0] | FieldValueInvalid"}});
}

BOOST_AUTO_TEST_CASE(volumes_of_pods) {
  each("pods", pod,
       {{"[{'op':'replace','path':'/spec/containers/0/volumeMounts/0/name','value':'nope'}]",
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
         "spec.volumes[2] | FieldValueRequired | Required value: must specify a volume type"}});
}

BOOST_AUTO_TEST_CASE(probes_and_resources_of_pods) {
  each("pods", pod,
       {{"[{'op':'add','path':'/spec/containers/0/readinessProbe/tcpSocket','value':{'port':1}}]",
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
         "must be a standard resource for containers"}});
}

BOOST_AUTO_TEST_CASE(specs_of_pods) {
  each("pods", pod,
       {{"[{'op':'add','path':'/spec/restartPolicy','value':'Sometimes'}]",
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
         "nodeSelectorTerms[0].matchExpressions[0].values | FieldValueRequired"}});
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

BOOST_AUTO_TEST_SUITE_END()
