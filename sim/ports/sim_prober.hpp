#pragma once
#include <map>
#include <mutex>

#include "actors/ports/prober.hpp"

namespace skerry::sim {

/// Probes whose answers the test sets by port; all are good until told otherwise. Answers at once.
class sim_prober : public ports::prober {
public:
  void http(ports::http_probe probe, uint32_t, done f) override { answer(probe.port, std::move(f)); }
  void tcp(std::string, uint16_t port, uint32_t, done f) override { answer(port, std::move(f)); }

  void set(uint16_t port, bool ok) {
    std::lock_guard guard{mutex_};
    answers_[port] = ok;
  }
  size_t asked(uint16_t port) const {
    std::lock_guard guard{mutex_};
    auto i = asked_.find(port);
    return i == asked_.end() ? 0 : i->second;
  }

private:
  void answer(uint16_t port, done f) {
    bool ok = true;
    {
      std::lock_guard guard{mutex_};
      ++asked_[port];
      if (auto i = answers_.find(port); i != answers_.end()) ok = i->second;
    }
    f({ok, ok ? "" : "refused by the simulation"});
  }

  mutable std::mutex mutex_;
  std::map<uint16_t, bool> answers_;
  std::map<uint16_t, size_t> asked_;
};

}  // namespace skerry::sim
