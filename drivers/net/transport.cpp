#include "drivers/net/transport.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <charconv>
#include <optional>

#include "drivers/net/tls_connection.hpp"
#include "drivers/net/tls_context.hpp"
#include "schema/error.hpp"

namespace skerry::net {
namespace asio = boost::asio;
using asio::ip::tcp;
using error_code = boost::system::error_code;
namespace {

/// One try: resolve, connect, handshake, against one deadline. Answers once.
class attempt : public std::enable_shared_from_this<attempt> {
public:
  attempt(asio::io_context& io, tls_context_ptr context, std::string address, bool pinned,
          ports::transport::connected done)
      : strand_(asio::make_strand(io)),
        timer_(strand_),
        resolver_(strand_),
        context_(std::move(context)),
        stream_(tls_stream{tcp::socket{io}, *context_}),
        address_(std::move(address)),
        pinned_(pinned),
        done_(std::move(done)) {}

  void run(std::string host, std::string port, uint32_t deadline_ms) {
    asio::post(strand_, [self = shared_from_this(), host = std::move(host), port = std::move(port), deadline_ms] {
      self->timer_.expires_after(std::chrono::milliseconds{deadline_ms});
      self->timer_.async_wait([self](error_code ec) {
        if (!ec)
          self->fail(errc::timed_out, std::string{"no answer "} + self->stage_ +
                                          " within the deadline; check the network between, and firewalls");
      });
      error_code ec;
      auto literal = asio::ip::make_address(host, ec);
      if (!ec) {
        tcp::endpoint endpoint{literal, static_cast<uint16_t>(std::stoi(port))};
        return self->connect(tcp::resolver::results_type::create(endpoint, host, port));
      }
      self->resolver_.async_resolve(host, port, [self](error_code ec, tcp::resolver::results_type found) {
        if (ec)
          return self->fail(errc::unavailable,
                            "its name does not resolve (" + ec.message() + "); check the address and DNS");
        self->connect(std::move(found));
      });
    });
  }

private:
  void connect(tcp::resolver::results_type found) {
    if (!done_) return;
    stage_ = "to the TCP connection";
    asio::async_connect(
        stream_->next_layer(), found,
        asio::bind_executor(strand_, [self = shared_from_this()](error_code ec, const tcp::endpoint&) {
          if (ec == asio::error::connection_refused)
            return self->fail(
                errc::unavailable,
                "connection refused: nothing listens there; is `skerry cloud` running, and is the port right?");
          if (ec) return self->fail(errc::unavailable, ec.message() + "; check the address and the network");
          self->handshake();
        }));
  }

  void handshake() {
    if (!done_) return;
    stage_ = "to the TLS handshake";
    stream_->async_handshake(asio::ssl::stream_base::client,
                             asio::bind_executor(strand_, [self = shared_from_this()](error_code ec) {
                               if (!self->done_) return;
                               if (ec) return self->refused(ec);
                               self->finish();
                             }));
  }

  void refused(const error_code& ec) {
    auto why = verify_failure(stream_->native_handle(), pinned_);
    if (!why.empty()) return fail(errc::unauthorized, why);
    if (ec.category() == asio::error::get_ssl_category())
      return fail(errc::unauthorized,
                  "the TLS handshake failed (" + ec.message() + "); is it a Skerry cloud that listens there?");
    fail(errc::unavailable, "the connection was cut in the TLS handshake: " + ec.message());
  }

  void finish() {
    if (alpn_of(stream_->native_handle()) != alpn_link)
      return fail(errc::unsupported,
                  "the server does not speak skerry-link/1; is it a Skerry cloud, without a TLS proxy before it?");
    timer_.cancel();
    auto done = std::exchange(done_, {});
    auto connection = make_tls_connection(std::move(*stream_));
    stream_.reset();
    done(std::move(connection));
  }

  void fail(errc code, const std::string& why) {
    if (!done_) return;
    auto done = std::exchange(done_, {});
    timer_.cancel();
    resolver_.cancel();
    error_code ignored;
    stream_->next_layer().close(ignored);
    done(make_error(code, "cloud at " + address_ + ": " + why));
  }

  asio::strand<asio::io_context::executor_type> strand_;
  asio::steady_timer timer_;
  tcp::resolver resolver_;
  tls_context_ptr context_;
  std::optional<tls_stream> stream_;
  std::string address_;
  bool pinned_;
  ports::transport::connected done_;
  const char* stage_ = "from the name server";
};

}  // namespace

caf::expected<std::pair<std::string, std::string>> split_address(std::string_view text) {
  auto bad = [&](const char* why) {
    return make_error(errc::invalid, "address \"" + std::string{text} + "\": " + why + "; write https://host:port");
  };
  auto rest = text;
  if (rest.starts_with("https://"))
    rest.remove_prefix(8);
  else if (rest.find("://") != std::string_view::npos)
    return bad("only https is spoken");
  if (rest.ends_with('/')) rest.remove_suffix(1);
  std::string_view host = rest, port = "6443";
  if (rest.starts_with('[')) {
    auto close = rest.find(']');
    if (close == std::string_view::npos) return bad("the closing ] is missing");
    host = rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
    if (!rest.empty() && rest.front() != ':') return bad("after ] a :port is expected");
    if (!rest.empty()) port = rest.substr(1);
  } else if (auto colon = rest.find(':'); colon != std::string_view::npos) {
    if (rest.find(':', colon + 1) != std::string_view::npos) return bad("an IPv6 address stands in brackets");
    host = rest.substr(0, colon);
    port = rest.substr(colon + 1);
  }
  unsigned number = 0;
  auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (ec != std::errc{} || end != port.data() + port.size() || number == 0 || number > 65535)
    return bad("the port is not a number from 1 to 65535");
  if (host.empty() || host.find_first_of("/ \t@?#") != std::string_view::npos) return bad("no host name in it");
  return std::pair{std::string{host}, std::string{port}};
}

void tls_transport::connect(std::string address, ports::client_credentials who, uint32_t deadline_ms, connected done) {
  auto fail = [&](caf::error e) {
    asio::post(loop_.context(), [done = std::move(done), e = std::move(e)] { done(e); });
  };
  auto target = split_address(address);
  if (!target) return fail(std::move(target.error()));
  auto context = make_client_context(who);
  if (!context) return fail(std::move(context.error()));
  auto pinned = who.ca_pem.empty();
  auto shown = target->first + ":" + target->second;
  std::make_shared<attempt>(loop_.context(), std::move(*context), std::move(shown), pinned, std::move(done))
      ->run(std::move(target->first), std::move(target->second), deadline_ms);
}

}  // namespace skerry::net
