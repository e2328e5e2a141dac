#pragma once
#include <open62541/types.h>

#include <cstdint>
#include <string>

/// Values and status codes of OPC UA, as people see them.
namespace skerry::drivers::opcua {

/// What a variable said last. OPC UA Part 8, 6.3: the two highest bits of a status are its severity.
struct seen {
  uint32_t quality;  ///< SKERRY_GOOD, SKERRY_UNCERTAIN, SKERRY_BAD
  std::string why;   ///< of one that is not good: the name of its status
  std::string text;
  bool bytes = false;
  const UA_DataType* type = nullptr;  ///< of the value; null if there is none
};

/// "BadNodeIdUnknown".
std::string name_of(UA_StatusCode status);

/// Scalars of the built-in types that are a value of a property: numbers, booleans, texts, times (RFC 3339), bytes.
/// Bad, with the reason, for the others and for arrays.
seen seen_of(const UA_DataValue& v);

/// The value that a text is, of a type; false if it is none or does not fit. The variant is cleared by the caller.
bool make_value(const std::string& text, const UA_DataType* type, UA_Variant& out);

}  // namespace skerry::drivers::opcua
