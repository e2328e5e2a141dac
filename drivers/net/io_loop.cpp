#include "drivers/net/io_loop.hpp"

#include <algorithm>
#include <csignal>

namespace skerry::net {

io_loop::io_loop(int threads) : context_(std::max(threads, 1)), work_(context_.get_executor()) {
  // Signals belong to the main thread.
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &old);
  for (int i = 0; i < std::max(threads, 1); ++i) threads_.emplace_back([this] { context_.run(); });
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

io_loop::~io_loop() { stop(); }

void io_loop::stop() {
  context_.stop();
  for (auto& t : threads_)
    if (t.joinable()) t.join();
}

}  // namespace skerry::net
