#include "actors/base/context.hpp"

#include <caf/exit_reason.hpp>
#include <exception>

#include "schema/error.hpp"

namespace skerry::base {

void prepare(caf::event_based_actor* self, const context& ctx, std::string path) {
  self->set_default_handler([&log = ctx.log, path](caf::scheduled_actor*, caf::message_view& x) -> caf::result<caf::message> {
    log.warning(path, "unexpected message dropped: " + caf::to_string(x.content()));
    return caf::sec::unexpected_message;
  });
  self->set_exception_handler([&log = ctx.log, path](caf::scheduled_actor*, std::exception_ptr& p) -> caf::error {
    try {
      std::rethrow_exception(p);
    } catch (const std::exception& e) {
      log.error(path, std::string{"crashed: "} + e.what());
      return make_error(errc::internal, path + " crashed: " + e.what());
    } catch (...) {
      log.error(path, "crashed: unknown exception");
      return make_error(errc::internal, path + " crashed: unknown exception");
    }
  });
  self->set_down_handler([](caf::scheduled_actor*, caf::down_msg&) {});
}

}  // namespace skerry::base
