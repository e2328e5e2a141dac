#include "tools/proxy/fault_proxy.hpp"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <deque>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace skerry::tools {
namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using error_code = boost::system::error_code;
using steady = std::chrono::steady_clock;
using sim::fault_plan;

namespace {

constexpr size_t held_bytes_max = 8 * 1024 * 1024;  ///< of one way; the sender then feels a full window
constexpr size_t held_bytes_slow = 64 * 1024;       ///< in front of a slow reader

struct shared_state {
  mutable std::mutex mutex;
  fault_proxy::counts counts;
  template <class F>
  void count(F f) {
    std::lock_guard lock{mutex};
    f(counts);
  }
};

void reset(tcp::socket& s) {
  error_code ec;
  s.set_option(asio::socket_base::linger(true, 0), ec);
  s.close(ec);
}

/// One connection and what befalls it; all on the proxy's thread.
class passage : public std::enable_shared_from_this<passage> {
public:
  passage(tcp::socket connector, tcp::socket listener, fault_plan plan, shared_state& state)
      : ends_{std::move(connector), std::move(listener)},
        plan_(plan),
        state_(state),
        flows_{flow{ends_[0].get_executor()}, flow{ends_[0].get_executor()}} {
    error_code ec;
    for (auto& e : ends_) e.set_option(tcp::no_delay(true), ec);
    state_.count([&](auto& c) {
      ++c.connections;
      c.delayed += plan.up.delay_ms + plan.down.delay_ms > 0;
      c.slow += plan.up.bytes_per_s + plan.down.bytes_per_s > 0;
    });
  }
  void start() {
    for (int side : {0, 1}) read(side);
  }
  void cut(fault_plan::told who) {
    if (std::exchange(cut_, true)) return;
    state_.count([&](auto& c) { ++c.cuts, c.half_open += who != fault_plan::told::both; });
    if (who == fault_plan::told::both || who == fault_plan::told::connector) end(0);
    if (who == fault_plan::told::both || who == fault_plan::told::listener) end(1);
  }
  void close() {
    for (int side : {0, 1}) end(side);
  }
  bool over() const { return !ends_[0].is_open() && !ends_[1].is_open(); }

private:
  struct chunk {
    steady::time_point due;
    std::vector<char> bytes;
  };
  /// What one side sent and the other has not got.
  struct flow {
    explicit flow(const asio::any_io_executor& e) : timer(e) {}
    std::array<char, 65536> in;
    std::deque<chunk> held;
    size_t held_bytes = 0;
    uint64_t passed = 0;
    bool reading = false, writing = false, silent = false, ended = false;
    asio::steady_timer timer;
    steady::time_point next_write = {};
  };

  void end(int side) {
    if (!ends_[side].is_open()) return;
    reset(ends_[side]);
    flows_[1 - side].timer.cancel();
    if (!cut_) end(1 - side);
  }

  size_t bound(int side) const { return plan_.of(side).bytes_per_s > 0 ? held_bytes_slow : held_bytes_max; }

  void read(int side) {
    auto& f = flows_[side];
    if (f.reading || f.ended || !ends_[side].is_open() || f.held_bytes >= bound(side)) return;
    if (f.passed >= plan_.of(side).unread_after) return;
    f.reading = true;
    ends_[side].async_read_some(asio::buffer(f.in), [self = shared_from_this(), side](error_code ec, size_t n) {
      auto& f = self->flows_[side];
      f.reading = false;
      if (ec) {
        if (ec == asio::error::eof && !self->cut_) {
          f.ended = true;
          return self->write(side);
        }
        return self->end(side);
      }
      self->take(side, {f.in.data(), f.in.data() + n});
      self->read(side);
    });
  }

  /// Does to the bytes what the plan says, and queues what is left of them.
  void take(int side, std::vector<char> bytes) {
    auto& f = flows_[side];
    const auto& w = plan_.of(side);
    if (cut_ || f.silent) return;
    if (w.corrupt_at >= f.passed && w.corrupt_at < f.passed + bytes.size()) {
      bytes[w.corrupt_at - f.passed] ^= 0x10;
      state_.count([](auto& c) { ++c.corrupt; });
    }
    auto total = flows_[0].passed + flows_[1].passed;
    bool cut_here = plan_.cut_after != fault_plan::never && total + bytes.size() >= plan_.cut_after;
    if (cut_here) bytes.resize(plan_.cut_after > total ? plan_.cut_after - total : 0);
    if (w.silent_after != fault_plan::never && f.passed + bytes.size() > w.silent_after) {
      f.silent = true;
      bytes.resize(w.silent_after > f.passed ? w.silent_after - f.passed : 0);
      state_.count([](auto& c) { ++c.silent; });
    }
    f.passed += bytes.size();
    f.held_bytes += bytes.size();
    if (!bytes.empty()) f.held.push_back({steady::now() + std::chrono::milliseconds{w.delay_ms}, std::move(bytes)});
    write(side);
    if (cut_here) cut(plan_.who);
  }

  void write(int side) {
    auto& f = flows_[side];
    auto& to = ends_[1 - side];
    if (f.writing || !to.is_open()) return;
    if (f.held.empty()) {
      error_code ec;
      if (f.ended) to.shutdown(tcp::socket::shutdown_send, ec);
      if (f.ended && flows_[1 - side].ended) close();
      return;
    }
    f.writing = true;
    auto due = std::max(f.held.front().due, f.next_write);
    if (due <= steady::now()) return put(side);
    f.timer.expires_at(due);
    f.timer.async_wait([self = shared_from_this(), side](error_code) { self->put(side); });
  }

  void put(int side) {
    auto& f = flows_[side];
    auto& to = ends_[1 - side];
    if (!to.is_open() || f.held.empty()) {
      f.writing = false;
      return;
    }
    auto rate = plan_.of(side).bytes_per_s;
    auto& front = f.held.front().bytes;
    auto part = std::make_shared<std::vector<char>>();
    if (rate > 0 && front.size() > rate / 20 + 1) {
      auto n = static_cast<std::ptrdiff_t>(rate / 20 + 1);
      part->assign(front.begin(), front.begin() + n);
      front.erase(front.begin(), front.begin() + n);
    } else {
      part->swap(front);
      f.held.pop_front();
    }
    f.held_bytes -= part->size();
    if (rate > 0) f.next_write = steady::now() + std::chrono::microseconds{part->size() * 1'000'000 / rate};
    asio::async_write(to, asio::buffer(*part), [self = shared_from_this(), side, part](error_code ec, size_t n) {
      self->flows_[side].writing = false;
      self->state_.count([n](auto& c) { c.bytes += n; });
      if (ec) return self->end(1 - side);
      self->write(side);
      self->read(side);
    });
  }

  std::array<tcp::socket, 2> ends_;  ///< 0: who connected to the proxy, 1: who listens behind it
  fault_plan plan_;
  shared_state& state_;
  std::array<flow, 2> flows_;
  bool cut_ = false;
};

}  // namespace

class fault_proxy::implementation {
public:
  implementation(uint16_t to, planner plan) : to_(asio::ip::make_address("127.0.0.1"), to), plan_(std::move(plan)) {
    accept();
    thread_ = std::thread([this] { context_.run(); });
  }
  ~implementation() {
    context_.stop();
    thread_.join();
  }

  uint16_t port() const { return port_; }
  counts so_far() const {
    std::lock_guard lock{state_.mutex};
    return state_.counts;
  }
  void cut() {
    asio::post(context_, [this] {
      for (auto& p : std::exchange(all_, {})) p->cut(fault_plan::told::both);
    });
  }
  void refuse(bool on) {
    asio::post(context_, [this, on] { refuse_ = on; });
  }

private:
  void accept() {
    acceptor_.async_accept([this](error_code ec, tcp::socket s) {
      if (ec) return;
      take(std::move(s));
      accept();
    });
  }
  void take(tcp::socket s) {
    std::erase_if(all_, [](const auto& p) { return p->over(); });
    if (refuse_) {
      reset(s);
      return state_.count([](auto& c) { ++c.refused; });
    }
    auto from = std::make_shared<tcp::socket>(std::move(s));
    auto to = std::make_shared<tcp::socket>(context_);
    to->async_connect(to_, [this, from, to](error_code ec) {
      if (ec) {
        reset(*from);
        return state_.count([](auto& c) { ++c.refused; });
      }
      auto p = std::make_shared<passage>(std::move(*from), std::move(*to), plan_(), state_);
      all_.insert(p);
      p->start();
    });
  }

  shared_state state_;
  asio::io_context context_;
  tcp::endpoint to_;
  planner plan_;
  tcp::acceptor acceptor_{context_, {asio::ip::make_address("127.0.0.1"), 0}};
  uint16_t port_ = acceptor_.local_endpoint().port();
  std::set<std::shared_ptr<passage>> all_;
  bool refuse_ = false;
  std::thread thread_;
};

fault_proxy::fault_proxy(uint16_t to_port, planner plan)
    : implementation_(std::make_unique<implementation>(to_port, std::move(plan))) {}
fault_proxy::~fault_proxy() = default;
uint16_t fault_proxy::port() const { return implementation_->port(); }
fault_proxy::counts fault_proxy::so_far() const { return implementation_->so_far(); }
void fault_proxy::cut() { implementation_->cut(); }
void fault_proxy::refuse(bool on) { implementation_->refuse(on); }

}  // namespace skerry::tools
