#include "actors/link/framing.hpp"

#include <algorithm>

namespace skerry::link {
namespace {
constexpr size_t prefix = 4;
constexpr uint64_t traversal_factor = 8;

size_t length_of(const std::byte* p) {
  return std::to_integer<size_t>(p[0]) | std::to_integer<size_t>(p[1]) << 8 | std::to_integer<size_t>(p[2]) << 16 |
         std::to_integer<size_t>(p[3]) << 24;
}
}  // namespace

ports::bytes encode(const frame& f) {
  auto body = f.bytes();
  ports::bytes out;
  out.reserve(prefix + body.size());
  for (size_t i = 0; i < prefix; ++i) out.push_back(static_cast<std::byte>(body.size() >> (8 * i)));
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

caf::error frame_reader::feed(std::span<const std::byte> in, std::vector<frame>& out) {
  for (bool more = true; more;)
    if (auto e = take(in, out, more)) return e;
  return {};
}

/// Takes one frame, or keeps the rest for later and sets `more` to false.
caf::error frame_reader::take(std::span<const std::byte>& in, std::vector<frame>& out, bool& more) {
  auto fill = [&](size_t size) {
    if (waiting_.size() < size) {
      auto n = std::min(size - waiting_.size(), in.size());
      waiting_.insert(waiting_.end(), in.begin(), in.begin() + static_cast<ptrdiff_t>(n));
      in = in.subspan(n);
    }
    return waiting_.size() >= size;
  };
  if (!fill(prefix)) return more = false, caf::error{};
  auto size = length_of(waiting_.data());
  if (size > limits::frame_bytes_max)
    return make_error(errc::too_large, "frame of " + std::to_string(size) + " bytes; at most " +
                                           std::to_string(limits::frame_bytes_max) + " are allowed");
  if (size == 0 || size % sizeof(capnp::word) != 0)
    return make_error(errc::corrupt,
                      "frame of " + std::to_string(size) + " bytes is not whole words; this is not skerry-link/1");
  // The buffer grows with what arrives, not with what a peer announces.
  if (!fill(prefix + size)) return more = false, caf::error{};
  auto f = frame::from_bytes(std::span{waiting_}.subspan(prefix), traversal_factor);
  if (!f) return std::move(f.error());
  out.push_back(std::move(*f));
  waiting_.clear();
  if (waiting_.capacity() > 64 * 1024) ports::bytes{}.swap(waiting_);
  return {};
}

}  // namespace skerry::link
