#pragma once
#include <memory>

#include "actors/ports/clock.hpp"
#include "actors/ports/log.hpp"
#include "actors/ports/pki.hpp"
#include "actors/ports/runtime.hpp"
#include "tools/skerry/data_dir.hpp"
#include "tools/skerry/extensions.hpp"
#include "tools/skerry/island.hpp"
#include "tools/skerry/options.hpp"

namespace skerry::tools {

/// Opens the container runtime of an edge's data directory. Errors: errc::locked while an agent holds it, and what the
/// driver says.
caf::expected<std::unique_ptr<ports::runtime>> open_runtime(const options& o, ports::clock& clock, ports::log& log);

/// The folder of drivers that are shared objects: --driver-dir, or lib/skerry/drivers beside the program's own folder.
std::string driver_dir_of(const options& o);

/// A running edge: runtime, agent, pods, link. `skerry edge` has one, `skerry up` has one beside a cloud.
class edge {
public:
  /// Opens the data directory, joins if this machine has not, starts everything. Errors say what, where and what to do.
  static caf::expected<std::unique_ptr<edge>> start(const options& o, const extensions& with);
  ~edge();
  int await_end() { return island_->await_end(); }

private:
  struct parts;
  edge();
  caf::expected<void> open(const options& o, const extensions& with);
  caf::expected<void> open_disk(const options& o);
  caf::expected<void> open_identity(const options& o);
  caf::expected<void> open_network();
  std::unique_ptr<island> island_;
  std::unique_ptr<parts> parts_;
};

}  // namespace skerry::tools
