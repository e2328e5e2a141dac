#pragma once
#include <span>

#include "actors/link/framing.hpp"
#include "actors/link/names.hpp"
#include "actors/link/outgoing.hpp"

namespace skerry::link {

/// What became of letters that came: to be told to the other side.
struct settlement {
  bool released_moved = false;
  uint64_t released = 0;
  std::vector<uint64_t> states, refused;
  std::vector<std::pair<std::string, uint64_t>> facts;
  bool empty() const { return !released_moved && states.empty() && refused.empty() && facts.empty(); }
};

/// One frame of letters, as it crosses the wire, in order. Their bodies are copied; nothing is let go. `now_ms`: to say
/// what is left of their time.
ports::bytes encode_letters(std::span<outgoing* const> letters, names_out& names, bool restart, int64_t now_ms);
ports::bytes encode_settled(const settlement& s);

/// A failure as it crosses: the category and code of a caf::error, and its text.
void write_failure(schema::Failure::Builder to, const caf::error& e);
caf::error read_failure(schema::Failure::Reader from);

}  // namespace skerry::link
