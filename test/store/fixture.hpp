#pragma once
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <condition_variable>
#include <mutex>
#include <random>
#include <stdexcept>

#include "actors/store/store.hpp"
#include "schema/error.hpp"
#include "test/store/scratch.hpp"

namespace skerry::test {

struct manual_clock : ports::clock {
  std::atomic<int64_t> now{1'000'000'000'000};
  int64_t wall_ms() const override { return now; }
  int64_t steady_ms() const override { return now; }
};

struct seeded_random : ports::random {
  std::mutex mutex;
  std::mt19937_64 engine{20261123};
  uint64_t next() override {
    std::lock_guard guard{mutex};
    return engine();
  }
};

struct kept_log : ports::log {
  mutable std::mutex mutex;
  std::vector<std::string> lines;
  bool enabled(ports::severity) const override { return true; }
  void write(ports::severity, std::string_view who, std::string_view text) override {
    std::lock_guard guard{mutex};
    lines.push_back(std::string{who} + ": " + std::string{text});
  }
};

/// Holds writes back while closed, so that commits pile up.
class gated_kv : public ports::kv {
public:
  explicit gated_kv(ports::kv& kv) : kv_(kv) {}
  void close() {
    std::lock_guard guard{mutex_};
    open_ = false;
  }
  void open() {
    std::lock_guard guard{mutex_};
    open_ = true;
    changed_.notify_all();
  }
  /// Waits until a write stands before the gate.
  bool await_writer() {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, std::chrono::seconds{10}, [&] { return waiting_ > 0; });
  }
  caf::expected<void> write(const ports::kv_batch& batch, bool sync) override {
    std::unique_lock lock{mutex_};
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
    --waiting_;
    lock.unlock();
    return kv_.write(batch, sync);
  }
  caf::expected<std::optional<std::string>> get(std::string_view key) const override { return kv_.get(key); }
  caf::expected<void> scan(std::string_view first, std::string_view last,
                           const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    return kv_.scan(first, last, visit);
  }
  void compact(std::string_view first, std::string_view last) override { kv_.compact(first, last); }

private:
  ports::kv& kv_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  int waiting_ = 0;
};

inline store::draft make_draft(std::string resource, std::string ns, std::string name, std::string extra = "{}") {
  std::string error;
  auto v = parse_json(extra, error);
  if (!error.empty()) throw std::invalid_argument{error};  // not BOOST_REQUIRE: called on other threads too
  ensure(v, "metadata.name") = name;
  if (!ns.empty()) ensure(v, "metadata.namespace") = ns;
  if (string_at(v, "metadata.uid").empty()) ensure(v, "metadata.uid") = "uid-" + name;
  return {{std::move(resource), std::move(ns), std::move(name)}, std::move(v)};
}

inline store::change create(store::draft d) { return {store::verb::create, std::move(d), {}, {}}; }
inline store::change update(store::draft d, std::optional<uint64_t> revision = {}) {
  return {store::verb::update, std::move(d), revision, {}};
}
inline store::change remove(store::object_key key, std::optional<uint64_t> revision = {}) {
  return {store::verb::remove, {std::move(key), {}}, revision, {}};
}

}  // namespace skerry::test
