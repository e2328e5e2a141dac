#include "actors/base/actor.hpp"

#include <cxxabi.h>

#include <caf/actor_cast.hpp>
#include <caf/actor_clock.hpp>
#include <cstdlib>
#include <memory>

#include "actors/base/context.hpp"

namespace skerry::base {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr uintptr_t builtin_types = 65'536;  ///< CAF numbers its own types in 16 bits

std::string name_of(uintptr_t type) {
  if (type < builtin_types) return "a message of CAF's type " + std::to_string(type - 1);
  auto* info = reinterpret_cast<const std::type_info*>(type);
  std::unique_ptr<char, void (*)(void*)> name{abi::__cxa_demangle(info->name(), nullptr, nullptr, nullptr), std::free};
  return name ? name.get() : info->name();
}

/// The type of the first element in one word: see meter::last_. 0 for the empty message.
uintptr_t type_of(const caf::type_erased_tuple& content) {
  if (content.empty()) return 0;
  auto [number, info] = content.type(0);
  return info != nullptr ? reinterpret_cast<uintptr_t>(info) : uintptr_t{number} + 1;
}

constexpr uintptr_t exit_type = caf::type_nr<caf::exit_msg>::value + 1;

}  // namespace

std::string message_name(const caf::type_erased_tuple& content) {
  auto type = type_of(content);
  return type == 0 ? "an empty message" : name_of(type);
}

uint64_t meter::depth() const {
  auto done = handled();  // first: what is enqueued meanwhile must not make it negative
  auto all = enqueued();
  return all > done ? all - done : 0;
}

std::string meter::last_message() const {
  auto type = last_.load(relaxed);
  return type == 0 ? std::string{} : name_of(type);
}

void actor::enqueue(caf::mailbox_element_ptr m, caf::execution_unit* host) {
  meter_.enqueued_.fetch_add(1, relaxed);
  super::enqueue(std::move(m), host);
}

caf::invoke_message_result actor::consume(caf::mailbox_element& m) {
  if (auto type = type_of(m.content()); type != 0 && type != exit_type) meter_.last_.store(type, relaxed);
  auto* id = identity_.load(std::memory_order_acquire);
  if (auto* sink = id != nullptr ? id->sink.load(std::memory_order_acquire) : nullptr) {
    current_mailbox_element(&m);  // should the sink throw, this is the message in hand
    sink->on_message(*this, m);
  }
  // CAF 0.17 leaves the timer of a request that was answered: it would hold this actor, and wake it for nothing.
  if (m.mid.is_response()) clock().cancel_request_timeout(this, m.mid);
  auto result = super::consume(m);
  // This thread alone writes it: no locked instruction.
  meter_.handled_.store(meter_.handled_.load(relaxed) + 1, relaxed);
  return result;
}

/// Once the turn is over, the next one may already have begun on another thread: what is written after it must bear
/// that.
caf::resumable::resume_result actor::resume(caf::execution_unit* host, size_t messages_max) {
  auto* before = ctx();
  int64_t began = 0;
  if (before != nullptr) {
    began = before->clock.steady_ns();
    meter_.busy_since_ns_.store(began, relaxed);
  }
  auto result = super::resume(host, messages_max);
  auto* after = ctx();
  if (after == nullptr) return result;
  if (before == nullptr) began = meter_.busy_since_ns_.load(relaxed);  // the first turn began to count in prepare
  if (began == 0) return result;
  meter_.busy_ns_.fetch_add(after->clock.steady_ns() - began, relaxed);
  meter_.busy_since_ns_.compare_exchange_strong(began, 0, relaxed);
  return result;
}

actor::~actor() { identity::release(identity_.load(relaxed)); }

const skerry::context* actor::ctx() const {
  auto* id = identity_.load(std::memory_order_acquire);
  return id == nullptr ? nullptr : id->ctx;
}

std::string_view actor::path() const {
  auto* id = identity_.load(std::memory_order_acquire);
  return id == nullptr ? std::string_view{} : std::string_view{id->text(), id->length};
}

int64_t actor::started_ms() const {
  auto* id = identity_.load(std::memory_order_acquire);
  return id == nullptr ? 0 : id->started_ms.load(relaxed);
}

identity actor::named(std::string_view path) {
  auto* present = identity_.load(std::memory_order_acquire);
  if (present == nullptr) {
    auto mine = identity::make(path);
    if (identity_.compare_exchange_strong(present, mine.block_, std::memory_order_acq_rel)) {
      mine.keep();  // the actor's own
      return mine;
    }
  }
  identity out{present};
  out.keep();
  return out;
}

void actor::trace(trace_sink* sink) {
  if (auto* id = identity_.load(std::memory_order_acquire)) id->sink.store(sink, std::memory_order_release);
}

actor* actor_of(const caf::actor& handle) {
  if (!handle) return nullptr;
  return dynamic_cast<actor*>(caf::actor_cast<caf::abstract_actor*>(handle));
}

}  // namespace skerry::base
