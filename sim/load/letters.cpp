#include "sim/load/letters.hpp"

#include <caf/send.hpp>

#include "schema/letter.hpp"
#include "schema/probe.capnp.h"

namespace skerry::sim {
namespace {

std::string key_of(const std::string& node, const char* what) { return "test/book/" + node + "/" + what; }

caf::behavior book(base::actor* self, const context& ctx, ports::kv& kv, const std::string& path, book_options o) {
  base::prepare(self, ctx, path);
  return {[&kv, o](const letter<schema::ProbeState>& l) -> caf::result<void> {
            if (o.keeps_older && (*l).getNumber() > 5) return caf::unit;
            ports::kv_batch batch;
            batch.put(key_of((*l).getKey(), "state"), std::to_string((*l).getNumber()));
            if (auto w = kv.write(batch, false); !w) return std::move(w.error());
            return caf::unit;
          },
          [self, &kv, o](const letter<schema::ProbeFact>& l) -> caf::result<void> {
            std::string node = (*l).getKey();
            auto number = (*l).getNumber();
            auto before = read_page(kv, node);
            ports::kv_batch batch;
            batch.put(key_of(node, "last"), std::to_string(number));
            if (number > before.last + 1)
              batch.put(key_of(node, "gap/") + std::to_string(before.last + 1), std::to_string(number - 1));
            if (number <= before.last)
              batch.put(key_of(node, "fault"), "letter " + std::to_string(number) + " of " + node + " after letter " +
                                                   std::to_string(before.last));
            if (!o.forgets_receipts) link::receipt_of(self).stamp(batch);
            if (auto w = kv.write(batch, false); !w) return std::move(w.error());
            return caf::unit;
          }};
}

}  // namespace

supervisors::start_function start_book(const context& ctx, ports::kv& kv, std::string path, book_options o) {
  return [&ctx, &kv, path, o](caf::event_based_actor* parent) {
    return parent->spawn([&ctx, &kv, path, o](base::actor* self) { return book(self, ctx, kv, path, o); });
  };
}

page read_page(const ports::kv& kv, const std::string& node) {
  page p;
  auto last = kv.get(key_of(node, "last"));
  if (last && *last) p.last = std::strtoull((*last)->c_str(), nullptr, 10);
  auto state = kv.get(key_of(node, "state"));
  if (state && *state) p.state = std::strtoull((*state)->c_str(), nullptr, 10);
  auto gaps = key_of(node, "gap/");
  (void)kv.scan(gaps, gaps + "~", [&](std::string_view key, std::string_view value) {
    auto number = [](std::string_view text) { return std::strtoull(std::string{text}.c_str(), nullptr, 10); };
    p.gaps.emplace_back(number(key.substr(gaps.size())), number(value));
    return true;
  });
  auto fault = kv.get(key_of(node, "fault"));
  if (fault && *fault) p.fault = **fault;
  return p;
}

void courier::work(bool more) {
  if (!more) return;
  for (auto& e : w_.edges) {
    auto& sent = sent_[e->name];
    auto book = e->mesh->bind("/cloud/app/book");
    if (!book) continue;
    auto written = read_page(w_.cloud.disk, e->name).last;
    for (int n = 0; n < at_once && sent < written + ahead_max; ++n) {
      auto l = letter<schema::ProbeFact>::build([&](schema::ProbeFact::Builder b) {
        b.setNumber(sent + 1);
        b.setKey(e->name);
      });
      caf::anon_send(*book, std::move(l));
      ++sent;
    }
  }
}

std::string courier::fault() const {
  for (auto& e : w_.edges) {
    auto p = read_page(w_.cloud.disk, e->name);
    if (!p.fault.empty()) return p.fault;
    if (!p.gaps.empty()) return "letter " + std::to_string(p.gaps[0].first) + " of " + e->name + " was passed over";
    auto sent = sent_.find(e->name);
    if (sent != sent_.end() && sent->second != p.last)
      return "of " + std::to_string(sent->second) + " durable letters of " + e->name + " the last " +
             std::to_string(sent->second - p.last) + " did not arrive";
  }
  return {};
}

uint64_t courier::sent() const {
  uint64_t n = 0;
  for (auto& [node, sent] : sent_) n += sent;
  return n;
}

}  // namespace skerry::sim
