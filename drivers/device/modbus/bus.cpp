#include "drivers/device/modbus/bus.hpp"

#include <modbus.h>

#include <cerrno>

#include "schema/error.hpp"

namespace skerry::drivers::modbus {
namespace {

using ports::quality;

constexpr uint32_t pause_ms_min = 200, pause_ms_max = 10'000;
constexpr uint32_t missed_max = 3;  ///< answers missed in a row, before a slave or a line is left alone for a while

bool is_exception(int error) { return error > MODBUS_ENOBASE && error <= EMBXGTAR; }
/// A gateway's word that the device behind it does not answer (MODBUS Application Protocol V1.1b3, 7: 0A, 0B).
bool is_gateway(int error) { return error == EMBXGPATH || error == EMBXGTAR; }
bool is_garbage(int error) { return error > EMBXGTAR && error <= EMBBADSLAVE; }
bool is_broken(int error) {
  return error == ECONNRESET || error == EPIPE || error == EBADF || error == ENOTCONN || error == ECONNREFUSED ||
         error == EIO || error == ECONNABORTED || error == EHOSTUNREACH || error == ENETUNREACH;
}
std::string text_of(int error) {
  if (error == ETIMEDOUT) return "no answer in time";
  return ::modbus_strerror(error);
}

std::vector<ports::point_reading> all_bad(const std::vector<uint32_t>& points, const std::string& why) {
  std::vector<ports::point_reading> out;
  for (auto p : points) out.push_back({p, quality::bad, why, {}});
  return out;
}

void refuse(bus::job& j, errc code, const std::string& why) {
  if (j.read) return j.read(all_bad(j.points, why));
  j.written(make_error(code, why));
}

}  // namespace

bus::~bus() {
  stop();
  if (thread_.joinable()) thread_.join();
  disconnect();
  if (line_ != nullptr) ::modbus_free(line_);
}

void bus::start() {
  thread_ = std::thread([this] { run(); });
}

void bus::add(job j) {
  const char* why = nullptr;
  {
    std::lock_guard lock{mutex_};
    if (stopping_)
      why = "the device is being closed";
    else if (jobs_.size() >= jobs_max)
      why = "too much waits for this bus";
    else
      jobs_.push_back(std::move(j));
  }
  if (why != nullptr) return refuse(j, errc::too_many, why);
  wake_.notify_one();
}

void bus::stop() {
  std::lock_guard lock{mutex_};
  stopping_ = true;
  wake_.notify_one();
}

void bus::run() {
  for (;;) {
    std::unique_lock lock{mutex_};
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) break;
    auto j = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    work(j);
  }
  std::deque<job> left;
  {
    std::lock_guard lock{mutex_};
    left.swap(jobs_);
  }
  for (auto& j : left) refuse(j, errc::cancelled, "the device is closed");
  finished_ = true;
}

void bus::work(job& j) {
  if (j.who->closed) return refuse(j, errc::cancelled, "the device is closed");
  std::string why;
  if (!ready(j, why)) {
    note(*j.who, false, why);
    return refuse(j, errc::unavailable, why);
  }
  if (j.read)
    work_read(j);
  else
    work_write(j);
}

/// May the device be asked now? Connects where that is due.
bool bus::ready(const job& j, std::string& why) {
  auto now = clock::now();
  if (now >= j.deadline) {
    why = "the bus is too busy: its turn did not come in time";
    return false;
  }
  if (now < j.who->quiet_until) {
    why = text_of(ETIMEDOUT);
    return false;
  }
  if (connected_) return true;
  if (now < next_try_) {
    why = last_error_;
    return false;
  }
  return connect(*j.who, why);
}

bool bus::connect(const slave& s, std::string& why) {
  if (line_ == nullptr)
    line_ = where_.host.empty() ? ::modbus_new_rtu(where_.serial.c_str(), where_.baud, where_.parity, where_.data_bits,
                                                   where_.stop_bits)
                                : ::modbus_new_tcp_pi(where_.host.c_str(), std::to_string(where_.port).c_str());
  if (line_ != nullptr)
    ::modbus_set_response_timeout(line_, s.address.timeout_ms / 1000, s.address.timeout_ms % 1000 * 1000);
  errno = 0;
  if (line_ != nullptr && ::modbus_connect(line_) == 0) {
    connected_ = true;
    silent_ = 0;
    return true;
  }
  auto error = errno;
  last_error_ = "cannot connect to " + where_.bus() + ": " + (error == 0 ? "no such host" : text_of(error));
  why = last_error_;
  pause();
  return false;
}

void bus::disconnect() {
  if (connected_) ::modbus_close(line_);
  connected_ = false;
}

void bus::pause() {
  pause_ms_ = std::min(std::max(pause_ms_ * 2, pause_ms_min), pause_ms_max);
  next_try_ = clock::now() + std::chrono::milliseconds(pause_ms_);
}

void bus::missed(slave& s) {
  if (++s.silent >= missed_max) {
    auto shift = std::min<uint32_t>(s.silent - missed_max, 4);
    s.quiet_until =
        clock::now() + std::min(std::chrono::milliseconds(1000 << shift), std::chrono::milliseconds(pause_ms_max));
  }
  if (++silent_ < missed_max) return;
  // Nobody answers: the connection may be one that only looks alive.
  disconnect();
  last_error_ = where_.bus() + ": " + text_of(ETIMEDOUT);
  pause();
}

/// Calls `f(line)` (-1 and errno: it failed) for a slave; once more where the connection had been closed by the peer
/// meanwhile, or bytes of an older answer were in the way.
template <class F>
bus::outcome bus::attempt(slave& s, F&& f) {
  outcome out;
  for (int tries = 0; tries < 2; ++tries) {
    if (!connected_ && !connect(s, out.why)) {
      out.error = ECONNREFUSED;
      return out;
    }
    ::modbus_set_slave(line_, s.address.slave);
    ::modbus_set_response_timeout(line_, s.address.timeout_ms / 1000, s.address.timeout_ms % 1000 * 1000);
    errno = 0;
    if (f(line_) >= 0) {
      pause_ms_ = silent_ = s.silent = 0;
      return {0, {}, true};
    }
    out.error = errno == 0 ? EIO : errno;
    out.why = text_of(out.error);
    if (is_exception(out.error)) {
      pause_ms_ = silent_ = 0;
      out.answered = !is_gateway(out.error);
      if (out.answered) s.silent = 0;
      if (is_gateway(out.error)) missed(s);
      return out;
    }
    if (is_broken(out.error)) {
      disconnect();
      continue;
    }
    if (connected_) ::modbus_flush(line_);
    if (out.error == ETIMEDOUT) break;
    if (!is_garbage(out.error)) break;
  }
  if (is_broken(out.error)) {
    last_error_ = where_.bus() + ": " + out.why;
    pause();
  } else {
    missed(s);
  }
  return out;
}

bus::outcome bus::request(slave& s, const block& b, device::raw_value& out) {
  if (b.kind == device::modbus_kind::coil || b.kind == device::modbus_kind::discrete) {
    std::vector<uint8_t> bits(b.count);
    auto r = attempt(s, [&](_modbus* line) {
      return b.kind == device::modbus_kind::coil ? ::modbus_read_bits(line, b.offset, b.count, bits.data())
                                                 : ::modbus_read_input_bits(line, b.offset, b.count, bits.data());
    });
    for (auto bit : bits) out.bits.push_back(bit != 0);
    return r;
  }
  out.words.resize(b.count);
  return attempt(s, [&](_modbus* line) {
    return b.kind == device::modbus_kind::holding
               ? ::modbus_read_registers(line, b.offset, b.count, out.words.data())
               : ::modbus_read_input_registers(line, b.offset, b.count, out.words.data());
  });
}

bus::outcome bus::read_block(slave& s, const block& b, std::vector<ports::point_reading>& out) {
  device::raw_value whole;
  auto r = request(s, b, whole);
  if (r.error != 0 && r.answered && b.points.size() > 1) {
    // One of them may not exist: each for itself, from now on.
    for (auto p : b.points) s.alone[p] = true;
    for (auto p : b.points) {
      const auto& at = s.points[p];
      r = read_block(s, {at.kind, at.offset, at.count, {p}}, out);
    }
    r.answered = true;
    return r;
  }
  for (auto p : b.points) {
    ports::point_reading reading{p, quality::bad, r.why, {}};
    if (r.error == 0) {
      auto from = s.points[p].offset - b.offset;
      auto end = from + s.points[p].count;
      if (s.points[p].bits())
        reading.value.bits.assign(whole.bits.begin() + from, whole.bits.begin() + end);
      else
        reading.value.words.assign(whole.words.begin() + from, whole.words.begin() + end);
      reading.state = quality::good;
    }
    out.push_back(std::move(reading));
  }
  return r;
}

void bus::work_read(job& j) {
  auto& s = *j.who;
  std::vector<ports::point_reading> out;
  std::vector<wanted_point> wanted;
  for (auto p : j.points)
    if (s.refused[p].empty())
      wanted.push_back({p, s.points[p], s.alone[p]});
    else
      out.push_back({p, quality::bad, s.refused[p], {}});
  auto answered = false, failed = false;
  std::string why;
  for (const auto& b : plan_reads(std::move(wanted), s.address.gap)) {
    if (failed || clock::now() >= j.deadline) {
      for (auto& r : all_bad(b.points, failed ? why : text_of(ETIMEDOUT))) out.push_back(std::move(r));
      continue;
    }
    auto r = read_block(s, b, out);
    answered = answered || r.answered;
    failed = !r.answered;  // no use in waiting for each of its blocks
    if (failed) why = r.why;
  }
  if (answered || failed) note(s, !failed, why);
  j.read(std::move(out));
}

void bus::work_write(job& j) {
  auto& s = *j.who;
  auto p = j.points.front();
  const auto& at = s.points[p];
  if (!s.refused[p].empty()) return j.written(make_error(errc::invalid, s.refused[p]));
  if (!at.writable()) return j.written(make_error(errc::invalid, "the register is read-only"));
  if ((at.bits() ? j.value.bits.size() : j.value.words.size()) != at.count)
    return j.written(make_error(errc::invalid, "the value has another number of registers than the property"));
  std::vector<uint8_t> bits(j.value.bits.begin(), j.value.bits.end());
  auto r = attempt(s, [&](_modbus* line) {
    if (at.bits())
      return at.count == 1 ? ::modbus_write_bit(line, at.offset, bits[0])
                           : ::modbus_write_bits(line, at.offset, at.count, bits.data());
    return at.count == 1 ? ::modbus_write_register(line, at.offset, j.value.words[0])
                         : ::modbus_write_registers(line, at.offset, at.count, j.value.words.data());
  });
  note(s, r.answered, r.why);
  if (r.error == 0) return j.written({});
  auto again = !r.answered || r.error == EMBXSBUSY || r.error == EMBXACK;
  j.written(make_error(again ? r.error == ETIMEDOUT ? errc::timed_out : errc::unavailable : errc::invalid,
                       "the device did not take the value: " + r.why));
}

void bus::note(slave& s, bool online, const std::string& why) {
  ports::device_health now{online, online ? std::string{} : why};
  if ((s.told_once && s.told == now) || s.closed) return;
  s.told_once = true;
  s.told = now;
  if (s.on_health) s.on_health(std::move(now));
}

}  // namespace skerry::drivers::modbus
