#include "schema/letter.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

namespace skerry {

static_assert(sizeof(letter_buffer) % sizeof(capnp::word) == 0, "the words follow the object and must stay aligned");

letter_buffer* letter_buffer::make(kj::ArrayPtr<const capnp::word> flat, uint64_t traversal_words) {
  auto size = flat.size() * sizeof(capnp::word);
  void* memory = ::operator new(sizeof(letter_buffer) + size);
  auto* words = reinterpret_cast<capnp::word*>(static_cast<char*>(memory) + sizeof(letter_buffer));
  std::memcpy(words, flat.begin(), size);
  capnp::ReaderOptions options;
  options.traversalLimitInWords = traversal_words;
  options.nestingLimit = 32;
  try {
    return new (memory) letter_buffer(kj::arrayPtr<const capnp::word>(words, flat.size()), options);
  } catch (...) {
    ::operator delete(memory);
    throw;
  }
}

void letter_buffer::destroy() noexcept {
  this->~letter_buffer();
  ::operator delete(this);
}

}  // namespace skerry
