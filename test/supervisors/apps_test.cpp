// Parts that others add to a tree: each restarted by itself, none a danger to the rest.
#include "supervisors/apps.hpp"

#include <boost/test/unit_test.hpp>

#include "supervisors/introspect.hpp"
#include "test/supervisors/world.hpp"

using namespace skerry;
using namespace skerry::supervisors;
using test::world;

namespace {

/// A root with a worker of its own and these apps.
caf::actor root_of(world& w, std::vector<app_child> apps) {
  std::vector<child_spec> children{worker("own", w.plain())};
  children.push_back(apps_of(w.parts, "/t", std::move(apps)));
  // Two restarts end it: what the apps do must not count.
  return w.supervise("/t", strategy::one_for_all, {2, 60'000}, std::move(children));
}

size_t crashes_of(world& w, std::string_view path) {
  size_t n = 0;
  for (const auto& r : w.crashes.reports()) n += r.path == path ? 1 : 0;
  return n;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(apps_of_others)

BOOST_AUTO_TEST_CASE(each_stands_below_app_and_comes_back_by_itself) {
  world w;
  auto top = root_of(w, {{"a", w.plain()}, {"b", w.plain()}});
  auto a = w.await("/t/app/a"), b = w.await("/t/app/b"), own = w.await("/t/own");
  w.self->send(a, test::crash{"of a"});
  auto again = w.await_other("/t/app/a", a);
  BOOST_TEST(*w.ask<bool>(again, test::ping{}));
  BOOST_TEST((w.directory.find("/t/app/b") == b));
  BOOST_TEST((w.directory.find("/t/own") == own));
  BOOST_TEST(crashes_of(w, "/t/app/a") == 1u);
  // One that ends in order stays away: it has done its work.
  w.stop(again);
  w.until([&] { return !w.directory.find("/t/app/a"); }, "a has gone");
  BOOST_TEST(crashes_of(w, "/t/app/a") == 1u);
  BOOST_TEST(*w.ask<bool>(b, test::ping{}));
  w.stop(top);
  BOOST_TEST(w.directory.list("/t/app").empty());
}

BOOST_AUTO_TEST_CASE(one_that_crashes_for_ever_is_paused_and_takes_nothing_with_it) {
  world w;
  auto top = root_of(w, {{"bad", w.plain()}, {"good", w.plain()}});
  auto good = w.await("/t/app/good"), own = w.await("/t/own"), pool = w.await("/t/app");
  auto bad_phase = [&] {
    auto d = w.ask<description>(pool, describe{});
    BOOST_REQUIRE(d);
    for (const auto& c : d->children)
      if (c.path == "/t/app/bad") return c.now;
    return phase::down;
  };
  w.until(
      [&] {
        if (auto bad = w.directory.find("/t/app/bad")) w.self->send(bad, test::crash{"again"});
        return bad_phase() == phase::paused;
      },
      "it is paused");
  BOOST_TEST((w.directory.find("/t/app") == pool));
  BOOST_TEST((w.directory.find("/t/app/good") == good));
  BOOST_TEST((w.directory.find("/t/own") == own));
  BOOST_TEST(crashes_of(w, "/t/app/bad") > 1u);
  BOOST_TEST(crashes_of(w, "/t/app") == 0u);
  w.await("/t/app/bad");  // the pause has an end
  w.stop(top);
}

BOOST_AUTO_TEST_CASE(all_start_again_with_their_pool) {
  world w;
  auto top = root_of(w, {{"a", w.plain()}, {"b", w.plain()}});
  auto a = w.await("/t/app/a"), b = w.await("/t/app/b");
  caf::anon_send_exit(w.await("/t/app"), caf::exit_reason::kill);
  w.await_other("/t/app/a", a);
  w.await_other("/t/app/b", b);
  w.stop(top);
}

BOOST_AUTO_TEST_SUITE_END()
