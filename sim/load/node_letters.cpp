#include "sim/load/node_letters.hpp"

#include <algorithm>
#include <caf/send.hpp>

#include "schema/letter.hpp"
#include "schema/probe.capnp.h"
#include "sim/fleet/fleet.hpp"
#include "sim/load/plants.hpp"

namespace skerry::sim {

supervisors::start_function node_letters::book(island& cloud) {
  book_options o;
  o.forgets_receipts = plant_ == planted::forgotten_receipt;
  o.keeps_older = plant_ == planted::older_state;
  return start_book(cloud.ctx, cloud.disk, "/cloud/app/book", o);
}

void node_letters::start(fleet& f) {
  more_ = true;
  send_all(f);
}

void node_letters::before_power_cut(fleet& f, uint32_t number) {
  auto& e = *f.nodes[number].machine;
  auto& recent = recent_[e.name];
  std::erase_if(recent, [&](auto& r) { return r.syncs != e.disk.syncs(); });
  if (!recent.empty()) lost_[e.name].emplace_back(recent.front().number, recent.back().number);
  recent.clear();
}

bool node_letters::may_be_lost(const std::string& node, uint64_t first, uint64_t last) const {
  auto all = lost_.find(node);
  for (auto n = first; n <= last; ++n)
    if (all == lost_.end() ||
        std::none_of(all->second.begin(), all->second.end(), [&](auto& r) { return r.first <= n && n <= r.second; }))
      return false;
  return true;
}

void node_letters::finish(fleet&) { more_ = false; }

void node_letters::send_all(fleet& f) {
  if (!more_) return;
  for (auto& n : f.nodes) {
    auto& e = *n.machine;
    // Who is down sends nothing, and whose disk is full gets no letter into its journal.
    if (n.down > 0 || n.full > 0 || !e.root) continue;
    auto book = e.mesh->bind("/cloud/app/book");
    if (!book) continue;
    auto number = ++sent_[e.name];
    auto& recent = recent_[e.name];
    auto syncs = e.disk.syncs();
    std::erase_if(recent, [&](auto& r) { return r.syncs != syncs; });
    recent.push_back({number, syncs});
    caf::anon_send(*book, letter<schema::ProbeFact>::build([&](schema::ProbeFact::Builder b) {
      b.setNumber(number);
      b.setKey(e.name);
    }));
    auto state = ++states_[e.name];
    caf::anon_send(*book, letter<schema::ProbeState>::build([&](schema::ProbeState::Builder b) {
      b.setNumber(state);
      b.setKey(e.name);
    }));
  }
  f.after(every_ms_, [this, &f] { send_all(f); });
}

std::string node_letters::missing(fleet& f) {
  uint64_t n = 0;
  if (more_ || sent_.empty()) return {};
  if (auto why = undelivered(f, n); !why.empty()) return why;
  return {};
}

std::string node_letters::disorder(fleet& f, uint64_t& compared) const {
  for (auto& [name, sent] : sent_) {
    ++compared;
    auto p = read_page(f.w.cloud.disk, name);
    if (!p.fault.empty()) return p.fault;
    for (auto& [first, last] : p.gaps)
      if (!may_be_lost(name, first, last))
        return "letter " + std::to_string(first) + " of " + name + " was synced, and passed over";
  }
  return {};
}

std::string node_letters::undelivered(fleet& f, uint64_t& compared) const {
  for (auto& [name, sent] : sent_) {
    ++compared;
    auto p = read_page(f.w.cloud.disk, name);
    if (p.last != sent && !may_be_lost(name, p.last + 1, sent))
      return "of " + std::to_string(sent) + " durable letters of " + name + " the last that had its effect is " +
             std::to_string(p.last);
  }
  return {};
}

std::string node_letters::stale(fleet& f, uint64_t& compared) const {
  for (auto& n : f.nodes) {
    auto sent = states_.find(n.machine->name);
    // What waits as `latest` waits in memory: a process that ended took it along.
    if (sent == states_.end() || n.crashes > 0 || f.cloud.crashes > 0) continue;
    ++compared;
    if (auto p = read_page(f.w.cloud.disk, sent->first); p.state != sent->second)
      return "the newest state of " + sent->first + " is " + std::to_string(sent->second) + ", and the cloud has " +
             std::to_string(p.state);
  }
  return {};
}

void node_letters::metrics(fleet&, json::object& out) {
  uint64_t n = 0;
  for (auto& [name, sent] : sent_) n += sent;
  out["durableLetters"] = n;
}

}  // namespace skerry::sim
