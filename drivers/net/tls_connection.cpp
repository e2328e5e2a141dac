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
#include <boost/asio/write.hpp>
#include <mutex>

#include "drivers/net/tls_context.hpp"
#include "schema/error.hpp"
#include "schema/limits.hpp"

namespace skerry::net {
namespace asio = boost::asio;
using error_code = boost::system::error_code;
namespace {

caf::error end_error(const error_code& ec, const std::string& peer) {
  namespace ssl = asio::ssl;
  if (ec == asio::error::eof || ec == asio::error::operation_aborted) return {};
  if (ec == ssl::error::stream_truncated || ec == asio::error::connection_reset || ec == asio::error::broken_pipe ||
      ec == asio::error::timed_out || ec == asio::error::host_unreachable || ec == asio::error::network_unreachable)
    return make_error(errc::unavailable, "connection to " + peer + " is lost: " + ec.message());
  if (ec.category() == asio::error::get_ssl_category()) {
    auto reason = ERR_GET_REASON(static_cast<unsigned long>(ec.value()));
    switch (reason) {
      case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
      case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
      case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
      case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
      case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        return make_error(errc::unauthorized,
                          peer + " refuses our certificate (" + ec.message() +
                              "): it is not of that cloud, or past its time; join again with a new token");
      default:
        break;
    }
  }
  return make_error(errc::io, "connection to " + peer + " failed: " + ec.message());
}

class link_stream : public std::enable_shared_from_this<link_stream> {
public:
  explicit link_stream(tls_stream stream)
      : stream_(std::move(stream)), strand_(asio::make_strand(stream_.get_executor())), timer_(strand_) {
    peer_ = identity_of(stream_.native_handle(), address_of(stream_.next_layer()));
    error_code ec;
    auto& socket = stream_.next_layer();
    socket.set_option(asio::ip::tcp::no_delay(true), ec);
    socket.set_option(asio::socket_base::keep_alive(true), ec);
    auto fd = socket.native_handle();
    int idle_s = limits::half_open_ms / 1000, interval_s = 5, probes = 3;
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  }

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
      waiting_.push_back(std::move(data));
      if (std::exchange(flushing_, true)) return;
    }
    asio::post(strand_, [self = shared_from_this()] { self->write(); });
  }

  size_t queued() const { return queued_; }
  const ports::peer_identity& peer() const { return peer_; }

  void close() {
    asio::post(strand_, [self = shared_from_this()] {
      if (self->ended_ || std::exchange(self->closing_, true)) return;
      self->timer_.expires_after(std::chrono::seconds{1});
      self->timer_.async_wait([self](error_code) { self->end({}); });
      if (!self->writing_) self->write();
    });
  }

private:
  void read() {
    stream_.async_read_some(
        asio::buffer(in_), asio::bind_executor(strand_, [self = shared_from_this()](error_code ec, size_t n) {
          if (self->ended_) return;
          if (ec) return self->end(self->closing_ ? error_code{} : ec);
          if (!self->closing_ && self->handlers_.on_bytes)
            self->handlers_.on_bytes(ports::bytes(self->in_.begin(), self->in_.begin() + static_cast<ptrdiff_t>(n)));
          self->read();
        }));
  }

  /// Takes all that waits as one buffer; on the strand, with no write under way.
  void write() {
    if (ended_ || writing_) return;
    {
      std::lock_guard lock{mutex_};
      out_.clear();
      if (waiting_.size() == 1)
        out_ = std::move(waiting_.front());
      else
        for (auto& w : waiting_) out_.insert(out_.end(), w.begin(), w.end());
      waiting_.clear();
      if (out_.empty()) flushing_ = false;
    }
    if (out_.empty()) {
      ports::bytes{}.swap(out_);
      if (closing_) shutdown();
      return;
    }
    writing_ = true;
    asio::async_write(stream_, asio::buffer(out_),
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

  void shutdown() {
    writing_ = true;
    stream_.async_shutdown(asio::bind_executor(strand_, [self = shared_from_this()](error_code) { self->end({}); }));
  }

  void end(const error_code& ec) {
    if (ended_.exchange(true)) return;
    error_ = ec ? end_error(ec, peer_.address) : caf::error{};
    timer_.cancel();
    error_code ignored;
    stream_.next_layer().close(ignored);
    if (started_) tell_end();
  }

  void tell_end() {
    auto h = std::exchange(handlers_, {});
    if (h.on_end) h.on_end(error_);
  }

  tls_stream stream_;
  asio::strand<tls_stream::executor_type> strand_;
  asio::steady_timer timer_;
  ports::peer_identity peer_;
  ports::connection::handlers handlers_;
  caf::error error_;
  std::array<std::byte, 4096> in_;
  ports::bytes out_;
  bool started_ = false, writing_ = false, closing_ = false;  // on the strand
  std::atomic<bool> ended_{false};                            // set on the strand
  std::atomic<size_t> queued_{0};
  std::mutex mutex_;
  std::vector<ports::bytes> waiting_;  // under mutex_
  bool flushing_ = false;              // under mutex_: a write is posted or runs
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
