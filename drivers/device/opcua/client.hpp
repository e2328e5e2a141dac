#pragma once
#include <open62541/client.h>

#include <memory>
#include <string>

#include "schema/device/opcua.hpp"

namespace skerry::drivers::opcua {

struct client_deleter {
  void operator()(UA_Client* c) const { UA_Client_delete(c); }
};
using client_ptr = std::unique_ptr<UA_Client, client_deleter>;

/// A client for a server, not connected yet; `context` is for its callbacks. Null if its files cannot be used: `why`.
/// Where nothing but a password has to be kept secret it shows a certificate made for this one connection.
client_ptr make_client(const device::opcua_address& where, void* context, std::string& why);

/// Why a connection failed, and where to look.
std::string connection_problem(const device::opcua_address& where, UA_StatusCode status);

}  // namespace skerry::drivers::opcua
