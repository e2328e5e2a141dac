#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <deque>
#include <optional>

#include "drivers/http/core.hpp"
#include "drivers/http/request_parser.hpp"
#include "drivers/http/tls_socket.hpp"

namespace skerry::http {

/// One client's connection. Who touches the socket holds `io_`: the io thread that reads, or the thread that adds to an
/// answer, which writes it out itself where nobody else is at it (a watch event then costs no switch of threads), and
/// otherwise leaves a flush behind for the io threads. Lock order: `io_`, then `mutex_`.
class connection : public std::enable_shared_from_this<connection> {
public:
  using tcp = boost::asio::ip::tcp;
  using clock = std::chrono::steady_clock;

  connection(std::shared_ptr<core> c, tcp::socket socket);
  /// Shakes hands, then reads.
  void start();

  // -- for the exchange of request number `sequence`; any thread; ignored if that request is over
  // ----------------------
  void respond(uint64_t sequence, int status, std::string_view content_type, ports::http_body body,
               const std::vector<std::pair<std::string, std::string>>& headers);
  void start_stream(uint64_t sequence, int status, std::string_view content_type, std::function<void()> on_closed);
  bool write(uint64_t sequence, ports::http_body pieces);
  void end_stream(uint64_t sequence);
  /// The exchange is gone: 500 if it was not answered.
  void abandoned(uint64_t sequence);

  // -- for the server
  // ----------------------------------------------------------------------------------------------------
  /// Closes if a phase took longer than it may. Any thread.
  void check_deadline(clock::time_point now);
  /// Closes from any thread.
  void stop();

private:
  enum class phase : uint8_t { handshake, idle, receiving, answering, lingering, closed };

  // with io_
  void shake();
  void hand_over();
  void wait_readable();
  void wait_writable();
  void on_readable();
  void process();
  bool parse();
  void dispatch();
  void refuse(int status, std::string_view reason, std::string_view message);
  void flush();
  void write_through(const ports::http_body& pieces, size_t length, bool chunked);
  /// Calls `f` on an io thread, with io_.
  void later(void (connection::*f)());
  void closed_by(std::function<void()> on_closed);
  bool pump();
  size_t stage(char* to, size_t size);
  void consumed(size_t n);
  void finish_request();
  void close(std::string_view why = {});
  void close_quietly() { close(); }
  void set_deadline();

  // any thread, with mutex_
  bool current(uint64_t sequence) const { return sequence == sequence_ && !shared_.dead && !shared_.answered; }
  void add(ports::http_piece piece);
  void add_chunk(ports::http_body pieces, size_t length);
  /// True if the caller, once it has let mutex_ go, must call flush_now().
  bool schedule();
  // any thread, with neither
  void flush_now();
  std::string head(int status, std::string_view content_type, bool keep) const;

  std::shared_ptr<core> core_;
  tcp::socket socket_;
  tls_socket tls_;
  ports::peer_identity peer_;

  std::mutex io_;
  phase phase_ = phase::handshake;
  bool waiting_read_ = false, waiting_write_ = false, broken_ = false, close_after_ = false, continued_ = false;
  bool processing_ = false;
  size_t lingered_ = 0;
  std::string in_;                         ///< arrived, not yet parsed
  std::optional<request_parser> parser_;   ///< of the request that is arriving
  std::deque<ports::http_piece> sending_;  ///< taken from shared_, on its way out
  size_t sending_at_ = 0;                  ///< bytes of the first piece that are out
  std::string unsent_;                     ///< staged, refused by a full socket; goes first
  clock::time_point since_;                ///< when the phase began
  std::atomic<int64_t> deadline_{0};       ///< steady clock's ticks; 0: none

  mutable std::mutex mutex_;
  uint64_t sequence_ = 0;  ///< of the request being served
  struct {
    std::deque<ports::http_piece> out;
    std::function<void()> on_closed;
    bool scheduled = false;  ///< a flush will come
    bool streaming = false, answered = true, dead = false;
    bool keep_alive = true, chunked = true, head_only = false;
  } shared_;
  std::atomic<size_t> queued_{0};  ///< bytes that wait
};

}  // namespace skerry::http
