// The answering half of a connection: what goes out, and when.
#include <boost/asio/post.hpp>
#include <boost/beast/http/status.hpp>
#include <charconv>
#include <cstring>

#include "drivers/http/connection.hpp"
#include "schema/limits.hpp"

namespace skerry::http {
namespace {
constexpr size_t record_bytes = 16 * 1024;
constexpr size_t chunk_bytes_max = 16;  // around the content of a chunk of one record

size_t size_of(const ports::http_body& body) {
  size_t n = 0;
  for (const auto& p : body) n += p.view().size();
  return n;
}

void append_number(std::string& to, size_t n, int base = 10) {
  char text[24];
  auto end = std::to_chars(text, text + sizeof(text), n, base);
  to.append(text, end.ptr);
}
}  // namespace

std::string connection::head(int status, std::string_view content_type, bool keep) const {
  std::string out;
  out.reserve(320);
  out += shared_.chunked ? "HTTP/1.1 " : "HTTP/1.0 ";
  append_number(out, static_cast<size_t>(status));
  auto reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
  out.append(" ").append(reason.data(), reason.size());
  out += "\r\nContent-Type: ";
  out += content_type;
  out += "\r\nCache-Control: no-cache, private\r\n";
  out += core_->date_line();
  if (!keep)
    out += "Connection: close\r\n";
  else if (!shared_.chunked)
    out += "Connection: keep-alive\r\n";
  return out;
}

void connection::add(ports::http_piece piece) {
  auto n = piece.view().size();
  if (n == 0) return;
  queued_ += n;
  shared_.out.push_back(std::move(piece));
}

bool connection::schedule() {
  if (shared_.scheduled) return false;  // who set it takes this along
  shared_.scheduled = true;
  return true;
}

void connection::flush_now() {
  std::unique_lock io{io_, std::try_to_lock};
  if (io.owns_lock())
    flush();
  else
    later(&connection::flush);
}

void connection::respond(uint64_t sequence, int status, std::string_view content_type, ports::http_body body,
                         const std::vector<std::pair<std::string, std::string>>& headers) {
  auto length = size_of(body);
  std::unique_lock lock{mutex_};
  if (!current(sequence) || shared_.streaming) return;
  shared_.answered = true;
  auto text = head(status, content_type, shared_.keep_alive);
  for (const auto& [name, value] : headers) text.append(name).append(": ").append(value).append("\r\n");
  text += "Content-Length: ";
  append_number(text, length);
  text += "\r\n\r\n";
  add(std::move(text));
  if (!shared_.head_only)
    for (auto& p : body) add(std::move(p));
  auto mine = schedule();
  lock.unlock();
  if (mine) flush_now();
}

void connection::start_stream(uint64_t sequence, int status, std::string_view content_type,
                              std::function<void()> on_closed) {
  std::unique_lock lock{mutex_};
  if (!current(sequence) || shared_.streaming) {
    lock.unlock();
    return closed_by(std::move(on_closed));  // the client is gone already
  }
  shared_.streaming = true;
  if (!shared_.chunked) shared_.keep_alive = false;  // HTTP/1.0: the end of the connection ends the body
  auto text = head(status, content_type, shared_.keep_alive);
  text += shared_.chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n";
  add(std::move(text));
  shared_.on_closed = std::move(on_closed);
  auto mine = schedule();
  lock.unlock();
  if (mine) flush_now();
}

bool connection::write(uint64_t sequence, ports::http_body pieces) {
  auto length = size_of(pieces);
  std::unique_lock lock{mutex_};
  if (!current(sequence) || !shared_.streaming) return false;
  if (length == 0) return true;
  if (queued_ + length > limits::watch_queue_bytes_max) {
    ++core_->cut_off;
    shared_.dead = true;
    boost::asio::post(socket_.get_executor(), [self = shared_from_this()] {
      std::lock_guard io{self->io_};
      self->close("slow client: too much waits for it");
    });
    return false;
  }
  if (queued_ == 0 && length <= record_bytes - chunk_bytes_max && schedule()) {
    auto chunked = shared_.chunked;
    lock.unlock();
    if (std::unique_lock io{io_, std::try_to_lock}; io.owns_lock()) {
      write_through(pieces, length, chunked);
      return true;
    }
    lock.lock();
    if (shared_.dead) return false;
    add_chunk(std::move(pieces), length);
    lock.unlock();
    later(&connection::flush);
    return true;
  }
  add_chunk(std::move(pieces), length);
  auto mine = schedule();
  lock.unlock();
  if (mine) flush_now();
  return true;
}

void connection::add_chunk(ports::http_body pieces, size_t length) {
  if (shared_.chunked) {
    std::string size;
    append_number(size, length, 16);
    size += "\r\n";
    add(std::move(size));
  }
  for (auto& p : pieces) add(std::move(p));
  if (shared_.chunked) add("\r\n");
}

/// Nothing waits, and this thread has the socket: what is one record goes straight to it. The caller has set
/// `scheduled`; others add to shared_.out meanwhile.
void connection::write_through(const ports::http_body& pieces, size_t length, bool chunked) {
  if (phase_ == phase::closed) return;
  char buffer[record_bytes];
  buffer[0] = 0;  // GCC 12 cannot see that `size` bytes are set
  auto* to = buffer;
  auto put_text = [&to](std::string_view text) { to = std::copy(text.begin(), text.end(), to); };
  if (chunked) {
    to = std::to_chars(to, to + chunk_bytes_max, length, 16).ptr;
    put_text("\r\n");
  }
  for (const auto& p : pieces) put_text(p.view());
  if (chunked) put_text("\r\n");
  auto size = static_cast<size_t>(to - buffer);
  size_t put = 0;
  auto result = tls_.write(buffer, size, put);
  if (result != tls_result::done) put = 0;
  if (result == tls_result::closed || result == tls_result::failed) {
    broken_ = true;
    return close();
  }
  if (put < size) {
    unsent_.assign(buffer + put, size - put);
    queued_ += size - put;
  }
  bool more = false;
  {
    std::lock_guard lock{mutex_};
    shared_.scheduled = false;
    more = !shared_.out.empty() || shared_.answered;
  }
  if (more || queued_ > 0) flush();
}

void connection::end_stream(uint64_t sequence) {
  std::unique_lock lock{mutex_};
  if (!current(sequence) || !shared_.streaming) return;
  if (shared_.chunked) add("0\r\n\r\n");
  shared_.answered = true;
  auto mine = schedule();
  lock.unlock();
  if (mine) flush_now();
}

void connection::abandoned(uint64_t sequence) {
  bool streaming = false;
  {
    std::lock_guard lock{mutex_};
    if (!current(sequence)) return;
    streaming = shared_.streaming;
  }
  if (streaming) return end_stream(sequence);
  core_->log.error("http", "a request was dropped without an answer");
  respond(
      sequence, 500, "application/json",
      {R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"the server dropped the request; )"
       R"(try again","reason":"InternalError","code":500})"
       "\n"},
      {});
}

void connection::flush() {
  if (phase_ == phase::closed) return;
  bool answered = false;
  {
    std::lock_guard lock{mutex_};
    shared_.scheduled = false;
    if (sending_.empty())
      sending_.swap(shared_.out);
    else
      for (; !shared_.out.empty(); shared_.out.pop_front()) sending_.push_back(std::move(shared_.out.front()));
    answered = shared_.answered;
  }
  auto empty = pump();
  if (phase_ == phase::closed) return;
  if (empty && answered && phase_ == phase::answering && parser_ == std::nullopt) finish_request();
  if (empty && close_after_ && phase_ != phase::lingering) {
    // Let the peer read what was sent before the socket goes: a close with unread input would reset it away.
    tls_.close_notify();
    boost::system::error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    phase_ = phase::lingering;
    since_ = clock::now();
    in_.clear();
  }
  set_deadline();
  if (phase_ == phase::idle && !processing_ && empty) {
    if (!in_.empty()) later(&connection::process);  // requests are served on io threads alone
    wait_readable();
  } else if (phase_ == phase::lingering) {
    wait_readable();
  }
}

/// Writes until all is out (true), or the socket is full.
bool connection::pump() {
  char buffer[record_bytes];
  for (;;) {
    const char* from = unsent_.data();
    auto size = unsent_.size();
    bool direct = false;
    if (size == 0) {
      if (sending_.empty()) return true;
      auto first = sending_.front().view().substr(sending_at_);
      direct = first.size() >= record_bytes;
      from = direct ? first.data() : buffer;
      size = direct ? first.size() : stage(buffer, sizeof(buffer));
    }
    size_t put = 0;
    switch (tls_.write(from, size, put)) {
      case tls_result::done:
        break;
      case tls_result::want_read:
      case tls_result::want_write:
        if (!direct && unsent_.empty()) unsent_.assign(buffer, size);
        wait_writable();
        return false;
      default:
        broken_ = true;
        close();
        return false;
    }
    queued_ -= put;
    if (direct)
      consumed(put);
    else if (!unsent_.empty())
      unsent_.erase(0, put);
    else if (put < size)
      unsent_.assign(buffer + put, size - put);
  }
}

/// Copies as many waiting bytes as one record holds, over the borders of pieces and answers.
size_t connection::stage(char* to, size_t size) {
  size_t n = 0;
  while (n < size && !sending_.empty()) {
    auto v = sending_.front().view().substr(sending_at_);
    auto take = std::min(v.size(), size - n);
    std::memcpy(to + n, v.data(), take);
    n += take;
    consumed(take);
  }
  return n;
}

void connection::consumed(size_t n) {
  sending_at_ += n;
  if (sending_at_ < sending_.front().view().size()) return;
  sending_.pop_front();
  sending_at_ = 0;
}

}  // namespace skerry::http
