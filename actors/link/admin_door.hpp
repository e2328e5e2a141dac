#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "actors/base/context.hpp"
#include "actors/link/mesh.hpp"
#include "actors/ports/transport.hpp"

namespace skerry::link {

/// Where an island's admin socket hands links over: each becomes the link of an island of operators, "/repl/<id>". Who
/// gets here was let in by the socket's file, and may reach everything. No actor stands behind such a link: a process
/// of the same machine needs no lease and no pings, the kernel tells its end, and with that the island is forgotten.
/// Made by main after the mesh; its connections' driver stops before it ends.
class admin_door final : public ports::link_acceptor {
public:
  admin_door(mesh& links, const context& ctx) : links_(links), ctx_(ctx) {}
  ~admin_door() override;
  void on_link(ports::connection_ptr connection) override;

private:
  class visit;
  void refuse(ports::connection& c, errc code, const std::string& why);
  bool enter(const std::shared_ptr<visit>& v, const std::string& island);
  void leave(const visit* v);

  mesh& links_;
  const context& ctx_;
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<visit>, std::less<>> visits_;  ///< by island
};

}  // namespace skerry::link
