#include "actors/store/layout.hpp"

namespace skerry::store::layout {

std::string record_key(uint64_t revision) {
  std::string key{records_first};
  for (int shift = 56; shift >= 0; shift -= 8) key += static_cast<char>(revision >> shift & 0xff);
  return key;
}

std::optional<uint64_t> revision_of_key(std::string_view key) {
  if (!key.starts_with(records_first) || key.size() != records_first.size() + 8) return std::nullopt;
  uint64_t revision = 0;
  for (auto c : key.substr(records_first.size())) revision = revision << 8 | static_cast<unsigned char>(c);
  return revision;
}

}  // namespace skerry::store::layout
