#include "drivers/admin/local_connection.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <atomic>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <caf/expected.hpp>
#include <mutex>

#include "schema/error.hpp"

namespace skerry::drivers::admin {
namespace asio = boost::asio;
using local = asio::local::stream_protocol;
using error_code = boost::system::error_code;
namespace {

constexpr auto close_max = std::chrono::seconds{1};

ports::peer_identity identity_of(local::socket& socket) {
  ucred who{};
  socklen_t size = sizeof who;
  ports::peer_identity out{"system:admin", {"system:masters"}, "admin socket"};
  if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &who, &size) == 0)
    out.address += ", process " + std::to_string(who.pid) + " of user " + std::to_string(who.uid);
  return out;
}

class stream : public std::enable_shared_from_this<stream> {
public:
  stream(local::socket socket, std::shared_ptr<void> held)
      : socket_(std::move(socket)),
        strand_(asio::make_strand(socket_.get_executor())),
        timer_(strand_),
        held_(std::move(held)),
        peer_(identity_of(socket_)) {}

  void start(ports::connection::handlers h) {
    asio::post(strand_, [self = shared_from_this(), h = std::move(h)]() mutable {
      self->handlers_ = std::move(h);
      self->started_ = true;
      if (self->ended_) return self->tell_end();
      self->read();
    });
  }

  void send(ports::bytes data) {
    if (data.empty() || ended_) return;
    queued_ += data.size();
    {
      std::lock_guard lock{mutex_};
      waiting_.insert(waiting_.end(), data.begin(), data.end());
      if (std::exchange(flushing_, true)) return;
    }
    asio::post(strand_, [self = shared_from_this()] { self->write(); });
  }

  void close() {
    asio::post(strand_, [self = shared_from_this()] {
      if (self->ended_ || std::exchange(self->closing_, true)) return;
      self->timer_.expires_after(close_max);
      self->timer_.async_wait([self](error_code) { self->end({}); });
      if (!self->writing_) self->write();
    });
  }

  size_t queued() const { return queued_; }
  const ports::peer_identity& peer() const { return peer_; }

private:
  void read() {
    socket_.async_read_some(
        asio::buffer(in_), asio::bind_executor(strand_, [self = shared_from_this()](error_code ec, size_t n) {
          if (self->ended_) return;
          if (ec) return self->end(self->closing_ ? error_code{} : ec);
          if (!self->closing_ && self->handlers_.on_bytes)
            self->handlers_.on_bytes(ports::bytes(self->in_.begin(), self->in_.begin() + static_cast<ptrdiff_t>(n)));
          self->read();
        }));
  }

  /// Writes all that waits; on the strand, with no write under way.
  void write() {
    if (ended_ || writing_) return;
    out_.clear();
    {
      std::lock_guard lock{mutex_};
      out_.swap(waiting_);
      if (out_.empty()) flushing_ = false;
    }
    if (out_.empty()) {
      if (closing_) end({});
      return;
    }
    writing_ = true;
    asio::async_write(socket_, asio::buffer(out_),
                      asio::bind_executor(strand_, [self = shared_from_this()](error_code ec, size_t) {
                        self->writing_ = false;
                        if (self->ended_) return;
                        if (ec) return self->end(ec);
                        auto size = self->out_.size();
                        if (self->queued_.fetch_sub(size) == size && self->handlers_.on_drained)
                          self->handlers_.on_drained();
                        self->write();
                      }));
  }

  void end(const error_code& ec) {
    if (ended_.exchange(true)) return;
    bool clean = !ec || ec == asio::error::eof || ec == asio::error::operation_aborted;
    bool gone = ec == asio::error::connection_reset || ec == asio::error::broken_pipe;
    if (!clean)
      error_ = make_error(gone ? errc::unavailable : errc::io, peer_.address + ": connection lost: " + ec.message());
    timer_.cancel();
    error_code ignored;
    socket_.close(ignored);
    held_.reset();
    if (started_) tell_end();
  }

  void tell_end() {
    auto h = std::exchange(handlers_, {});
    if (h.on_end) h.on_end(error_);
  }

  local::socket socket_;
  asio::strand<local::socket::executor_type> strand_;
  asio::steady_timer timer_;
  std::shared_ptr<void> held_;
  ports::peer_identity peer_;
  ports::connection::handlers handlers_;
  caf::error error_;
  std::array<std::byte, 16 * 1024> in_;
  ports::bytes out_;
  bool started_ = false, writing_ = false, closing_ = false;  // on the strand
  std::atomic<bool> ended_{false};                            // set on the strand
  std::atomic<size_t> queued_{0};
  std::mutex mutex_;
  ports::bytes waiting_;   // under mutex_
  bool flushing_ = false;  // under mutex_: a write is posted or runs
};

/// What its user holds: when it is let go, the stream closes.
class local_connection final : public ports::connection {
public:
  local_connection(local::socket socket, std::shared_ptr<void> held)
      : stream_(std::make_shared<stream>(std::move(socket), std::move(held))) {}
  ~local_connection() override { stream_->close(); }
  void start(handlers h) override { stream_->start(std::move(h)); }
  void send(ports::bytes data) override { stream_->send(std::move(data)); }
  size_t queued() const override { return stream_->queued(); }
  void close() override { stream_->close(); }
  const ports::peer_identity& peer() const override { return stream_->peer(); }

private:
  std::shared_ptr<stream> stream_;
};

}  // namespace

ports::connection_ptr make_local_connection(local::socket socket, std::shared_ptr<void> held) {
  return std::make_shared<local_connection>(std::move(socket), std::move(held));
}

void local_transport::connect(std::string address, ports::client_credentials, uint32_t, connected done) {
  auto result = [&]() -> caf::expected<ports::connection_ptr> {
    if (address.size() >= sizeof(sockaddr_un::sun_path))
      return make_error(errc::invalid, "the path of the socket is too long: " + address);
    local::socket socket{loop_.context()};
    error_code ec;
    socket.connect(local::endpoint{address}, ec);  // answered by the kernel: it does not wait for the other side
    if (ec == asio::error::access_denied)
      return make_error(errc::forbidden,
                        "the socket " + address + " may only be opened by the user who runs the agent");
    if (ec) return make_error(errc::unavailable, "nobody listens on " + address + " (" + ec.message() + ")");
    return make_local_connection(std::move(socket));
  }();
  asio::post(loop_.context(), [done = std::move(done), result = std::move(result)] { done(result); });
}

}  // namespace skerry::drivers::admin
