#include "actors/base/identity.hpp"

#include <cstring>
#include <new>

namespace skerry::base {

identity identity::make(std::string_view path) {
  auto* b = new (::operator new(sizeof(block) + path.size())) block;
  b->length = static_cast<uint32_t>(path.size());
  std::memcpy(b->text(), path.data(), path.size());
  return identity{b};
}

std::string_view identity::path() const {
  return block_ == nullptr ? std::string_view{} : std::string_view{block_->text(), block_->length};
}

void identity::release(block* b) {
  if (b == nullptr || b->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  b->~block();
  ::operator delete(b);
}

}  // namespace skerry::base
