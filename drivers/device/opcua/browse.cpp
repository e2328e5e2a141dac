#include "drivers/device/opcua/browse.hpp"

#include <open62541/client_highlevel.h>

#include <boost/json/serialize.hpp>
#include <chrono>
#include <deque>
#include <set>
#include <vector>

#include "drivers/device/opcua/client.hpp"
#include "drivers/device/opcua/values.hpp"

namespace skerry::drivers::opcua {
namespace {

using clock = std::chrono::steady_clock;
constexpr size_t nodes_max = 10'000, variables_max = 1'000, depth_max = 10;

std::string text_of(const UA_String& s) {
  return s.data == nullptr ? std::string{} : std::string{reinterpret_cast<const char*>(s.data), s.length};
}

std::string text_of(const UA_NodeId& id) {
  UA_String s{};
  UA_NodeId_print(&id, &s);
  auto out = text_of(s);
  UA_String_clear(&s);
  return out;
}

struct child {
  std::string node, name;
  bool variable = false;
};

/// The objects and variables below a node.
std::vector<child> children_of(UA_Client* client, const std::string& node) {
  UA_BrowseDescription what;
  UA_BrowseDescription_init(&what);
  UA_String text{node.size(), reinterpret_cast<UA_Byte*>(const_cast<char*>(node.data()))};
  UA_NodeId_parse(&what.nodeId, text);
  what.browseDirection = UA_BROWSEDIRECTION_FORWARD;
  what.referenceTypeId = UA_NODEID_NUMERIC(0, UA_NS0ID_HIERARCHICALREFERENCES);
  what.includeSubtypes = true;
  what.nodeClassMask = UA_NODECLASS_OBJECT | UA_NODECLASS_VARIABLE;
  what.resultMask = UA_BROWSERESULTMASK_BROWSENAME | UA_BROWSERESULTMASK_NODECLASS;
  UA_BrowseRequest request;
  UA_BrowseRequest_init(&request);
  request.requestedMaxReferencesPerNode = variables_max;
  request.nodesToBrowse = &what;
  request.nodesToBrowseSize = 1;
  auto response = UA_Client_Service_browse(client, request);
  std::vector<child> out;
  for (size_t i = 0; response.resultsSize == 1 && i < response.results[0].referencesSize; ++i) {
    const auto& r = response.results[0].references[i];
    if (r.nodeId.nodeId.namespaceIndex == 0 || r.nodeId.serverIndex != 0) continue;
    out.push_back({text_of(r.nodeId.nodeId), text_of(r.browseName.name), r.nodeClass == UA_NODECLASS_VARIABLE});
  }
  UA_BrowseResponse_clear(&response);
  UA_BrowseDescription_clear(&what);
  return out;
}

/// The type of a property that a value makes; null if it makes none.
const char* type_of(const seen& s) {
  if (s.type == nullptr || (s.quality == SKERRY_BAD && s.why.starts_with("the variable is"))) return nullptr;
  switch (s.type->typeKind) {
    case UA_DATATYPEKIND_BOOLEAN:
      return "BOOLEAN";
    case UA_DATATYPEKIND_FLOAT:
      return "FLOAT";
    case UA_DATATYPEKIND_DOUBLE:
      return "DOUBLE";
    case UA_DATATYPEKIND_BYTESTRING:
      return "BYTES";
    case UA_DATATYPEKIND_STRING:
    case UA_DATATYPEKIND_LOCALIZEDTEXT:
    case UA_DATATYPEKIND_XMLELEMENT:
    case UA_DATATYPEKIND_DATETIME:
      return "STRING";
    default:
      return "INT";
  }
}

/// A property for a variable, if it can be one.
bool property_of(UA_Client* client, const child& c, json::array& out) {
  UA_ReadValueId ids[2];
  for (auto& id : ids) {
    UA_ReadValueId_init(&id);
    UA_String text{c.node.size(), reinterpret_cast<UA_Byte*>(const_cast<char*>(c.node.data()))};
    UA_NodeId_parse(&id.nodeId, text);
  }
  ids[0].attributeId = UA_ATTRIBUTEID_VALUE;
  ids[1].attributeId = UA_ATTRIBUTEID_USERACCESSLEVEL;
  UA_ReadRequest request;
  UA_ReadRequest_init(&request);
  request.nodesToRead = ids;
  request.nodesToReadSize = 2;
  auto response = UA_Client_Service_read(client, request);
  const char* type = nullptr;
  auto writable = false;
  if (response.resultsSize == 2) {
    type = type_of(seen_of(response.results[0]));
    const auto& access = response.results[1].value;
    writable = UA_Variant_hasScalarType(&access, &UA_TYPES[UA_TYPES_BYTE]) &&
               (*static_cast<UA_Byte*>(access.data) & UA_ACCESSLEVELMASK_WRITE) != 0;
  }
  UA_ReadResponse_clear(&response);
  for (auto& id : ids) UA_ReadValueId_clear(&id);
  if (type != nullptr)
    out.push_back(
        json::object{{"name", c.name}, {"type", type}, {"readOnly", !writable}, {"config", {{"nodeID", c.node}}}});
  return type != nullptr;
}

struct step {
  std::string node, name;
  size_t depth = 0;
};

}  // namespace

skerry_status browse(const device::opcua_address& where, const json::object& config, uint32_t deadline_ms,
                     std::string& out) {
  auto end = clock::now() + std::chrono::milliseconds(deadline_ms);
  auto client = make_client(where, nullptr, out);
  if (!client) return SKERRY_INVALID;
  if (auto status = UA_Client_connect(client.get(), where.url.c_str()); status != UA_STATUSCODE_GOOD) {
    out = connection_problem(where, status);
    return SKERRY_UNAVAILABLE;
  }
  json::array devices;
  std::deque<step> left{{"i=85", "objects", 0}};  // Part 5, 8.2.4: the Objects folder
  std::set<std::string> looked_at{"i=85"};
  size_t variables = 0;
  while (!left.empty() && clock::now() < end) {
    auto here = std::move(left.front());
    left.pop_front();
    json::array properties;
    for (auto& c : children_of(client.get(), here.node)) {
      if (looked_at.size() >= nodes_max || !looked_at.insert(c.node).second || clock::now() >= end) continue;
      if (c.variable && variables < variables_max && property_of(client.get(), c, properties)) ++variables;
      if (!c.variable && here.depth < depth_max) left.push_back({c.node, c.name, here.depth + 1});
    }
    if (!properties.empty())
      devices.push_back(json::object{{"name", here.name}, {"config", config}, {"properties", std::move(properties)}});
  }
  out = json::serialize(devices);
  return SKERRY_OK;
}

}  // namespace skerry::drivers::opcua
