#include "actors/base/actor.hpp"

#include <cxxabi.h>

#include <caf/actor_cast.hpp>
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
  if (auto* sink = sink_.load(std::memory_order_acquire)) {
    current_mailbox_element(&m);  // should the sink throw, this is the message in hand
    sink->on_message(*this, m);
  }
  auto result = super::consume(m);
  // This thread alone writes it: no locked instruction.
  meter_.handled_.store(meter_.handled_.load(relaxed) + 1, relaxed);
  return result;
}

/// Once the turn is over, the next one may already have begun on another thread: what is written after it must bear
/// that.
caf::resumable::resume_result actor::resume(caf::execution_unit* host, size_t messages_max) {
  bool first = ctx_ == nullptr;
  int64_t began = 0;
  if (!first) {
    began = ctx_->clock.steady_ns();
    meter_.busy_since_ns_.store(began, relaxed);
  }
  auto result = super::resume(host, messages_max);
  if (ctx_ == nullptr) return result;
  if (first) began = prepared_ns_;
  meter_.busy_ns_.fetch_add(ctx_->clock.steady_ns() - began, relaxed);
  meter_.busy_since_ns_.compare_exchange_strong(began, 0, relaxed);
  return result;
}

actor* actor_of(const caf::actor& handle) {
  if (!handle) return nullptr;
  return dynamic_cast<actor*>(caf::actor_cast<caf::abstract_actor*>(handle));
}

}  // namespace skerry::base
