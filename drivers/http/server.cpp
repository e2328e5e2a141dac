#include "drivers/http/server.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <ctime>

#include "drivers/http/connection.hpp"
#include "drivers/net/io_loop.hpp"
#include "drivers/net/tls_context.hpp"
#include "schema/error.hpp"
#include "schema/limits.hpp"

namespace skerry::http {
namespace {
namespace asio = boost::asio;
using tcp = asio::ip::tcp;

std::string make_date_line() {
  auto now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[64];
  auto n = std::strftime(text, sizeof(text), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
  return {text, n};
}

caf::expected<tcp::endpoint> parse_endpoint(const std::string& text) {
  auto bad = [&](const std::string& why) {
    return make_error(errc::invalid,
                      "--listen " + text + ": " + why + "; give ADDRESS:PORT, such as 127.0.0.1:6443 or [::]:6443");
  };
  auto colon = text.rfind(':');
  if (colon == std::string::npos) return bad("no port");
  auto host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host.empty()) host = "0.0.0.0";
  boost::system::error_code e;
  auto address = asio::ip::make_address(host, e);
  if (e) return bad("'" + host + "' is not an IP address");
  auto digits = text.substr(colon + 1);
  if (digits.empty() || digits.size() > 5 || digits.find_first_not_of("0123456789") != std::string::npos ||
      std::stoi(digits) > 65535)
    return bad("'" + digits + "' is not a port");
  return tcp::endpoint{address, static_cast<uint16_t>(std::stoi(digits))};
}

}  // namespace

void core::set_date_line(std::string text) {
  auto next = (date_at_.load(std::memory_order_relaxed) + 1) % dates_.size();
  dates_[next] = std::move(text);
  date_at_.store(static_cast<unsigned>(next), std::memory_order_release);
}
void core::add(std::shared_ptr<connection> c) {
  std::lock_guard lock{mutex_};
  connections_.insert(std::move(c));
  count_ = connections_.size();
}
void core::remove(const std::shared_ptr<connection>& c) {
  std::lock_guard lock{mutex_};
  connections_.erase(c);
  count_ = connections_.size();
  if (connections_.empty()) emptied_.notify_all();
}
void core::wait_empty(std::chrono::milliseconds at_most) {
  std::unique_lock lock{mutex_};
  emptied_.wait_for(lock, at_most, [this] { return connections_.empty(); });
}
std::vector<std::shared_ptr<connection>> core::all() const {
  std::lock_guard lock{mutex_};
  return {connections_.begin(), connections_.end()};
}

class server::implementation : public std::enable_shared_from_this<implementation> {
public:
  implementation(net::io_loop& loop, server_options options, ports::http_service& service, ports::link_acceptor& links,
                 ports::log& log)
      : io_(loop.context()),
        strand_(asio::make_strand(io_)),
        acceptor_(strand_),
        sweep_(strand_),
        core_(std::make_shared<core>(std::move(options), service, links, log)) {}

  caf::expected<void> start() {
    auto tls =
        net::make_server_context({core_->options.certificate_pem, core_->options.key_pem, core_->options.ca_pem});
    if (!tls) return tls.error();
    core_->tls = *tls;
    auto endpoint = parse_endpoint(core_->options.listen);
    if (!endpoint) return endpoint.error();
    boost::system::error_code e;
    auto failed = [&](const char* what) {
      auto text = std::string{what} + " " + core_->options.listen + ": " + e.message();
      boost::system::error_code ignored;
      acceptor_.close(ignored);
      if (e == asio::error::address_in_use)
        return make_error(errc::locked,
                          text + "; another process listens there: stop it, or choose another port with --listen");
      if (e == asio::error::access_denied)
        return make_error(errc::io, text + "; ports below 1024 need root: choose another with --listen");
      if (e == boost::system::errc::address_not_available)
        return make_error(errc::invalid, text + "; no interface of this machine has that address (see `ip addr`)");
      return make_error(errc::io, text);
    };
    acceptor_.open(endpoint->protocol(), e);
    if (e) return failed("cannot open a socket for");
    acceptor_.set_option(tcp::acceptor::reuse_address{true}, e);
    acceptor_.bind(*endpoint, e);
    if (e) return failed("cannot listen on");
    acceptor_.listen(1024, e);
    if (e) return failed("cannot listen on");
    port_ = acceptor_.local_endpoint(e).port();
    core_->set_date_line(make_date_line());
    asio::post(strand_, [self = shared_from_this()] {
      self->accept();
      self->sweep();
    });
    return caf::unit;
  }

  void stop() {
    if (core_->stopping.exchange(true)) return;
    if (io_.stopped()) return;
    asio::post(strand_, [self = shared_from_this()] {
      boost::system::error_code ignored;
      self->acceptor_.close(ignored);
      self->sweep_.cancel();
      for (auto& c : self->core_->all()) c->stop();
    });
    // Connections leave the core in their own strands; what is being served ends first.
    core_->wait_empty(std::chrono::seconds{5});
  }

  std::atomic<uint16_t> port_{0};
  const std::shared_ptr<core>& shared() const { return core_; }

private:
  void accept() {
    acceptor_.async_accept(io_, [self = shared_from_this()](const boost::system::error_code& e, tcp::socket socket) {
      if (self->core_->stopping) return;
      if (e) {
        if (e == asio::error::operation_aborted) return;
        self->core_->log.warning("http", "cannot accept a connection: " + e.message());
        return self->retry();  // out of descriptors: let some close first
      }
      self->take(std::move(socket));
      self->accept();
    });
  }

  void take(tcp::socket socket) {
    ++core_->accepted;
    if (core_->count() >= limits::connections_max) {
      ++core_->refused;
      return;  // closed by its destructor
    }
    auto c = std::make_shared<connection>(core_, std::move(socket));
    core_->add(c);
    c->start();
  }

  void retry() {
    auto timer = std::make_shared<asio::steady_timer>(strand_, std::chrono::milliseconds{100});
    timer->async_wait([self = shared_from_this(), timer](const boost::system::error_code&) {
      if (!self->core_->stopping) self->accept();
    });
  }

  /// Once a second: the Date line, and connections whose time is over.
  void sweep() {
    if (core_->stopping) return;
    core_->set_date_line(make_date_line());
    auto now = connection::clock::now();
    for (auto& c : core_->all()) c->check_deadline(now);
    sweep_.expires_after(std::chrono::seconds{1});
    sweep_.async_wait([self = shared_from_this()](const boost::system::error_code& e) {
      if (!e) self->sweep();
    });
  }

  asio::io_context& io_;
  asio::strand<asio::io_context::executor_type> strand_;
  tcp::acceptor acceptor_;
  asio::steady_timer sweep_;
  std::shared_ptr<core> core_;
};

server::server(net::io_loop& loop, server_options options, ports::http_service& service, ports::link_acceptor& links,
               ports::log& log)
    : implementation_(std::make_shared<implementation>(loop, std::move(options), service, links, log)) {}
server::~server() { stop(); }
caf::expected<void> server::start() { return implementation_->start(); }
void server::stop() { implementation_->stop(); }
uint16_t server::port() const { return implementation_->port_; }

server_figures server::figures() const {
  const auto& c = *implementation_->shared();
  return {c.count(), c.accepted, c.refused, c.handshakes_failed, c.requests, c.cut_off};
}

}  // namespace skerry::http
