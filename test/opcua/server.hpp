#pragma once
#include <open62541/server.h>
#include <open62541/server_config_default.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>

namespace skerry::test {

/// An OPC UA server, by the other side of open62541, without security. Variables are "ns=1;s=NAME".
class opcua_server {
public:
  explicit opcua_server(uint16_t port) : port_(port) { make(); }
  ~opcua_server() { stop(); }

  void add(const std::string& name, const void* value, const UA_DataType& type, bool writable = true) {
    auto attributes = UA_VariableAttributes_default;
    UA_Variant_setScalar(&attributes.value, const_cast<void*>(value), &type);
    attributes.dataType = type.typeId;
    attributes.accessLevel = UA_ACCESSLEVELMASK_READ | (writable ? UA_ACCESSLEVELMASK_WRITE : 0);
    auto status = UA_Server_addVariableNode(
        server_, id(name), UA_NODEID_NUMERIC(0, UA_NS0ID_OBJECTSFOLDER), UA_NODEID_NUMERIC(0, UA_NS0ID_ORGANIZES),
        browse_name(name), UA_NODEID_NUMERIC(0, UA_NS0ID_BASEDATAVARIABLETYPE), attributes, nullptr, nullptr);
    if (status != UA_STATUSCODE_GOOD) throw std::runtime_error(name + ": " + UA_StatusCode_name(status));
  }
  /// Changes a variable as the machine would; before start() or from the server's own thread of time.
  void set(const std::string& name, const UA_DataValue& v) { UA_Server_writeDataValue(server_, id(name), v); }

  void start() {
    UA_Server_run_startup(server_);
    thread_ = std::thread([this] {
      while (!stopping_) UA_Server_run_iterate(server_, true);
    });
  }
  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    if (server_ == nullptr) return;
    UA_Server_run_shutdown(server_);
    UA_Server_delete(server_);
    server_ = nullptr;
  }

private:
  void make() {
    UA_ServerConfig config{};
    static UA_Logger quiet{[](void*, UA_LogLevel, UA_LogCategory, const char*, va_list) {}, nullptr, nullptr};
    config.logging = &quiet;
    UA_ServerConfig_setMinimal(&config, port_, nullptr);
    server_ = UA_Server_newWithConfig(&config);
  }
  static UA_NodeId id(const std::string& name) { return UA_NODEID_STRING(1, const_cast<char*>(name.c_str())); }
  static UA_QualifiedName browse_name(const std::string& name) {
    return UA_QUALIFIEDNAME(1, const_cast<char*>(name.c_str()));
  }

  uint16_t port_;
  UA_Server* server_ = nullptr;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace skerry::test
