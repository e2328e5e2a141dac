// Leader leases: the rules as values, and two replicas that want the same.
#include "actors/sdk/leader.hpp"

#include "test/sdk/world.hpp"

using namespace skerry;
using namespace skerry::test;

namespace {

constexpr sdk::lease_times times{};

sdk::lease_record held(const char* by, int64_t renewed_ms, int64_t transitions = 0) {
  return {by, 15, 1000, renewed_ms, transitions};
}

struct replica {
  std::atomic<int> started{0}, stopped{0};
  std::atomic<bool> leads{false};
  std::mutex mutex;
  std::string holder;
  caf::actor actor;
  sdk::leader* part = nullptr;
};
struct let_go {};

}  // namespace
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(let_go)

namespace {

std::shared_ptr<replica> run(sdk_world& w, const std::string& identity, sdk::lease_times t,
                             std::shared_ptr<std::atomic<int>> leading) {
  auto r = std::make_shared<replica>();
  r->actor = w.spawn([&w, r, identity, t, leading](boxed* self) {
    auto o = std::make_shared<sdk::objects>(self, w.resolver(), t.retry_ms * 2);
    auto l = std::make_shared<sdk::leader>(
        self, w.ctx, *o, sdk::leader_args{.ns = "default", .name = "lock", .identity = identity, .times = t});
    self->state.parts = {o, l};
    r->part = l.get();
    l->start({[r, leading] {
                BOOST_TEST(++*leading == 1);
                ++r->started;
                r->leads = true;
              },
              [r, leading] {
                --*leading;
                ++r->stopped;
                r->leads = false;
              },
              [r](const std::string& who) {
                std::lock_guard lock{r->mutex};
                r->holder = who;
              }});
    self->state.handlers = {[l](const let_go&) { l->release(); }};
  });
  return r;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(leader_leases)

BOOST_AUTO_TEST_CASE(who_may_write_what) {
  sdk::lease_core c{"me", times};
  auto first = c.attempt(100, 5000);
  BOOST_REQUIRE(first);
  BOOST_TEST((*first == sdk::lease_record{"me", 15, 5000, 5000, 0}));
  BOOST_TEST(!c.leads(100));
  c.won(*first, 100);
  BOOST_TEST(c.leads(10'099));
  BOOST_TEST(!c.leads(10'100));
  auto second = c.attempt(2100, 7000);
  BOOST_TEST((*second == sdk::lease_record{"me", 15, 5000, 7000, 0}));

  sdk::lease_core d{"other", times};
  d.observe(held("me", 9'999'999'000), 1000);  // its clock is wrong: of no matter
  BOOST_TEST(!d.attempt(15'999, 0));
  d.observe(held("me", 9'999'999'000), 15'999);
  BOOST_TEST(d.attempt(16'000, 0)->transitions == 1);
  d.observe(held("me", 9'999'999'001), 16'000);  // renewed: wait anew
  BOOST_TEST(!d.attempt(30'999, 0));
  BOOST_TEST(d.attempt(31'000, 8000)->acquired_ms == 8000);
  d.observe(held("", 0, 4), 40'000);  // released: at once
  BOOST_TEST(d.attempt(40'000, 0)->transitions == 5);
  d.absent();
  BOOST_TEST(d.attempt(40'000, 0)->transitions == 0);
  // One that sees another's name there leads no longer, however fresh its own renewal.
  c.observe(held("other", 1), 2200);
  BOOST_TEST(!c.leads(2200));
}

BOOST_AUTO_TEST_CASE(the_record_is_that_of_kubernetes) {
  auto v = sdk::write_lease(
      json::object{{"metadata", json::object{{"name", "l"}}}, {"spec", json::object{{"strategy", "x"}}}},
      {"me", 15, 1'700'000'000'000, 1'700'000'001'000, 3});
  BOOST_TEST(string_at(v, "spec.holderIdentity") == "me");
  BOOST_TEST(string_at(v, "spec.acquireTime") == "2023-11-14T22:13:20.000000Z");
  BOOST_TEST(string_at(v, "spec.strategy") == "x");
  BOOST_TEST((sdk::read_lease(v) == sdk::lease_record{"me", 15, 1'700'000'000'000, 1'700'000'001'000, 3}));
}

BOOST_AUTO_TEST_CASE(one_of_two_leads_and_hands_over) {
  sdk_world w;
  sdk::lease_times quick{.lease_ms = 600, .renew_ms = 400, .retry_ms = 50};
  auto leading = std::make_shared<std::atomic<int>>(0);
  auto a = run(w, "a", quick, leading);
  until("a leads", [&] { return a->leads.load(); });
  auto b = run(w, "b", quick, leading);
  until("b knows", [&] {
    std::lock_guard lock{b->mutex};
    return b->holder == "a";
  });
  auto lease = w.must(200, "GET", "/apis/coordination.k8s.io/v1/namespaces/default/leases/lock");
  BOOST_TEST(lease.at("spec.holderIdentity") == "a");
  BOOST_TEST(int_at(lease.value, "spec.leaseTransitions") == 0);
  // Given up: the other need not wait.
  caf::anon_send(a->actor, let_go{});
  until("b leads", [&] { return b->leads.load(); });
  BOOST_TEST(a->stopped == 1);
  lease = w.must(200, "GET", "/apis/coordination.k8s.io/v1/namespaces/default/leases/lock");
  BOOST_TEST(int_at(lease.value, "spec.leaseTransitions") == 1);
}

BOOST_AUTO_TEST_CASE(a_leader_without_a_cloud_stops_before_another_starts) {
  sdk_world w;
  sdk::lease_times quick{.lease_ms = 900, .renew_ms = 500, .retry_ms = 60};
  auto leading = std::make_shared<std::atomic<int>>(0);
  auto a = run(w, "a", quick, leading);
  until("a leads", [&] { return a->leads.load(); });
  auto b = run(w, "b", quick, leading);
  w.directory.erase("/cloud/api/objects", w.door.id());
  until("a stops", [&] { return a->stopped == 1; });
  BOOST_TEST(*leading == 0);
  w.directory.put("/cloud/api/objects", w.door);
  until("one leads", [&] { return *leading == 1; });
}

BOOST_AUTO_TEST_CASE(a_lease_that_is_deleted_is_made_anew) {
  sdk_world w;
  auto leading = std::make_shared<std::atomic<int>>(0);
  auto a = run(w, "a", {.lease_ms = 900, .renew_ms = 500, .retry_ms = 50}, leading);
  until("a leads", [&] { return a->leads.load(); });
  const std::string lease = "/apis/coordination.k8s.io/v1/namespaces/default/leases/lock";
  auto uid = std::string{w.must(200, "GET", lease).at("metadata.uid")};
  w.must(200, "DELETE", lease);
  until("it is there again", [&] { return w.call("GET", lease).code == 200 && a->leads; });
  BOOST_TEST(w.must(200, "GET", lease).at("metadata.uid") != uid);
  BOOST_TEST(a->stopped == 0);
}

BOOST_AUTO_TEST_SUITE_END()
