#include "actors/store/core.hpp"

#include <charconv>

#include "actors/store/layout.hpp"

namespace skerry::store {
namespace {

caf::error damaged(const std::string& what) {
  return make_error(errc::corrupt, "the store is damaged: " + what + "; restore the data directory from a backup");
}

caf::expected<void> check_expectations(const change& c, const object& stored) {
  auto who = to_string(c.object.key);
  if (!stored) return make_error(errc::not_found, who + " not found");
  if (!c.expected_uid.empty() && c.expected_uid != uid_of(stored))
    return make_error(errc::conflict, who + " has UID " + std::string{uid_of(stored)} + " now, not " + c.expected_uid);
  if (c.expected_revision && *c.expected_revision != revision_of(stored))
    return make_error(errc::conflict, who + " has been modified: it is at revision " +
                                          std::to_string(revision_of(stored)) + ", not " +
                                          std::to_string(*c.expected_revision));
  return caf::unit;
}

}  // namespace

caf::expected<std::unique_ptr<core>> core::load(ports::kv& kv, ports::random& random, history_options options) {
  std::unique_ptr<core> c{new core{options}};
  if (auto r = c->read_meta(kv, random); !r) return r.error();
  if (auto r = c->read_records(kv); !r) return r.error();
  return c;
}

caf::expected<void> core::read_meta(ports::kv& kv, ports::random& random) {
  auto format = kv.get(layout::format_key);
  if (!format) return format.error();
  if (!*format) {
    cluster_uid_ = ports::make_uuid(random);
    ports::kv_batch b;
    b.put(std::string{layout::format_key}, std::string{layout::format_version});
    b.put(std::string{layout::cluster_key}, cluster_uid_);
    return kv.write(b, true);
  }
  if (**format != layout::format_version)
    return make_error(errc::unsupported, "the store has format " + **format + ", this skerry knows format " +
                                             std::string{layout::format_version} +
                                             ": use the version that wrote it, or a newer one");
  auto cluster = kv.get(layout::cluster_key);
  if (!cluster) return cluster.error();
  if (!*cluster) return damaged("it has no cluster UID");
  cluster_uid_ = **cluster;
  auto compacted = kv.get(layout::compacted_key);
  if (!compacted) return compacted.error();
  if (!*compacted) return caf::unit;
  uint64_t revision = 0;
  const auto& text = **compacted;
  auto end = text.data() + text.size();
  if (std::from_chars(text.data(), end, revision).ptr != end || text.empty())
    return damaged("compacted revision \"" + text + "\"");
  revision_ = revision;
  return caf::unit;
}

caf::expected<void> core::read_records(const ports::kv& kv) {
  log.start_at(revision_);
  caf::error failed;
  auto scanned =
      kv.scan(layout::records_first, layout::records_last, [&](std::string_view key, std::string_view value) {
        auto at = layout::revision_of_key(key);
        auto o = object::from_bytes(std::as_bytes(std::span{value}));
        if (!at || !o || revision_of(*o) != *at)
          failed = damaged("the record of revision " + std::to_string(at.value_or(0)) + " is not whole");
        else if (auto r = take_record(*o); !r)
          failed = r.error();
        return !failed;
      });
  if (!scanned) return scanned.error();
  if (failed) return failed;
  accepted_ = now_;
  accepted_revision_ = revision_;
  log.start_recent_at(revision_);
  return caf::unit;
}

caf::expected<void> core::take_record(const object& o) {
  auto r = *o;
  auto at = r.getRevision();
  auto before = r.getRemoved() ? now_.erase(resource_of(o), namespace_of(o), name_of(o)) : now_.put(o);
  if (at <= log.compacted()) return caf::unit;
  if (at != revision_ + 1) return damaged("revision " + std::to_string(revision_ + 1) + " is missing");
  if ((before ? revision_of(before) : 0) != r.getPrevious())
    return damaged("revision " + std::to_string(at) + " replaces " + std::to_string(r.getPrevious()) +
                   ", which is not what stood there");
  revision_ = at;
  log.append(o);
  return caf::unit;
}

caf::expected<object> core::apply(const change& c, uint64_t revision, int64_t now_ms) {
  const auto& key = c.object.key;
  auto stored = now_.get(key.resource, key.ns, key.name);
  stamp at{revision, stored ? revision_of(stored) : 0, now_ms};
  object next;
  if (c.what == verb::create) {
    if (stored) return make_error(errc::already_exists, to_string(key) + " already exists");
    next = freeze(c.object, at);
  } else {
    if (auto fits = check_expectations(c, stored); !fits) return fits.error();
    next = c.what == verb::update ? freeze(c.object, at) : freeze_removal(stored, at);
  }
  if (next.bytes().size() > limits::object_bytes_max && c.what != verb::remove)
    return make_error(errc::too_large, to_string(key) + " has " + std::to_string(next.bytes().size()) +
                                           " bytes, the most is " + std::to_string(limits::object_bytes_max));
  if (c.what == verb::remove)
    now_.erase(key.resource, key.ns, key.name);
  else
    now_.put(next);
  auto type = c.what == verb::remove ? event_type::deleted : stored ? event_type::modified : event_type::added;
  events_.push_back({type, next, stored, revision});
  return next;
}

void core::undo(size_t events) {
  while (events_.size() > events) {
    const auto& e = events_.back();
    if (e.before)
      now_.put(e.before);
    else
      now_.erase(resource_of(e.now), namespace_of(e.now), name_of(e.now));
    events_.pop_back();
  }
}

caf::expected<committed> core::apply(const std::vector<change>& changes, int64_t now_ms) {
  auto first = events_.size();
  committed out;
  for (const auto& change : changes) {
    auto o = apply(change, revision_ + out.objects.size() + 1, now_ms);
    if (!o) {
      undo(first);
      return o.error();
    }
    out.objects.push_back(std::move(*o));
  }
  for (const auto& o : out.objects) {
    auto bytes = o.bytes();
    batch_bytes_ += bytes.size();
    batch_.put(layout::record_key(revision_of(o)),
               {std::make_shared<const object>(o), {reinterpret_cast<const char*>(bytes.data()), bytes.size()}});
  }
  revision_ += out.objects.size();
  out.revision = revision_;
  return out;
}

std::shared_ptr<const ports::kv_batch> core::close() {
  // What a failed batch may have left behind must not follow what this one writes.
  for (auto r = revision_ + 1; r <= stray_to_; ++r) batch_.remove(layout::record_key(r));
  stray_to_ = std::max(stray_to_, revision_);
  closed_ = {std::exchange(events_, {}), now_, revision_};
  batch_bytes_ = 0;
  return std::make_shared<const ports::kv_batch>(std::exchange(batch_, {}));
}

event_batch core::accept() {
  for (const auto& e : closed_.events) log.append(e.now);
  auto out = std::make_shared<const std::vector<event>>(std::move(closed_.events));
  if (!out->empty()) log.remember(out);
  accepted_ = std::move(closed_.now);
  accepted_revision_ = closed_.revision;
  closed_ = {};
  stray_to_ = 0;
  return out;
}

void core::roll_back() {
  closed_ = {};
  events_.clear();
  batch_ = {};
  batch_bytes_ = 0;
  now_ = accepted_;
  revision_ = accepted_revision_;
}

}  // namespace skerry::store
