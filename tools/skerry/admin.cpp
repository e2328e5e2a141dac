#include "tools/skerry/admin.hpp"

#include "schema/error.hpp"

namespace skerry::tools {

void admin_parts::listen(net::io_loop& loop, const std::string& socket, drivers::admin::handler lines) {
  auto made = drivers::admin::server::start(loop, socket, std::move(lines), &door);
  if (made)
    server = std::move(*made);
  else
    log.error(root, "no `skerry repl` here: " + message_of(made.error()));
}

}  // namespace skerry::tools
