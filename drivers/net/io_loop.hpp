#pragma once
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>
#include <vector>

namespace skerry::net {

/// The threads that wait for sockets: one boost::asio::io_context and `threads` threads that run it.
/// Every network driver of an island shares one. Outlives all that uses its context.
class io_loop {
public:
  /// Starts `threads` threads, at least 1. An edge needs 1.
  explicit io_loop(int threads);
  ~io_loop();
  io_loop(const io_loop&) = delete;
  io_loop& operator=(const io_loop&) = delete;

  boost::asio::io_context& context() { return context_; }
  /// Ends the threads; handlers that wait are destroyed with the loop, not called. Not from one of its own threads.
  void stop();

private:
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::vector<std::thread> threads_;
};

}  // namespace skerry::net
