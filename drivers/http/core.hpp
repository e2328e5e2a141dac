#pragma once
#include <array>
#include <atomic>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <unordered_set>

#include "drivers/http/server.hpp"

namespace skerry::http {

class connection;

/// What the connections of one server share.
struct core {
  core(server_options o, ports::http_service& s, ports::link_acceptor& l, ports::log& g)
      : options(std::move(o)), service(s), links(l), log(g) {}

  server_options options;
  ports::http_service& service;
  ports::link_acceptor& links;
  ports::log& log;
  std::shared_ptr<boost::asio::ssl::context> tls;

  std::atomic<bool> stopping{false};
  std::atomic<uint64_t> accepted{0}, refused{0}, handshakes_failed{0}, requests{0}, cut_off{0};

  /// The Date header's line, made anew each second; two buffers, so that a reader never sees a half-written one.
  std::string_view date_line() const { return dates_[date_at_.load(std::memory_order_acquire)]; }
  void set_date_line(std::string text);

  void add(std::shared_ptr<connection> c);
  void remove(const std::shared_ptr<connection>& c);
  std::vector<std::shared_ptr<connection>> all() const;
  /// Waits until no connection is left, at most so long.
  void wait_empty(std::chrono::milliseconds at_most);
  size_t count() const { return count_.load(std::memory_order_relaxed); }

private:
  std::array<std::string, 4> dates_;
  std::atomic<unsigned> date_at_{0};
  mutable std::mutex mutex_;
  std::condition_variable emptied_;
  std::unordered_set<std::shared_ptr<connection>> connections_;
  std::atomic<size_t> count_{0};
};

}  // namespace skerry::http
