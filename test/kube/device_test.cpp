#include "schema/kube/table.hpp"
#include "schema/kube/validate_device.hpp"
#include "test/kube/validate_support.hpp"

using namespace skerry;
using namespace skerry::kube;
using namespace skerry::kube::test;

namespace {

const char* const device_id = "devices.devices.kubeedge.io";
const char* const model_id = "devicemodels.devices.kubeedge.io";

const char* const model =
    "{'metadata':{'name':'boiler'},'spec':{'protocol':'modbus','properties':["
    "{'name':'temperature','type':'FLOAT','accessMode':'ReadOnly','unit':'degree celsius'},"
    "{'name':'setpoint','type':'INT','accessMode':'ReadWrite','minimum':'1','maximum':'100'},"
    "{'name':'pump','type':'BOOLEAN','accessMode':'ReadWrite'}]}}";

// As KubeEdge's own sample for its Modbus mapper has it: texts for numbers, cycles in nanoseconds, a status.
const char* const boiler =
    "{'metadata':{'name':'boiler-1'},'spec':{'deviceModelRef':{'name':'boiler'},'nodeName':'rock-1',"
    "'protocol':{'protocolName':'modbus','configData':{'ip':'127.0.0.1','port':'1502','slaveID':'1'}},'properties':["
    "{'name':'temperature','collectCycle':10000000000,'reportCycle':10000000000,'reportToCloud':true,"
    "'visitors':{'protocolName':'modbus','configData':{'register':'InputRegister','offset':2,'limit':1,'scale':0.1}}},"
    "{'name':'setpoint','collectCycle':1000,'desired':{'value':'30'},"
    "'visitors':{'protocolName':'modbus','configData':{'register':'HoldingRegister','offset':'2','limit':1,"
    "'isSwap':true,'isRegisterSwap':true}}},"
    "{'name':'pump','visitors':{'protocolName':'modbus','configData':{'register':'CoilRegister','offset':2}}}]},"
    "'status':{'twins':[{'propertyName':'temperature','reported':{'value':'unknown'}}]}}";

std::string against(const char* ops) {
  return shown(validate_device_against(ready(device_id, changed(boiler, ops)), js(model)));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(device_suite)

BOOST_AUTO_TEST_CASE(devices_name_the_field_that_is_wrong) {
  each(device_id, boiler,
       {{"[{'op':'replace','path':'/spec/properties/1/name','value':'temperature'}]",
         "spec.properties[1].name | FieldValueDuplicate"},
        {"[{'op':'remove','path':'/spec/properties/1/name'}]", "spec.properties[1].name | FieldValueRequired"},
        {"[{'op':'add','path':'/spec/properties/1/visitors/configData/register','value':'InputRegister'},"
         "{'op':'remove','path':'/spec/properties/1/desired'}]",
         "spec.properties[1].visitors.configData.offset | FieldValueInvalid | Invalid value: \"2\": two visitors for "
         "one "
         "register: property \"temperature\""},
        {"[{'op':'replace','path':'/spec/properties/0/visitors/configData/register','value':'Register'}]",
         "spec.properties[0].visitors.configData.register"},
        {"[{'op':'replace','path':'/spec/properties/0/visitors/configData/offset','value':65536}]",
         "spec.properties[0].visitors.configData.offset"},
        {"[{'op':'replace','path':'/spec/properties/0/visitors/configData/limit','value':200}]",
         "spec.properties[0].visitors.configData.limit"},
        {"[{'op':'replace','path':'/spec/properties/0/visitors/protocolName','value':'opcua'}]",
         "spec.properties[0].visitors.protocolName"},
        {"[{'op':'replace','path':'/spec/protocol/configData/port','value':'http'}]", "spec.protocol.configData.port"},
        {"[{'op':'replace','path':'/spec/protocol/configData/slaveID','value':300}]",
         "spec.protocol.configData.slaveID"},
        {"[{'op':'remove','path':'/spec/protocol/configData/ip'}]", "spec.protocol.configData | FieldValueInvalid"},
        {"[{'op':'replace','path':'/spec/properties/0/collectCycle','value':-1}]", "spec.properties[0].collectCycle"},
        {"[{'op':'add','path':'/spec/properties/0/desired','value':{'value':'1'}}]",
         "spec.properties[0].desired | FieldValueForbidden"},
        {"[{'op':'replace','path':'/spec/nodeName','value':'Rock_1'}]", "spec.nodeName | FieldValueInvalid"},
        {"[{'op':'replace','path':'/spec/protocol/protocolName','value':'Modbus-TCP'}]", ""},
        {"[{'op':'replace','path':'/spec/properties/1/desired','value':{}}]",
         "spec.properties[1].desired.value | FieldValueRequired"}});
  // Two bits of one register are two properties.
  BOOST_TEST(created(device_id, changed(boiler,
                                        "[{'op':'replace','path':'/spec/properties/0/visitors/configData','value':"
                                        "{'register':'HoldingRegister','offset':9,'bit':0}},"
                                        "{'op':'replace','path':'/spec/properties/1/visitors/configData','value':"
                                        "{'register':'HoldingRegister','offset':9,'bit':1}}]")) == "");
}

BOOST_AUTO_TEST_CASE(devices_are_held_against_their_models) {
  BOOST_TEST(against("[]") == "");
  auto said = [](const char* ops, const char* error) {
    BOOST_TEST_CONTEXT(ops) {
      auto got = against(ops);
      BOOST_TEST(got.find(error) != std::string::npos, got << "\n  lacks: " << error);
      BOOST_TEST(got.find('\n') == std::string::npos, got);
    }
  };
  said("[{'op':'replace','path':'/spec/properties/2/name','value':'fan'}]",
       "spec.properties[2].name | FieldValueInvalid | Invalid value: \"fan\": unknown property: model \"boiler\"");
  said("[{'op':'replace','path':'/spec/properties/1/desired/value','value':'warm'}]",
       "spec.properties[1].desired.value");
  said("[{'op':'replace','path':'/spec/properties/1/desired/value','value':'20.5'}]", "must be a whole number");
  said("[{'op':'replace','path':'/spec/properties/1/desired/value','value':'101'}]",
       "must be at most the model's maximum, 100");
  said("[{'op':'replace','path':'/spec/properties/1/desired/value','value':'0'}]",
       "must be at least the model's minimum, 1");
  said("[{'op':'add','path':'/spec/properties/2/desired','value':{'value':'on'}}]", "spec.properties[2].desired.value");
  said("[{'op':'add','path':'/spec/properties/0/desired','value':{'value':'1'}}]", "ReadOnly");
  said(
      "[{'op':'replace','path':'/spec/properties/0/visitors/configData/limit','value':3},"
      "{'op':'add','path':'/spec/properties/0/visitors/configData/dataType','value':'float'}]",
      "spec.properties[0].visitors.configData.limit");
  said("[{'op':'replace','path':'/spec/properties/1/visitors/configData/isSwap','value':'perhaps'}]",
       "spec.properties[1].visitors.configData.isSwap");
}

BOOST_AUTO_TEST_CASE(bluetooth_devices) {
  const char* const tag =
      "{'metadata':{'name':'tag'},'spec':{'nodeName':'rock-1','protocol':{'protocolName':'bluetooth','configData':"
      "{'macAddress':'A4:C1:38:0B:7E:01'}},'properties':[{'name':'temperature','visitors':{'protocolName':'bluetooth',"
      "'configData':{'characteristicUUID':'f000aa0104514000b000000000000000','dataConverter':{'startIndex':2,"
      "'endIndex':1,'shiftRight':2,'orderOfOperations':[{'operationType':'Multiply','operationValue':0.03125}]}}}},"
      "{'name':'light','desired':{'value':'Red'},'visitors':{'protocolName':'bluetooth','configData':"
      "{'characteristicUUID':'2a56','dataWrite':{'Red':[1],'Off':[0]}}}}]}}";
  each(device_id, tag,
       {{"[{'op':'replace','path':'/spec/protocol/configData/macAddress','value':'A4:C1'}]",
         "spec.protocol.configData.macAddress"},
        {"[{'op':'remove','path':'/spec/protocol/configData/macAddress'}]",
         "spec.protocol.configData.macAddress | FieldValueRequired"},
        {"[{'op':'replace','path':'/spec/properties/0/visitors/configData/characteristicUUID','value':'2a6'}]",
         "spec.properties[0].visitors.configData.characteristicUUID"},
        {"[{'op':'replace','path':'/spec/properties/0/visitors/configData/dataConverter/shiftRight','value':64}]",
         "spec.properties[0].visitors.configData.dataConverter"},
        {"[{'op':'replace','path':'/spec/properties/1/visitors/configData/dataWrite/Red','value':[256]}]",
         "spec.properties[1].visitors.configData.dataWrite"},
        {"[{'op':'replace','path':'/spec/properties/1/visitors/configData','value':{'rssi':true}}]",
         "spec.properties[1].desired | FieldValueForbidden"}});
  const auto light =
      js("{'metadata':{'name':'tag'},'spec':{'properties':["
         "{'name':'temperature','type':'FLOAT'},{'name':'light','type':'STRING'}]}}");
  auto checked = [&](const char* ops) {
    return shown(validate_device_against(ready(device_id, changed(tag, ops)), light));
  };
  BOOST_TEST(checked("[]") == "");
  BOOST_TEST(checked("[{'op':'replace','path':'/spec/properties/1/desired/value','value':'Blue'}]")
                 .find("'Blue' is none of the names of dataWrite") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(mqtt_devices) {
  each(
      device_id,
      "{'metadata':{'name':'lamp'},'spec':{'nodeName':'rock-1','protocol':{'protocolName':'mqtt','configData':"
      "{'ip':'127.0.0.1','port':1883}},'properties':[{'name':'on','visitors':{'protocolName':'mqtt','configData':"
      "{'topic':'{namespace}/{name}/+','pointer':'/on','setTopic':'lamp/set','qos':1,'retain':true,'clientId':'c',"
      "'username':'u','password':'p','cleanSession':'false','keepAlive':'60'}}}]}}",
      {{"[{'op':'replace','path':'/spec/properties/0/visitors/configData/topic','value':'a/#/b'}]",
        "spec.properties[0].visitors.configData.topic | FieldValueInvalid"},
       {"[{'op':'remove','path':'/spec/properties/0/visitors/configData/topic'}]",
        "spec.properties[0].visitors.configData.topic | FieldValueRequired"},
       {"[{'op':'replace','path':'/spec/properties/0/visitors/configData/setTopic','value':'a/+'}]",
        "spec.properties[0].visitors.configData.setTopic"},
       {"[{'op':'replace','path':'/spec/properties/0/visitors/configData/qos','value':3}]",
        "spec.properties[0].visitors.configData.qos"},
       {"[{'op':'replace','path':'/spec/properties/0/visitors/configData/pointer','value':'on'}]",
        "spec.properties[0].visitors.configData.pointer"},
       {"[{'op':'add','path':'/spec/properties/0/visitors/configData/setTemplate','value':'{}'}]",
        "spec.properties[0].visitors.configData.setTemplate"},
       {"[{'op':'remove','path':'/spec/protocol/configData/ip'}]", "spec.protocol.configData.ip"},
       {"[{'op':'add','path':'/spec/protocol/configData/stateTopic','value':''}]", ""},
       {"[{'op':'add','path':'/spec/protocol/configData/caFile','value':'ca.pem'}]", "spec.protocol.configData.caFile"},
       {"[{'op':'add','path':'/spec/protocol/configData/certFile','value':'/c'}]", "spec.protocol.configData.certFile"},
       {"[{'op':'add','path':'/spec/protocol/configData/timeout','value':-1}]", "spec.protocol.configData.timeout"}});
}

BOOST_AUTO_TEST_CASE(models) {
  each(model_id, model,
       {{"[{'op':'replace','path':'/spec/properties/0/type','value':'float'}]",
         "spec.properties[0].type | FieldValueNotSupported"},
        {"[{'op':'remove','path':'/spec/properties/0/type'}]", "spec.properties[0].type | FieldValueRequired"},
        {"[{'op':'replace','path':'/spec/properties/0/accessMode','value':'WriteOnly'}]",
         "spec.properties[0].accessMode"},
        {"[{'op':'replace','path':'/spec/properties/1/name','value':'pump'}]",
         "spec.properties[2].name | FieldValueDuplicate"},
        {"[{'op':'replace','path':'/spec/properties/1/minimum','value':'low'}]", "spec.properties[1].minimum"},
        {"[{'op':'replace','path':'/spec/properties/1/minimum','value':'200'}]", "spec.properties[1].minimum"}});
}

BOOST_AUTO_TEST_CASE(a_status_in_a_manifest_is_accepted_and_ignored) {
  auto made = ready(device_id, js(boiler));
  BOOST_TEST((find(made, "status") == nullptr));
  auto before = made;
  before.get_object()["status"] = json::object{{"state", "online"}};
  auto after = ready(device_id, js(boiler));
  after.get_object()["status"] = json::object{{"state", "lies"}};
  prepare_update(info(device_id), before, after);
  BOOST_TEST(string_at(after, "status.state") == "online");
}

BOOST_AUTO_TEST_CASE(columns) {
  auto now = *parse_time("2026-11-23T10:10:00Z");
  auto row =
      js("{'metadata':{'name':'b','creationTimestamp':'2026-11-23T10:05:00Z'},"
         "'spec':{'nodeName':'rock-1','protocol':{'protocolName':'modbus'},'deviceModelRef':{'name':'boiler'}},"
         "'status':{'state':'online','lastOnlineTime':'2026-11-23T10:09:50Z','twins':["
         "{'propertyName':'t','reported':{'value':'21.5','metadata':{'quality':'good'}}},"
         "{'propertyName':'p','reported':{'value':'true','metadata':{'quality':'bad'}}},"
         "{'propertyName':'q','reported':{'value':'3','metadata':{'quality':'uncertain'}}}]}}");
  BOOST_TEST(str(table_cells(info(device_id), row, now)) ==
             str(js("['b','rock-1','modbus','online','10s','t=21.5,p=true!,q=3?','5m','boiler','']")));
  BOOST_TEST(str(table_cells(info(device_id), js("{'metadata':{'name':'b'}}"), now)) ==
             str(js("['b','<none>','<none>','unknown','<none>','<none>','<unknown>','<none>','']")));
}

BOOST_AUTO_TEST_CASE(a_strategic_patch_reaches_one_property) {
  auto patched = strategic_patch(*info(device_id).type, js(boiler),
                                 js("{'spec':{'properties':[{'name':'setpoint','desired':{'value':'42'}}]}}"));
  BOOST_REQUIRE(patched);
  BOOST_TEST(array_at(*patched, "spec.properties").size() == 3u);
  BOOST_TEST(string_at(array_at(*patched, "spec.properties")[1], "desired.value") == "42");
}

BOOST_AUTO_TEST_SUITE_END()
