#include "test/proof/app.hpp"

#include <cstdio>
#include <stdexcept>

#include "actors/link/mesh.hpp"
#include "schema/error.hpp"

namespace skerry::test::proof {
namespace {

std::string prefix_of(const std::string& name) { return "proof/" + name + "/"; }

std::string key_of(const std::string& name, uint64_t count) {
  char digits[24];
  std::snprintf(digits, sizeof digits, "%012llu", static_cast<unsigned long long>(count));
  return prefix_of(name) + digits;
}
std::string counter_of(const std::string& name) { return "proof-count/" + name; }

}  // namespace

caf::behavior ledger(base::actor* self, ledger_args a) {
  base::prepare(self, a.ctx, a.path);
  auto stored = a.kv.get(counter_of(a.name));
  if (!stored) throw std::runtime_error(message_of(stored.error()));
  auto count = *stored ? std::stoull(**stored) : 0ULL;
  return {[self, a = std::move(a), count](const letter<ProbeFact>& l) mutable -> caf::result<void> {
    auto where = a.draw ? a.draw() : crash::none;
    if (where == crash::before_effect) throw std::runtime_error("told to crash before the effect");
    if (!whole(l)) a.wrong("a letter to " + a.path + " arrived with other bytes than were sent");
    ports::kv_batch batch;
    batch.put(key_of(a.name, count), std::to_string((*l).getNumber()));
    batch.put(counter_of(a.name), std::to_string(count + 1));
    auto receipt = link::receipt_of(self);
    if (!receipt) a.wrong("a durable letter to " + a.path + " has no receipt");
    receipt.stamp(batch);
    if (auto done = a.kv.write(batch, false); !done) throw std::runtime_error(message_of(done.error()));
    ++count;
    if (where == crash::after_effect) throw std::runtime_error("told to crash after the effect");
    return caf::unit;
  }};
}

caf::expected<std::vector<uint64_t>> effects_of(const ports::kv& kv, const std::string& name) {
  std::vector<uint64_t> out;
  auto first = prefix_of(name), last = first;
  ++last.back();
  auto done = kv.scan(first, last, [&](std::string_view, std::string_view value) {
    out.push_back(std::stoull(std::string{value}));
    return true;
  });
  if (!done) return std::move(done.error());
  return out;
}

caf::behavior board(base::actor* self, board_args a) {
  base::prepare(self, a.ctx, a.path);
  return {[show = std::move(a.show)](const letter<ProbeState>& l) { show((*l).getKey().cStr(), (*l).getNumber()); }};
}

caf::behavior echo(base::actor* self, echo_args a) {
  base::prepare(self, a.ctx, a.path);
  return {[](const letter<Probe>& l) { return l; }};
}

}  // namespace skerry::test::proof
