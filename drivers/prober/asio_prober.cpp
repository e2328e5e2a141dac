#include "drivers/prober/asio_prober.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <chrono>

namespace skerry::prober {
namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using error_code = boost::system::error_code;

namespace {
constexpr size_t status_line_bytes_max = 4096;
constexpr size_t output_bytes_max = 256;  // as the port promises

bool has_header(const ports::http_probe& p, std::string_view name) {
  return std::any_of(p.headers.begin(), p.headers.end(), [&](auto& h) {
    return std::equal(h.first.begin(), h.first.end(), name.begin(), name.end(),
                      [](char a, char b) { return (a | 0x20) == (b | 0x20); });
  });
}

/// A header value or path from the API never breaks the request apart.
std::string clean(std::string text) {
  std::erase_if(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
  return text;
}

std::string bracketed(const std::string& host) { return host.find(':') != std::string::npos ? "[" + host + "]" : host; }

std::string request_of(const ports::http_probe& p) {
  std::string out = "GET " + clean(p.path) + " HTTP/1.1\r\n";
  if (!has_header(p, "Host")) out += "Host: " + bracketed(p.host) + ":" + std::to_string(p.port) + "\r\n";
  if (!has_header(p, "User-Agent")) out += "User-Agent: kube-probe/1.36\r\n";
  if (!has_header(p, "Accept")) out += "Accept: */*\r\n";
  for (auto& [k, v] : p.headers) out += clean(k) + ": " + clean(v) + "\r\n";
  return out + "Connection: close\r\n\r\n";
}

/// Status of "HTTP/1.x NNN ..." (RFC 9112 section 4); 0 if it is none.
int status_of(std::string_view line) {
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || line[8] != ' ') return 0;
  int status = 0;
  for (char c : line.substr(9, 3)) {
    if (c < '0' || c > '9') return 0;
    status = status * 10 + (c - '0');
  }
  return line.size() == 12 || line[12] == ' ' || line[12] == '\r' ? status : 0;
}
}  // namespace

struct asio_prober::tls {
  asio::ssl::context context{asio::ssl::context::tls_client};
  tls() { context.set_verify_mode(asio::ssl::verify_none); }
};

namespace {

/// One probe from connect to its verdict. Lives in its handlers.
class session : public std::enable_shared_from_this<session> {
public:
  session(asio::io_context& c, ports::http_probe p, bool http, asio::ssl::context* tls, std::shared_ptr<void> keep,
          ports::prober::done f)
      : strand_(asio::make_strand(c)),
        socket_(strand_),
        resolver_(strand_),
        deadline_(strand_),
        probe_(std::move(p)),
        http_(http),
        keep_(std::move(keep)),
        done_(std::move(f)) {
    if (tls != nullptr) secure_ = std::make_unique<asio::ssl::stream<tcp::socket&>>(socket_, *tls);
  }

  void start(uint32_t timeout_ms) {
    asio::post(strand_, [me = shared_from_this(), timeout_ms] { me->begin(timeout_ms); });
  }

private:
  void begin(uint32_t timeout_ms) {
    deadline_.expires_after(std::chrono::milliseconds{timeout_ms});
    deadline_.async_wait([me = shared_from_this(), timeout_ms](error_code ec) {
      if (!ec) me->finish(false, me->what() + ": timed out after " + std::to_string(timeout_ms) + " ms");
    });
    error_code bad;
    auto address = asio::ip::make_address(probe_.host, bad);
    if (!bad) return connect({address, probe_.port});
    resolver_.async_resolve(probe_.host, std::to_string(probe_.port),
                            [me = shared_from_this()](error_code ec, tcp::resolver::results_type all) {
                              if (ec || all.empty())
                                me->finish(false, me->what() + ": lookup of " + me->probe_.host + ": " + ec.message());
                              else
                                me->connect(all.begin()->endpoint());
                            });
  }

  std::string what() const {
    auto at = bracketed(probe_.host) + ":" + std::to_string(probe_.port);
    return http_ ? "Get \"" + std::string{probe_.tls ? "https://" : "http://"} + at + probe_.path + "\""
                 : "dial tcp " + at;
  }

  void connect(const tcp::endpoint& to) {
    if (!done_) return;
    socket_.async_connect(to, [me = shared_from_this()](error_code ec) {
      if (ec) return me->finish(false, me->what() + ": connect: " + ec.message());
      if (!me->http_) return me->finish(true, {});
      if (!me->secure_) return me->ask(me->socket_);
      if (SSL_set_tlsext_host_name(me->secure_->native_handle(), me->probe_.host.c_str()) != 1)
        return me->finish(false, me->what() + ": host name is not usable for TLS");
      me->secure_->async_handshake(asio::ssl::stream_base::client, [me](error_code e) {
        if (e) return me->finish(false, me->what() + ": TLS handshake: " + e.message());
        me->ask(*me->secure_);
      });
    });
  }

  template <class Stream>
  void ask(Stream& stream) {
    text_ = request_of(probe_);
    asio::async_write(stream, asio::buffer(text_), [me = shared_from_this(), &stream](error_code ec, size_t) {
      if (ec) return me->finish(false, me->what() + ": write: " + ec.message());
      me->text_.clear();
      me->read(stream);
    });
  }

  template <class Stream>
  void read(Stream& stream) {
    stream.async_read_some(asio::buffer(chunk_), [me = shared_from_this(), &stream](error_code ec, size_t n) {
      me->text_.append(me->chunk_.data(), n);
      auto end = me->text_.find('\n');
      if (end != std::string::npos) return me->judge(std::string_view{me->text_}.substr(0, end));
      if (ec) return me->finish(false, me->what() + ": no answer: " + ec.message());
      if (me->text_.size() >= status_line_bytes_max) return me->finish(false, me->what() + ": malformed HTTP response");
      me->read(stream);
    });
  }

  void judge(std::string_view line) {
    auto status = status_of(line);
    if (status == 0) return finish(false, what() + ": malformed HTTP response");
    finish(status >= 200 && status < 400, "HTTP probe " +
                                              std::string{status >= 200 && status < 400 ? "succeeded" : "failed"} +
                                              " with statuscode: " + std::to_string(status));
  }

  void finish(bool ok, std::string output) {
    if (!done_) return;
    auto f = std::exchange(done_, nullptr);
    deadline_.cancel();
    resolver_.cancel();
    error_code ignored;
    socket_.close(ignored);
    output.resize(std::min(output.size(), output_bytes_max));
    f({ok, std::move(output)});
  }

  asio::strand<asio::io_context::executor_type> strand_;
  tcp::socket socket_;
  tcp::resolver resolver_;
  asio::steady_timer deadline_;
  ports::http_probe probe_;
  bool http_;
  std::shared_ptr<void> keep_;  // the TLS context
  std::unique_ptr<asio::ssl::stream<tcp::socket&>> secure_;
  std::string text_;
  std::array<char, 512> chunk_;
  ports::prober::done done_;
};

void launch(asio::io_context& c, ports::http_probe p, bool http, asio::ssl::context* tls, std::shared_ptr<void> keep,
            uint32_t timeout_ms, ports::prober::done f) {
  std::make_shared<session>(c, std::move(p), http, tls, std::move(keep), std::move(f))->start(timeout_ms);
}

}  // namespace

asio_prober::asio_prober(asio::io_context& context) : context_(context) {}
asio_prober::~asio_prober() = default;

void asio_prober::http(ports::http_probe probe, uint32_t timeout_ms, done f) {
  if (!probe.tls) return launch(context_, std::move(probe), true, nullptr, nullptr, timeout_ms, std::move(f));
  std::call_once(first_, [this] { tls_ = std::make_shared<tls>(); });
  launch(context_, std::move(probe), true, &tls_->context, tls_, timeout_ms, std::move(f));
}

void asio_prober::tcp(std::string host, uint16_t port, uint32_t timeout_ms, done f) {
  ports::http_probe p;
  p.host = std::move(host);
  p.port = port;
  launch(context_, std::move(p), false, nullptr, nullptr, timeout_ms, std::move(f));
}

}  // namespace skerry::prober
