// A driver for the tests of its host: it does what `mode` in a device's configuration says, right or wrong. A point's
// configuration is its value: {"value":"21.5"}, or {} for one that there is not.
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdio>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "drivers/device/plugin/skerry_driver.h"

namespace {

std::mutex hanging;
std::condition_variable released_changed;
bool released = false;
std::atomic<int> later{0};

struct machine {
  const skerry_host* host;
  uint64_t id;
  std::string mode;
  std::vector<std::string> values;
};

std::string text_of(skerry_text t) { return {t.data, t.size}; }
skerry_text said(const std::string& s) { return {s.data(), s.size()}; }

/// The text behind "key":" in a JSON object; all that the tests need of JSON.
std::string member(const std::string& json, const std::string& key) {
  auto mark = "\"" + key + "\":\"";
  auto at = json.find(mark);
  if (at == std::string::npos) return {};
  at += mark.size();
  return json.substr(at, json.find('"', at) - at);
}

std::vector<skerry_reading> readings_of(const machine& m, const uint32_t* points, size_t count) {
  static const std::string none = "there is no such point";
  std::vector<skerry_reading> out;
  for (size_t i = 0; i < count; ++i) {
    const auto& v = m.values[points[i]];
    skerry_reading r{points[i], SKERRY_GOOD, {}, {SKERRY_TEXT, {}}, 7, 0};
    r.value.as.text = said(v);
    if (v.empty()) r.quality = SKERRY_BAD, r.why = said(none);
    if (m.mode == "kinds") {
      r.value.kind = points[i];
      if (points[i] == SKERRY_INTEGER) r.value.as.integer = std::numeric_limits<int64_t>::min();
      if (points[i] == SKERRY_REAL) r.value.as.real = 21.5;
      if (points[i] == SKERRY_BOOLEAN) r.value.as.boolean = 1;
      if (points[i] == 6) r.value.kind = SKERRY_REAL, r.value.as.real = std::numeric_limits<double>::quiet_NaN();
      if (points[i] == 7) r.quality = 9;
      if (points[i] == 8) r.quality = SKERRY_UNCERTAIN, r.value.kind = SKERRY_TEXT, r.why = said(v);
    }
    out.push_back(r);
  }
  return out;
}

skerry_status open(const skerry_host* host, uint64_t id, const skerry_device* what, void** self, char* why,
                   size_t size) {
  auto mode = member(text_of(what->config), "mode");
  if (mode == "refuse") {
    std::snprintf(why, size, "configData.mode is refuse, of %s", text_of(what->name).c_str());
    return SKERRY_INVALID;
  }
  if (mode == "later" && later++ < 1) {
    std::snprintf(why, size, "not yet");
    return SKERRY_UNAVAILABLE;
  }
  if (mode == "throw open") throw 1;
  auto* m = new machine{host, id, mode, {}};
  for (uint32_t i = 0; i < what->point_count; ++i)
    m->values.push_back(member(text_of(what->points[i].config), "value"));
  host->health(host, id, 1, {});
  *self = m;
  return SKERRY_OK;
}

void read(void* self, uint64_t ticket, const uint32_t* points, size_t count, uint32_t) {
  auto& m = *static_cast<machine*>(self);
  if (m.mode == "throw") throw std::string{"out of the driver"};
  if (m.mode == "mute") return;
  if (m.mode == "hang") {
    std::unique_lock lock{hanging};
    released_changed.wait(lock, [] { return released; });
  }
  auto r = readings_of(m, points, count);
  if (m.mode == "thread") return std::thread([&] { m.host->read_done(m.host, ticket, r.data(), r.size()); }).join();
  if (m.mode == "short") return m.host->read_done(m.host, ticket, nullptr, 3);
  if (m.mode == "wrong") return m.host->write_done(m.host, ticket, SKERRY_OK, {});
  if (m.mode == "liar") {
    m.host->read_done(m.host, ticket + 1'000'000, r.data(), r.size());
    m.host->read_done(m.host, 0, r.data(), r.size());
    m.host->health(m.host, 4'711, 0, {"another", 7});
    m.host->news(m.host, 4'711);
    m.host->news(m.host, m.id);
  }
  m.host->read_done(m.host, ticket, r.data(), r.size());
  if (m.mode == "liar") m.host->read_done(m.host, ticket, nullptr, 0);
}

void write(void* self, uint64_t ticket, uint32_t point, const skerry_value* value, uint32_t) {
  auto& m = *static_cast<machine*>(self);
  if (m.mode == "mute") return;
  m.values[point] = text_of(value->as.text);
  m.host->write_done(m.host, ticket, m.values[point] == "no" ? SKERRY_INVALID : SKERRY_OK, {"it does not like no", 19});
  if (m.mode == "liar") m.host->write_done(m.host, ticket, SKERRY_TIMED_OUT, {});
}

void close(void* self) { delete static_cast<machine*>(self); }

void discover(const skerry_host* host, uint64_t ticket, skerry_text where, uint32_t) {
  auto answer = member(text_of(where), "answer");
  for (auto& c : answer)
    if (c == '\'') c = '"';
  if (answer == "none") return;
  host->discover_done(host, ticket, answer == "refused" ? SKERRY_INVALID : SKERRY_OK, said(answer));
  host->discover_done(host, ticket, SKERRY_OK, said(answer));
}

}  // namespace

extern "C" {
__attribute__((visibility("default"))) void mock_release() {
  std::lock_guard lock{hanging};
  released = true;
  released_changed.notify_all();
}

const skerry_driver* skerry_driver_main(void) {
#ifdef MOCK_NEWER
  static const skerry_driver table{
      SKERRY_DRIVER_ABI + 1, sizeof table, "newer", "1", open, read, write, close, discover};
#elif defined(MOCK_SMALL)
  static const skerry_driver table{
      SKERRY_DRIVER_ABI, offsetof(skerry_driver, close), "small", "1", open, read, write, close, discover};
#else
  static const skerry_driver table{SKERRY_DRIVER_ABI, sizeof table, "mock", "1", open, read, write, close, discover};
#endif
  return &table;
}
}
