// What a session asks its server to do: watch, read, write.
#include <open62541/client_highlevel.h>
#include <open62541/client_subscriptions.h>

#include <algorithm>

#include "drivers/device/opcua/session.hpp"

namespace skerry::drivers::opcua {
namespace {

constexpr size_t together_max = 100;  ///< nodes in one request: few servers take fewer
constexpr uint32_t queue = 16;        ///< values that the server keeps between two publications

struct node_id {
  UA_NodeId id{};
  explicit node_id(const std::string& text) {
    UA_String s{text.size(), reinterpret_cast<UA_Byte*>(const_cast<char*>(text.data()))};
    known = UA_NodeId_parse(&id, s) == UA_STATUSCODE_GOOD;
  }
  ~node_id() { UA_NodeId_clear(&id); }
  node_id(const node_id&) = delete;
  node_id& operator=(const node_id&) = delete;
  bool known = false;
};

skerry_text view(const std::string& s) { return {s.data(), s.size()}; }

seen bad(std::string why) { return {SKERRY_BAD, std::move(why), {}, false, nullptr}; }

}  // namespace

/// Lets the server watch the variables of a device. Those that it does not are read when they are asked for.
void session::watch(const machine_ptr& m) {
  std::vector<std::pair<uint32_t, uint64_t>> keys;  // point, key
  {
    std::lock_guard lock{mutex_};
    m->watched = true;
    if (m->closed || subscription_ == 0) return;
    for (uint32_t i = 0; i < m->points.size(); ++i)
      if (m->points[i].refused.empty()) {
        m->points[i].key = ++keys_;
        places_[keys_] = {m, i};
        keys.emplace_back(i, keys_);
      }
  }
  UA_Client_DataChangeNotificationCallback callback = [](UA_Client* c, UA_UInt32, void*, UA_UInt32, void* key,
                                                         UA_DataValue* v) {
    static_cast<session*>(UA_Client_getContext(c))->heard(reinterpret_cast<uintptr_t>(key), *v);
  };
  for (size_t begin = 0; begin < keys.size(); begin += together_max) {
    auto count = std::min(together_max, keys.size() - begin);
    std::vector<UA_MonitoredItemCreateRequest> items;
    std::vector<void*> contexts;
    for (size_t i = begin; i < begin + count; ++i) {
      node_id node{m->points[keys[i].first].node};
      auto item = UA_MonitoredItemCreateRequest_default(UA_NODEID_NULL);
      UA_NodeId_copy(&node.id, &item.itemToMonitor.nodeId);
      item.requestedParameters.samplingInterval = m->address.sampling_ms;
      item.requestedParameters.queueSize = queue;
      items.push_back(item);
      contexts.push_back(reinterpret_cast<void*>(static_cast<uintptr_t>(keys[i].second)));
    }
    std::vector<UA_Client_DataChangeNotificationCallback> callbacks(count, callback);
    UA_CreateMonitoredItemsRequest request;
    UA_CreateMonitoredItemsRequest_init(&request);
    request.subscriptionId = subscription_;
    request.timestampsToReturn = UA_TIMESTAMPSTORETURN_SOURCE;
    request.itemsToCreate = items.data();
    request.itemsToCreateSize = count;
    auto made =
        UA_Client_MonitoredItems_createDataChanges(client_.get(), request, contexts.data(), callbacks.data(), nullptr);
    std::lock_guard lock{mutex_};
    for (size_t i = 0; i < std::min(count, made.resultsSize); ++i) {
      if (made.results[i].statusCode != UA_STATUSCODE_GOOD) continue;
      if (m->closed)
        unwatched_.push_back(made.results[i].monitoredItemId);
      else
        m->points[keys[begin + i].first].item = made.results[i].monitoredItemId;
    }
    UA_CreateMonitoredItemsResponse_clear(&made);
    for (auto& item : items) UA_MonitoredItemCreateRequest_clear(&item);
  }
}

void session::unwatch() {
  std::vector<uint32_t> items;
  {
    std::lock_guard lock{mutex_};
    items.swap(unwatched_);
  }
  if (items.empty() || subscription_ == 0) return;
  UA_DeleteMonitoredItemsRequest request;
  UA_DeleteMonitoredItemsRequest_init(&request);
  request.subscriptionId = subscription_;
  request.monitoredItemIds = items.data();
  request.monitoredItemIdsSize = items.size();
  auto done = UA_Client_MonitoredItems_delete(client_.get(), request);
  UA_DeleteMonitoredItemsResponse_clear(&done);
}

/// Answers reads with as few requests as they fit in.
void session::read_all(std::vector<job>& reads) {
  std::vector<std::string> nodes;
  for (const auto& j : reads)
    for (auto p : j.points)
      if (j.who->points[p].refused.empty()) nodes.push_back(j.who->points[p].node);
  auto values = read_values(nodes);
  size_t next = 0;
  for (const auto& j : reads) {
    std::vector<seen> mine;
    for (auto p : j.points) {
      auto& point = j.who->points[p];
      mine.push_back(point.refused.empty() ? values[next++] : bad(point.refused));
      std::lock_guard lock{mutex_};
      if (mine.back().type != nullptr) point.type = mine.back().type;
    }
    answer(j, mine);
  }
}

std::vector<seen> session::read_values(const std::vector<std::string>& nodes) {
  std::vector<seen> out;
  for (size_t begin = 0; begin < nodes.size(); begin += together_max) {
    auto count = std::min(together_max, nodes.size() - begin);
    std::vector<UA_ReadValueId> ids(count);
    for (size_t i = 0; i < count; ++i) {
      UA_ReadValueId_init(&ids[i]);
      ids[i].attributeId = UA_ATTRIBUTEID_VALUE;
      node_id node{nodes[begin + i]};
      UA_NodeId_copy(&node.id, &ids[i].nodeId);
    }
    UA_ReadRequest request;
    UA_ReadRequest_init(&request);
    request.nodesToRead = ids.data();
    request.nodesToReadSize = count;
    request.timestampsToReturn = UA_TIMESTAMPSTORETURN_SOURCE;
    auto response = UA_Client_Service_read(client_.get(), request);
    auto status = response.responseHeader.serviceResult;
    for (size_t i = 0; i < count; ++i) {
      if (status != UA_STATUSCODE_GOOD)
        out.push_back(bad(name_of(status)));
      else
        out.push_back(i < response.resultsSize ? seen_of(response.results[i]) : bad("the server gave no value of it"));
    }
    UA_ReadResponse_clear(&response);
    for (auto& id : ids) UA_ReadValueId_clear(&id);
  }
  return out;
}

/// The type of a variable: that of its value, or, if it has none yet, the one that it is declared with.
const UA_DataType* session::type_of(const job& j, std::string& why) {
  auto& p = j.who->points[j.points.front()];
  {
    std::lock_guard lock{mutex_};
    if (p.type != nullptr) return p.type;
  }
  auto value = read_values({p.node}).front();
  const auto* type = value.type;
  if (type == nullptr) {
    node_id node{p.node};
    UA_NodeId declared{};
    auto status = UA_Client_readDataTypeAttribute(client_.get(), node.id, &declared);
    if (status == UA_STATUSCODE_GOOD) type = UA_findDataType(&declared);
    UA_NodeId_clear(&declared);
    if (type == nullptr) why = value.why.empty() ? name_of(status) : value.why;
  }
  std::lock_guard lock{mutex_};
  p.type = type;
  return type;
}

void session::write_one(const job& j) {
  std::string why;
  const auto* host = j.who->host;
  const auto* type = type_of(j, why);
  if (type == nullptr) {
    std::string said = "the type of the variable is not known: " + why;
    return host->write_done(host, j.ticket, why.starts_with("BadNode") ? SKERRY_INVALID : SKERRY_UNAVAILABLE,
                            view(said));
  }
  UA_WriteValue value;
  UA_WriteValue_init(&value);
  if (!make_value(j.text, type, value.value.value)) {
    UA_WriteValue_clear(&value);
    std::string said = "'" + j.text + "' is no " + type->typeName + ", which the variable is";
    return host->write_done(host, j.ticket, SKERRY_INVALID, view(said));
  }
  node_id node{j.who->points[j.points.front()].node};
  UA_NodeId_copy(&node.id, &value.nodeId);
  value.attributeId = UA_ATTRIBUTEID_VALUE;
  value.value.hasValue = true;  // and no time, no status: many servers refuse those
  UA_WriteRequest request;
  UA_WriteRequest_init(&request);
  request.nodesToWrite = &value;
  request.nodesToWriteSize = 1;
  auto response = UA_Client_Service_write(client_.get(), request);
  auto status = response.responseHeader.serviceResult;
  auto of_node = status == UA_STATUSCODE_GOOD && response.resultsSize == 1;
  if (of_node) status = response.results[0];
  UA_WriteResponse_clear(&response);
  UA_WriteValue_clear(&value);
  if (!UA_StatusCode_isBad(status)) return host->write_done(host, j.ticket, SKERRY_OK, {});
  auto said = name_of(status);
  // What the server says of this variable is its last word; what happened to the request may be otherwise next time.
  auto busy = status == UA_STATUSCODE_BADOUTOFSERVICE || status == UA_STATUSCODE_BADTOOMANYOPERATIONS ||
              status == UA_STATUSCODE_BADRESOURCEUNAVAILABLE || status == UA_STATUSCODE_BADNOCOMMUNICATION;
  host->write_done(host, j.ticket,
                   of_node && !busy                     ? SKERRY_INVALID
                   : status == UA_STATUSCODE_BADTIMEOUT ? SKERRY_TIMED_OUT
                                                        : SKERRY_UNAVAILABLE,
                   view(said));
}

}  // namespace skerry::drivers::opcua
