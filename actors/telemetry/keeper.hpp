#pragma once
#include <caf/response_promise.hpp>
#include <functional>

#include "actors/base/actor.hpp"
#include "actors/base/context.hpp"
#include "actors/base/line_limit.hpp"
#include "actors/store/view.hpp"
#include "actors/telemetry/series_store.hpp"

namespace skerry::telemetry {

struct keeper_args {
  const context& ctx;
  std::string path;  ///< "/cloud/samples"
  series_store& series;
  const store::reader& objects;
  /// The node that a letter's sender is on; empty: it is on none.
  std::function<std::string(const caf::strong_actor_ptr& sender)> node_of;
  caf::actor supervisor{};  ///< gets base::ready; may be null
};

struct keeper_commit {};
struct keeper_tick {};

/// Internal state of the keeper; public only because CAF constructs it.
class keeper_state {
public:
  static inline const char* name = "samples";
  explicit keeper_state(base::actor* self) : self_(self) {}
  caf::behavior make(keeper_args args);

private:
  using kept_promise = caf::typed_response_promise<letter<schema::SamplesKept>>;
  caf::result<letter<schema::SamplesKept>> take(const letter<schema::PutSamples>& m);
  caf::expected<letter<schema::SampleFrame>> read(const std::string& node, schema::PutSamples::Reader m);
  void commit();
  void tick();
  void failed(const std::string& what, const caf::error& e);

  base::actor* self_;
  std::unique_ptr<keeper_args> args_;
  std::vector<std::pair<kept_promise, uint64_t>> waiting_;
  bool commit_armed_ = false;
  base::line_limit lines_;
};

/// Takes the samples of all nodes into the time series: what comes within 5 ms is one synced write, and is answered
/// after it. A node speaks for the devices that are placed on it: samples of others, and of devices that are not there
/// any more, are left out. Twice a minute it makes blocks of what is due, and deletes what is too old. It blocks on the
/// disk.
caf::behavior keeper(base::stateful<keeper_state>* self, keeper_args args);

}  // namespace skerry::telemetry

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::telemetry::keeper_commit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::telemetry::keeper_tick)
