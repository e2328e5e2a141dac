#include "actors/telemetry/keeper.hpp"

#include <chrono>

#include "schema/device/limits.hpp"
#include "schema/error.hpp"
#include "schema/vocabulary.hpp"

namespace skerry::telemetry {
namespace {

constexpr std::chrono::milliseconds together{5};
constexpr std::chrono::milliseconds tick_after{30'000}, pause{500};
constexpr int64_t turn_ms = 500;
constexpr size_t devices_of_frame_max = limits::devices_per_node_max;

letter<schema::SamplesKept> kept_letter(uint64_t sequence) {
  return letter<schema::SamplesKept>::build([&](schema::SamplesKept::Builder b) { b.setSequence(sequence); });
}

}  // namespace

caf::behavior keeper_state::make(keeper_args args) {
  args_ = std::make_unique<keeper_args>(std::move(args));
  base::prepare(self_, args_->ctx, args_->path);
  if (auto e = args_->series.load(args_->ctx.clock.wall_ms()))
    throw std::runtime_error("the time series cannot be read: " + message_of(e));
  self_->delayed_send(self_, tick_after, keeper_tick{});
  if (args_->supervisor) self_->send(args_->supervisor, base::ready{args_->path});
  return {
      [this](const letter<schema::PutSamples>& m) { return take(m); },
      [this](const keeper_commit&) { commit(); },
      [this](const keeper_tick&) { tick(); },
  };
}

void keeper_state::failed(const std::string& what, const caf::error& e) {
  if (auto end = lines_.ask(args_->ctx.clock.steady_ms()))
    args_->ctx.log.warning(args_->path, what + ": " + message_of(e) + *end);
}

caf::result<letter<schema::SamplesKept>> keeper_state::take(const letter<schema::PutSamples>& m) {
  auto node = args_->node_of(self_->current_sender());
  if (node.empty()) return make_error(errc::forbidden, "only nodes bring samples");
  auto journal = view_of((*m).getJournal());
  auto sequence = (*m).getSequence();
  auto kept = args_->series.kept(node, journal);
  auto next = sequence > kept && (*m).getAfter() == kept && !journal.empty();
  if (next) {
    auto frame = read(node, *m);
    if (!frame) {
      failed("a frame of samples from " + node, frame.error());
      return frame.error();
    }
    args_->series.put(node, journal, sequence, (*m).getLost(), *frame, args_->ctx.clock.wall_ms());
    kept = sequence;
  }
  // What it has may itself be on its way to the disk: all answers wait for that.
  auto promise = self_->make_response_promise<letter<schema::SamplesKept>>();
  waiting_.emplace_back(promise, kept);
  if (!std::exchange(commit_armed_, true)) self_->delayed_send(self_, together, keeper_commit{});
  return promise;
}

caf::expected<letter<schema::SampleFrame>> keeper_state::read(const std::string& node, schema::PutSamples::Reader m) {
  auto bytes = view_of(m.getFrame());
  if (bytes.size() > limits::sample_frame_bytes_max)
    return make_error(errc::too_large, "a frame of " + std::to_string(bytes.size()) + " bytes; at most " +
                                           std::to_string(limits::sample_frame_bytes_max) + " are allowed");
  auto span = std::as_bytes(std::span{bytes.data(), bytes.size()});
  if (auto e = check_bytes(span, capnp::Schema::from<schema::SampleFrame>())) return e;
  auto frame = letter<schema::SampleFrame>::from_bytes(span, 8);
  if (!frame) return frame.error();
  if ((**frame).getDevices().size() > devices_of_frame_max)
    return make_error(errc::too_large, "a frame of more than " + std::to_string(devices_of_frame_max) + " devices");
  if (auto ok = check_frame(*frame); !ok) return ok.error();
  auto view = args_->objects.current();
  if (!view) return make_error(errc::unavailable, "the store is starting");
  std::vector<schema::SampleFrame::Device::Reader> known;
  for (auto d : (**frame).getDevices()) {
    auto object = view->get(store::devices_resource, view_of(d.getNamespace()), view_of(d.getName()));
    if (object && store::uid_of(object) == view_of(d.getUid()) && store::node_of(object) == node) known.push_back(d);
  }
  if (known.size() == (**frame).getDevices().size()) return frame;
  failed("samples from " + node + " are left out", make_error(errc::forbidden, "of devices that are not placed on it"));
  return letter<schema::SampleFrame>::build([&](schema::SampleFrame::Builder b) {
    auto list = b.initDevices(static_cast<unsigned>(known.size()));
    for (unsigned i = 0; i < known.size(); ++i) list.setWithCaveats(i, known[i]);
  });
}

void keeper_state::commit() {
  commit_armed_ = false;
  auto e = args_->series.commit();
  if (e) failed("samples are not kept", e);
  for (auto& [promise, sequence] : std::exchange(waiting_, {}))
    if (e)
      promise.deliver(e);
    else
      promise.deliver(kept_letter(sequence));
}

void keeper_state::tick() {
  auto& series = args_->series;
  commit();
  auto now = args_->ctx.clock.wall_ms();
  auto& clock = args_->ctx.clock;
  auto turn_ends = clock.steady_ms() + turn_ms;  // a fleet whose hour is over at once does not hold up what comes
  auto more = false;
  for (const auto& node : series.due(now)) {
    if ((more = clock.steady_ms() >= turn_ends)) break;
    if (auto e = series.seal(node, now)) failed("samples of " + node + " do not become blocks", e);
  }
  auto old = series.retain(now);
  if (!old) failed("old samples stay", old.error());
  more = more || (old && *old);
  self_->delayed_send(self_, more ? pause : tick_after, keeper_tick{});
}

caf::behavior keeper(base::stateful<keeper_state>* self, keeper_args args) { return self->state.make(std::move(args)); }

}  // namespace skerry::telemetry
