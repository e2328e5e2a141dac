#include "actors/link/wire.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>
#include <mutex>

#include "actors/link/link_end.hpp"

namespace skerry::link {
namespace {
template <class M>
void post(const caf::weak_actor_ptr& to, M m) {
  if (auto strong = to.lock()) caf::anon_send(caf::actor_cast<caf::actor>(strong), std::move(m));
}
}  // namespace

/// The receiving half, shared with the connection's handlers.
struct wire::inlet {
  caf::weak_actor_ptr owner;
  uint64_t generation = 0;
  frame_reader reader;  ///< of the driver's thread, as `over`
  bool over = false;
  std::atomic<size_t> unhandled{0};
  std::atomic<bool> nudged{false};
  std::atomic<uint64_t> bytes_in{0}, frames_in{0};
  std::mutex mutex;  ///< of what follows
  std::shared_ptr<link_end> end;
  std::vector<frame> early;  ///< letters that came before `carry`
  size_t early_bytes = 0;

  /// Hands a frame of letters on, or keeps it until it is known to whom.
  caf::error letters(frame f) {
    std::shared_ptr<link_end> to;
    {
      std::lock_guard lock{mutex};
      to = end;
      if (!to) {
        early_bytes += f.bytes().size();
        if (early_bytes > limits::inbound_bytes_max)
          return make_error(errc::too_many, "the peer sends letters before the session stands");
        early.push_back(std::move(f));
        return {};
      }
    }
    return to->on_frame(f);
  }

  void on_bytes(const ports::bytes& data, ports::connection& c) {
    if (over) return;
    bytes_in += data.size();
    wire_frames m{generation, {}, 0, {}};
    std::vector<frame> frames;
    m.broken = reader.feed(data, frames);
    frames_in += frames.size();
    for (auto& f : frames) {
      try {
        if (!link_end::takes(f)) {
          m.bytes += f.bytes().size();
          m.frames.push_back(std::move(f));
        } else if (auto e = letters(std::move(f)); e && !m.broken) {
          m.broken = std::move(e);
        }
      } catch (const kj::Exception& e) {
        m.broken = make_error(errc::corrupt, std::string{"a frame does not parse: "} + e.getDescription().cStr());
      }
    }
    if (unhandled.fetch_add(m.bytes) + m.bytes > limits::inbound_bytes_max) {
      over = true;
      c.close();
      return;
    }
    over = static_cast<bool>(m.broken);
    // Letters alone are told once until the owner looked: it counts the peer as heard.
    if (m.frames.empty() && !over && nudged.exchange(true)) return;
    post(owner, std::move(m));
  }

  std::shared_ptr<link_end> current() {
    std::lock_guard lock{mutex};
    return end;
  }
};

wire::wire(ports::connection_ptr connection, const caf::actor& owner, uint64_t generation)
    : connection_(std::move(connection)), in_(std::make_shared<inlet>()) {
  in_->owner = caf::actor_cast<caf::weak_actor_ptr>(owner);
  in_->generation = generation;
  std::weak_ptr<ports::connection> weak = connection_;
  ports::connection::handlers h;
  h.on_bytes = [in = in_, weak](ports::bytes data) {
    if (auto c = weak.lock()) in->on_bytes(data, *c);
  };
  h.on_drained = [in = in_] {
    if (auto end = in->current()) end->on_drained();
  };
  h.on_end = [in = in_](const caf::error& why) {
    if (auto end = in->current()) end->close();
    auto overrun = in->unhandled > limits::inbound_bytes_max;
    auto reason = overrun ? make_error(errc::too_many, "the peer sends faster than its window allows") : why;
    post(in->owner, wire_end{in->generation, std::move(reason)});
  };
  connection_->start(std::move(h));
}

wire::~wire() { close(); }

wire& wire::operator=(wire&& x) noexcept {
  if (this == &x) return *this;
  close();
  connection_ = std::exchange(x.connection_, nullptr);
  in_ = std::exchange(x.in_, nullptr);
  bytes_out_ = std::exchange(x.bytes_out_, 0);
  frames_out_ = std::exchange(x.frames_out_, 0);
  return *this;
}

void wire::carry(std::shared_ptr<link_end> end) {
  if (!in_) return;
  caf::error broken;
  {
    // Under the lock, so that what comes meanwhile comes after.
    std::lock_guard lock{in_->mutex};
    for (auto& f : in_->early)
      if (!broken) broken = end->on_frame(f);
    in_->early.clear();
    in_->end = std::move(end);
  }
  if (broken) post(in_->owner, wire_frames{in_->generation, {}, 0, std::move(broken)});
}

caf::error wire::take(const wire_frames& m, std::vector<frame>& out) {
  if (!in_) return {};
  in_->unhandled.fetch_sub(m.bytes);
  in_->nudged = false;
  out.insert(out.end(), m.frames.begin(), m.frames.end());
  return m.broken;
}

uint64_t wire::bytes_in() const { return in_ ? in_->bytes_in.load() : 0; }
uint64_t wire::frames_in() const { return in_ ? in_->frames_in.load() : 0; }

void wire::send(const frame& f) {
  if (!connection_) return;
  auto data = encode(f);
  bytes_out_ += data.size();
  ++frames_out_;
  connection_->send(std::move(data));
}

void wire::ping(uint64_t number) {
  send_with([&](schema::Frame::Builder b) { b.setPing(number); });
}
void wire::pong(uint64_t number) {
  send_with([&](schema::Frame::Builder b) { b.setPong(number); });
}

void wire::goodbye(errc code, const std::string& message, uint32_t retry_after_ms) {
  send(goodbye_frame(code, message, retry_after_ms));
  close();
}

void wire::close() {
  if (in_)
    if (auto end = in_->current()) end->close();
  if (connection_) connection_->close();
}

frame goodbye_frame(errc code, const std::string& message, uint32_t retry_after_ms) {
  return frame::build([&](schema::Frame::Builder b) {
    auto g = b.initGoodbye();
    g.setCode(static_cast<uint16_t>(code));
    g.setMessage(message);
    g.setRetryAfterMs(retry_after_ms);
  });
}

}  // namespace skerry::link
