#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Integers of variable length (LEB128, as in Protocol Buffers' "Base 128 Varints"), and signed ones as zigzag.
namespace skerry::telemetry {

inline void put_number(std::string& out, uint64_t n) {
  for (; n >= 0x80; n >>= 7) out += static_cast<char>(n | 0x80);
  out += static_cast<char>(n);
}
inline uint64_t zigzag(int64_t n) { return (static_cast<uint64_t>(n) << 1) ^ static_cast<uint64_t>(n >> 63); }
inline int64_t unzigzag(uint64_t n) { return static_cast<int64_t>(n >> 1) ^ -static_cast<int64_t>(n & 1); }
inline void put_text(std::string& out, std::string_view text) {
  put_number(out, text.size());
  out += text;
}

/// Reads them; what is not there gives nothing.
class byte_reader {
public:
  explicit byte_reader(std::string_view in) : in_(in) {}
  std::optional<uint64_t> number() {
    uint64_t n = 0;
    for (unsigned shift = 0; shift < 64 && !in_.empty(); shift += 7) {
      auto b = static_cast<uint8_t>(in_.front());
      in_.remove_prefix(1);
      n |= static_cast<uint64_t>(b & 0x7f) << shift;
      if (b < 0x80) return shift == 63 && b > 1 ? std::nullopt : std::optional{n};
    }
    return std::nullopt;
  }
  std::optional<std::string_view> take(uint64_t bytes) {
    if (bytes > in_.size()) return std::nullopt;
    auto out = in_.substr(0, bytes);
    in_.remove_prefix(bytes);
    return out;
  }
  std::optional<std::string_view> text() {
    auto n = number();
    return n ? take(*n) : std::nullopt;
  }
  bool done() const { return in_.empty(); }
  size_t left() const { return in_.size(); }

private:
  std::string_view in_;
};

}  // namespace skerry::telemetry
