#include "drivers/http/connection.hpp"

#include <boost/asio/post.hpp>
#include <boost/beast/http/error.hpp>

#include "drivers/http/exchange.hpp"
#include "drivers/net/tls_connection.hpp"
#include "drivers/net/tls_context.hpp"
#include "schema/limits.hpp"

namespace skerry::http {
namespace {
namespace beast_http = boost::beast::http;
constexpr size_t record_bytes = 16 * 1024;             // the most that one TLS record carries (RFC 8446 section 5.1)
constexpr size_t input_bytes_max = 256 * 1024;         // pipelined input kept while a request is served
constexpr size_t output_bytes_high = 1024 * 1024;      // no further pipelined request is begun above this
constexpr size_t linger_bytes_max = 64 * 1024 * 1024;  // of a refused body that is read and thrown away
constexpr auto linger_time = std::chrono::seconds{5};
}  // namespace

connection::connection(std::shared_ptr<core> c, tcp::socket socket)
    : core_(std::move(c)), socket_(std::move(socket)), tls_(core_->tls->native_handle(), socket_.native_handle()) {}

void connection::start() {
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(tcp::no_delay{true}, ignored);
  since_ = clock::now();
  set_deadline();
  later(&connection::shake);
}

void connection::later(void (connection::*f)()) {
  boost::asio::post(socket_.get_executor(), [self = shared_from_this(), f] {
    std::lock_guard io{self->io_};
    ((*self).*f)();
  });
}

void connection::shake() {
  if (phase_ != phase::handshake) return;
  auto again = [self = shared_from_this()](const boost::system::error_code& e) {
    std::lock_guard io{self->io_};
    if (e) return self->close();
    self->shake();
  };
  switch (tls_.handshake()) {
    case tls_result::want_read:
      return socket_.async_wait(tcp::socket::wait_read, std::move(again));
    case tls_result::want_write:
      return socket_.async_wait(tcp::socket::wait_write, std::move(again));
    case tls_result::done:
      break;
    default: {
      broken_ = true;
      ++core_->handshakes_failed;
      auto why = net::openssl_reason();
      auto verify = SSL_get_verify_result(tls_.native());
      if (verify != X509_V_OK)
        why = std::string{"client certificate refused: "} + X509_verify_cert_error_string(verify);
      return close(why.empty() ? "the client ended the TLS handshake" : "TLS handshake failed: " + why);
    }
  }
  if (net::alpn_of(tls_.native()) == net::alpn_link) return hand_over();
  peer_ = net::identity_of(tls_.native(), net::address_of(socket_));
  phase_ = phase::idle;
  since_ = clock::now();
  on_readable();
}

void connection::hand_over() {
  phase_ = phase::closed;
  deadline_ = 0;
  core_->remove(shared_from_this());
  if (core_->stopping) return;
  core_->links.on_link(net::make_tls_connection(net::tls_stream{std::move(socket_), tls_.release()}));
}

void connection::wait_readable() {
  if (waiting_read_ || phase_ == phase::closed) return;
  waiting_read_ = true;
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const boost::system::error_code& e) {
    std::lock_guard io{self->io_};
    self->waiting_read_ = false;
    if (e) return self->close();
    self->on_readable();
  });
}

void connection::wait_writable() {
  if (waiting_write_ || phase_ == phase::closed) return;
  waiting_write_ = true;
  socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](const boost::system::error_code& e) {
    std::lock_guard io{self->io_};
    self->waiting_write_ = false;
    if (e) return self->close();
    self->flush();
  });
}

void connection::on_readable() {
  if (phase_ == phase::closed) return;
  char buffer[record_bytes];
  bool more = true;
  for (int rounds = 0; more && rounds < 16; ++rounds) {
    size_t got = 0;
    switch (tls_.read(buffer, sizeof(buffer), got)) {
      case tls_result::done:
        break;
      case tls_result::want_read:
        more = false;
        break;
      case tls_result::want_write:
        more = false;
        wait_writable();
        break;
      case tls_result::closed:
        return close();
      case tls_result::failed:
        broken_ = true;
        return close();
    }
    if (got == 0) continue;
    if (phase_ == phase::lingering) {
      if ((lingered_ += got) > linger_bytes_max) return close();
      continue;
    }
    in_.append(buffer, got);
    if (got < sizeof(buffer) && !tls_.pending()) more = false;
    if (in_.size() > input_bytes_max) break;
  }
  process();
  if (phase_ == phase::closed) return;
  if (more && in_.size() <= input_bytes_max && tls_.pending()) return later(&connection::on_readable);
  if (in_.size() <= input_bytes_max) wait_readable();  // else finish_request reads on
}

void connection::process() {
  if (processing_) return;
  processing_ = true;
  while (phase_ == phase::idle || phase_ == phase::receiving) {
    if (queued_ > output_bytes_high || close_after_ || !parse()) break;
    dispatch();
  }
  processing_ = false;
  flush();
}

/// Feeds what has arrived to the parser; true if a request is whole.
bool connection::parse() {
  if (in_.empty() && phase_ == phase::idle) return false;
  if (phase_ == phase::idle) {
    phase_ = phase::receiving;
    since_ = clock::now();
    continued_ = false;
    parser_.emplace(limits::request_body_bytes_max);
  }
  boost::beast::error_code e;
  auto used = parser_->put(boost::asio::const_buffer{in_.data(), in_.size()}, e);
  in_.erase(0, used);
  if (parser_->is_done()) return true;
  if (!e || e == beast_http::error::need_more) {
    if (parser_->is_header_done() && parser_->expects_continue() && !continued_) {
      continued_ = true;
      std::lock_guard lock{mutex_};
      add("HTTP/1.1 100 Continue\r\n\r\n");
    }
    if (in_.size() > input_bytes_max) refuse(431, "BadRequest", "the request's header is too large");
    return false;
  }
  if (e == beast_http::error::body_limit) {
    refuse(413, "RequestEntityTooLarge",
           "Request entity too large: limit is " + std::to_string(limits::request_body_bytes_max));
  } else if (e == beast_http::error::header_limit) {
    refuse(431, "BadRequest",
           "the request's header is larger than " + std::to_string(request_parser::header_bytes_max) + " bytes");
  } else {
    refuse(400, "BadRequest", "this is not an HTTP/1.1 request: " + e.message());
  }
  return false;
}

void connection::dispatch() {
  phase_ = phase::answering;
  since_ = clock::now();
  ++core_->requests;
  auto keep = parser_->keep_alive();
  uint64_t sequence = 0;
  {
    std::lock_guard lock{mutex_};
    sequence = ++sequence_;
    shared_.answered = shared_.streaming = false;
    shared_.keep_alive = keep;
    shared_.chunked = parser_->version() >= 11;
    shared_.head_only = parser_->request().method == "HEAD";
    shared_.scheduled = true;  // process() flushes when it has served all that is here
  }
  auto request = std::move(parser_->request());
  parser_.reset();
  request.peer = peer_;
  core_->service.serve(std::make_shared<exchange>(shared_from_this(), sequence, std::move(request)));
  bool answered = false;
  {
    std::lock_guard lock{mutex_};
    answered = shared_.answered && !shared_.streaming;
  }
  if (!answered) return;
  if (!keep) close_after_ = true;
  phase_ = phase::idle;
  since_ = clock::now();
}

/// Answers what is not a request, then reads and drops the rest of it, so that the client sees the answer and no reset.
void connection::refuse(int status, std::string_view reason, std::string_view message) {
  parser_.reset();
  in_.clear();
  phase_ = phase::answering;
  close_after_ = true;
  std::string body = R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":")" +
                     std::string{message} + R"(","reason":")" + std::string{reason} + R"(","code":)" +
                     std::to_string(status) + "}\n";
  std::lock_guard lock{mutex_};
  shared_.answered = true;
  shared_.chunked = true;
  auto text = head(status, "application/json", false);
  text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  add(std::move(text));
}

void connection::finish_request() {
  std::function<void()> on_closed;
  {
    std::lock_guard lock{mutex_};
    on_closed = std::move(shared_.on_closed);
    shared_.on_closed = nullptr;
    shared_.streaming = false;
    if (!shared_.keep_alive) close_after_ = true;
  }
  closed_by(std::move(on_closed));
  phase_ = phase::idle;
  since_ = clock::now();
}

void connection::close(std::string_view why) {
  if (phase_ == phase::closed) return;
  phase_ = phase::closed;
  deadline_ = 0;
  if (!why.empty() && core_->log.enabled(ports::severity::debug))
    core_->log.debug("http", net::address_of(socket_) + ": " + std::string{why});
  std::function<void()> on_closed;
  std::deque<ports::http_piece> dropped;
  {
    std::lock_guard lock{mutex_};
    shared_.dead = true;
    on_closed = std::move(shared_.on_closed);
    shared_.on_closed = nullptr;
    dropped.swap(shared_.out);
  }
  sending_.clear();
  queued_ = 0;
  if (!broken_) tls_.close_notify();
  boost::system::error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
  core_->remove(shared_from_this());
  closed_by(std::move(on_closed));
}

/// Not from here: the caller holds io_, and may be inside one of the exchange's members.
void connection::closed_by(std::function<void()> on_closed) {
  if (on_closed) boost::asio::post(socket_.get_executor(), std::move(on_closed));
}

void connection::stop() { later(&connection::close_quietly); }

void connection::check_deadline(clock::time_point now) {
  auto deadline = deadline_.load(std::memory_order_relaxed);
  if (deadline == 0 || now.time_since_epoch().count() < deadline) return;
  boost::asio::post(socket_.get_executor(), [self = shared_from_this()] {
    std::lock_guard io{self->io_};
    auto still = self->deadline_.load();
    if (still == 0 || clock::now().time_since_epoch().count() < still) return;
    ++self->core_->cut_off;
    self->close("a deadline passed");
  });
}

void connection::set_deadline() {
  using std::chrono::milliseconds;
  const auto& o = core_->options;
  auto span = milliseconds{0};
  auto from = since_;
  if (queued_ > 0) {
    span = milliseconds{o.stalled_ms_max};
    from = clock::now();
  } else {
    switch (phase_) {
      case phase::handshake:
        span = milliseconds{o.handshake_ms_max};
        break;
      case phase::idle:
        span = milliseconds{o.idle_ms_max};
        break;
      case phase::receiving:
        span = milliseconds{o.request_ms_max};
        break;
      case phase::lingering:
        span = linger_time;
        break;
      default:
        break;  // the service answers in its own time; a stream has no end
    }
  }
  deadline_ = span.count() == 0 ? 0 : (from + span).time_since_epoch().count();
}

}  // namespace skerry::http
