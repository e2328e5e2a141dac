#include "drivers/admin/admin_socket.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "drivers/admin/local_connection.hpp"
#include "drivers/net/io_loop.hpp"
#include "schema/error.hpp"

namespace skerry::drivers::admin {
namespace asio = boost::asio;
using local = asio::local::stream_protocol;
using error_code = boost::system::error_code;
namespace {

constexpr size_t line_bytes_max = 64 * 1024;
constexpr int connections_max = 16;
constexpr auto silence_max = std::chrono::seconds{10};
constexpr auto work_max = std::chrono::minutes{20};

/// Counts a connection while it lives.
struct counted {
  explicit counted(std::shared_ptr<std::atomic<int>> all) : open(std::move(all)) { ++*open; }
  ~counted() { --*open; }
  std::shared_ptr<std::atomic<int>> open;
};

/// Who answers what comes in.
struct speakers {
  handler lines;
  ports::link_acceptor* links;
};

/// Finds out what is spoken; then one request and its answer, or a link that is handed over. Keeps itself alive by its
/// handlers.
class session : public std::enable_shared_from_this<session> {
public:
  session(local::socket socket, std::shared_ptr<speakers> who, std::shared_ptr<std::atomic<int>> open)
      : strand_(asio::make_strand(socket.get_executor())),
        socket_(std::move(socket)),
        timer_(strand_),
        buffer_(line_bytes_max),
        speakers_(std::move(who)),
        counted_(std::make_shared<counted>(std::move(open))) {}

  void start() {
    expire_in(silence_max);
    socket_.async_wait(local::socket::wait_read,
                       asio::bind_executor(strand_, [self = shared_from_this()](error_code ec) {
                         if (!ec) self->on_first_byte();
                       }));
  }

private:
  void on_first_byte() {
    char first = 0;
    if (::recv(socket_.native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT) != 1) return;
    if (first == '{' && speakers_->lines) return read_line();
    if (first == '{' || speakers_->links == nullptr) return;
    timer_.cancel();
    speakers_->links->on_link(make_local_connection(std::move(socket_), std::move(counted_)));
  }
  void read_line() {
    asio::async_read_until(socket_, buffer_, '\n',
                           asio::bind_executor(strand_, [self = shared_from_this()](error_code ec, size_t n) {
                             if (!ec) self->on_line(n);
                           }));
  }
  void expire_in(std::chrono::steady_clock::duration d) {
    timer_.expires_after(d);
    timer_.async_wait([weak = weak_from_this()](error_code ec) {
      auto self = weak.lock();
      if (self && !ec) self->socket_.close(ec);
    });
  }
  void on_line(size_t n) {
    expire_in(work_max);
    std::string line(asio::buffers_begin(buffer_.data()),
                     asio::buffers_begin(buffer_.data()) + static_cast<std::ptrdiff_t>(n - 1));
    speakers_->lines(std::move(line), [self = shared_from_this()](std::string answer) {
      asio::post(self->strand_, [self, answer = std::move(answer)]() mutable { self->answer(std::move(answer)); });
    });
  }
  void answer(std::string text) {
    out_ = std::move(text) + "\n";
    asio::async_write(socket_, asio::buffer(out_),
                      asio::bind_executor(strand_, [self = shared_from_this()](error_code, size_t) {
                        error_code ignored;
                        self->timer_.cancel();
                        self->socket_.close(ignored);
                      }));
  }

  asio::strand<asio::any_io_executor> strand_;
  local::socket socket_;
  asio::steady_timer timer_;
  asio::streambuf buffer_;
  std::string out_;
  std::shared_ptr<speakers> speakers_;
  std::shared_ptr<counted> counted_;
};

class socket_server final : public server {
public:
  socket_server(asio::io_context& io, std::string path, handler f, ports::link_acceptor* links)
      : path_(std::move(path)),
        acceptor_(std::make_shared<local::acceptor>(io)),
        speakers_(std::make_shared<speakers>(speakers{std::move(f), links})),
        open_(std::make_shared<std::atomic<int>>(0)) {}
  ~socket_server() override {
    ::unlink(path_.c_str());
    asio::post(acceptor_->get_executor(), [a = acceptor_] {
      error_code ignored;
      a->close(ignored);
    });
  }
  error_code open() {
    error_code ec;
    ::unlink(path_.c_str());
    acceptor_->open(local{}, ec);
    auto before = ::umask(0177);
    if (!ec) acceptor_->bind(local::endpoint{path_}, ec);
    ::umask(before);
    if (!ec) acceptor_->listen(connections_max, ec);
    if (!ec) accept(acceptor_, speakers_, open_);
    return ec;
  }

private:
  static void accept(std::shared_ptr<local::acceptor> a, std::shared_ptr<speakers> f,
                     std::shared_ptr<std::atomic<int>> open) {
    auto& from = *a;
    from.async_accept(
        [a = std::move(a), f = std::move(f), open = std::move(open)](error_code ec, local::socket s) mutable {
          if (ec) return;
          if (open->load() < connections_max) std::make_shared<session>(std::move(s), f, open)->start();
          accept(std::move(a), std::move(f), std::move(open));
        });
  }

  std::string path_;
  std::shared_ptr<local::acceptor> acceptor_;
  std::shared_ptr<speakers> speakers_;
  std::shared_ptr<std::atomic<int>> open_;
};

bool send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    auto n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

caf::expected<std::string> read_line(int fd, uint32_t deadline_ms) {
  auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{deadline_ms};
  std::string out;
  char buffer[4096];
  for (;;) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    pollfd p{fd, POLLIN, 0};
    if (left <= 0 || ::poll(&p, 1, static_cast<int>(left)) == 0)
      return make_error(errc::timed_out, "the agent did not answer in time");
    auto n = ::read(fd, buffer, sizeof buffer);
    if (n <= 0) return make_error(errc::io, "the agent ended while it was asked; look at its log");
    out.append(buffer, static_cast<size_t>(n));
    if (out.back() == '\n') return out.substr(0, out.size() - 1);
  }
}

}  // namespace

caf::expected<std::unique_ptr<server>> server::start(net::io_loop& loop, const std::string& path, handler f,
                                                     ports::link_acceptor* links) {
  auto s = std::make_unique<socket_server>(loop.context(), path, std::move(f), links);
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return make_error(errc::invalid, "the path of the socket is too long: " + path);
  if (auto ec = s->open()) return make_error(errc::io, "cannot listen on " + path + ": " + ec.message());
  return std::unique_ptr<server>{std::move(s)};
}

caf::expected<std::string> ask(const std::string& path, const std::string& request, uint32_t deadline_ms) {
  sockaddr_un a{};
  a.sun_family = AF_UNIX;
  if (path.size() >= sizeof a.sun_path) return make_error(errc::invalid, "the path of the socket is too long: " + path);
  std::memcpy(a.sun_path, path.c_str(), path.size() + 1);
  int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return make_error(errc::io, std::string{"no socket: "} + std::strerror(errno));
  caf::expected<std::string> result = make_error(errc::unavailable, "no agent listens on " + path);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0) {
    if (send_all(fd, request + "\n")) {
      result = read_line(fd, deadline_ms);
    } else {
      result = make_error(errc::io, "the agent closed the connection");
    }
  }
  ::close(fd);
  return result;
}

}  // namespace skerry::drivers::admin
