#pragma once
#include <caf/expected.hpp>
#include <vector>

#include "actors/ports/transport.hpp"
#include "schema/letter.hpp"
#include "schema/limits.hpp"
#include "schema/link.capnp.h"

namespace skerry::link {

using frame = letter<schema::Frame>;

/// The bytes of a frame as they cross the wire: little-endian u32 length and the message.
ports::bytes encode(const frame& f);

/// Builds a frame and encodes it: `fill` gets the root builder.
template <class F>
ports::bytes encode_with(F&& fill) {
  return encode(frame::build(std::forward<F>(fill)));
}

/// Cuts a stream of bytes into frames. Memory: at most one frame and what is fed.
class frame_reader {
public:
  /// Takes bytes that arrived and appends the frames that are whole now to `out`. Errors, after which the stream is of
  /// no use: errc::too_large for a length over limits::frame_bytes_max, errc::corrupt for one that is no message. What
  /// a frame holds may still be hostile: reading it can throw kj::Exception, and follows at most 8 times its size.
  caf::error feed(std::span<const std::byte> in, std::vector<frame>& out);

private:
  static caf::expected<size_t> size_at(const std::byte* p);
  caf::error take(std::span<const std::byte>& in, std::vector<frame>& out, bool& more);
  ports::bytes waiting_;  ///< a frame that is not whole yet, with its length
};

}  // namespace skerry::link
