#pragma once
#include <caf/response_promise.hpp>
#include <functional>

#include "actors/base/actor.hpp"
#include "actors/base/context.hpp"
#include "actors/base/line_limit.hpp"
#include "actors/telemetry/journal.hpp"
#include "actors/telemetry/messages.hpp"

namespace skerry::telemetry {

struct courier_args {
  const context& ctx;
  std::string path;  ///< "/node/<node>/samples"
  ports::kv& kv;
  std::function<caf::actor()> keeper;                        ///< /cloud/samples, over the link; may give null
  std::function<caf::error(const caf::actor& who)> observe;  ///< has `who` told of the link to the cloud; may be empty
  caf::actor supervisor{};                                   ///< gets base::ready; may be null
};

struct courier_flush {};
struct courier_fold {};
struct courier_again {};

/// Internal state of the courier; public only because CAF constructs it.
class courier_state {
public:
  static inline const char* name = "samples";
  explicit courier_state(base::actor* self) : self_(self) {}
  caf::behavior make(courier_args args);

private:
  caf::response_promise take(const samples_taken& m);
  void flush();
  void write_piece();
  void fold();
  void on_fold();
  void link_is(bool up);
  void go_back(std::chrono::milliseconds pause);
  void ask();
  void pump();
  void send(journal::entry e);
  void refused(uint64_t sequence, const caf::error& why);
  letter<schema::PutSamples> letter_of(uint64_t sequence, std::string_view frame) const;
  void failed(const char* what, const caf::error& e);

  base::actor* self_;
  std::unique_ptr<courier_args> args_;
  std::unique_ptr<journal> journal_;
  frame_builder taken_;
  std::vector<caf::response_promise> waiting_;  ///< whose samples are in `taken_`
  caf::error write_error_;                      ///< of a part of them
  bool flush_armed_ = false, fold_armed_ = false, again_armed_ = false;
  int64_t flushed_ms_ = INT64_MIN / 2;
  bool up_ = false;
  bool known_ = false;  ///< where the cloud is, and that it takes frames
  bool asking_ = false;
  uint64_t epoch_ = 0;  ///< answers to what was sent before it changed are ignored
  uint64_t sent_ = 0;   ///< the last frame that was sent, or that the cloud has
  size_t in_flight_ = 0;
  base::line_limit lines_;
};

/// Brings the samples of a node to the cloud, each once and in order, through cuts, crashes and restarts of both: takes
/// them from the twins, writes what came within 20 ms together, folds what came within a second into a frame while the
/// cloud takes them (and 64 kB or 256 pieces while it does not), and sends frames with a few on their way.
caf::behavior courier(base::stateful<courier_state>* self, courier_args args);

}  // namespace skerry::telemetry

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::telemetry::courier_flush)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::telemetry::courier_fold)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::telemetry::courier_again)
