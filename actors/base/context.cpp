#include "actors/base/context.hpp"

#include <cxxabi.h>

#include <caf/exit_reason.hpp>
#include <cstdlib>
#include <exception>
#include <memory>

#include "schema/error.hpp"

namespace skerry::base {
namespace {

/// Returns the type of the message in hand, such as "skerry::store::write"; "its start" before the first one.
std::string current_message(caf::scheduled_actor* self) {
  auto* element = self->current_mailbox_element();
  if (element == nullptr || element->content().empty()) return "its start";
  auto [number, info] = element->content().type(0);
  if (info == nullptr) return "a message of CAF's type " + std::to_string(number);
  std::unique_ptr<char, void (*)(void*)> name{abi::__cxa_demangle(info->name(), nullptr, nullptr, nullptr), std::free};
  return name ? name.get() : info->name();
}

}  // namespace

void prepare(caf::event_based_actor* self, const context& ctx, std::string path) {
  self->set_default_handler(
      [&log = ctx.log, path](caf::scheduled_actor*, caf::message_view& x) -> caf::result<caf::message> {
        log.warning(path, "unexpected message dropped: " + caf::to_string(x.content()));
        return caf::sec::unexpected_message;
      });
  self->set_exception_handler([&log = ctx.log, path](caf::scheduled_actor* me, std::exception_ptr& p) -> caf::error {
    auto text = path + " crashed on " + current_message(me) + ": ";
    try {
      std::rethrow_exception(p);
    } catch (const std::exception& e) {
      text += e.what();
    } catch (...) {
      text += "unknown exception";
    }
    log.error(path, text);
    return make_error(errc::internal, text);
  });
  self->set_down_handler([](caf::scheduled_actor*, caf::down_msg&) {});
}

}  // namespace skerry::base
