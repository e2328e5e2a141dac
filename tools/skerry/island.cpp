#include "tools/skerry/island.hpp"

#include <csignal>
#include <ctime>

#include <unistd.h>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include "schema/error.hpp"

namespace skerry::tools {
namespace {

constexpr int root_ended = SIGUSR2;
constexpr size_t messages_a_turn =
    200;  // an actor that is flooded gives way after so many (reference: CAF's default is no limit)

sigset_t awaited() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, root_ended);
  return set;
}

}  // namespace

island::island(ports::severity least, int workers)
    : log_(clock_, least), context_{clock_, random_, log_}, services_{context_, directory_, crashes_} {
  auto set = awaited();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  config_.set("scheduler.policy", caf::atom("sharing"));
  config_.set("scheduler.max-threads", static_cast<size_t>(workers));
  config_.set("scheduler.max-throughput", messages_a_turn);
  system_ = std::make_unique<caf::actor_system>(config_);
  system_->await_actors_before_shutdown(false);
}

island::~island() {
  root_ = nullptr;
  system_.reset();
}

caf::expected<void> island::start_root(const std::function<caf::actor(caf::actor parent)>& start,
                                       uint32_t deadline_ms) {
  caf::scoped_actor self{*system_};
  root_ = start(caf::actor{self});
  supervisors::report_end(services_, root_);
  root_->attach_functor([] { ::kill(::getpid(), root_ended); });
  self->monitor(root_);
  caf::expected<void> result = caf::unit;
  self->receive([](const base::ready&) {},
                [&](const caf::down_msg& m) {
                  result = make_error(code_of(m.reason), "it does not start: " + message_of(m.reason));
                },
                caf::after(std::chrono::milliseconds{deadline_ms}) >>
                    [&] {
                      result = make_error(errc::timed_out,
                                          "not all parts started in time; what is missing stands in the log above");
                    });
  self->demonitor(root_);
  return result;
}

int island::await_end() {
  auto set = awaited();
  int signal = 0;
  sigwait(&set, &signal);
  if (signal != root_ended) return 0;
  log_.error("island", "the root supervisor gave up; see the crashes above");
  return 1;
}

void island::stop_root(uint32_t deadline_ms) {
  if (!root_) return;
  caf::anon_send_exit(root_, caf::exit_reason::user_shutdown);
  auto set = awaited();
  timespec left{static_cast<time_t>(deadline_ms / 1000), static_cast<long>(deadline_ms % 1000) * 1'000'000};
  for (;;) {
    int signal = sigtimedwait(&set, nullptr, &left);
    if (signal == root_ended || signal < 0) break;
  }
  root_ = nullptr;
}

}  // namespace skerry::tools
