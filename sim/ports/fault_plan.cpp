#include "sim/ports/fault_plan.hpp"

#include <cmath>

namespace skerry::sim {
namespace {

std::string text_of(const char* name, const fault_plan::way& w) {
  std::string out;
  auto add = [&](const std::string& what) { out += (out.empty() ? std::string{"; "} + name + ": " : ", ") + what; };
  if (w.silent_after != fault_plan::never) add("silent after " + std::to_string(w.silent_after) + " bytes");
  if (w.corrupt_at != fault_plan::never) add("byte " + std::to_string(w.corrupt_at) + " corrupt");
  if (w.delay_ms > 0) add("delayed by " + std::to_string(w.delay_ms) + " ms");
  if (w.bytes_per_s > 0) add("read at " + std::to_string(w.bytes_per_s) + " bytes/s");
  if (w.unread_after != fault_plan::never) add("unread after " + std::to_string(w.unread_after) + " bytes");
  return out;
}

bool one_in(ports::random& chance, uint32_t n) { return n > 0 && chance.next() % n == 0; }

/// A count of bytes, as likely in each power of ten.
uint64_t bytes(ports::random& chance, const fault_odds& odds) {
  auto early = one_in(chance, odds.early);
  auto least = static_cast<double>(early ? 1 : odds.cut_bytes_min);
  auto most = static_cast<double>(early ? odds.cut_bytes_min : odds.cut_bytes_max);
  auto share = static_cast<double>(chance.next() % 1'000'000) / 1e6;
  return static_cast<uint64_t>(least * std::exp(share * std::log(most / least)));
}

}  // namespace

std::string fault_plan::text() const {
  std::string out;
  if (cut_after != never) {
    static constexpr std::array<const char*, 4> names{"", ", only the connector is told", ", only the listener is told",
                                                      ", nobody is told"};
    out = "; cut after " + std::to_string(cut_after) + " bytes" + names[static_cast<size_t>(who)];
  }
  out += text_of("up", up) + text_of("down", down);
  return out.empty() ? "none" : out.substr(2);
}

fault_plan draw_faults(ports::random& chance, const fault_odds& odds) {
  fault_plan p;
  if (one_in(chance, odds.cut)) p.cut_after = bytes(chance, odds);
  if (one_in(chance, odds.half_open)) p.who = static_cast<fault_plan::told>(1 + chance.next() % 3);
  auto any_way = [&]() -> fault_plan::way& { return chance.next() % 2 == 0 ? p.up : p.down; };
  if (one_in(chance, odds.silent)) any_way().silent_after = bytes(chance, odds);
  if (one_in(chance, odds.corrupt)) any_way().corrupt_at = bytes(chance, odds);
  if (one_in(chance, odds.delay))
    for (auto* w : {&p.up, &p.down}) w->delay_ms = static_cast<uint32_t>(chance.next() % (odds.delay_ms_max + 1));
  if (one_in(chance, odds.slow))
    any_way().bytes_per_s =
        odds.slow_bytes_per_s_min + static_cast<uint32_t>(chance.next() % (10 * odds.slow_bytes_per_s_min));
  return p;
}

}  // namespace skerry::sim
