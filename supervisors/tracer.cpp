#include "supervisors/tracer.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

namespace skerry::supervisors {

void tracer::attach(const caf::actor& inspector) {
  std::lock_guard lock{mutex_};
  inspector_ = caf::actor_cast<caf::weak_actor_ptr>(inspector);
  waiting_ = 0;  // what waited in the mailbox of a former one went with it
}

void tracer::taken() {
  auto n = waiting_.load();
  while (n > 0 && !waiting_.compare_exchange_weak(n, n - 1)) {
  }
}

void tracer::on_message(const base::actor& who, const caf::mailbox_element& m) {
  caf::strong_actor_ptr to;
  {
    std::lock_guard lock{mutex_};
    to = inspector_.lock();
  }
  if (!to || to->id() == who.id()) return;  // what tells of messages is no message to tell of
  if (waiting_.fetch_add(1) >= waiting_max) {
    --waiting_;
    ++missed_;
    return;
  }
  message_seen seen;
  seen.who = who.ctrl();
  seen.path = who.path();
  seen.sender = m.sender;
  seen.request = m.mid.is_request();
  seen.answer = m.mid.is_response();
  seen.type = words_.of(m.content());
  if (seen.type != nullptr) {
    seen.name = seen.type->name();
    seen.letter = seen.type->share(m.content());
  } else {
    seen.name = base::message_name(m.content());
  }
  seen.missed = missed_.exchange(0);
  caf::anon_send(caf::actor_cast<caf::actor>(to), std::move(seen));
}

}  // namespace skerry::supervisors
