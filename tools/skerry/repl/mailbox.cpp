#include "tools/skerry/repl/mailbox.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

namespace skerry::tools::repl {

mailbox::mailbox(caf::actor_config& cfg) : caf::actor_proxy(cfg), fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

mailbox::~mailbox() { ::close(fd_); }

caf::message_id mailbox::expect() {
  std::lock_guard lock{mutex_};
  auto id = caf::make_message_id(++last_);
  awaited_[id.request_id().integer_value()];
  return id;
}

bool mailbox::take(caf::message_id request, caf::message& answer) {
  std::lock_guard lock{mutex_};
  auto i = awaited_.find(request.request_id().integer_value());
  if (i == awaited_.end() || !i->second) return false;
  answer = std::move(*i->second);
  awaited_.erase(i);
  return true;
}

void mailbox::forget(caf::message_id request) {
  std::lock_guard lock{mutex_};
  awaited_.erase(request.request_id().integer_value());
}

std::vector<letter<schema::Traced>> mailbox::take_traced() {
  std::lock_guard lock{mutex_};
  return std::exchange(traced_, {});
}

void mailbox::settle() {
  uint64_t n;
  while (::read(fd_, &n, sizeof n) > 0) {
  }
}

void mailbox::enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) {
  {
    std::lock_guard lock{mutex_};
    auto& content = what->content();
    if (what->mid.is_response()) {
      auto i = awaited_.find(what->mid.request_id().integer_value());
      if (i == awaited_.end()) return;  // too late
      i->second = what->move_content_to_message();
    } else if (content.match_elements<letter<schema::Traced>>()) {
      if (traced_.size() == traced_max) traced_.erase(traced_.begin());
      traced_.push_back(content.get_as<letter<schema::Traced>>(0));
    } else {
      return;  // nobody else has a reason to write here
    }
  }
  wake();
}

void mailbox::wake() {
  uint64_t one = 1;
  [[maybe_unused]] auto n = ::write(fd_, &one, sizeof one);
}

void mailbox::kill_proxy(caf::execution_unit* host, caf::error reason) { cleanup(std::move(reason), host); }

}  // namespace skerry::tools::repl
