#pragma once
#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>

namespace skerry {
struct context;

namespace base {

class trace_sink;

/// Who an actor is: its path and what is known since its start. One block of memory that the actor, the directory and
/// the supervisor share, so that 100,000 idle actors hold their paths once. The text never changes; the rest belongs to
/// the actor. A handle is one pointer; handles may be copied and dropped in any thread.
class identity {
public:
  identity() = default;
  /// Makes a block with this path.
  static identity make(std::string_view path);
  identity(const identity& x) : block_(x.block_) { keep(); }
  identity(identity&& x) noexcept : block_(std::exchange(x.block_, nullptr)) {}
  identity& operator=(identity x) noexcept {
    std::swap(block_, x.block_);
    return *this;
  }
  ~identity() { release(block_); }

  explicit operator bool() const { return block_ != nullptr; }
  /// The path; empty for no block.
  std::string_view path() const;

private:
  friend class actor;
  struct block {
    std::atomic<uint32_t> references{1};
    uint32_t length = 0;
    std::atomic<trace_sink*> sink{nullptr};
    std::atomic<int64_t> started_ms{0};
    const skerry::context* ctx = nullptr;  ///< written once, by base::prepare; read by the actor's own turns

    char* text() { return reinterpret_cast<char*>(this + 1); }
  };
  explicit identity(block* b) : block_(b) {}
  void keep() const {
    if (block_ != nullptr) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  static void release(block* b);

  block* block_ = nullptr;
};

/// Orders by path, and finds by text.
struct by_path {
  using is_transparent = void;
  static std::string_view text(const identity& x) { return x.path(); }
  static std::string_view text(std::string_view x) { return x; }
  template <class A, class B>
  bool operator()(const A& a, const B& b) const {
    return text(a) < text(b);
  }
};

}  // namespace base
}  // namespace skerry
