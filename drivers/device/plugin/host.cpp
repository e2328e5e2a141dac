#include "drivers/device/plugin/host.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <thread>

#include "drivers/device/plugin/values.hpp"
#include "schema/device/limits.hpp"
#include "schema/error.hpp"

namespace skerry::drivers::plugin {
namespace {

skerry_text text_of(const std::string& s) { return {s.data(), s.size()}; }

std::string json_of(const json::value& v) { return v.is_object() ? json::serialize(v) : "{}"; }

/// Calls a function of the driver's; whatever it throws goes no further.
template <class F>
bool guarded(F&& f) {
  try {
    f();
    return true;
  } catch (...) {
    return false;
  }
}

/// The same for what the driver calls: nothing is thrown into it.
template <class F>
void sheltered(F&& f) noexcept {
  try {
    f();
  } catch (const std::exception&) {
    // Out of memory: the ticket's deadline answers.
  }
}

}  // namespace

host::host(const skerry_driver& driver) : driver_(driver), table_{} {
  table_.abi = SKERRY_DRIVER_ABI;
  table_.size = sizeof(skerry_host);
  table_.owner = this;
  table_.health = [](const skerry_host* h, uint64_t device, int32_t online, skerry_text why) {
    sheltered([&] {
      auto& me = *static_cast<const table*>(h)->owner;
      if (auto g = me.guest_of(device)) me.say(*g, {online != 0, online != 0 ? "" : cleaned(why)});
    });
  };
  table_.news = [](const skerry_host* h, uint64_t device) {
    sheltered([&] {
      auto g = static_cast<const table*>(h)->owner->guest_of(device);
      if (!g) return;
      std::lock_guard lock{g->telling};
      if (!g->closed && g->listener.on_news) g->listener.on_news();
    });
  };
  table_.read_done = [](const skerry_host* h, uint64_t ticket, const skerry_reading* readings, size_t count) {
    sheltered([&] { static_cast<const table*>(h)->owner->on_read(ticket, readings, count); });
  };
  table_.write_done = [](const skerry_host* h, uint64_t ticket, skerry_status status, skerry_text why) {
    sheltered([&] { static_cast<const table*>(h)->owner->on_written(ticket, status, why); });
  };
  table_.discover_done = [](const skerry_host*, uint64_t, skerry_status, skerry_text) {};  // nobody has asked
}

void host::start() {
  // They keep it alive, and are not joined: a driver that hangs must not hang who is done with it.
  std::thread([me = shared_from_this()] { me->call(); }).detach();
  std::thread([me = shared_from_this()] { me->watch(); }).detach();
}

void host::stop() {
  std::lock_guard lock{mutex_};
  stopping_ = true;
  wake_.notify_all();
}

bool host::ended_in(std::chrono::milliseconds ms) {
  std::unique_lock lock{mutex_};
  return ended_.wait_for(lock, ms, [this] { return finished_; });
}

guest_ptr host::add(ports::device_description what, ports::device_listener listener) {
  auto g = std::make_shared<guest>();
  g->name = std::move(what.name);
  g->config = json_of(what.config);
  for (auto& p : what.points) g->points.emplace_back(std::move(p.name), json_of(p.config));
  g->listener = std::move(listener);
  std::lock_guard lock{mutex_};
  g->id = ++numbers_;
  guests_[g->id] = g;
  jobs_.push_back({job::open, g, 0, {}});
  wake_.notify_all();
  return g;
}

void host::remove(const guest_ptr& g) {
  {
    std::lock_guard lock{g->telling};
    g->closed = true;
  }
  std::vector<pending> left;
  {
    std::lock_guard lock{mutex_};
    guests_.erase(g->id);
    std::erase_if(jobs_, [&](const job& j) { return j.who == g; });
    for (auto i = pending_.begin(); i != pending_.end();) {
      if (i->second.who != g) {
        ++i;
        continue;
      }
      deadlines_.erase({i->second.deadline, i->first});
      left.push_back(std::move(i->second));
      i = pending_.erase(i);
    }
    jobs_.push_back({job::close, g, 0, {}});
    wake_.notify_all();
  }
  for (auto& p : left) answer(p, errc::cancelled, "the device is closed");
}

void host::read(const guest_ptr& g, std::vector<uint32_t> points, uint32_t deadline_ms,
                ports::device_connection::readings done) {
  std::erase_if(points, [&](uint32_t p) { return p >= g->points.size(); });
  if (points.empty()) return done({});
  auto at = clock::now() + std::chrono::milliseconds(deadline_ms);
  add_pending({g, at, std::move(points), std::move(done), {}}, {job::read, g, 0, {}});
}

void host::write(const guest_ptr& g, uint32_t point, std::string text, uint32_t deadline_ms,
                 ports::device_connection::written done) {
  auto at = clock::now() + std::chrono::milliseconds(deadline_ms);
  add_pending({g, at, {point}, {}, std::move(done)}, {job::write, g, 0, std::move(text)});
}

void host::add_pending(pending p, job j) {
  {
    std::lock_guard lock{mutex_};
    // Jobs whose deadline passed stay in the queue of a driver that hangs.
    if (pending_.size() < waiting_max && jobs_.size() < 2 * waiting_max) {
      j.ticket = ++numbers_;
      deadlines_.insert({p.deadline, j.ticket});
      pending_.emplace(j.ticket, std::move(p));
      jobs_.push_back(std::move(j));
      wake_.notify_all();
      wake_watch_.notify_all();
      return;
    }
  }
  answer(p, errc::too_many, "too much waits for driver " + std::string{driver_.protocol});
}

/// Whoever takes a ticket answers it: that is how each is answered once.
std::optional<host::pending> host::take(uint64_t ticket) {
  std::lock_guard lock{mutex_};
  auto i = pending_.find(ticket);
  if (i == pending_.end()) return {};
  auto p = std::move(i->second);
  deadlines_.erase({p.deadline, ticket});
  pending_.erase(i);
  return p;
}

guest_ptr host::guest_of(uint64_t id) {
  std::lock_guard lock{mutex_};
  auto i = guests_.find(id);
  return i == guests_.end() ? nullptr : i->second;
}

// -- the thread that calls the driver ---------------------------------------------------------------------------------

void host::call() {
  for (;;) {
    job j;
    {
      std::unique_lock lock{mutex_};
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) break;
      j = std::move(jobs_.front());
      jobs_.pop_front();
    }
    carry_out(j);
  }
  std::lock_guard lock{mutex_};
  called_ = true;
  wake_watch_.notify_all();
}

void host::carry_out(const job& j) {
  auto& g = *j.who;
  if (j.what == job::close) {
    if (std::exchange(g.open, false)) guarded([&] { driver_.close(g.self); });
    return;
  }
  auto can = opened(g);
  if (j.what == job::open) return;
  if (can) return ask(j);
  if (auto p = take(j.ticket)) answer(*p, g.refused == SKERRY_INVALID ? errc::invalid : errc::unavailable, g.why);
}

/// Opens the device if it is not; tries no more after SKERRY_INVALID, and else with a growing pause.
bool host::opened(guest& g) {
  if (g.open) return true;
  auto now = clock::now();
  if (g.refused == SKERRY_INVALID || now < g.next_try) return false;
  std::vector<skerry_point> points;
  for (const auto& [name, config] : g.points) points.push_back({text_of(name), text_of(config)});
  skerry_device what{sizeof(skerry_device), static_cast<uint32_t>(points.size()), text_of(g.name), text_of(g.config),
                     points.data()};
  char why[1'024] = {};
  skerry_status status = SKERRY_UNAVAILABLE;
  if (!guarded([&] { status = driver_.open(&table_, g.id, &what, &g.self, why, sizeof why); })) status = SKERRY_INVALID;
  g.refused = status;
  g.open = status == SKERRY_OK;
  if (g.open) return true;
  why[sizeof why - 1] = '\0';
  g.why = cleaned({why, std::char_traits<char>::length(why)});
  if (g.why.empty()) g.why = "driver " + std::string{driver_.protocol} + " does not take it on";
  g.pause_ms = std::min(std::max(g.pause_ms * 2, limits::device_retry_ms_min), limits::device_retry_ms_max);
  g.next_try = now + std::chrono::milliseconds(g.pause_ms);
  say(g, {false, g.why});
  return false;
}

void host::ask(const job& j) {
  std::vector<uint32_t> points;
  auto now = clock::now();
  int64_t left = 0;
  {
    std::lock_guard lock{mutex_};
    auto i = pending_.find(j.ticket);
    if (i == pending_.end()) return;  // its deadline passed while it waited
    points = i->second.points;
    left = std::chrono::duration_cast<std::chrono::milliseconds>(i->second.deadline - now).count();
  }
  // A tenth less: what the driver has to say of a device that is silent says more than what we have.
  auto ms = static_cast<uint32_t>(std::max<int64_t>(left - left / 10, 1));
  auto fine = guarded([&] {
    if (j.what == job::read) return driver_.read(j.who->self, j.ticket, points.data(), points.size(), ms);
    skerry_value v{SKERRY_TEXT, {}};
    v.as.text = text_of(j.text);
    driver_.write(j.who->self, j.ticket, points.front(), &v, ms);
  });
  if (fine) return;
  if (auto p = take(j.ticket)) answer(*p, errc::unavailable, "driver " + std::string{driver_.protocol} + " threw");
}

// -- the thread that looks at deadlines -------------------------------------------------------------------------------

void host::watch() {
  std::unique_lock lock{mutex_};
  while (!called_) {
    if (deadlines_.empty()) {
      wake_watch_.wait(lock);
      continue;
    }
    auto [at, ticket] = *deadlines_.begin();
    if (clock::now() < at) {
      wake_watch_.wait_until(lock, at);
      continue;
    }
    lock.unlock();
    if (auto p = take(ticket)) {
      auto why = "driver " + std::string{driver_.protocol} + " did not answer in time";
      set_silent(*p->who, true);
      answer(*p, errc::timed_out, why);
    }
    lock.lock();
  }
  finished_ = true;
  ended_.notify_all();
}

// -- what is said -----------------------------------------------------------------------------------------------------

void host::say(guest& g, const ports::device_health& h) {
  std::lock_guard lock{g.telling};
  g.said = h;
  g.said_once = true;
  if (!g.silent || !h.online) tell(g, h);
}

/// A device whose driver does not answer is offline, whatever the driver said of it.
void host::set_silent(guest& g, bool silent) {
  std::lock_guard lock{g.telling};
  if (g.silent == silent) return;
  g.silent = silent;
  if (silent && (!g.told_once || g.told.online))
    tell(g, {false, "driver " + std::string{driver_.protocol} + " does not answer"});
  else if (!silent && g.said_once)
    tell(g, g.said);
}

void host::tell(guest& g, const ports::device_health& h) {
  if (g.closed || (g.told_once && g.told == h)) return;
  g.told_once = true;
  g.told = h;
  if (g.listener.on_health) g.listener.on_health(h);
}

void host::answer(const pending& p, errc code, const std::string& why) {
  if (p.written) return p.written(make_error(code, why));
  std::vector<ports::point_reading> out;
  for (auto point : p.points) out.push_back({point, ports::quality::bad, why, {}});
  p.read(std::move(out));
}

void host::on_read(uint64_t ticket, const skerry_reading* readings, size_t count) {
  auto p = take(ticket);
  if (!p) return;
  set_silent(*p->who, false);
  if (!p->read) return answer(*p, errc::unavailable, "the driver answered a write as a read");
  std::vector<ports::point_reading> out;
  for (auto point : p->points) {
    auto before = out.size();
    for (size_t i = 0; readings != nullptr && i < count && out.size() < readings_max; ++i)
      if (readings[i].point == point) out.push_back(reading_of(readings[i]));
    if (out.size() == before) out.push_back({point, ports::quality::bad, "the driver gave no value of it", {}});
  }
  p->read(std::move(out));
}

void host::on_written(uint64_t ticket, skerry_status status, skerry_text why) {
  auto p = take(ticket);
  if (!p) return;
  set_silent(*p->who, false);
  if (!p->written) return answer(*p, errc::unavailable, "the driver answered a read as a write");
  p->written(error_of(status, why));
}

}  // namespace skerry::drivers::plugin
