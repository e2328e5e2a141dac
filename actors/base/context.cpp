#include "actors/base/context.hpp"

#include <caf/exit_reason.hpp>
#include <exception>
#include <type_traits>

#include "actors/base/line_limit.hpp"
#include "schema/error.hpp"

namespace skerry::base {
namespace {

// The handlers capture next to nothing: context and path are the actor's own, and 100,000 idle actors keep no copies of
// them. What fits into std::function itself costs nothing.
static_assert(sizeof(line_limit) <= 16 && std::is_trivially_copyable_v<line_limit>);

caf::result<caf::message> drop_unexpected(const context& ctx, const actor& self, caf::message_view& x,
                                          line_limit& lines) {
  if (auto end = lines.ask(ctx.clock.steady_ms()))
    ctx.log.warning(self.path(), "unexpected message dropped: " + message_name(x.content()) + *end);
  return caf::sec::unexpected_message;
}

caf::error report_exception(const context& ctx, actor& self, std::exception_ptr& p) {
  auto* element = self.current_mailbox_element();
  auto text = std::string{self.path()} + " crashed on " +
              (element != nullptr ? message_name(element->content()) : "its start") + ": ";
  try {
    std::rethrow_exception(p);
  } catch (const std::exception& e) {
    text += e.what();
  } catch (...) {
    text += "unknown exception";
  }
  ctx.log.error(self.path(), text);
  return make_error(errc::internal, text);
}

}  // namespace

void prepare(actor* self, const context& ctx, std::string_view path) {
  self->named(path);
  auto* id = self->identity_.load(std::memory_order_acquire);
  id->ctx = &ctx;
  id->started_ms.store(ctx.clock.wall_ms(), std::memory_order_relaxed);
  self->meter_.busy_since_ns_.store(ctx.clock.steady_ns(), std::memory_order_relaxed);
  self->set_default_handler(
      [lines = line_limit{}](caf::scheduled_actor* me, caf::message_view& x) mutable -> caf::result<caf::message> {
        auto& a = static_cast<actor&>(*me);
        return drop_unexpected(*a.ctx(), a, x, lines);
      });
  self->set_exception_handler([](caf::scheduled_actor* me, std::exception_ptr& p) -> caf::error {
    auto& a = static_cast<actor&>(*me);
    return report_exception(*a.ctx(), a, p);
  });
  self->set_down_handler([](caf::scheduled_actor*, caf::down_msg&) {});
}

}  // namespace skerry::base
