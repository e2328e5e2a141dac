#pragma once
#include <memory>
#include <string>

#include "tools/skerry/data_dir.hpp"
#include "tools/skerry/extensions.hpp"
#include "tools/skerry/island.hpp"
#include "tools/skerry/options.hpp"

namespace skerry::tools {

/// A running cloud: store, controllers, API server, links. `skerry cloud` has one, `skerry up` has one beside an edge.
class cloud {
public:
  /// Opens the data directory and starts everything. Errors say what, where and what to do.
  static caf::expected<std::unique_ptr<cloud>> start(const options& o, const extensions& with);
  ~cloud();

  /// Waits for a signal or the end of the tree; the process's exit code.
  int await_end() { return island_->await_end(); }
  const cloud_identity& identity() const;
  ports::pki& pki();
  /// "127.0.0.1:6443", with the port that is really bound.
  std::string address() const;

private:
  struct parts;
  cloud();
  caf::expected<void> open(const options& o, const extensions& with);
  caf::expected<void> open_store(const options& o);
  std::unique_ptr<island> island_;
  std::unique_ptr<parts> parts_;
};

/// The severity that --log-level names. Errors: errc::invalid.
caf::expected<ports::severity> severity_of(const options& o);

}  // namespace skerry::tools
