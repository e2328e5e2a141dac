#pragma once
#include <capnp/dynamic.h>

namespace skerry {

/// Reads every pointer of a message once, as the type that the schema gives it: throws kj::Exception if a reader of the
/// message could throw (a list where a text is expected, a pointer out of bounds, a text without its end, more nesting
/// or more bytes than the reader's limits allow). What passes can be read without a check.
void check_whole(capnp::DynamicStruct::Reader message);

}  // namespace skerry
