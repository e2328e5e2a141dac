#include "drivers/device/opcua/session.hpp"

#include <open62541/client_subscriptions.h>

#include <algorithm>
#include <thread>

namespace skerry::drivers::opcua {
namespace {

constexpr uint32_t pause_ms_min = 200, pause_ms_max = 10'000;
constexpr uint32_t idle_ms = 20;  ///< open62541 cannot be woken: a write waits for at most that long
constexpr double publish_ms = 50;
constexpr uint32_t check_ms = 2'000;  ///< a server that does not answer for that long, and its timeout, is gone

skerry_text view(const std::string& s) { return {s.data(), s.size()}; }

}  // namespace

void session::start() {
  // It keeps the session alive, and ends by itself: who closes a device does not wait for a server.
  std::thread([me = shared_from_this()] { me->run(); }).detach();
}

void session::stop() {
  std::lock_guard lock{mutex_};
  stopping_ = true;
  wake_.notify_all();
}

void session::run() {
  for (;;) {
    {
      std::unique_lock lock{mutex_};
      if (!client_ && pause_ms_ > 0)
        wake_.wait_for(lock, std::chrono::milliseconds(pause_ms_), [this] { return stopping_; });
      if (stopping_) break;
    }
    if (!client_ && !connect()) continue;
    work();
    UA_Client_run_iterate(client_.get(), idle_ms);
    std::string why;
    if (!alive(why)) lost(why);
  }
  client_.reset();  // says goodbye
}

bool session::connect() {
  std::string why;
  client_ = make_client(where_, this, why);
  if (!client_) {
    lost(why);
    return false;
  }
  inactive_ = false;
  auto& cc = *UA_Client_getConfig(client_.get());
  cc.connectivityCheckInterval = check_ms;
  cc.inactivityCallback = [](UA_Client* c) { static_cast<session*>(UA_Client_getContext(c))->inactive_ = true; };
  cc.subscriptionInactivityCallback = [](UA_Client* c, UA_UInt32, void*) {
    static_cast<session*>(UA_Client_getContext(c))->inactive_ = true;
  };
  auto status = UA_Client_connect(client_.get(), where_.url.c_str());
  if (status != UA_STATUSCODE_GOOD) {
    lost(connection_problem(where_, status));
    return false;
  }
  // From here on a new client is made, which tells its devices; to connect it needs two connections itself.
  cc.noReconnect = true;
  cc.noNewSession = true;
  auto watches = subscribe();
  std::lock_guard lock{mutex_};
  connected_ = tried_ = true;
  pause_ms_ = pause_ms_min;
  for (const auto& m : machines_) {
    m->watched = !watches;  // where nothing can be watched everything is read
    judge(*m);
  }
  return true;
}

bool session::subscribe() {
  auto request = UA_CreateSubscriptionRequest_default();
  request.requestedPublishingInterval = publish_ms;
  request.requestedMaxKeepAliveCount = 20;
  request.requestedLifetimeCount = 1'000;
  auto made = UA_Client_Subscriptions_create(client_.get(), request, nullptr, nullptr, nullptr);
  auto fine = made.responseHeader.serviceResult == UA_STATUSCODE_GOOD;
  subscription_ = fine ? made.subscriptionId : 0;
  UA_CreateSubscriptionResponse_clear(&made);
  return fine;
}

bool session::alive(std::string& why) {
  UA_SessionState state{};
  UA_StatusCode status = UA_STATUSCODE_GOOD;
  UA_Client_getState(client_.get(), nullptr, &state, &status);
  if (inactive_)
    why = "the server at " + where_.url + " does not answer any more";
  else if (state != UA_SESSIONSTATE_ACTIVATED)
    why = "the session with " + where_.url + " was lost" +
          (status != UA_STATUSCODE_GOOD ? ": " + name_of(status) : std::string{});
  return why.empty();
}

/// Everything that hangs on the session goes with it; what waits is answered.
void session::lost(const std::string& why) {
  client_.reset();
  subscription_ = 0;
  std::deque<job> left;
  {
    std::lock_guard lock{mutex_};
    connected_ = false;
    tried_ = true;
    why_ = why;
    pause_ms_ = std::min(std::max(pause_ms_ * 2, pause_ms_min), pause_ms_max);
    places_.clear();
    unwatched_.clear();
    left.swap(jobs_);
    for (const auto& m : machines_) {
      m->watched = false;
      for (auto& p : m->points) p.item = 0, p.key = 0, p.heard = false, p.type = nullptr;
      judge(*m);
    }
  }
  for (const auto& j : left) answer_bad(j, SKERRY_UNAVAILABLE, why);
}

// -- devices, from the agent's thread ---------------------------------------------------------------------------------

void session::add(const machine_ptr& m) {
  std::lock_guard lock{mutex_};
  machines_.insert(m);
  if (connected_) m->watched = subscription_ == 0;
  if (tried_) judge(*m);
}

void session::remove(const machine_ptr& m) {
  std::lock_guard lock{mutex_};
  m->closed = true;
  machines_.erase(m);
  std::erase_if(jobs_, [&](const job& j) { return j.who == m; });
  for (auto& p : m->points) {
    places_.erase(p.key);
    if (p.item != 0) unwatched_.push_back(p.item);
  }
}

void session::judge(machine& m) {
  auto why = connected_ ? std::string{} : why_;
  if (m.closed || (m.told_once && m.told_online == connected_ && m.told_why == why)) return;
  m.told_once = true;
  m.told_online = connected_;
  m.told_why = why;
  m.host->health(m.host, m.id, connected_ ? 1 : 0, view(why));
}

void session::read(const machine_ptr& m, uint64_t ticket, std::vector<uint32_t> points, uint32_t deadline_ms) {
  job j{m, ticket, clock::now() + std::chrono::milliseconds(deadline_ms), std::move(points), {}, false};
  std::vector<std::pair<uint32_t, machine::saying>> values;
  std::string why;
  {
    std::lock_guard lock{mutex_};
    m->news_told = false;
    auto known = [&](uint32_t p) { return m->points[p].heard || !m->points[p].refused.empty(); };
    if (!connected_) {
      why = why_;
    } else if (std::all_of(j.points.begin(), j.points.end(), known)) {
      for (auto p : j.points) {
        auto& point = m->points[p];
        for (auto& said : std::exchange(point.unread, {}))
          if (said.number != point.last.number) values.emplace_back(p, std::move(said));
        if (point.refused.empty())
          values.emplace_back(p, point.last);
        else
          values.emplace_back(p, machine::saying{{SKERRY_BAD, point.refused, {}, false, nullptr}, {}, 0});
      }
    } else if (jobs_.size() >= jobs_max) {
      why = "too much waits for this server";
    } else {
      jobs_.push_back(std::move(j));
      return;
    }
  }
  if (!why.empty()) return answer_bad(j, SKERRY_UNAVAILABLE, why);
  answer(j, values);
}

void session::write(const machine_ptr& m, uint64_t ticket, uint32_t point, std::string text, uint32_t deadline_ms) {
  job j{m, ticket, clock::now() + std::chrono::milliseconds(deadline_ms), {point}, std::move(text), true};
  std::string why;
  auto status = SKERRY_UNAVAILABLE;
  {
    std::lock_guard lock{mutex_};
    if (!m->points[point].refused.empty()) {
      why = m->points[point].refused;
      status = SKERRY_INVALID;
    } else if (!connected_) {
      why = why_;
    } else if (jobs_.size() >= jobs_max) {
      why = "too much waits for this server";
      status = SKERRY_TOO_MANY;
    } else {
      jobs_.push_back(std::move(j));
      return;
    }
  }
  answer_bad(j, status, why);
}

// -- what is said to the server, on the session's thread --------------------------------------------------------------

void session::work() {
  unwatch();
  std::vector<machine_ptr> anew;
  std::vector<job> reads, writes;
  {
    std::lock_guard lock{mutex_};
    for (const auto& m : machines_)
      if (!m->watched) anew.push_back(m);
    for (auto& j : jobs_)
      if (clock::now() < j.deadline)  // else the host has answered
        (j.is_write ? writes : reads).push_back(std::move(j));
    jobs_.clear();
  }
  for (const auto& m : anew) watch(m);
  if (!reads.empty()) read_all(reads);
  for (const auto& j : writes) write_one(j);
}

void session::heard(uint64_t key, const UA_DataValue& v) {
  std::lock_guard lock{mutex_};
  auto i = places_.find(key);
  if (i == places_.end()) return;
  auto& m = *i->second.who;
  auto& p = m.points[i->second.point];
  p.last = {seen_of(v), clock::now(), ++said_};
  p.heard = true;
  p.unread.push_back(p.last);
  if (p.unread.size() > machine::unread_max) p.unread.pop_front();
  if (p.last.what.type != nullptr) p.type = p.last.what.type;
  if (!std::exchange(m.news_told, true)) m.host->news(m.host, m.id);
}

void session::answer(const job& j, const std::vector<seen>& values) {
  std::vector<std::pair<uint32_t, machine::saying>> now;
  for (size_t i = 0; i < j.points.size(); ++i) now.emplace_back(j.points[i], machine::saying{values[i], {}, 0});
  answer(j, now);
}

void session::answer(const job& j, const std::vector<std::pair<uint32_t, machine::saying>>& values) {
  std::vector<skerry_reading> out;
  for (const auto& [point, said] : values) {
    const auto& s = said.what;
    auto age = said.number == 0 ? clock::duration{} : clock::now() - said.at;
    skerry_reading r{point,
                     s.quality,
                     view(s.why),
                     {s.bytes ? SKERRY_BYTES : SKERRY_TEXT, {}},
                     std::chrono::duration_cast<std::chrono::milliseconds>(age).count(),
                     said.number};
    r.value.as.text = view(s.text);
    out.push_back(r);
  }
  j.who->host->read_done(j.who->host, j.ticket, out.data(), out.size());
}

void session::answer_bad(const job& j, skerry_status status, const std::string& why) {
  if (j.is_write) return j.who->host->write_done(j.who->host, j.ticket, status, view(why));
  answer(j, std::vector<seen>(j.points.size(), seen{SKERRY_BAD, why, {}, false, nullptr}));
}

}  // namespace skerry::drivers::opcua
