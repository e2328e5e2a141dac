#pragma once
#include <caf/event_based_actor.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "actors/base/context.hpp"
#include "actors/ports/kv.hpp"
#include "schema/letter.hpp"
#include "schema/probe.capnp.h"

/// The actors between whom delivery is proven: the receivers, of one kind for each way of delivery.
namespace skerry::test::proof {

using schema::Probe;
using schema::ProbeFact;
using schema::ProbeState;

/// A letter with this number and key, and `bytes` of filler that depends on the number.
template <class T>
letter<T> make(uint64_t number, std::string_view key, size_t bytes) {
  return letter<T>::build([&](typename T::Builder b) {
    b.setNumber(number);
    b.setKey(capnp::Text::Reader{key.data(), key.size()});
    auto body = b.initBody(static_cast<unsigned>(bytes));
    for (size_t i = 0; i < bytes; ++i) body[i] = static_cast<capnp::byte>(number * 31 + i);
  });
}
/// Is the filler whole?
template <class T>
bool whole(const letter<T>& l) {
  auto r = *l;
  auto body = r.getBody();
  for (size_t i = 0; i < body.size(); ++i)
    if (body[i] != static_cast<capnp::byte>(r.getNumber() * 31 + i)) return false;
  return true;
}

/// Where a receiver is to die, drawn for each letter.
enum class crash : uint8_t { none, before_effect, after_effect };

struct ledger_args {
  const context& ctx;
  std::string path;
  ports::kv& kv;
  std::string name;                               ///< its effects are below "proof/<name>/"
  std::function<crash()> draw;                    ///< may be empty: never
  std::function<void(const std::string&)> wrong;  ///< told what must not be
};

/// Takes ProbeFact. Its effect, one more entry of a list in the island's store, is written in one batch with the
/// receipt.
caf::behavior ledger(base::actor* self, ledger_args args);

/// The effects of a ledger in the order in which they were applied.
caf::expected<std::vector<uint64_t>> effects_of(const ports::kv& kv, const std::string& name);

struct board_args {
  const context& ctx;
  std::string path;
  std::function<void(const std::string& key, uint64_t number)> show;
};
/// Takes ProbeState: what it shows, by key, is told to `show`.
caf::behavior board(base::actor* self, board_args args);

struct echo_args {
  const context& ctx;
  std::string path;
};
/// Answers Probe with itself.
caf::behavior echo(base::actor* self, echo_args args);

}  // namespace skerry::test::proof
