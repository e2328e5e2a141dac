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

/// The size of the message that a length announces. Errors: errc::too_large, errc::corrupt.
caf::expected<size_t> frame_reader::size_at(const std::byte* p) {
  auto size = length_of(p);
  if (size > limits::frame_bytes_max)
    return make_error(errc::too_large, "frame of " + std::to_string(size) + " bytes; at most " +
                                           std::to_string(limits::frame_bytes_max) + " are allowed");
  if (size == 0 || size % sizeof(capnp::word) != 0)
    return make_error(errc::corrupt,
                      "frame of " + std::to_string(size) + " bytes is not whole words; this is not skerry-link/1");
  return size;
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
  auto parse = [&](std::span<const std::byte> body) {
    auto f = frame::from_bytes(body, traversal_factor);
    if (f) out.push_back(std::move(*f));
    return f ? caf::error{} : std::move(f.error());
  };
  if (waiting_.empty() && in.size() >= prefix) {  // nearly always a frame arrives whole
    auto size = size_at(in.data());
    if (!size) return std::move(size.error());
    if (in.size() >= prefix + *size) {
      auto body = in.subspan(prefix, *size);
      in = in.subspan(prefix + *size);
      return parse(body);
    }
  }
  if (!fill(prefix)) return more = false, caf::error{};
  auto size = size_at(waiting_.data());
  if (!size) return std::move(size.error());
  // The buffer grows with what arrives, not with what a peer announces.
  if (!fill(prefix + *size)) return more = false, caf::error{};
  auto e = parse(std::span{waiting_}.subspan(prefix));
  ports::bytes{}.swap(waiting_);  // a node has one for each connection, and seldom needs it
  return e;
}

}  // namespace skerry::link
