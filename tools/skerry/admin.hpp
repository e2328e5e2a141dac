#pragma once
#include <memory>
#include <string>

#include "actors/link/admin_door.hpp"
#include "drivers/admin/admin_socket.hpp"
#include "supervisors/inspector.hpp"
#include "tools/skerry/island.hpp"

namespace skerry::tools {

/// What lets operators look into an island and act there: its inspector, and the socket by which they come in.
struct admin_parts {
  /// `root` is the path of the island. All outlive it.
  admin_parts(island& i, const vocabulary& words, link::mesh& mesh, const std::string& root)
      : log(i.log()),
        root(root),
        trace(words),
        inspector{i.parts(), root, mesh, trace, [&i](ports::severity s) { return i.set_log_level(s); }},
        door(mesh, i.ctx()) {}

  /// Listens on `socket`; `lines` answers requests of one line and may be null. An island that cannot be looked into
  /// is better than none: an error goes to the log.
  void listen(net::io_loop& loop, const std::string& socket, drivers::admin::handler lines);

  ports::log& log;
  std::string root;
  supervisors::tracer trace;
  supervisors::inspector_parts inspector;
  link::admin_door door;
  std::unique_ptr<drivers::admin::server> server;  ///< let go first
};

}  // namespace skerry::tools
