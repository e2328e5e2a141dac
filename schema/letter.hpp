#pragma once
#include <capnp/message.h>
#include <capnp/serialize.h>

#include <atomic>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/expected.hpp>
#include <span>

#include "schema/error.hpp"

namespace skerry {

/// The shared buffer behind a letter: one Cap'n Proto message in the flat stream format (segment table and segments,
/// https://capnproto.org/encoding.html#serialization-over-a-stream), 8-byte aligned, immutable, counted.
class letter_buffer {
public:
  /// Returns a buffer with one reference that holds a copy of the words of `flat`.
  /// `traversal_words` bounds what a reader may follow; throws kj::Exception on a malformed segment table.
  static letter_buffer* make(kj::ArrayPtr<const capnp::word> flat, uint64_t traversal_words);

  void ref() noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
  void deref() noexcept {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
  }
  capnp::MessageReader& reader() { return reader_; }
  std::span<const std::byte> bytes() const {
    return {reinterpret_cast<const std::byte*>(words()), words_ * sizeof(capnp::word)};
  }

private:
  letter_buffer(kj::ArrayPtr<const capnp::word> mine, capnp::ReaderOptions options)
      : words_(mine.size()), reader_(mine, options) {}
  ~letter_buffer() = default;
  void destroy() noexcept;
  const capnp::word* words() const { return reinterpret_cast<const capnp::word*>(this + 1); }

  std::atomic<uint32_t> refs_{1};
  size_t words_;
  capnp::FlatArrayMessageReader reader_;
};

/// An immutable Cap'n Proto message of root type `T` in one shared buffer: built once, read in place by every receiver,
/// never copied to fan out. The same bytes are the message in a mailbox, on the link and in LevelDB.
/// Cheap to copy (one counted pointer); an empty letter is false.
template <class T>
class letter {
public:
  using reader = typename T::Reader;

  letter() = default;
  letter(const letter& x) : buffer_(x.buffer_) {
    if (buffer_) buffer_->ref();
  }
  letter(letter&& x) noexcept : buffer_(std::exchange(x.buffer_, nullptr)) {}
  letter& operator=(letter x) noexcept {
    std::swap(buffer_, x.buffer_);
    return *this;
  }
  ~letter() {
    if (buffer_) buffer_->deref();
  }

  /// Freezes what a builder holds. The builder may be reused or thrown away afterwards.
  static letter freeze(capnp::MessageBuilder& builder) {
    auto flat = capnp::messageToFlatArray(builder);
    return letter{letter_buffer::make(flat, unlimited)};
  }

  /// Builds and freezes: `fill` gets the root builder.
  template <class F>
  static letter build(F&& fill) {
    capnp::MallocMessageBuilder builder;
    fill(builder.template initRoot<T>());
    return freeze(builder);
  }

  /// Takes bytes from outside (link, disk), copying them once into an aligned buffer. `traversal_factor` bounds how
  /// many times the size of the message a reader may follow in pointers, against amplification by hostile bytes;
  /// letters from our own disk may pass `unlimited_factor`. Errors: errc::corrupt.
  static caf::expected<letter> from_bytes(std::span<const std::byte> bytes,
                                          uint64_t traversal_factor = unlimited_factor) {
    if (bytes.size() % sizeof(capnp::word) != 0 || bytes.empty())
      return make_error(errc::corrupt, "message of " + std::to_string(bytes.size()) + " bytes is not whole words");
    try {
      auto words = bytes.size() / sizeof(capnp::word);
      kj::ArrayPtr<const capnp::word> flat{reinterpret_cast<const capnp::word*>(bytes.data()), words};
      return letter{letter_buffer::make(
          flat, traversal_factor == unlimited_factor ? unlimited : words * traversal_factor + 1024)};
    } catch (const kj::Exception& e) {
      return make_error(errc::corrupt, std::string{"message does not parse: "} + e.getDescription().cStr());
    }
  }

  explicit operator bool() const { return buffer_ != nullptr; }
  /// The root, read in place; valid as long as some copy of this letter lives.
  reader operator*() const { return buffer_->reader().template getRoot<T>(); }
  /// The whole message as it crosses the link or lands on disk.
  std::span<const std::byte> bytes() const { return buffer_->bytes(); }
  /// True if both are the same buffer.
  bool same(const letter& x) const { return buffer_ == x.buffer_; }

  static constexpr uint64_t unlimited_factor = 0;

private:
  static constexpr uint64_t unlimited = UINT64_MAX / sizeof(capnp::word);
  explicit letter(letter_buffer* b) : buffer_(b) {}
  letter_buffer* buffer_ = nullptr;
};

}  // namespace skerry

namespace caf {
template <class T>
struct allowed_unsafe_message_type<skerry::letter<T>> : std::true_type {};
}  // namespace caf
