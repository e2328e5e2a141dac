#include "schema/error.hpp"

#include <caf/atom.hpp>
#include <caf/make_message.hpp>

namespace skerry {
namespace {
constexpr auto category = caf::atom("skerry");
constexpr const char* names[] = {"none",      "invalid",      "not_found", "already_exists", "conflict",
                                 "expired",   "unauthorized", "forbidden", "unavailable",    "suspended",
                                 "timed_out", "too_large",    "too_many",  "corrupt",        "io",
                                 "full",      "locked",       "cancelled", "unsupported",    "internal"};
static_assert(std::size(names) == static_cast<size_t>(errc::internal) + 1);
}  // namespace

const char* to_string(errc code) {
  auto i = static_cast<size_t>(code);
  return i < std::size(names) ? names[i] : "unknown";
}

caf::error make_error(errc code, std::string message) {
  return caf::error{static_cast<uint8_t>(code), category, caf::make_message(std::move(message))};
}

errc code_of(const caf::error& e) {
  if (!e) return errc::none;
  return e.category() == category ? static_cast<errc>(e.code()) : errc::internal;
}

std::string message_of(const caf::error& e) {
  if (!e) return {};
  // More may stand behind the message (actors/sdk/status.hpp).
  if (e.category() == category && !e.context().empty() && e.context().match_element<std::string>(0))
    return e.context().get_as<std::string>(0);
  return caf::to_string(e);
}

}  // namespace skerry
