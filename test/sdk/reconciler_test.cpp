// The working half of a controller.
#include "actors/sdk/reconciler.hpp"

#include "test/sdk/world.hpp"

using namespace skerry;
using namespace skerry::test;

namespace {

sdk::key key_of(const std::string& name) { return {"configmaps", "default", name}; }

struct bench {
  std::mutex mutex;
  std::map<std::string, int> turns;
  std::atomic<int> working{0}, most{0}, all{0};
  std::atomic<size_t> waiting{0};
  std::vector<std::pair<sdk::key, sdk::reconciler::finish>> open;  // of the actor alone
  sdk::reconciler* part = nullptr;
};
struct run_in {
  std::function<void()> f;
};

}  // namespace
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(run_in)

namespace {

caf::actor start(sdk_world& w, std::shared_ptr<bench> b, sdk::reconciler_args args,
                 std::function<void(const sdk::key&, sdk::reconciler::finish)> work) {
  return w.spawn([&w, b, args, work](boxed* self) {
    auto r = std::make_shared<sdk::reconciler>(self, w.ctx, args, [b, work](const sdk::key& k, auto end) {
      {
        std::lock_guard l{b->mutex};
        ++b->turns[k.name];
      }
      ++b->all;
      b->most = std::max(b->most.load(), ++b->working);
      work(k, [b, end](sdk::outcome o) {
        --b->working;
        end(std::move(o));
      });
    });
    self->state.parts.push_back(r);
    b->part = r.get();
    self->state.handlers = {[](const run_in& m) { m.f(); }};
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(reconcilers)

BOOST_AUTO_TEST_CASE(marks_fold_and_wait_for_resume) {
  sdk_world w;
  auto b = std::make_shared<bench>();
  auto a = start(w, b, {}, [](auto&, auto end) { end(sdk::outcome::done()); });
  caf::anon_send(a, run_in{[b] {
                   for (int i = 0; i < 100; ++i) b->part->mark(key_of("m" + std::to_string(i % 10)));
                   BOOST_TEST(b->part->waiting() == 10u);
                   BOOST_TEST(b->part->paused());
                   b->part->resume();
                 }});
  until("all", [&] { return b->all == 10; });
  caf::anon_send(a, run_in{[b] { b->part->mark_after(key_of("later"), 20); }});
  until("later", [&] { return b->all == 11; });
}

BOOST_AUTO_TEST_CASE(a_key_is_never_worked_on_twice_at_once) {
  sdk_world w;
  auto b = std::make_shared<bench>();
  auto a = start(w, b, {.working_max = 2}, [b](auto& k, auto end) { b->open.emplace_back(k, end); });
  caf::anon_send(a, run_in{[b] {
                   for (const char* n : {"a", "b", "c"}) b->part->mark(key_of(n));
                   b->part->resume();
                 }});
  until("two at once", [&] { return b->all == 2; });
  caf::anon_send(a, run_in{[b] {
                   b->part->mark(key_of("a"));  // marked while it is worked on: another turn after this one
                   auto open = std::exchange(b->open, {});
                   for (auto& [k, end] : open) end(sdk::outcome::done());
                   for (auto& [k, end] : open) end(sdk::outcome::done());  // a second end is none
                 }});
  until("c and a again", [&] { return b->all == 4; });
  std::lock_guard l{b->mutex};
  BOOST_TEST(b->turns["a"] == 2);
  BOOST_TEST(b->turns["b"] == 1);
  BOOST_TEST(b->most == 2);
}

BOOST_AUTO_TEST_CASE(failures_come_back_with_growing_waits) {
  sdk_world w;
  auto b = std::make_shared<bench>();
  auto a = start(w, b, {}, [b](auto& k, auto end) {
    if (k.name == "throws" && b->part->failures(k) < 3) throw std::runtime_error("once more");
    if (b->part->failures(k) < 4) return end(sdk::outcome::failed(make_error(errc::unavailable, "not yet")));
    end(sdk::outcome::done());
  });
  auto begun = std::chrono::steady_clock::now();
  caf::anon_send(a, run_in{[b] {
                   b->part->mark(key_of("fails"));
                   b->part->resume();
                 }});
  until("five tries", [&] { return b->all == 5; });
  // 5 + 10 + 20 + 40 ms of backoff at least.
  BOOST_TEST((std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds{75}));
  caf::anon_send(a, run_in{[b] {
                   BOOST_TEST(b->part->failures(key_of("fails")) == 0u);
                   b->part->mark(key_of("throws"));
                 }});
  until("an exception is a failure", [&] { return b->all == 10; });
}

BOOST_AUTO_TEST_CASE(retries_of_all_keys_share_a_rate) {
  sdk::rate_limit r{10, 3};
  for (int i = 0; i < 3; ++i) BOOST_TEST(r.take(1000) == 0);
  BOOST_TEST(r.take(1000) == 101);
  BOOST_TEST(r.take(1100) == 0);
  BOOST_TEST(r.take(1100) > 0);
  BOOST_TEST(r.take(100'000) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
