#pragma once
#include "sim/ports/memory_kv.hpp"
#include "test/store/fixture.hpp"

namespace skerry::test {

/// A store actor on its own thread over a gated kv in memory, and what a client does with it.
class store_world {
public:
  explicit store_world(store::history_options history = {}) : history_(history) { start(); }
  ~store_world() { stop(); }

  void start() {
    actor = system.spawn<caf::detached>(
        store::store_actor, store::store_args{ctx, "/cloud/store", gate, views, caf::actor{}, history_, true});
  }
  /// Ends the actor and waits for that.
  void stop() {
    if (!actor) return;
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    client->wait_for(actor);
    actor = nullptr;
  }
  void restart() {
    stop();
    start();
  }

  template <class Answer, class Request>
  caf::expected<Answer> ask(const Request& r) {
    caf::expected<Answer> out{make_error(errc::internal, "no answer")};
    client->request(actor, std::chrono::seconds{20}, r)
        .receive([&](const Answer& a) { out = a; }, [&](const caf::error& e) { out = e; });
    return out;
  }
  caf::expected<store::committed> commit(std::vector<store::change> changes) {
    return ask<store::committed>(store::commit{std::move(changes)});
  }
  /// A commit that must succeed; returns its revision.
  uint64_t must(store::change c) {
    auto r = commit({std::move(c)});
    BOOST_REQUIRE_MESSAGE(r, why(r));
    return r->revision;
  }
  caf::expected<store::subscribed> subscribe(uint64_t after, std::vector<std::string> resources = {},
                                             const caf::actor& who = {}) {
    return ask<store::subscribed>(store::subscribe{std::move(resources), after, who ? who : caf::actor{client}});
  }
  /// What comes next as events, one line each, until revision `until` is there: "added pods default/a@3".
  std::string events_until(uint64_t until) {
    std::string out;
    uint64_t seen = 0;
    while (seen < until) {
      bool got = false;
      client->receive(
          [&](const store::events& e) {
            got = true;
            seen = e.revision;
            for (const auto& x : *e.batch) out += line(x);
          },
          caf::after(std::chrono::seconds{10}) >> [] {});
      if (!got) return out + "(nothing more)";
    }
    return out;
  }
  static std::string line(const store::event& e) {
    static constexpr const char* words[] = {"added", "modified", "deleted"};
    BOOST_TEST(store::revision_of(e.now) == e.revision);
    BOOST_TEST(static_cast<bool>(e.before) == (e.type != store::event_type::added));
    auto text = std::string{words[static_cast<int>(e.type)]} + ' ' + to_string(store::key_of(e.now)) + '@' +
                std::to_string(e.revision);
    if (e.before) text += "<" + std::to_string(store::revision_of(e.before));
    return text + "\n";
  }
  store::view_ptr view() const { return views->current(); }

private:
  store::history_options history_;

public:
  manual_clock clock;
  seeded_random random;
  kept_log log;
  context ctx{clock, random, log};
  sim::memory_kv kv;
  gated_kv gate{kv};
  std::shared_ptr<store::publisher> views = std::make_shared<store::publisher>();
  caf::actor_system_config config;
  caf::actor_system system{config};
  caf::scoped_actor client{system};
  caf::actor actor;
};

}  // namespace skerry::test
