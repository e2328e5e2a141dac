#include "actors/link/desired.hpp"

#include "actors/link/digest.hpp"

namespace skerry::link {

desired_change diff(const held_items& held, const wanted_items& wanted) {
  desired_change out;
  for (const auto& [key, h] : held) {
    auto w = wanted.find(key);
    if (w == wanted.end() || store::uid_of(w->second.object) != h.uid) out.drop.emplace_back(key, h);
  }
  std::deque<wanted_item> pods;
  for (const auto& [key, w] : wanted) {
    auto h = held.find(key);
    auto same = h != held.end() && h->second.uid == store::uid_of(w.object) && h->second.digest == w.digest;
    if (!same) (key.resource == "pods" ? pods : out.put).push_back(w);
  }
  out.put.insert(out.put.end(), pods.begin(), pods.end());
  return out;
}

frame next_desired_frame(desired_change& change) {
  constexpr size_t drops_max = 1000;
  auto drops = std::min(change.drop.size(), drops_max);
  size_t puts = 0, bytes = drops * 200;
  while (puts < change.put.size()) {
    bytes += change.put[puts].object.bytes().size();
    if (puts > 0 && bytes > limits::chunk_bytes_max) break;
    ++puts;
  }
  if (drops < change.drop.size()) puts = 0;  // every drop goes before the first put
  auto f = frame::build([&](schema::Frame::Builder b) {
    auto d = b.initDesired();
    d.setRevision(change.revision);
    auto drop = d.initDrop(static_cast<unsigned>(drops));
    for (unsigned i = 0; i < drops; ++i) {
      const auto& [key, h] = change.drop[i];
      drop[i].setResource(key.resource);
      drop[i].setNamespace(key.ns);
      drop[i].setName(key.name);
      drop[i].setUid(h.uid);
      drop[i].setRevision(h.revision);
      drop[i].setDigest(h.digest);
    }
    auto put = d.initPut(static_cast<unsigned>(puts));
    for (unsigned i = 0; i < puts; ++i) {
      auto body = change.put[i].object.bytes();
      put[i].setObject(kj::ArrayPtr{reinterpret_cast<const kj::byte*>(body.data()), body.size()});
      put[i].setDigest(change.put[i].digest);
    }
    d.setLast(drops == change.drop.size() && puts == change.put.size());
  });
  change.drop.erase(change.drop.begin(), change.drop.begin() + static_cast<ptrdiff_t>(drops));
  change.put.erase(change.put.begin(), change.put.begin() + static_cast<ptrdiff_t>(puts));
  return f;
}

const desired_set::known& desired_set::look(const store::object_key& key, const store::object& o, bool refers,
                                            std::map<store::object_key, known>& next) {
  auto& slot = next[key];
  auto old = known_.find(key);
  if (old != known_.end() && old->second.revision == store::revision_of(o) && old->second.uid == store::uid_of(o)) {
    slot = std::move(old->second);
    return slot;
  }
  auto digest = intent_digest(store::json_of(o));
  if (old != known_.end() && old->second.digest == digest && old->second.uid == store::uid_of(o)) {
    slot = std::move(old->second);  // its status alone moved
    slot.revision = store::revision_of(o);
    return slot;
  }
  slot.uid = store::uid_of(o);
  slot.revision = store::revision_of(o);
  slot.digest = digest;
  if (refers)
    slot.references = key.resource == "pods" ? references_of(store::parse(o)) : device_references_of(store::parse(o));
  return slot;
}

wanted_items desired_set::compute(const store::view& v) {
  wanted_items out;
  std::map<store::object_key, known> next;
  std::set<store::object_key> interest;
  auto take = [&](const store::object& o) {
    auto key = store::key_of(o);
    const auto& k = look(key, o, true, next);
    out[key] = {o, k.digest};
    interest.insert(k.references.begin(), k.references.end());
  };
  for (const auto& pod : v.pods_on(node_)) take(pod);
  for (const auto& device : v.devices_on(node_)) take(device);
  for (const auto& key : interest) {
    auto o = v.get(key.resource, key.ns, key.name);
    if (!o) continue;
    out[key] = {o, look(key, o, false, next).digest};
  }
  known_ = std::move(next);
  interest_ = std::move(interest);
  return out;
}

}  // namespace skerry::link
