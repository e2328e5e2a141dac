#include "schema/kube/table.hpp"

#include <boost/test/unit_test.hpp>

#include "schema/kube/columns.hpp"
#include "test/kube/support.hpp"

using namespace skerry;
using namespace skerry::kube;
using namespace skerry::kube::test;

namespace {
const int64_t now = *parse_time("2026-11-23T10:10:00Z");
std::string cells(const char* id, const char* text) { return str(table_cells(info(id), js(text), now)); }
std::string want(const char* text) { return str(js(text)); }
}  // namespace

BOOST_AUTO_TEST_SUITE(table_suite)

BOOST_AUTO_TEST_CASE(each_column_has_a_source) {
  for (const auto& r : tables().resources()) {
    BOOST_TEST_CONTEXT(r.id) {
      BOOST_TEST(!r.columns.empty());
      for (const auto& c : r.columns)
        if (c.source[0] == '@')
          BOOST_TEST(find_column(c.source.substr(1, c.source.find(' ') - 1)) != nullptr, c.source);
      // An empty object gives a row and no crash.
      BOOST_TEST(table_cells(r, json::object{}, now).size() == r.columns.size());
    }
  }
}

BOOST_AUTO_TEST_CASE(column_definitions) {
  auto columns = table_columns(info("pods"));
  std::string line;
  for (const auto& c : columns)
    line += std::string{string_at(c, "name")} + (int_at(c, "priority") == 1 ? "+" : "") + " ";
  BOOST_TEST(line == "Name Ready Status Restarts Age IP+ Node+ Nominated Node+ Readiness Gates+ ");
  BOOST_TEST(string_at(columns[0], "format") == "name");
}

BOOST_AUTO_TEST_CASE(rows) {
  auto at = "'creationTimestamp':'2026-11-23T10:05:00Z'";
  auto row = [&](const char* id, std::string text) {
    auto p = text.find("@");
    if (p != std::string::npos) text.replace(p, 1, at);
    return cells(id, text.c_str());
  };
  BOOST_TEST(row("deployments.apps",
                 "{'metadata':{'name':'web',@},'spec':{'replicas':3,'selector':{'matchLabels':{'app':'web'}},'template'"
                 ":{'spec':{'containers':[{'name':'a',"
                 "'image':'x:1'},{'name':'b','image':'y:2'}]}}},'status':{'readyReplicas':2,'updatedReplicas':3,'"
                 "availableReplicas':2}}") == want("['web','2/3',3,2,'5m','a,b','x:1,y:2','app=web']"));
  BOOST_TEST(row("replicasets.apps", "{'metadata':{'name':'web-1',@},'spec':{'replicas':3}}") ==
             want("['web-1',3,0,0,'5m','','','<none>']"));
  BOOST_TEST(
      row("nodes",
          "{'metadata':{'name':'n1',@,'labels':{'node-role.kubernetes.io/edge':'','node-role.kubernetes.io/"
          "a':''}},'spec':{'unschedulable':true},"
          "'status':{'conditions':[{'type':'Ready','status':'True'}],'addresses':[{'type':'InternalIP','address':'10.0."
          "0.5'}],'nodeInfo':"
          "{'kubeletVersion':'v1','osImage':'Debian','kernelVersion':'6.1','containerRuntimeVersion':'oci://1'}}}") ==
      want("['n1','Ready,SchedulingDisabled','a,edge','5m','v1','10.0.0.5','<none>','Debian','6.1','oci://1']"));
  BOOST_TEST(
      row("nodes", "{'metadata':{'name':'n1',@},'status':{'conditions':[{'type':'Ready','status':'Unknown'}]}}") ==
      want("['n1','NotReady','<none>','5m','','<none>','<none>','<unknown>','<unknown>','<unknown>']"));
  BOOST_TEST(row("configmaps", "{'metadata':{'name':'c',@},'data':{'a':'','b':''},'binaryData':{'c':''}}") ==
             want("['c',3,'5m']"));
  BOOST_TEST(row("secrets", "{'metadata':{'name':'s',@},'type':'Opaque','data':{'a':''}}") ==
             want("['s','Opaque',1,'5m']"));
  BOOST_TEST(row("namespaces", "{'metadata':{'name':'n',@},'status':{'phase':'Active'}}") ==
             want("['n','Active','5m']"));
  BOOST_TEST(row("services",
                 "{'metadata':{'name':'s',@},'spec':{'type':'NodePort','clusterIP':'10.0.0.1','selector':{'b':'2','a':'"
                 "1'},'ports':[{'port':80,'nodePort':"
                 "30080,'protocol':'TCP'},{'port':53,'protocol':'UDP'}]}}") ==
             want("['s','NodePort','10.0.0.1','<none>','80:30080/TCP,53/UDP','5m','a=1,b=2']"));
  BOOST_TEST(row("leases.coordination.k8s.io", "{'metadata':{'name':'n1',@},'spec':{'holderIdentity':'n1'}}") ==
             want("['n1','n1','5m']"));
  BOOST_TEST(row("events",
                 "{'metadata':{'name':'e.1'},'lastTimestamp':'2026-11-23T10:09:30Z','firstTimestamp':'2026-11-23T10:00:"
                 "00Z','type':'Normal','reason':"
                 "'Pulled','message':'done','count':4,'source':{'component':'agent','host':'n1'},'involvedObject':{'"
                 "kind':'Pod','name':'web','fieldPath':"
                 "'spec.containers{a}'}}") ==
             want("['30s','Normal','Pulled','pod/web','spec.containers{a}','agent, n1','done','10m',4,'e.1']"));
  BOOST_TEST(row("priorityclasses.scheduling.k8s.io", "{'metadata':{'name':'p',@},'value':7,'globalDefault':true}") ==
             want("['p',7,'true','5m','']"));
}

BOOST_AUTO_TEST_CASE(status_of_pods) {
  struct row {
    const char *pod, *status;
  };
  for (
      auto [pod, status] : std::initializer_list<row>{
          {"{'status':{'phase':'Pending'}}", "Pending"},
          {"{'status':{'phase':'Failed','reason':'Evicted'}}", "Evicted"},
          {"{'status':{'phase':'Pending','containerStatuses':[{'state':{'waiting':{'reason':'ContainerCreating'}}}]}}",
           "ContainerCreating"},
          {"{'status':{'phase':'Running','containerStatuses':[{'ready':true,'state':{'running':{}}}]}}", "Running"},
          {"{'status':{'phase':'Running','containerStatuses':[{'ready':true,'state':{'running':{}}},{'state':{'waiting'"
           ":{'reason':'CrashLoopBackOff'}}}]}}",
           "CrashLoopBackOff"},
          {"{'status':{'phase':'Succeeded','containerStatuses':[{'state':{'terminated':{'reason':'Completed','exitCode'"
           ":0}}}]}}",
           "Completed"},
          {"{'status':{'phase':'Failed','containerStatuses':[{'state':{'terminated':{'reason':'Error','exitCode':1}}}]}"
           "}",
           "Error"},
          {"{'status':{'phase':'Failed','containerStatuses':[{'state':{'terminated':{'exitCode':3}}}]}}", "ExitCode:3"},
          {"{'status':{'phase':'Failed','containerStatuses':[{'state':{'terminated':{'signal':9}}}]}}", "Signal:9"},
          {"{'spec':{'initContainers':[{'name':'i'},{'name':'j'}]},'status':{'phase':'Pending','initContainerStatuses':"
           "[{'name':'i','state':{'terminated':"
           "{'exitCode':0}}},{'name':'j','state':{'running':{}}}]}}",
           "Init:1/2"},
          {"{'spec':{'initContainers':[{'name':'i'}]},'status':{'phase':'Pending','initContainerStatuses':[{'name':'i',"
           "'state':{'waiting':{'reason':"
           "'ImagePullBackOff'}}}]}}",
           "Init:ImagePullBackOff"},
          {"{'spec':{'initContainers':[{'name':'i'}]},'status':{'phase':'Pending','initContainerStatuses':[{'name':'i',"
           "'state':{'terminated':{'reason':"
           "'Error','exitCode':1}}}]}}",
           "Init:Error"},
          {"{'metadata':{'deletionTimestamp':'2026-11-23T10:00:00Z'},'status':{'phase':'Running'}}", "Terminating"},
          {"{'metadata':{'deletionTimestamp':'2026-11-23T10:00:00Z'},'status':{'phase':'Running','reason':'NodeLost'}}",
           "Unknown"},
          {"{'status':{'phase':'Running','containerStatuses':[{'state':{'terminated':{'reason':'Completed'}}},{'ready':"
           "true,'state':{'running':{}}}],"
           "'conditions':[{'type':'Ready','status':'False'}]}}",
           "NotReady"}})
    BOOST_TEST(pod_status(js(pod)) == status, pod);
  BOOST_TEST(
      cells("pods",
            "{'metadata':{'name':'web','creationTimestamp':'2026-11-21T07:10:00Z'},'spec':{'nodeName':'n1','containers'"
            ":[{},{}]},'status':{'phase':"
            "'Running','podIP':'10.1.0.2','containerStatuses':[{'ready':true,'restartCount':2,'state':{'running':{}},'"
            "lastState':{'terminated':"
            "{'finishedAt':'2026-11-23T10:08:00Z'}}},{'ready':false,'restartCount':1,'state':{'running':{}}}]}}") ==
      want("['web','1/2','Running','3 (2m ago)','2d3h','10.1.0.2','n1','<none>','<none>']"));
}

BOOST_AUTO_TEST_SUITE_END()
