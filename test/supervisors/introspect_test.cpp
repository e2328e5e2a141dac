#include "supervisors/introspect.hpp"

#include <boost/test/unit_test.hpp>
#include <caf/send.hpp>

#include "supervisors/pool.hpp"
#include "test/supervisors/world.hpp"

using namespace skerry;
using namespace skerry::supervisors;
using test::world;

namespace {
child_spec transient(std::string id, start_function start) {
  return worker(std::move(id), std::move(start), restart::transient);
}
}  // namespace

BOOST_AUTO_TEST_SUITE(introspection)

BOOST_AUTO_TEST_CASE(a_supervisor_describes_its_children) {
  world w;
  auto top = w.supervise("/t", strategy::rest_for_one, {7, 60'000},
                         {transient("a", w.self_ready("/t/a")), ready_worker("b", w.slow()), worker("c", w.plain())});
  auto b = w.await("/t/b");
  w.self->send(w.await("/t/a"), test::crash{"x"});
  w.until([&] { return w.crashes.total() == 1; }, "the crash is reported");
  BOOST_TEST(w.crashes.reports()[0].last_message == "skerry::test::crash");
  auto d = w.ask<description>(top, describe{});
  BOOST_REQUIRE(d);
  BOOST_TEST(d->path == "/t");
  BOOST_TEST((d->kind == child_kind::supervisor && d->how == strategy::rest_for_one));
  BOOST_TEST(d->window.intensity == 7u);
  BOOST_TEST(d->total == 3u);
  BOOST_TEST(!d->more);
  BOOST_REQUIRE(d->children.size() == 3u);
  BOOST_TEST(d->children[0].path == "/t/a");
  BOOST_TEST((d->children[0].when == restart::transient));
  BOOST_TEST((d->children[2].now == phase::down && !d->children[2].who));
  auto page = w.ask<description>(top, describe{"a", 1});
  BOOST_REQUIRE(page);
  BOOST_REQUIRE(page->children.size() == 1u);
  BOOST_TEST(page->children[0].id == "b");
  BOOST_TEST((page->children[0].now == phase::unready && page->children[0].who == b));
  BOOST_TEST(page->more);
  BOOST_TEST((code_of(w.ask<description>(top, describe{"nobody"}).error()) == errc::not_found));
  w.stop(top);
}

BOOST_AUTO_TEST_CASE(a_supervisor_starts_a_child_anew_with_those_that_depend_on_it) {
  world w;
  auto top =
      w.supervise("/t", strategy::rest_for_one, {1, 60'000},
                  {worker("a", w.self_ready("a")), worker("b", w.self_ready("b")), worker("c", w.self_ready("c"))});
  auto a = w.await("/t/a");
  auto c = w.await("/t/c");
  for (int i = 0; i < 5; ++i) {
    auto b = w.await("/t/b");
    auto renewed = w.ask<caf::actor>(top, restart_child{"b"});
    BOOST_REQUIRE(renewed);
    BOOST_TEST((*renewed != b));
    BOOST_TEST((w.directory.find("/t/b") == *renewed));
  }
  w.await_other("/t/c", c);
  BOOST_TEST((w.directory.find("/t/a") == a));
  BOOST_TEST(w.crashes.total() == 0u);
  BOOST_TEST((code_of(w.ask<caf::actor>(top, restart_child{"d"}).error()) == errc::not_found));
  w.stop(top);
}

BOOST_AUTO_TEST_CASE(a_pool_describes_its_children_by_pages_and_starts_one_anew) {
  world w;
  auto p = w.sys.spawn(pool, pool_args{.parts = w.parts, .path = "/p", .window = {0, 60'000}, .pause_ms_min = 60'000});
  for (auto* id : {"c", "a", "b"}) BOOST_REQUIRE(w.ask<caf::actor>(p, base::start_child{id, w.plain()}));
  auto first = w.ask<description>(p, describe{{}, 2});
  BOOST_REQUIRE(first);
  BOOST_TEST((first->kind == child_kind::pool));
  BOOST_TEST(first->total == 3u);
  BOOST_REQUIRE(first->children.size() == 2u);
  BOOST_TEST((first->children[1].id == "b" && first->children[1].now == phase::up));
  BOOST_TEST(first->more);
  auto a = w.await("/p/a");
  auto renewed = w.ask<caf::actor>(p, restart_child{"a"});
  BOOST_REQUIRE(renewed);
  BOOST_TEST((*renewed != a && w.directory.find("/p/a") == *renewed));
  // One that is in its pause is started at once.
  caf::anon_send(*renewed, test::crash{"x"});
  w.until([&] { return w.crashes.total() == 1; }, "the crash is reported");
  auto paused = w.ask<description>(p, describe{});
  BOOST_REQUIRE(paused);
  BOOST_TEST((paused->children[0].now == phase::paused && paused->children[0].restarts == 1));
  BOOST_TEST(static_cast<bool>(w.ask<caf::actor>(p, restart_child{"a"})));
  BOOST_TEST((code_of(w.ask<caf::actor>(p, restart_child{"x"}).error()) == errc::not_found));
  w.stop(p);
}

BOOST_AUTO_TEST_CASE(a_stubborn_child_is_killed_before_it_is_started_anew) {
  world w;
  auto top = w.supervise("/t", strategy::one_for_one, {}, {worker("mule", w.stubborn(), restart::permanent, 20)});
  auto mule = w.await("/t/mule");
  w.self->monitor(mule);
  BOOST_TEST(static_cast<bool>(w.ask<caf::actor>(top, restart_child{"mule"})));
  BOOST_TEST((w.await_down(mule) == caf::exit_reason::kill));
  w.stop(top);
}

BOOST_AUTO_TEST_SUITE_END()
