#include "actors/link/wire.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

namespace skerry::link {
namespace {
template <class M>
void post(const caf::weak_actor_ptr& to, M m) {
  if (auto strong = to.lock()) caf::anon_send(caf::actor_cast<caf::actor>(strong), std::move(m));
}
}  // namespace

wire::wire(ports::connection_ptr connection, const caf::actor& owner, uint64_t generation)
    : connection_(std::move(connection)), unhandled_(std::make_shared<std::atomic<size_t>>(0)) {
  auto to = caf::actor_cast<caf::weak_actor_ptr>(owner);
  auto overrun = std::make_shared<bool>(false);
  std::weak_ptr<ports::connection> weak = connection_;
  ports::connection::handlers h;
  h.on_bytes = [to, generation, overrun, weak, unhandled = unhandled_](ports::bytes data) {
    if (*overrun) return;
    if (unhandled->fetch_add(data.size()) + data.size() <= limits::inbound_bytes_max)
      return post(to, wire_bytes{generation, std::move(data)});
    *overrun = true;
    if (auto c = weak.lock()) c->close();
  };
  h.on_end = [to, generation, overrun](const caf::error& why) {
    auto reason = *overrun ? make_error(errc::too_many, "the peer sends faster than its window allows") : why;
    post(to, wire_end{generation, std::move(reason)});
  };
  connection_->start(std::move(h));
}

caf::error wire::take(const wire_bytes& m, std::vector<frame>& out) {
  unhandled_->fetch_sub(m.data.size());
  bytes_in_ += m.data.size();
  auto before = out.size();
  auto e = reader_.feed(m.data, out);
  frames_in_ += out.size() - before;
  return e;
}

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
