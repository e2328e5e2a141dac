#include "actors/api/feed_core.hpp"

#include "schema/feed_limits.hpp"

namespace skerry::api {
namespace {
using type = schema::ObjectChange::Type;
std::string text_of(capnp::Text::Reader t) { return {t.begin(), t.size()}; }
}  // namespace

caf::expected<feed_request> read_feed(schema::OpenFeed::Reader r, const kube::registry& registry) {
  feed_request out;
  out.info = registry.find_id(text_of(r.getResource()));
  if (out.info == nullptr)
    return make_error(errc::invalid, "resource '" + text_of(r.getResource()) +
                                         "' is not served here; name it as in \"pods\" or \"deployments.apps\"");
  auto labels = kube::label_selector::parse(text_of(r.getLabelSelector()));
  if (!labels) return make_error(errc::invalid, "labelSelector: " + message_of(labels.error()));
  auto fields = kube::field_selector::parse(text_of(r.getFieldSelector()), out.info->field_selectors);
  if (!fields) return make_error(errc::invalid, "fieldSelector: " + message_of(fields.error()));
  out.selected.ns = text_of(r.getNamespace());
  out.selected.labels = std::move(*labels);
  out.selected.fields = std::move(*fields);
  out.selected.name = out.selected.fields.exact("metadata.name");
  out.after = r.getAfter();
  return out;
}

letter<schema::ObjectBatch> to_letter(const feed_batch& b) {
  return letter<schema::ObjectBatch>::build([&](schema::ObjectBatch::Builder out) {
    out.setSequence(b.sequence);
    out.setRevision(b.revision);
    out.setComplete(b.complete);
    auto changes = out.initChanges(static_cast<unsigned>(b.changes.size()));
    for (unsigned i = 0; i < changes.size(); ++i) {
      changes[i].setType(b.changes[i].type);
      auto bytes = b.changes[i].object.bytes();
      changes[i].setObject({reinterpret_cast<const capnp::byte*>(bytes.data()), bytes.size()});
    }
  });
}

caf::expected<uint64_t> feed_core::begin(store::view_ptr v) {
  if (request_.after > v->revision())
    return make_error(errc::expired, "revision " + std::to_string(request_.after) +
                                         " is not of this cloud, which is at " + std::to_string(v->revision()));
  complete_ = request_.after != 0;
  revision_ = complete_ ? request_.after : v->revision();
  if (!complete_) view_ = std::move(v);
  return revision_;
}

caf::error feed_core::take(const store::events& e) {
  for (const auto& one : *e.batch) {
    if (one.revision <= revision_ || store::resource_of(one.now) != request_.info->id) continue;
    bool now = one.type != store::event_type::deleted && request_.selected.matches(one.now);
    // An event may come without the state before it; then the last state known decides.
    bool before = one.type != store::event_type::added && request_.selected.matches(one.before ? one.before : one.now);
    if (!now && !before) continue;
    waiting_.push_back({now ? type::PUT : type::GONE, one.now});
    waiting_bytes_ += one.now.bytes().size();
  }
  revision_ = std::max(revision_, e.revision);
  if (waiting_bytes_ <= limits::watch_queue_bytes_max) return {};
  return make_error(errc::expired, "the reader is too slow: " + std::to_string(waiting_bytes_) + " bytes wait for it");
}

caf::expected<feed_batch> feed_core::next(uint64_t have) {
  if (again(have)) return last_;
  if (have != last_.sequence)
    return make_error(errc::invalid, "batch " + std::to_string(have) + " was not the last, which is " +
                                         std::to_string(last_.sequence) + "; open a new feed");
  feed_batch b;
  b.sequence = have + 1;
  if (!complete_)
    read_present(b);
  else
    read_changes(b);
  last_ = b;
  return b;
}

void feed_core::read_present(feed_batch& b) {
  size_t size = 0;
  bool more = false;
  bool by_namespace = request_.info->namespaced && request_.selected.ns.empty();
  request_.selected.scan(*view_, *request_.info, cursor_, [&](const store::object& o) {
    size += o.bytes().size();
    if (!b.changes.empty() && size > limits::feed_batch_bytes_max) {
      more = true;
      return false;
    }
    cursor_ =
        (by_namespace ? std::string{store::namespace_of(o)} + "/" : std::string{}) + std::string{store::name_of(o)};
    b.changes.push_back({type::PRESENT, o});
    return true;
  });
  if (more) return;
  b.complete = complete_ = true;
  b.revision = view_->revision();
  view_ = nullptr;
}

void feed_core::read_changes(feed_batch& b) {
  size_t size = 0;
  while (!waiting_.empty()) {
    auto bytes = waiting_.front().object.bytes().size();
    size += bytes;
    if (!b.changes.empty() && size > limits::feed_batch_bytes_max) break;
    waiting_bytes_ -= bytes;
    b.changes.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  // What still waits has higher revisions than what goes.
  b.revision = waiting_.empty() ? revision_ : store::revision_of(b.changes.back().object);
}

}  // namespace skerry::api
