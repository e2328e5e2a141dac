// The island's journal of durable letters: opened, synced in groups, tidied.
#include <charconv>

#include "actors/link/facts_in.hpp"
#include "actors/link/mesh_core.hpp"
#include "schema/link.capnp.h"

namespace skerry::link {
namespace {
constexpr const char* name_key = "mesh/journal";
constexpr const char* next_key = "mesh/next";
constexpr const char* out_first = "mesh/out/";
constexpr const char* out_last = "mesh/out0";
}  // namespace

caf::error mesh_core::load() {
  if (args_.kv == nullptr) return {};
  auto name = args_.kv->get(name_key);
  if (!name) return std::move(name.error());
  ports::kv_batch batch;
  if (*name) {
    journal_name_ = **name;
  } else {
    journal_name_ = ports::make_uuid(args_.ctx.random);
    batch.put(name_key, journal_name_);
  }
  auto next = args_.kv->get(next_key);
  if (!next) return std::move(next.error());
  uint64_t highest = 0;
  if (*next) std::from_chars((*next)->data(), (*next)->data() + (*next)->size(), highest);
  auto scanned = args_.kv->scan(out_first, out_last, [&](std::string_view key, std::string_view value) {
    auto slash = key.rfind('/');
    auto island = key.substr(sizeof "mesh/out" - 1, slash - (sizeof "mesh/out" - 1));
    uint64_t sequence = 0;
    std::from_chars(key.data() + slash + 1, key.data() + key.size(), sequence, 16);
    highest = std::max(highest, sequence);
    auto entry =
        letter<schema::JournalEntry>::from_bytes({reinterpret_cast<const std::byte*>(value.data()), value.size()});
    auto e = paths::check(island);
    if (!e) e = entry ? neighbour(island)->load_fact(sequence, **entry) : std::move(entry.error());
    if (!e) return true;
    batch.remove(std::string{key});
    add_dead("", std::string{island}, "", "an entry of the journal is dropped: " + message_of(e));
    return true;
  });
  if (!scanned) return std::move(scanned.error());
  // Numbers are given once, also if what was written last and never synced is lost: the next start begins above all
  // that can have been given out since this one.
  sequence_ = highest;
  batch.put(next_key, std::to_string(highest));
  auto w = args_.kv->write(batch, true);
  return w ? caf::error{} : std::move(w.error());
}

/// One sync for all that these peers wrote: letters that may be sent then, and offsets of which the senders may be
/// told.
void mesh_core::commit(const std::vector<peer_ptr>& peers) {
  if (args_.kv == nullptr) return;
  ports::kv_batch batch;
  std::vector<std::pair<peer_ptr, uint64_t>> written;
  for (const auto& p : peers) {
    p->take_erased(batch);
    if (auto s = p->facts_written(); s != 0) written.emplace_back(p, s);
  }
  auto offsets = facts_->dirty();
  if (offsets) facts_->collect(batch);
  if (written.empty() && !offsets && batch.changes.empty()) return;
  if (!written.empty()) batch.put(next_key, std::to_string(sequence_));
  if (!batch.changes.empty())
    if (auto w = args_.kv->write(batch, false); !w) return commit_failed(w.error());
  if (written.empty() && !offsets) return;
  if (auto s = args_.kv->sync(); !s) return commit_failed(s.error());
  for (auto& [p, sequence] : written) p->facts_synced(sequence);
  if (offsets) facts_->committed();
}

void mesh_core::commit_failed(const caf::error& why) {
  log(ports::severity::error, "the journal is not synced, durable letters wait: " + message_of(why));
  retry_commit_ = true;
}

}  // namespace skerry::link
