#include "actors/telemetry/courier.hpp"

#include <chrono>

#include "actors/link/mesh.hpp"
#include "schema/device/limits.hpp"
#include "schema/error.hpp"

namespace skerry::telemetry {
namespace {

constexpr int64_t together_ms = 20;
constexpr std::chrono::milliseconds fold_after{1'000};
constexpr std::chrono::milliseconds retry_after{1'000};
constexpr std::chrono::milliseconds answer_timeout{25'000};  // a little more than PutSamples may wait for the link
constexpr size_t piece_bytes_max = 128 * 1024;
static_assert(piece_bytes_max + limits::sample_frame_bytes + limits::device_text_bytes_max * 2 <
                  limits::sample_frame_bytes_max,
              "a frame is never too large for the cloud");

}  // namespace

caf::behavior courier_state::make(courier_args args) {
  args_ = std::make_unique<courier_args>(std::move(args));
  base::prepare(self_, args_->ctx, args_->path);
  journal_ = std::make_unique<journal>(args_->kv, limits::sample_backlog_bytes_max);
  auto& chance = args_->ctx.random;
  if (auto e = journal_->load(std::to_string(chance.next()) + "-" + std::to_string(chance.next())))
    throw std::runtime_error("the journal of samples cannot be read: " + message_of(e));
  auto me = caf::actor_cast<caf::actor>(self_);
  if (auto e = args_->observe ? args_->observe(me) : caf::error{}) failed("the link is not seen", e);
  if (args_->supervisor) self_->send(args_->supervisor, base::ready{args_->path});
  return {
      [this](const samples_taken& m) { return take(m); },
      [this](const courier_flush&) {
        flush_armed_ = false;
        flush();
      },
      [this](const courier_fold&) { on_fold(); },
      [this](const courier_again&) {
        again_armed_ = false;
        pump();
      },
      [this](const link::link_resumed&) { link_is(true); },
      [this](const link::link_suspended&) { link_is(false); },
  };
}

void courier_state::failed(const char* what, const caf::error& e) {
  if (auto end = lines_.ask(args_->ctx.clock.steady_ms()))
    args_->ctx.log.warning(args_->path, std::string{what} + ": " + message_of(e) + *end);
}

// -- onto the disk ----------------------------------------------------------------------------------------------------

caf::response_promise courier_state::take(const samples_taken& m) {
  for (const auto& s : m.samples) {
    if (s.point >= m.of->properties.size()) continue;
    taken_.add(m.of->device, m.of->properties[s.point], s.what);
    if (taken_.bytes() >= piece_bytes_max) write_piece();
  }
  auto promise = self_->make_response_promise();
  waiting_.push_back(promise);
  auto wait = flushed_ms_ + together_ms - args_->ctx.clock.steady_ms();
  if (wait <= 0)
    flush();
  else if (!std::exchange(flush_armed_, true))
    self_->delayed_send(self_, std::chrono::milliseconds{wait}, courier_flush{});
  return promise;
}

void courier_state::write_piece() {
  if (auto e = journal_->add(taken_)) {
    failed("samples are not kept", e);
    write_error_ = e;
    return;
  }
  if (journal_->piece_bytes() >= limits::sample_frame_bytes || journal_->pieces() >= journal::pieces_max) fold();
}

void courier_state::flush() {
  flushed_ms_ = args_->ctx.clock.steady_ms();
  write_piece();
  auto error = std::exchange(write_error_, {});
  for (auto& p : std::exchange(waiting_, {}))
    if (error)
      p.deliver(error);
    else
      p.deliver(caf::unit);
  if (journal_->pieces() > 0 && !std::exchange(fold_armed_, true))
    self_->delayed_send(self_, fold_after, courier_fold{});
}

void courier_state::fold() {
  if (auto e = journal_->fold()) return failed("samples stay in pieces", e);
  pump();
}

/// A second after a piece was written: a frame for the cloud, if it has all before it.
void courier_state::on_fold() {
  fold_armed_ = false;
  if (known_ && in_flight_ == 0) fold();
  pump();
}

// -- to the cloud -----------------------------------------------------------------------------------------------------

void courier_state::link_is(bool up) {
  up_ = up;
  ++epoch_;
  known_ = asking_ = false;
  in_flight_ = 0;
  if (up) pump();
}

/// Begins anew with the cloud, after a pause.
void courier_state::go_back(std::chrono::milliseconds pause) {
  ++epoch_;
  known_ = asking_ = false;
  in_flight_ = 0;
  if (!std::exchange(again_armed_, true)) self_->delayed_send(self_, pause, courier_again{});
}

letter<schema::PutSamples> courier_state::letter_of(uint64_t sequence, std::string_view frame) const {
  return letter<schema::PutSamples>::build([&](schema::PutSamples::Builder b) {
    b.setJournal(journal_->name());
    b.setSequence(sequence);
    b.setAfter(sent_);
    b.setFrame({reinterpret_cast<const kj::byte*>(frame.data()), frame.size()});
    b.setLost(journal_->lost());
  });
}

void courier_state::ask() {
  auto to = args_->keeper();
  if (!to || std::exchange(asking_, true)) return;
  self_->request(to, answer_timeout, letter_of(0, {}))
      .then(
          [this, epoch = epoch_](const letter<schema::SamplesKept>& m) {
            if (epoch != epoch_) return;
            asking_ = false;
            known_ = true;
            sent_ = (*m).getSequence();
            if (auto e = journal_->acknowledge(sent_)) failed("samples that the cloud has stay on disk", e);
            pump();
          },
          [this, epoch = epoch_](const caf::error& e) {
            if (epoch != epoch_) return;
            failed("the cloud does not say which samples it has", e);
            go_back(retry_after);
          });
}

void courier_state::pump() {
  if (!up_ || again_armed_) return;
  if (!known_) return ask();
  while (in_flight_ < limits::sample_window) {
    auto next = journal_->next_after(sent_);
    if (!next) {
      failed("samples cannot be read", next.error());
      return go_back(retry_after);
    }
    if (!*next) break;
    send(std::move(**next));
  }
  // A backlog is gone: what came meanwhile does not wait for its second.
  if (in_flight_ == 0 && journal_->pieces() > 0 && !std::exchange(fold_armed_, true))
    self_->delayed_send(self_, fold_after, courier_fold{});
}

void courier_state::send(journal::entry e) {
  auto to = args_->keeper();
  if (!to) return go_back(retry_after);
  ++in_flight_;
  auto m = letter_of(e.sequence, e.bytes);
  sent_ = e.sequence;
  self_->request(to, answer_timeout, std::move(m))
      .then(
          [this, epoch = epoch_, sequence = e.sequence](const letter<schema::SamplesKept>& answer) {
            if (epoch != epoch_) return;
            --in_flight_;
            auto kept = (*answer).getSequence();
            if (kept < sequence) return go_back(retry_after);
            if (auto bad = journal_->acknowledge(kept)) failed("samples that the cloud has stay on disk", bad);
            pump();
          },
          [this, epoch = epoch_, sequence = e.sequence](const caf::error& why) {
            if (epoch == epoch_) refused(sequence, why);
          });
}

void courier_state::refused(uint64_t sequence, const caf::error& why) {
  failed("the cloud does not take samples", why);
  auto code = code_of(why);
  if (code == errc::corrupt || code == errc::too_large)
    if (auto e = journal_->drop(sequence)) failed("samples that the cloud refuses stay on disk", e);
  go_back(retry_after);
}

caf::behavior courier(base::stateful<courier_state>* self, courier_args args) {
  return self->state.make(std::move(args));
}

}  // namespace skerry::telemetry
