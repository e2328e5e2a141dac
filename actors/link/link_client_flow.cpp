// What crosses the link, seen from the edge: facts out, desired changes in, certificates renewed.
#include <cstdio>

#include "actors/link/link_client.hpp"

namespace skerry::link {
using std::chrono::milliseconds;
namespace {
constexpr auto apply_timeout = std::chrono::seconds(30);
constexpr auto apply_again = milliseconds(500);
constexpr const char* cluster_key = "link/cluster";
std::string text_of(capnp::Text::Reader t) { return {t.begin(), t.size()}; }

std::string have_key(const store::object_key& k) { return "link/have/" + k.resource + "/" + k.ns + "/" + k.name; }
std::string have_value(std::string_view uid, uint64_t revision, uint64_t digest) {
  char text[48];
  std::snprintf(text, sizeof text, " %llu %llx", static_cast<unsigned long long>(revision),
                static_cast<unsigned long long>(digest));
  return std::string{uid} + text;
}
}  // namespace

// -- facts ------------------------------------------------------------------------------------------------------------

template <class R>
caf::result<void> link_client_state::report(const R& r) {
  if (auto e = outbox_->stage(r)) return e;
  // One flush for all reports that are in the mailbox by now.
  if (!std::exchange(flush_sent_, true)) self_->send(self_, link_flush{});
  auto promise = self_->make_response_promise();
  reporters_.push_back(promise);
  return promise;
}
template caf::result<void> link_client_state::report(const report_pod_status&);
template caf::result<void> link_client_state::report(const report_pod_gone&);
template caf::result<void> link_client_state::report(const report_node_status&);
template caf::result<void> link_client_state::report(const report_event&);
template caf::result<void> link_client_state::report(const report_device_status&);

void link_client_state::on_flush() {
  flush_sent_ = false;
  auto e = outbox_->flush(now());
  if (e) log(ports::severity::error, "the journal of facts cannot be written: " + message_of(e));
  for (auto& p : std::exchange(reporters_, {})) {
    if (e)
      p.deliver(e);
    else
      p.deliver(caf::unit);
  }
  send_facts();
}

void link_client_state::send_facts() {
  if (phase_ != phase::up) return;
  while (in_flight_.size() < limits::facts_window) {
    uint64_t last = 0;
    auto f = outbox_->frame_after(sent_, last);
    if (!f) return breach(code_of(f.error()), "the journal of facts cannot be read: " + message_of(f.error()));
    if (!*f) return;
    wire_.send(*f);
    in_flight_.push_back(sent_ = last);
  }
}

void link_client_state::on_facts_ack(uint64_t sequence) {
  if (sequence > sent_) return breach(errc::invalid, "the cloud acknowledged a fact that was not sent");
  if (auto e = outbox_->acknowledge(sequence)) log(ports::severity::warning, "journal: " + message_of(e));
  while (!in_flight_.empty() && in_flight_.front() <= sequence) in_flight_.pop_front();
  send_facts();
}

// -- desired set ------------------------------------------------------------------------------------------------------

void link_client_state::on_desired(const frame& f) {
  if (desired_.size() >= limits::desired_window)
    return breach(errc::too_many, "the cloud sends more desired changes than its window allows");
  desired_.push_back(f);
  if (!applying_) apply_next();
}

void link_client_state::apply_next() {
  if (desired_.empty()) {
    applying_ = false;
    return;
  }
  applying_ = true;
  desired_changes changes;
  std::vector<uint64_t> digests;
  try {
    auto d = (*desired_.front()).getDesired();
    changes.revision = d.getRevision();
    changes.last = d.getLast();
    for (auto h : d.getDrop())
      changes.drop.push_back({{text_of(h.getResource()), text_of(h.getNamespace()), text_of(h.getName())},
                              text_of(h.getUid()),
                              h.getRevision()});
    for (auto p : d.getPut()) {
      auto data = p.getObject();
      auto o = store::object::from_bytes({reinterpret_cast<const std::byte*>(data.begin()), data.size()});
      if (!o) return breach(code_of(o.error()), "an object of the cloud: " + message_of(o.error()));
      (void)store::key_of(*o);
      changes.put.push_back(std::move(*o));
      digests.push_back(p.getDigest());
    }
  } catch (const kj::Exception& e) {
    return breach(errc::corrupt,
                  std::string{"desired changes of the cloud do not parse: "} + e.getDescription().cStr());
  }
  auto agent = args_->agent();
  if (!agent) return apply_later(make_error(errc::unavailable, "it is not there"));
  auto generation = generation_;
  self_->request(agent, apply_timeout, changes)
      .then(
          [this, generation, changes, digests] {
            if (generation == generation_) on_applied(changes, digests);
          },
          [this, generation](const caf::error& e) {
            if (generation == generation_) apply_later(e);
          });
}

/// The agent restarts, or its disk is full: the session stays (facts and the lease go on), the change is tried again.
void link_client_state::apply_later(const caf::error& why) {
  log(ports::severity::warning, "the agent did not take desired changes, trying again: " + message_of(why));
  self_->delayed_send(self_, apply_again, link_apply{generation_});
}

void link_client_state::on_applied(const desired_changes& changes, const std::vector<uint64_t>& digests) {
  if (phase_ != phase::up || desired_.empty()) return;
  remember(changes, digests);
  desired_.pop_front();
  if (changes.last) counted_.revision = changes.revision;
  wire_.send_with([&](schema::Frame::Builder b) { b.setDesiredAck(++applied_); });
  apply_next();
}

/// Keeps the digests of what the agent holds. Not synced: an object whose digest is lost crosses once more.
void link_client_state::remember(const desired_changes& changes, const std::vector<uint64_t>& digests) {
  ports::kv_batch batch;
  for (const auto& d : changes.drop) batch.remove(have_key(d.key));
  for (size_t i = 0; i < changes.put.size(); ++i) {
    const auto& o = changes.put[i];
    batch.put(have_key(store::key_of(o)), have_value(store::uid_of(o), store::revision_of(o), digests[i]));
  }
  if (batch.changes.empty()) return;
  if (auto w = args_->kv.write(batch, false); !w)
    log(ports::severity::warning, "digests are not kept: " + message_of(w.error()));
}

uint64_t link_client_state::digest_of(const held_object& held) const {
  auto kept = args_->kv.get(have_key(held.key));
  if (!kept || !*kept) return 0;
  auto space = (*kept)->rfind(' ');
  if (space == std::string::npos) return 0;
  auto digest = std::strtoull((*kept)->c_str() + space + 1, nullptr, 16);
  return **kept == have_value(held.uid, held.revision, digest) ? digest : 0;
}

/// An edge belongs to the cluster of its first session.
caf::error link_client_state::check_cluster(const std::string& uid) {
  auto known = args_->kv.get(cluster_key);
  if (!known) return std::move(known.error());
  if (*known) {
    if (**known == uid) return {};
    return make_error(errc::forbidden,
                      "the cloud at " + args_->address + " is of cluster " + uid + ", and this node of cluster " +
                          **known + "; give it the address of its own cloud, or join with an empty data directory");
  }
  ports::kv_batch batch;
  batch.put(cluster_key, uid);
  auto w = args_->kv.write(batch, true);
  return w ? caf::error{} : std::move(w.error());
}

// -- certificate ------------------------------------------------------------------------------------------------------

void link_client_state::renew_if_due() {
  if (phase_ != phase::up) return;
  auto request = renewal_->due(args_->credentials, args_->ctx.clock.wall_ms());
  if (!request) return log(ports::severity::error, "certificate renewal: " + message_of(request.error()));
  if (request->empty()) return;
  wire_.send_with([&](schema::Frame::Builder b) {
    auto j = b.initJoin();
    j.setNodeName(args_->node);
    j.setCsrPem(*request);
  });
}

void link_client_state::on_joined(schema::Joined::Reader j) {
  auto ends = renewal_->take(j, args_->credentials);
  if (ends) return log(ports::severity::info, "certificate renewed, good until " + format_time(*ends));
  if (code_of(ends.error()) == errc::conflict) return breach(errc::invalid, message_of(ends.error()));
  log(ports::severity::error, message_of(ends.error()));
}

}  // namespace skerry::link
