#pragma once
#include <openssl/bio.h>

namespace skerry::net {

/// A BIO straight on a non-blocking stream socket, which it does not own. Sends never raise SIGPIPE, so that neither
/// the agent nor a program that embeds this library has to ignore it. At the end of the stream errno is 0.
/// Throws std::bad_alloc.
BIO* make_socket_bio(int descriptor);

}  // namespace skerry::net
