#include <boost/test/unit_test.hpp>

#include "schema/kube/patch.hpp"
#include "test/kube/support.hpp"

using namespace skerry;
using namespace skerry::kube;
using namespace skerry::kube::test;

namespace {
struct row {
  const char *target, *patch, *result;
};
void check(const char* type_name, std::initializer_list<row> rows) {
  for (auto [target, patch, result] : rows) {
    BOOST_TEST_CONTEXT(patch) {
      auto r = strategic_patch(type(type_name), js(target), js(patch));
      if (!r) BOOST_ERROR(message_of(r.error()));
      if (r) BOOST_TEST(str(*r) == str(js(result)));
    }
  }
}
}  // namespace

BOOST_AUTO_TEST_SUITE(strategic_patch_suite)

BOOST_AUTO_TEST_CASE(objects_merge) {
  check("apps.v1.Deployment",
        {{"{'spec':{'replicas':1}}", "{'spec':{'replicas':3}}", "{'spec':{'replicas':3}}"},
         {"{'metadata':{'labels':{'a':'b'}}}", "{'metadata':{'labels':{'c':'d'}}}",
          "{'metadata':{'labels':{'a':'b','c':'d'}}}"},
         {"{'metadata':{'labels':{'a':'b','c':'d'}}}", "{'metadata':{'labels':{'a':null}}}",
          "{'metadata':{'labels':{'c':'d'}}}"},
         {"{'metadata':{}}", "{'metadata':{'labels':{'a':null,'b':'c'}}}", "{'metadata':{'labels':{'b':'c'}}}"},
         {"{'metadata':{'labels':{'a':'b'}}}", "{'metadata':{'labels':{'$patch':'replace','x':'y'}}}",
          "{'metadata':{'labels':{'x':'y'}}}"},
         {"{'metadata':{'labels':{'a':'b'}}}", "{'metadata':{'labels':{'$patch':'delete'}}}",
          "{'metadata':{'labels':{}}}"},
         {"{'metadata':{'labels':{'a':'b'}}}", "{'metadata':{'labels':{'$patch':'merge','c':'d'}}}",
          "{'metadata':{'labels':{'a':'b','c':'d'}}}"},
         {"{'spec':{'selector':{'matchLabels':{'a':'b'}}}}", "{'spec':{'selector':{'matchLabels':{'c':'d'}}}}",
          "{'spec':{'selector':{'matchLabels':{'a':'b','c':'d'}}}}"},
         {"{'spec':{'replicas':1}}", "{'spec':null}", "{}"},
         // A field that the table does not know merges as JSON: objects by key, lists whole.
         {"{'x':{'a':1,'l':[1]}}", "{'x':{'b':2,'l':[2]}}", "{'x':{'a':1,'l':[2],'b':2}}"}});
}

BOOST_AUTO_TEST_CASE(strategy_keeps_only_retained_keys) {
  check("apps.v1.Deployment", {{"{'spec':{'strategy':{'type':'RollingUpdate','rollingUpdate':{'maxSurge':1}}}}",
                                "{'spec':{'strategy':{'$retainKeys':['type'],'type':'Recreate'}}}",
                                "{'spec':{'strategy':{'type':'Recreate'}}}"},
                               {"{'spec':{'strategy':{'type':'RollingUpdate','rollingUpdate':{'maxSurge':1}}}}",
                                "{'spec':{'strategy':{'$retainKeys':['type'],'rollingUpdate':null,'type':'Recreate'}}}",
                                "{'spec':{'strategy':{'type':'Recreate'}}}"},
                               {"{'spec':{'strategy':{'type':'Recreate'}}}",
                                "{'spec':{'strategy':{'$retainKeys':['rollingUpdate','type'],'rollingUpdate':{'"
                                "maxSurge':1},'type':'RollingUpdate'}}}",
                                "{'spec':{'strategy':{'type':'RollingUpdate','rollingUpdate':{'maxSurge':1}}}}"},
                               {"{'spec':{}}", "{'spec':{'strategy':{'$retainKeys':['type'],'type':'Recreate'}}}",
                                "{'spec':{'strategy':{'type':'Recreate'}}}"}});
}

BOOST_AUTO_TEST_CASE(lists_of_objects_merge_by_key) {
  check("core.v1.PodSpec",
        {// kubectl set image
         {"{'containers':[{'name':'a','image':'a:1'},{'name':'b','image':'b:1'}]}",
          "{'$setElementOrder/containers':[{'name':'a'},{'name':'b'}],'containers':[{'image':'a:2','name':'a'}]}",
          "{'containers':[{'name':'a','image':'a:2'},{'name':'b','image':'b:1'}]}"},
         // without order: a plain patch of a user; patch items go first unless the server's order says otherwise
         {"{'containers':[{'name':'a','image':'a:1'}]}", "{'containers':[{'name':'b','image':'b:1'}]}",
          "{'containers':[{'name':'b','image':'b:1'},{'name':'a','image':'a:1'}]}"},
         {"{'containers':[{'name':'a','image':'a:1'},{'name':'b'}]}", "{'containers':[{'name':'b','image':'b:2'}]}",
          "{'containers':[{'name':'a','image':'a:1'},{'name':'b','image':'b:2'}]}"},
         // deletion by directive
         {"{'containers':[{'name':'a'},{'name':'b'}]}", "{'containers':[{'$patch':'delete','name':'a'}]}",
          "{'containers':[{'name':'b'}]}"},
         {"{'containers':[{'name':'a'}]}", "{'containers':[{'$patch':'delete','name':'zzz'}]}",
          "{'containers':[{'name':'a'}]}"},
         // kubectl apply: one gone, one new, one changed
         {"{'containers':[{'name':'a','image':'a:1'},{'name':'b','image':'b:1'}]}",
          "{'$setElementOrder/"
          "containers':[{'name':'c'},{'name':'b'}],'containers':[{'name':'c','image':'c:1'},{'name':'b','image':'b:2'},"
          "{'$patch':'delete','name':'a'}]}",
          "{'containers':[{'name':'c','image':'c:1'},{'name':'b','image':'b:2'}]}"},
         // replacing the list
         {"{'containers':[{'name':'a'},{'name':'b'}]}", "{'containers':[{'name':'c'},{'$patch':'replace'}]}",
          "{'containers':[{'name':'c'}]}"},
         // order alone changes
         {"{'containers':[{'name':'a'},{'name':'b'}]}", "{'$setElementOrder/containers':[{'name':'b'},{'name':'a'}]}",
          "{'containers':[{'name':'b'},{'name':'a'}]}"},
         // the server's own item (a sidecar that was injected) stays, in its place
         {"{'containers':[{'name':'a'},{'name':'injected'},{'name':'b'}]}",
          "{'$setElementOrder/containers':[{'name':'a'},{'name':'b'}],'containers':[{'name':'b','image':'x'}]}",
          "{'containers':[{'name':'a'},{'name':'injected'},{'name':'b','image':'x'}]}"},
         {"{}", "{'$setElementOrder/containers':[{'name':'a'}],'containers':[{'name':'a','image':'x','command':null}]}",
          "{'containers':[{'name':'a','image':'x'}]}"},
         {"{'containers':[{'name':'a'}]}", "{'containers':null}", "{}"},
         {"{}", "{'$setElementOrder/containers':[{'name':'a'}]}", "{}"},
         // atomic lists are replaced
         {"{'containers':[{'name':'a','command':['x','y']}]}", "{'containers':[{'name':'a','command':['z']}]}",
          "{'containers':[{'name':'a','command':['z']}]}"},
         {"{'tolerations':[{'key':'a'}]}", "{'tolerations':[{'key':'b'}]}", "{'tolerations':[{'key':'b'}]}"},
         {"{'imagePullSecrets':[{'name':'a'}]}", "{'imagePullSecrets':[{'name':'b'}]}",
          "{'imagePullSecrets':[{'name':'b'},{'name':'a'}]}"},
         {"{'nodeSelector':{'a':'b'}}", "{'nodeSelector':{'c':'d'}}", "{'nodeSelector':{'a':'b','c':'d'}}"}});
}

BOOST_AUTO_TEST_CASE(container_lists) {
  check(
      "core.v1.Container",
      {// env by name
       {"{'env':[{'name':'A','value':'1'},{'name':'B','value':'2'}]}",
        "{'$setElementOrder/"
        "env':[{'name':'A'},{'name':'C'}],'env':[{'name':'C','value':'3'},{'$patch':'delete','name':'B'}]}",
        "{'env':[{'name':'A','value':'1'},{'name':'C','value':'3'}]}"},
       // a variable goes from a value to a reference
       {"{'env':[{'name':'A','value':'1'}]}",
        "{'$setElementOrder/"
        "env':[{'name':'A'}],'env':[{'name':'A','value':null,'valueFrom':{'configMapKeyRef':{'name':'c','key':'k'}}}]}",
        "{'env':[{'name':'A','valueFrom':{'configMapKeyRef':{'name':'c','key':'k'}}}]}"},
       // kubectl set env NAME-
       {"{'env':[{'name':'A','value':'1'}]}", "{'env':[{'$patch':'delete','name':'A'}]}", "{'env':[]}"},
       // ports by containerPort, a number
       {"{'ports':[{'containerPort':80,'protocol':'TCP'},{'containerPort':443,'protocol':'TCP'}]}",
        "{'$setElementOrder/"
        "ports':[{'containerPort':80},{'containerPort':8443}],'ports':[{'containerPort':8443,'name':'https'},"
        "{'$patch':'delete','containerPort':443}]}",
        "{'ports':[{'containerPort':80,'protocol':'TCP'},{'containerPort':8443,'name':'https'}]}"},
       {"{'ports':[{'containerPort':80,'protocol':'TCP'}]}", "{'ports':[{'containerPort':80,'name':'web'}]}",
        "{'ports':[{'containerPort':80,'protocol':'TCP','name':'web'}]}"},
       {"{'volumeMounts':[{'mountPath':'/a','name':'x'}]}",
        "{'volumeMounts':[{'mountPath':'/a','name':'y'},{'mountPath':'/b','name':'x'}]}",
        "{'volumeMounts':[{'mountPath':'/a','name':'y'},{'mountPath':'/b','name':'x'}]}"},
       {"{'resources':{'limits':{'cpu':'1','memory':'1Gi'}}}",
        "{'resources':{'limits':{'cpu':'2','memory':null},'requests':{'cpu':'1'}}}",
        "{'resources':{'limits':{'cpu':'2'},'requests':{'cpu':'1'}}}"}});
}

BOOST_AUTO_TEST_CASE(volumes_change_their_source) {
  check("core.v1.PodSpec", {{"{'volumes':[{'name':'v','emptyDir':{}}]}",
                             "{'$setElementOrder/"
                             "volumes':[{'name':'v'}],'volumes':[{'$retainKeys':['name','secret'],'emptyDir':null,'"
                             "name':'v','secret':{'secretName':'s'}}]}",
                             "{'volumes':[{'name':'v','secret':{'secretName':'s'}}]}"},
                            {"{'volumes':[{'name':'v','hostPath':{'path':'/a'}}]}",
                             "{'volumes':[{'$retainKeys':['name','emptyDir'],'name':'v','emptyDir':{}}]}",
                             "{'volumes':[{'name':'v','emptyDir':{}}]}"},
                            {"{}", "{'volumes':[{'$retainKeys':['name','emptyDir'],'name':'v','emptyDir':{}}]}",
                             "{'volumes':[{'name':'v','emptyDir':{}}]}"}});
}

BOOST_AUTO_TEST_CASE(lists_of_scalars_merge) {
  check("meta.v1.ObjectMeta",
        {{"{'finalizers':['a','b']}", "{'finalizers':['c','a']}", "{'finalizers':['c','a','b']}"},
         {"{'finalizers':['a','b','c']}", "{'$deleteFromPrimitiveList/finalizers':['b']}", "{'finalizers':['a','c']}"},
         {"{'finalizers':['a','b']}",
          "{'$deleteFromPrimitiveList/finalizers':['a'],'$setElementOrder/finalizers':['c','b'],'finalizers':['c']}",
          "{'finalizers':['c','b']}"},
         {"{'finalizers':['a']}", "{'finalizers':null}", "{}"},
         {"{}", "{'$deleteFromPrimitiveList/finalizers':['a']}", "{}"},
         {"{'ownerReferences':[{'uid':'1','name':'a'}]}",
          "{'ownerReferences':[{'uid':'1','controller':true},{'uid':'2','name':'b'}]}",
          "{'ownerReferences':[{'uid':'1','name':'a','controller':true},{'uid':'2','name':'b'}]}"},
         {"{'ownerReferences':[{'uid':'1','name':'a'}]}", "{'ownerReferences':[{'$patch':'delete','uid':'1'}]}",
          "{'ownerReferences':[]}"}});
}

BOOST_AUTO_TEST_CASE(conditions_merge_by_type) {
  check("core.v1.Node",
        {{"{'status':{'conditions':[{'type':'Ready','status':'True'},{'type':'DiskPressure','status':'False'}]}}",
          "{'status':{'$setElementOrder/"
          "conditions':[{'type':'Ready'},{'type':'DiskPressure'}],'conditions':[{'type':'Ready','status':'False'}]}}",
          "{'status':{'conditions':[{'type':'Ready','status':'False'},{'type':'DiskPressure','status':'False'}]}}"},
         // kubectl cordon and taint
         {"{'spec':{}}", "{'spec':{'unschedulable':true}}", "{'spec':{'unschedulable':true}}"},
         {"{'spec':{'unschedulable':true}}", "{'spec':{'unschedulable':null}}", "{'spec':{}}"},
         {"{'spec':{'taints':[{'key':'a','effect':'NoSchedule'}]}}",
          "{'spec':{'taints':[{'key':'b','effect':'NoExecute'}]}}",
          "{'spec':{'taints':[{'key':'b','effect':'NoExecute'}]}}"}});
}

BOOST_AUTO_TEST_CASE(kubectl_apply_of_a_deployment) {
  // What kubectl apply sends when the manifest went from two ports and an image to another image, one port and a new
  // label.
  check("apps.v1.Deployment",
        {{"{'metadata':{'name':'web','annotations':{'deployment.kubernetes.io/revision':'1','kubectl.kubernetes.io/"
          "last-applied-configuration':'old'},"
          "'labels':{'app':'web','old':'x'}},'spec':{'replicas':2,'template':{'metadata':{'labels':{'app':'web'}},'"
          "spec':{'containers':[{'name':'web',"
          "'image':'web:1','imagePullPolicy':'IfNotPresent','ports':[{'containerPort':80,'protocol':'TCP'},{'"
          "containerPort':81,'protocol':'TCP'}]}],"
          "'restartPolicy':'Always'}}}}",
          "{'metadata':{'annotations':{'kubectl.kubernetes.io/"
          "last-applied-configuration':'new'},'labels':{'new':'y','old':null}},'spec':{'template':"
          "{'spec':{'$setElementOrder/containers':[{'name':'web'}],'containers':[{'$setElementOrder/"
          "ports':[{'containerPort':80}],'image':'web:2',"
          "'name':'web','ports':[{'$patch':'delete','containerPort':81}]}]}}}}",
          "{'metadata':{'name':'web','annotations':{'deployment.kubernetes.io/revision':'1','kubectl.kubernetes.io/"
          "last-applied-configuration':'new'},"
          "'labels':{'app':'web','new':'y'}},'spec':{'replicas':2,'template':{'metadata':{'labels':{'app':'web'}},'"
          "spec':{'containers':[{'name':'web',"
          "'image':'web:2','imagePullPolicy':'IfNotPresent','ports':[{'containerPort':80,'protocol':'TCP'}]}],'"
          "restartPolicy':'Always'}}}}"}});
}

BOOST_AUTO_TEST_CASE(errors_name_the_path) {
  struct wrong {
    const char *patch, *message;
  };
  for (auto [patch, message] : std::initializer_list<wrong>{
           {"[]", "a strategic merge patch is an object"},
           {"{'spec':{'$patch':'explode'}}",
            "spec: unknown patch type found: explode (expected merge, replace or delete)"},
           {"{'spec':{'containers':[{'image':'x'}]}}", "spec.containers: map does not contain the merge key name"},
           {"{'spec':{'containers':['x']}}", "spec.containers: expected an object in the list"},
           {"{'spec':{'containers':[{'$patch':'delete'}]}}",
            "spec.containers: map does not contain the merge key name"},
           {"{'spec':{'containers':[{'$patch':'what','name':'a'}]}}",
            "spec.containers: unknown patch type found: what (expected merge, replace or delete)"},
           {"{'spec':{'$setElementOrder/containers':5}}", "spec.containers: $setElementOrder: expected array"},
           {"{'spec':{'$setElementOrder/"
            "containers':[{'name':'a'},{'name':'b'}],'containers':[{'name':'b'},{'name':'a'}]}}",
            "spec.containers: the order in the patch's list does not match $setElementOrder"},
           {"{'spec':{'$setElementOrder/containers':[{'name':'a'}],'containers':[{'name':'b'}]}}",
            "spec.containers: the order in the patch's list does not match $setElementOrder"},
           {"{'spec':{'$retainKeys':'x'}}", "spec: $retainKeys: expected array"},
           {"{'spec':{'$retainKeys':['a'],'hostname':'x'}}",
            "spec: $retainKeys must contain the keys of the patch that are set; it lacks hostname"},
           {"{'metadata':{'$deleteFromPrimitiveList/finalizers':'a'}}",
            "metadata: $deleteFromPrimitiveList/finalizers: expected array"}}) {
    BOOST_TEST_CONTEXT(patch) {
      auto r =
          strategic_patch(type("core.v1.Pod"), js("{'metadata':{},'spec':{'containers':[{'name':'a'}]}}"), js(patch));
      BOOST_REQUIRE(!r);
      BOOST_TEST(message_of(r.error()) == message);
    }
  }
}

BOOST_AUTO_TEST_CASE(long_lists_take_linear_time) {
  json::array containers, changes;
  for (int i = 0; i < 20'000; ++i) {
    containers.push_back(json::object{{"name", "c" + std::to_string(i)}});
    changes.push_back(json::object{{"name", "c" + std::to_string(i)}, {"image", "x"}});
  }
  auto r = strategic_patch(type("core.v1.PodSpec"), json::object{{"containers", containers}},
                           json::object{{"containers", changes}});
  BOOST_REQUIRE(r);
  BOOST_TEST(r->at("containers").as_array().size() == 20'000u);
  BOOST_TEST(string_at(r->at("containers").as_array().back(), "image") == "x");
}

BOOST_AUTO_TEST_SUITE_END()
