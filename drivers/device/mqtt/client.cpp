#include "drivers/device/mqtt/client.hpp"

#include <mosquitto.h>

#include <boost/json/serialize.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "schema/device/limits.hpp"
#include "schema/error.hpp"

namespace skerry::drivers::mqtt {
namespace {

using ports::quality;

constexpr uint32_t pause_ms_min = 200, pause_ms_max = 10'000;
constexpr int loop_ms = 500;

std::string text_of(int error) { return error == MOSQ_ERR_ERRNO ? ::strerror(errno) : ::mosquitto_strerror(error); }

bool matches(const std::string& filter, const char* topic) {
  bool yes = false;
  return ::mosquitto_topic_matches_sub(filter.c_str(), topic, &yes) == MOSQ_ERR_SUCCESS && yes;
}

/// A JSON value in the words of a twin.
std::string text_in(const json::value& v) {
  if (v.is_string()) return {v.get_string().data(), v.get_string().size()};
  if (v.is_double()) {  // not as 2.15E1
    char out[32];
    auto r = std::to_chars(out, out + sizeof out, v.get_double());
    return {out, r.ptr};
  }
  return json::serialize(v);
}

/// Finds the value in a payload; `wrong` says why there is none.
std::string found(std::string_view payload, const std::string& pointer, std::string& wrong) {
  if (pointer.empty()) return std::string{payload.substr(0, limits::device_text_bytes_max)};
  std::string error;
  auto root = parse_json(payload, error);
  if (!error.empty()) {
    wrong = "what came is no JSON: " + error;
    return {};
  }
  boost::system::error_code ec;
  const auto* v = root.find_pointer(pointer, ec);
  if (ec || v == nullptr) {
    wrong = "what came has nothing at " + pointer;
    return {};
  }
  return text_in(*v).substr(0, limits::device_text_bytes_max);
}

}  // namespace

int64_t client::now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

client::client(device::mqtt_address where) : where_(std::move(where)) {}

client::~client() {
  stop();
  if (thread_.joinable()) thread_.join();
  if (line_ != nullptr) ::mosquitto_destroy(line_);
}

bool client::set_up() {
  auto* line = ::mosquitto_new(where_.client_id.empty() ? nullptr : where_.client_id.c_str(),
                               where_.client_id.empty() || where_.clean, this);
  if (line == nullptr) return false;
  ::mosquitto_threaded_set(line, true);
  if (!where_.username.empty())
    ::mosquitto_username_pw_set(line, where_.username.c_str(),
                                where_.password.empty() ? nullptr : where_.password.c_str());
  ::mosquitto_connect_callback_set(line,
                                   [](mosquitto*, void* x, int rc) { static_cast<client*>(x)->on_connected(rc); });
  ::mosquitto_disconnect_callback_set(
      line, [](mosquitto*, void* x, int rc) { static_cast<client*>(x)->on_disconnected(rc); });
  ::mosquitto_message_callback_set(
      line, [](mosquitto*, void* x, const mosquitto_message* m) { static_cast<client*>(x)->on_message(*m); });
  ::mosquitto_publish_callback_set(line,
                                   [](mosquitto*, void* x, int id) { static_cast<client*>(x)->on_published(id); });
  ::mosquitto_subscribe_callback_set(line, [](mosquitto*, void* x, int id, int n, const int* granted) {
    static_cast<client*>(x)->on_subscribed(id, n > 0 ? granted[0] : 128);
  });
  // Only now: libmosquitto holds its lock of callbacks while it calls us, and we take ours then.
  std::lock_guard lock{mutex_};
  line_ = line;
  return true;
}

void client::start() {
  thread_ = std::thread([this] { run(); });
}

void client::stop() {
  std::lock_guard lock{mutex_};
  stopping_ = true;
  if (line_ != nullptr) ::mosquitto_disconnect(line_);  // wakes the loop
  wake_.notify_all();
}

int client::connect() {
  if (!where_.ca_file.empty() && !secured_) {
    auto optional = [](const std::string& s) { return s.empty() ? nullptr : s.c_str(); };
    auto rc = ::mosquitto_tls_set(line_, where_.ca_file.c_str(), nullptr, optional(where_.cert_file),
                                  optional(where_.key_file), nullptr);
    if (rc == MOSQ_ERR_INVAL) return MOSQ_ERR_TLS;  // a file that cannot be read; it may come
    if (rc != MOSQ_ERR_SUCCESS) return rc;
    secured_ = true;
  }
  return ::mosquitto_connect_async(line_, where_.host.c_str(), where_.port, where_.keep_alive_s);
}

void client::run() {
  if (!set_up()) stop();
  auto error = MOSQ_ERR_NO_CONN;
  for (;;) {
    {
      std::unique_lock lock{mutex_};
      if (stopping_) break;
      if (error != MOSQ_ERR_SUCCESS) {
        // The first time at once, then after a pause.
        if (pause_ms_ > 0) wake_.wait_for(lock, std::chrono::milliseconds(pause_ms_), [this] { return stopping_; });
        if (stopping_) break;
        pause_ms_ = std::min(std::max(pause_ms_ * 2, pause_ms_min), pause_ms_max);
      }
    }
    if (error != MOSQ_ERR_SUCCESS) {
      auto rc = connect();
      if (rc != MOSQ_ERR_SUCCESS) on_disconnected(rc);
      error = rc == MOSQ_ERR_SUCCESS ? MOSQ_ERR_SUCCESS : MOSQ_ERR_NO_CONN;
      if (rc != MOSQ_ERR_SUCCESS) continue;
    }
    auto rc = ::mosquitto_loop(line_, loop_ms, 1);
    if (rc != MOSQ_ERR_SUCCESS) on_disconnected(rc);
    error = rc == MOSQ_ERR_SUCCESS ? MOSQ_ERR_SUCCESS : MOSQ_ERR_NO_CONN;
    tick();
  }
  fail_writes(INT64_MAX, "the device is closed");
  finished_ = true;
}

// -- devices ----------------------------------------------------------------------------------------------------------

void client::listen(const std::string& topic, int qos) {
  int id = 0;
  if (::mosquitto_subscribe(line_, &id, topic.c_str(), qos) == MOSQ_ERR_SUCCESS) listening_[id] = topic;
}

void client::listen_for(station& s) {
  for (const auto& p : s.points)
    if (p.refused.empty()) listen(p.where.topic, p.where.qos);
  if (!s.address.state_topic.empty()) listen(s.address.state_topic, 1);
}

void client::add(const station_ptr& s) {
  notices out;
  {
    std::lock_guard lock{mutex_};
    stations_.insert(s);
    // Topics that are heard already are asked for again: the broker then says what it retains once more.
    if (connected_) listen_for(*s);
    judge(*s, out);
  }
  for (auto& n : out) n();
}

void client::remove(const station_ptr& s) {
  std::lock_guard lock{mutex_};
  s->closed = true;
  stations_.erase(s);
  if (!connected_) return;
  std::set<std::string> heard;
  for (const auto& other : stations_) {
    for (const auto& p : other->points) heard.insert(p.where.topic);
    heard.insert(other->address.state_topic);
  }
  for (const auto& p : s->points)
    if (p.refused.empty() && !heard.contains(p.where.topic))
      ::mosquitto_unsubscribe(line_, nullptr, p.where.topic.c_str());
}

/// Tells a device's listener how it is, if that has changed.
void client::judge(station& s, notices& out) {
  ports::device_health now;
  if (!connected_) {
    if (!tried_) return;
    now.why = why_;
  } else if (!s.says_offline.empty()) {
    now.why = s.says_offline;
  } else if (s.heard_ms < 0 && !s.says_online) {
    return;  // nothing is known yet
  } else if (s.address.timeout_ms > 0 && now_ms() - s.heard_ms > s.address.timeout_ms) {
    now.why = "nothing was heard of it for " + std::to_string(s.address.timeout_ms) + " ms";
  } else {
    now.online = true;
  }
  if (s.closed || (s.told_once && s.told == now)) return;
  s.told_once = true;
  s.told = now;
  if (s.listener.on_health) out.push_back([f = s.listener.on_health, now] { f(now); });
}

void client::write(station& s, uint32_t point, const std::string& text, uint32_t deadline_ms,
                   ports::device_connection::written done) {
  caf::error refused;
  {
    std::lock_guard lock{mutex_};
    const auto& p = s.points[point];
    auto payload = p.where.set_template;
    if (payload.empty())
      payload = text;
    else
      payload.replace(payload.find("{value}"), 7, text);
    int id = 0, rc = MOSQ_ERR_SUCCESS;
    if (!p.refused.empty())
      refused = make_error(errc::invalid, p.refused);
    else if (p.where.set_topic.empty())
      refused = make_error(errc::invalid, "visitors.configData.setTopic is missing: the topic has wildcards");
    else if (!connected_)
      refused = make_error(errc::unavailable, why_);
    else if (writes_.size() >= writes_max)
      refused = make_error(errc::too_many, "too much waits for this broker");
    else if ((rc = ::mosquitto_publish(line_, &id, p.where.set_topic.c_str(), static_cast<int>(payload.size()),
                                       payload.data(), p.where.qos, p.where.retain)) != MOSQ_ERR_SUCCESS)
      refused = make_error(errc::unavailable, text_of(rc));
    else
      // The lock is held: the broker's word cannot be handled before this stands here.
      writes_[id] = {now_ms() + deadline_ms, std::move(done)};
  }
  if (refused) done(std::move(refused));
}

// -- what the broker says, on the thread of the loop ------------------------------------------------------------------

void client::on_connected(int code) {
  notices out;
  {
    std::lock_guard lock{mutex_};
    tried_ = true;
    connected_ = code == 0;
    if (connected_) {
      pause_ms_ = pause_ms_min;
      refused_.clear();
      listening_.clear();
      for (const auto& s : stations_) listen_for(*s);
    } else {
      why_ = "the broker " + where_.host + ":" + std::to_string(where_.port) +
             " refuses: " + ::mosquitto_connack_string(code);
    }
    for (const auto& s : stations_) judge(*s, out);
  }
  for (auto& n : out) n();
}

void client::on_disconnected(int code) {
  notices out;
  {
    std::lock_guard lock{mutex_};
    // A refusal says more than the end of the connection that follows it.
    if (connected_ || !why_.starts_with("the broker "))
      why_ = "no connection to broker " + where_.host + ":" + std::to_string(where_.port) + ": " +
             (code == 0 ? "closed" : text_of(code)) +
             (code == MOSQ_ERR_TLS ? " (look at caFile, certFile and keyFile, and at what the broker shows)" : "");
    tried_ = true;
    connected_ = false;
    for (const auto& s : stations_) judge(*s, out);
  }
  fail_writes(INT64_MAX, "the connection to the broker was lost");
  for (auto& n : out) n();
}

void client::take(station& s, const mosquitto_message& m, std::string_view payload, notices& out) {
  auto heard = false;
  if (!s.address.state_topic.empty() && matches(s.address.state_topic, m.topic)) {
    auto online = payload == "online" || payload == "true" || payload == "1";
    s.says_online = online;
    s.says_offline = online ? "" : "the device says '" + std::string{payload.substr(0, 64)} + "' on " + m.topic;
    heard = true;
  }
  auto news = false;
  for (auto& p : s.points) {
    if (!p.refused.empty() || !matches(p.where.topic, m.topic)) continue;
    station::saying said{{}, {}, now_ms(), p.last.number + 1};
    if (payload.size() > payload_bytes_max)
      said.wrong = "what came has " + std::to_string(payload.size()) + " bytes, too many to look into";
    else
      said.text = found(payload, p.where.pointer, said.wrong);
    p.unread.push_back(said);
    if (p.unread.size() > station::unread_max) p.unread.pop_front();
    p.last = std::move(said);
    heard = news = true;
  }
  if (!heard) return;
  s.heard_ms = now_ms();
  judge(s, out);
  if (!news || std::exchange(s.news_told, true) || !s.listener.on_news) return;
  out.push_back(s.listener.on_news);
}

void client::on_message(const mosquitto_message& m) {
  notices out;
  {
    std::lock_guard lock{mutex_};
    std::string_view payload{static_cast<const char*>(m.payload), static_cast<size_t>(m.payloadlen)};
    for (const auto& s : stations_) take(*s, m, payload, out);
  }
  for (auto& n : out) n();
}

void client::on_published(int id) {
  ports::device_connection::written done;
  {
    std::lock_guard lock{mutex_};
    auto i = writes_.find(id);
    if (i == writes_.end()) return;
    done = std::move(i->second.done);
    writes_.erase(i);
  }
  done({});
}

void client::on_subscribed(int id, int qos) {
  std::lock_guard lock{mutex_};
  auto i = listening_.find(id);
  if (i == listening_.end()) return;
  if (qos >= 128)
    refused_.insert(i->second);
  else
    refused_.erase(i->second);
  listening_.erase(i);
}

void client::tick() {
  fail_writes(now_ms(), "the broker did not confirm in time");
  notices out;
  {
    std::lock_guard lock{mutex_};
    for (const auto& s : stations_) judge(*s, out);
  }
  for (auto& n : out) n();
}

/// Fails the writes whose deadline is not after `now_ms`.
void client::fail_writes(int64_t now_ms, const std::string& why) {
  std::vector<ports::device_connection::written> failed;
  {
    std::lock_guard lock{mutex_};
    for (auto i = writes_.begin(); i != writes_.end();) {
      if (i->second.deadline_ms > now_ms) {
        ++i;
        continue;
      }
      failed.push_back(std::move(i->second.done));
      i = writes_.erase(i);
    }
  }
  for (auto& done : failed) done(make_error(errc::timed_out, why));
}

}  // namespace skerry::drivers::mqtt
