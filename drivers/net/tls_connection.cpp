#include "drivers/net/tls_connection.hpp"

#include <netinet/tcp.h>
#include <openssl/err.h>

#include <array>
#include <atomic>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <deque>
#include <mutex>

#include "drivers/net/socket_bio.hpp"
#include "drivers/net/tls_context.hpp"
#include "schema/error.hpp"
#include "schema/limits.hpp"

namespace skerry::net {
namespace asio = boost::asio;
using error_code = boost::system::error_code;
using tcp = asio::ip::tcp;
namespace {

constexpr size_t record_bytes = 16 * 1024;
constexpr size_t read_bytes_max = 128 * 1024;  ///< handed on at once, and before others have their turn
constexpr size_t joined_bytes_max = 64 * 1024;

bool refuses_certificate(unsigned long e) {
  switch (ERR_GET_REASON(e)) {
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return true;
    default:
      return false;
  }
}

/// A TLS stream whose handshake is done, used without asio's own: any thread writes to the socket itself, so that a
/// message that finds the line free takes no detour over the driver's thread. One lock guards the TLS state, which
/// reading and writing share. A burst is told from a single message by a turn of the driver's thread: what is sent
/// before that turn came waits for it and goes out as one.
class link_stream : public std::enable_shared_from_this<link_stream> {
public:
  explicit link_stream(tls_stream stream)
      : ssl_(stream.native_handle()),
        peer_(identity_of(ssl_, address_of(stream.next_layer()))),
        strand_(asio::make_strand(stream.get_executor())),
        socket_(strand_),
        timer_(strand_) {
    SSL_up_ref(ssl_);
    // What the handshake read beyond its end is still in asio's buffers: decrypted before they go.
    std::array<std::byte, record_bytes> part;
    for (int n; (n = SSL_read(ssl_, part.data(), static_cast<int>(part.size()))) > 0;)
      early_.insert(early_.end(), part.begin(), part.begin() + n);
    ERR_clear_error();
    auto fd = stream.next_layer().native_handle();
    auto* bio = make_socket_bio(fd);
    SSL_set_bio(ssl_, bio, bio);
    SSL_set_mode(ssl_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    error_code ec;
    auto protocol = stream.next_layer().local_endpoint(ec).protocol();
    socket_.assign(protocol, stream.next_layer().release(ec), ec);
    socket_.native_non_blocking(true, ec);
    socket_.set_option(tcp::no_delay(true), ec);
    socket_.set_option(asio::socket_base::keep_alive(true), ec);
    int idle_s = limits::half_open_ms / 1000, interval_s = 5, probes = 3;
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  }
  ~link_stream() { SSL_free(ssl_); }

  void start(ports::connection::handlers h) {
    asio::post(strand_, [self = shared_from_this(), h = std::move(h)]() mutable {
      self->handlers_ = std::move(h);
      self->started_ = true;
      if (self->ended_) return self->tell_end();
      if (!self->early_.empty() && self->handlers_.on_bytes) self->handlers_.on_bytes(std::exchange(self->early_, {}));
      self->read();
    });
  }

  void send(ports::bytes data) {
    if (data.empty() || ended_) return;
    queued_ += data.size();
    std::lock_guard lock{mutex_};
    waiting_.push_back(std::move(data));
    if (std::exchange(busy_, true)) return;
    write_waiting();
    asio::post(strand_, [self = shared_from_this()] { self->turn(); });
  }

  size_t queued() const { return queued_; }
  const ports::peer_identity& peer() const { return peer_; }

  void close() {
    asio::post(strand_, [self = shared_from_this()] {
      if (self->ended_ || std::exchange(self->closing_, true)) return;
      self->timer_.expires_after(std::chrono::seconds{1});
      self->timer_.async_wait([self](error_code) { self->end(caf::error{}); });
      self->turn();
    });
  }

private:
  enum class state : uint8_t { open, blocked, failed };

  // -- writing: under the lock ----------------------------------------------------------------------------------------

  /// Writes what waits until all is out or the line is full; what many sent goes into few records.
  void write_waiting() {
    while (!waiting_.empty() && writing_ == state::open) {
      join();
      auto& front = waiting_.front();
      ERR_clear_error();
      auto n = SSL_write(ssl_, front.data() + written_, static_cast<int>(front.size() - written_));
      if (n <= 0) {
        auto why = SSL_get_error(ssl_, n);
        writing_ = why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ ? state::blocked : state::failed;
        if (writing_ == state::failed) failure_ = failure(why);
        return;
      }
      written_ += static_cast<size_t>(n);
      queued_ -= static_cast<size_t>(n);
      if (written_ < front.size()) continue;
      waiting_.pop_front();
      written_ = 0;
    }
  }

  /// Puts small ones that follow each other into one.
  void join() {
    while (waiting_.size() > 1 && written_ == 0 && waiting_[0].size() + waiting_[1].size() <= joined_bytes_max) {
      auto first = std::move(waiting_.front());
      waiting_.pop_front();
      first.insert(first.end(), waiting_.front().begin(), waiting_.front().end());
      waiting_.front() = std::move(first);
    }
  }

  // -- on the strand --------------------------------------------------------------------------------------------------

  /// The driver's turn: writes what came since, tells that there is room, and ends the burst when nothing came.
  void turn() {
    if (ended_) return;
    auto idle = false;
    auto now = state::open;
    {
      std::lock_guard lock{mutex_};
      idle = waiting_.empty();
      write_waiting();
      now = writing_;
      if (idle && now == state::open) busy_ = false;
    }
    if (now == state::failed) return end(failure_);
    if (now == state::blocked) return wait_writable();
    if (idle) {
      if (closing_) shutdown();
      return;
    }
    if (handlers_.on_drained) handlers_.on_drained();
    asio::post(strand_, [self = shared_from_this()] { self->turn(); });
  }

  void wait_writable() {
    if (std::exchange(waits_writable_, true)) return;
    socket_.async_wait(tcp::socket::wait_write,
                       asio::bind_executor(strand_, [self = shared_from_this()](error_code ec) {
                         self->waits_writable_ = false;
                         if (self->ended_) return;
                         if (ec) return self->end(ec);
                         {
                           std::lock_guard lock{self->mutex_};
                           if (self->writing_ == state::blocked) self->writing_ = state::open;
                           self->busy_ = true;
                         }
                         self->turn();
                       }));
  }

  void read() {
    socket_.async_wait(tcp::socket::wait_read, asio::bind_executor(strand_, [self = shared_from_this()](error_code ec) {
                         if (self->ended_) return;
                         if (ec) return self->end(ec);
                         self->on_readable();
                       }));
  }

  void on_readable() {
    ports::bytes data;
    caf::error why;
    auto over = false;
    for (std::array<std::byte, record_bytes> part; data.size() < read_bytes_max;) {
      std::lock_guard lock{mutex_};
      ERR_clear_error();
      auto n = SSL_read(ssl_, part.data(), static_cast<int>(part.size()));
      if (n > 0) {
        data.insert(data.end(), part.begin(), part.begin() + n);
        continue;
      }
      auto e = SSL_get_error(ssl_, n);
      if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) break;
      over = true;
      if (e != SSL_ERROR_ZERO_RETURN) why = failure(e);
      break;
    }
    auto full = data.size() >= read_bytes_max;
    if (!data.empty() && !closing_ && handlers_.on_bytes) handlers_.on_bytes(std::move(data));
    if (ended_) return;
    if (over) return end(closing_ ? caf::error{} : why);
    // More may be decrypted already, of which the socket would not tell: others have their turn, then it goes on.
    if (full)
      return asio::post(strand_, [self = shared_from_this()] {
        if (!self->ended_) self->on_readable();
      });
    read();
  }

  /// Says that no more comes, and waits for the other side to have read it: closing at once, with something of it
  /// unread here, would reset the connection and take from it what it has not read. The timer of `close` ends that
  /// wait.
  void shutdown() {
    if (std::exchange(shut_, true)) return;
    {
      std::lock_guard lock{mutex_};
      ERR_clear_error();
      SSL_shutdown(ssl_);
    }
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    if (!started_) end(caf::error{});
  }

  /// Why a call of OpenSSL failed, from its queue or errno.
  caf::error failure(int why) {
    auto saved = errno;
    auto e = ERR_get_error();
    if (why == SSL_ERROR_SSL && refuses_certificate(e))
      return make_error(errc::unauthorized,
                        peer_.address + " refuses our certificate (" + ERR_reason_error_string(e) +
                            "): it is not of that cloud, or past its time; join again with a new token");
    if (why == SSL_ERROR_SSL && ERR_GET_REASON(e) != SSL_R_UNEXPECTED_EOF_WHILE_READING)
      return make_error(errc::io, "connection to " + peer_.address +
                                      " failed: " + (e != 0 ? ERR_reason_error_string(e) : "TLS is broken"));
    return make_error(errc::unavailable, "connection to " + peer_.address + " is lost: " +
                                             (saved != 0 && e == 0 ? std::strerror(saved) : "it was cut"));
  }

  void end(const error_code& ec) {
    end(ec ? make_error(errc::unavailable, "connection to " + peer_.address + " is lost: " + ec.message())
           : caf::error{});
  }
  void end(caf::error why) {
    if (ended_.exchange(true)) return;
    error_ = std::move(why);
    timer_.cancel();
    {
      // Nobody writes to a descriptor that is closed, and perhaps another's by now.
      std::lock_guard lock{mutex_};
      writing_ = state::failed;
      error_code ignored;
      socket_.close(ignored);
    }
    if (started_) tell_end();
  }

  void tell_end() {
    auto h = std::exchange(handlers_, {});
    if (h.on_end) h.on_end(error_);
  }

  SSL* ssl_;
  const ports::peer_identity peer_;
  asio::strand<tls_stream::executor_type> strand_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  ports::connection::handlers handlers_;  // on the strand, as what follows
  caf::error error_;
  ports::bytes early_;
  bool started_ = false, closing_ = false, shut_ = false, waits_writable_ = false;
  std::atomic<bool> ended_{false};  // set on the strand
  std::atomic<size_t> queued_{0};
  std::mutex mutex_;  // of ssl_ and what follows
  std::deque<ports::bytes> waiting_;
  size_t written_ = 0;  // of the first of them
  state writing_ = state::open;
  caf::error failure_;
  bool busy_ = false;  // a turn is due: what is sent waits for it
};

/// What its user holds: when it is let go, the stream closes, whatever operations still hold the stream.
class tls_connection final : public ports::connection {
public:
  explicit tls_connection(tls_stream stream) : stream_(std::make_shared<link_stream>(std::move(stream))) {}
  ~tls_connection() override { stream_->close(); }
  void start(handlers h) override { stream_->start(std::move(h)); }
  void send(ports::bytes data) override { stream_->send(std::move(data)); }
  size_t queued() const override { return stream_->queued(); }
  void close() override { stream_->close(); }
  const ports::peer_identity& peer() const override { return stream_->peer(); }

private:
  std::shared_ptr<link_stream> stream_;
};

}  // namespace

ports::connection_ptr make_tls_connection(tls_stream stream) {
  return std::make_shared<tls_connection>(std::move(stream));
}

std::string address_of(const asio::ip::tcp::socket& socket) {
  error_code ec;
  auto e = socket.remote_endpoint(ec);
  if (ec) return {};
  auto host = e.address().to_string();
  return (e.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(e.port());
}

}  // namespace skerry::net
