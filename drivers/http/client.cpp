#include "drivers/http/client.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <optional>

#include "schema/error.hpp"
#include "schema/limits.hpp"

namespace skerry::drivers::http {
namespace asio = boost::asio;
namespace beast = boost::beast;
using tcp = asio::ip::tcp;

namespace {

struct place {
  std::string host, port;
};

std::optional<place> parse_server(std::string_view server) {
  constexpr std::string_view scheme = "https://";
  if (server.substr(0, scheme.size()) != scheme) return {};
  server.remove_prefix(scheme.size());
  while (!server.empty() && server.back() == '/') server.remove_suffix(1);
  auto colon = server.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == server.size()) return {};
  auto host = server.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host.empty()) return {};
  return place{std::string{host}, std::string{server.substr(colon + 1)}};
}

/// The chain of one call; each step starts the next.
class conversation {
public:
  conversation(asio::io_context& io, asio::ssl::context& tls, const place& where) : stream_(io, tls), where_(where) {
    stream_.set_verify_callback(asio::ssl::host_name_verification(where.host));
    parser_.body_limit(limits::request_body_bytes_max * 16);
  }

  void start(const tcp::resolver::results_type& found, beast::http::request<beast::http::string_body> request) {
    request_ = std::move(request);
    asio::async_connect(stream_.next_layer(), found, [this](beast::error_code ec, const tcp::endpoint&) {
      if (ec)
        return end(errc::unavailable,
                   "nobody answers at " + where_.host + ":" + where_.port + " (" + ec.message() + ")");
      stream_.async_handshake(asio::ssl::stream_base::client, [this](beast::error_code e) { on_handshake(e); });
    });
  }

  caf::expected<client_response> result = make_error(errc::timed_out, "no answer in time");

private:
  void on_handshake(beast::error_code ec) {
    if (ec) return end(errc::unauthorized, "the server's certificate or ours was refused: " + ec.message());
    beast::http::async_write(stream_, request_, [this](beast::error_code e, size_t) {
      if (e) return end(errc::unavailable, "the connection broke: " + e.message());
      beast::http::async_read(stream_, buffer_, parser_, [this](beast::error_code r, size_t) { on_read(r); });
    });
  }
  void on_read(beast::error_code ec) {
    if (ec) return end(errc::unavailable, "the connection broke: " + ec.message());
    result = client_response{static_cast<int>(parser_.get().result_int()), parser_.get().body()};
  }
  void end(errc code, std::string message) { result = make_error(code, std::move(message)); }

  asio::ssl::stream<tcp::socket> stream_;
  place where_;
  beast::http::request<beast::http::string_body> request_;
  beast::flat_buffer buffer_;
  beast::http::response_parser<beast::http::string_body> parser_;
};

}  // namespace

caf::expected<client_response> call(const std::string& server, const ports::client_credentials& who,
                                    const std::string& method, const std::string& target, const std::string& body,
                                    uint32_t deadline_ms) {
  auto where = parse_server(server);
  if (!where) return make_error(errc::invalid, "'" + server + "' is not of the form https://HOST:PORT");
  try {
    asio::io_context io{1};
    asio::ssl::context tls{asio::ssl::context::tls_client};
    tls.set_verify_mode(asio::ssl::verify_peer);
    tls.add_certificate_authority(asio::buffer(who.ca_pem));
    if (!who.certificate_pem.empty()) {
      tls.use_certificate_chain(asio::buffer(who.certificate_pem));
      tls.use_private_key(asio::buffer(who.key_pem), asio::ssl::context::pem);
    }
    beast::error_code ec;
    auto found = tcp::resolver{io}.resolve(where->host, where->port, ec);
    if (ec) return make_error(errc::unavailable, "cannot resolve " + where->host + ": " + ec.message());
    beast::http::request<beast::http::string_body> request{beast::http::string_to_verb(method), target, 11};
    request.set(beast::http::field::host, where->host + ":" + where->port);
    request.set(beast::http::field::user_agent, "skerry");
    request.set(beast::http::field::accept, "application/json");
    if (!body.empty()) request.set(beast::http::field::content_type, "application/json");
    request.body() = body;
    request.prepare_payload();
    conversation c{io, tls, *where};
    c.start(found, std::move(request));
    io.run_for(std::chrono::milliseconds{deadline_ms});
    return std::move(c.result);
  } catch (const std::exception& e) {
    return make_error(errc::invalid, std::string{"credentials do not load: "} + e.what());
  }
}

}  // namespace skerry::drivers::http
