// What operators can ask an island, asked as they do: by letters.
#include "supervisors/inspector.hpp"

#include <boost/test/unit_test.hpp>

#include "schema/probe.capnp.h"
#include "supervisors/pool.hpp"
#include "test/supervisors/world.hpp"

using namespace skerry;
using namespace skerry::supervisors;

namespace {

std::string text_of(capnp::Text::Reader t) { return {t.begin(), t.size()}; }

/// An island with a supervisor, a pool and workers, and its inspector.
struct inspected : test::world {
  vocabulary words = [] {
    vocabulary w;
    add_standard(w);
    add_admin(w);
    return w;
  }();
  link::mesh mesh{link::mesh_args{sys, ctx, directory, words, "/cloud", ""}};
  tracer trace{words};
  ports::severity level = ports::severity::info;
  inspector_parts mine{parts, "/cloud", mesh, trace, [this](ports::severity s) { return std::exchange(level, s); }};
  caf::actor root;

  explicit inspected(std::vector<child_spec> more = {}) {
    std::vector<child_spec> children;
    children.push_back(worker("admin", [this](caf::event_based_actor* sup) {
      return sup->spawn(inspector, inspector_args{mine, caf::actor_cast<caf::weak_actor_ptr>(sup)});
    }));
    children.push_back(worker("store", plain()));
    children.push_back(subtree("api", [this](caf::event_based_actor* sup) {
      std::vector<child_spec> inner;
      inner.push_back(worker("sessions", plain()));
      inner.push_back(worker("watches", plain(), restart::transient));
      return sup->spawn(supervisor,
                        supervisor_args{parts, "/cloud/api", {.how = strategy::one_for_all}, std::move(inner)});
    }));
    children.push_back(subtree(
        "pods",
        [this](caf::event_based_actor* sup) {
          return sup->spawn(pool, pool_args{parts, "/cloud/pods"});
        },
        false, child_kind::pool));
    for (auto& c : more) children.push_back(std::move(c));
    root = supervise("/cloud", strategy::one_for_one, {.intensity = 10, .period_ms = 1000}, std::move(children));
    for (const auto* path :
         {"/cloud/admin", "/cloud/store", "/cloud/api/sessions", "/cloud/api/watches", "/cloud/pods"})
      await(path);
  }
  ~inspected() {
    stop(root);
    mesh.stop();
  }
  void add_pods(int n) {
    for (int i = 0; i < n; ++i) {
      char id[16];
      std::snprintf(id, sizeof id, "pod-%04d", i);
      BOOST_REQUIRE(ask<caf::actor>(directory.find("/cloud/pods"), base::start_child{id, plain()}));
    }
  }
  template <class Answer, class Question, class F>
  caf::expected<letter<Answer>> inquire(F fill) {
    return ask<letter<Answer>>(await("/cloud/admin"), letter<Question>::build(fill));
  }
  std::vector<std::string> tree_of(const std::string& path, uint16_t levels = 65535, uint32_t limit = 0,
                                   uint64_t* left = nullptr) {
    auto r = inquire<schema::Tree, schema::AskTree>([&](schema::AskTree::Builder b) {
      b.setPath(path);
      b.setLevels(levels);
      b.setLimit(limit);
    });
    std::vector<std::string> out;
    if (!r) return {message_of(r.error())};
    for (auto a : (**r).getActors()) out.push_back(text_of(a.getPath()));
    if (left != nullptr) *left = (**r).getLeft();
    return out;
  }
  caf::expected<letter<schema::Info>> info(const std::string& path) {
    return inquire<schema::Info, schema::AskInfo>([&](schema::AskInfo::Builder b) { b.setPath(path); });
  }
  caf::error act(auto question) {
    auto r = ask<letter<schema::Done>>(await("/cloud/admin"), question);
    return r ? caf::error{} : r.error();
  }
};

letter<schema::Kill> kill(const std::string& path) {
  return letter<schema::Kill>::build([&](schema::Kill::Builder b) { b.setPath(path); });
}

using paths_list = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(inspecting)

BOOST_AUTO_TEST_CASE(the_tree_is_told_depth_first) {
  inspected w;
  w.add_pods(2);
  paths_list all{"/cloud",      "/cloud/admin",         "/cloud/store",
                 "/cloud/api",  "/cloud/api/sessions",  "/cloud/api/watches",
                 "/cloud/pods", "/cloud/pods/pod-0000", "/cloud/pods/pod-0001"};
  BOOST_TEST(w.tree_of("") == all, boost::test_tools::per_element());
  BOOST_TEST(w.tree_of("/cloud/api") == (paths_list{"/cloud/api", "/cloud/api/sessions", "/cloud/api/watches"}),
             boost::test_tools::per_element());
  BOOST_TEST(w.tree_of("/cloud/pods/pod-0001") == paths_list{"/cloud/pods/pod-0001"}, boost::test_tools::per_element());
  BOOST_TEST(w.tree_of("/cloud", 0) == paths_list{"/cloud"}, boost::test_tools::per_element());
  BOOST_TEST(w.tree_of("/cloud", 1).size() == 5u);
}

BOOST_AUTO_TEST_CASE(a_large_pool_hides_nothing_else_and_is_counted) {
  inspected w;
  w.add_pods(60);
  uint64_t left = 0;
  auto some = w.tree_of("", 65535, 40, &left);
  BOOST_TEST(some.size() == 17u);  // the root, its four, api's two and ten pods: a quarter of the limit
  BOOST_TEST(left == 50u);
  BOOST_TEST(w.tree_of("/cloud/pods", 65535, 40, &left).size() == 41u);
  BOOST_TEST(left == 20u);
  BOOST_TEST(w.tree_of("/cloud/pods", 65535, 0, &left).size() == 61u);
  BOOST_TEST(left == 0u);
}

BOOST_AUTO_TEST_CASE(one_of_many_is_found) {
  inspected w;
  w.add_pods(2'500);
  auto r = w.info("/cloud/pods/pod-2499");
  BOOST_REQUIRE(r);
  BOOST_TEST(text_of((**r).getSupervisor()) == "/cloud/pods");
  BOOST_TEST(((**r).getActor().getRule() == schema::ActorView::Rule::TRANSIENT));
  BOOST_TEST((code_of(w.info("/cloud/pods/pod-2499x").error()) == errc::not_found));
  BOOST_TEST((code_of(w.info("/cloud/pods/pod").error()) == errc::not_found));
}

BOOST_AUTO_TEST_CASE(who_does_not_answer_is_silent) {
  std::vector<child_spec> more;
  more.push_back(subtree("deaf", [](caf::event_based_actor* sup) {
    return sup->spawn([](base::actor* me) {
      me->set_default_handler(caf::drop);
      return caf::behavior{[](const test::ping&) { return true; }};
    });
  }));
  inspected w{std::move(more)};
  w.await("/cloud/deaf");
  auto r = w.inquire<schema::Tree, schema::AskTree>([](schema::AskTree::Builder) {});
  BOOST_REQUIRE(r);
  auto actors = (**r).getActors();
  BOOST_TEST(actors.size() == 8u);
  for (auto a : actors) BOOST_TEST(a.getSilent() == (text_of(a.getPath()) == "/cloud/deaf"), text_of(a.getPath()));
}

BOOST_AUTO_TEST_CASE(names_are_listed_level_by_level) {
  inspected w;
  w.add_pods(3);
  auto names = [&](const std::string& path, const std::string& start, uint32_t limit = 0) {
    auto r = w.inquire<schema::Names, schema::AskList>([&](schema::AskList::Builder b) {
      b.setPath(path);
      b.setStart(start);
      b.setLimit(limit);
    });
    paths_list out;
    if (!r) return paths_list{message_of(r.error())};
    for (auto n : (**r).getNames()) out.push_back(text_of(n.getName()) + (n.getBelow() ? "/" : ""));
    if ((**r).getMore()) out.push_back("...");
    return out;
  };
  BOOST_TEST(names("", "") == (paths_list{"admin", "api/", "pods/", "store"}), boost::test_tools::per_element());
  BOOST_TEST(names("/cloud", "a") == (paths_list{"admin", "api/"}), boost::test_tools::per_element());
  BOOST_TEST(names("/cloud/pods", "", 2) == (paths_list{"pod-0000", "pod-0001", "..."}),
             boost::test_tools::per_element());
  BOOST_TEST(names("/cloud/store", "").empty());
  BOOST_TEST(names("/node/n1", "").at(0).find("ask /node/n1/admin") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_actor_is_told_about) {
  inspected w;
  BOOST_TEST(w.ask<bool>(w.directory.find("/cloud/store"), test::ping{}));
  auto r = w.info("/cloud/store");
  BOOST_REQUIRE(r);
  auto a = (**r).getActor();
  BOOST_TEST(text_of(a.getLastMessage()) == "skerry::test::ping");
  BOOST_TEST(a.getHandled() == 1u);
  BOOST_TEST(a.getActor() == w.directory.find("/cloud/store").id());
  BOOST_TEST(text_of((**r).getSupervisor()) == "/cloud");
  auto api = w.info("/cloud/api");
  BOOST_TEST(text_of((**api).getHow()) == "one_for_all, at most 3 restarts in 5000 ms");
  BOOST_TEST((**api).getActor().getChildren() == 2u);
  auto root = w.info("");
  BOOST_TEST(text_of((**root).getSupervisor()) == "");
  BOOST_TEST((**root).getActor().getChildren() == 4u);
  BOOST_TEST((code_of(w.info("/cloud/nobody").error()) == errc::not_found));
  BOOST_TEST((code_of(w.info("cloud").error()) == errc::invalid));
}

BOOST_AUTO_TEST_CASE(a_kill_is_a_crash_and_is_reported) {
  inspected w;
  auto before = w.directory.find("/cloud/store");
  BOOST_TEST(!w.act(kill("/cloud/store")));
  w.await_other("/cloud/store", before);
  auto r =
      w.inquire<schema::Crashes, schema::AskCrashes>([](schema::AskCrashes::Builder b) { b.setPath("/cloud/store"); });
  BOOST_REQUIRE((r && (**r).getCrashes().size() == 1));
  BOOST_TEST(text_of((**r).getCrashes()[0].getPath()) == "/cloud/store");
  auto again = w.info("/cloud/store");
  BOOST_TEST((**again).getActor().getRestarts() == 1u);
  BOOST_TEST((**again).getCrashes().size() == 1u);
  auto elsewhere =
      w.inquire<schema::Crashes, schema::AskCrashes>([](schema::AskCrashes::Builder b) { b.setPath("/cloud/api"); });
  BOOST_TEST((**elsewhere).getCrashes().size() == 0u);
  BOOST_TEST((**elsewhere).getTotal() == 1u);
  BOOST_TEST((code_of(w.act(kill("/cloud/nobody"))) == errc::not_found));
  BOOST_TEST((code_of(w.act(kill("/node/n1/agent"))) == errc::invalid));
}

BOOST_AUTO_TEST_CASE(the_inspector_itself_may_be_killed) {
  inspected w;
  auto before = w.directory.find("/cloud/admin");
  BOOST_TEST(!w.act(kill("/cloud/admin")));
  w.await_other("/cloud/admin", before);
  BOOST_TEST(w.tree_of("").size() == 7u);
}

BOOST_AUTO_TEST_CASE(a_restart_follows_the_strategy_and_is_no_crash) {
  inspected w;
  auto sessions = w.directory.find("/cloud/api/sessions"), watches = w.directory.find("/cloud/api/watches");
  BOOST_TEST(
      !w.act(letter<schema::Restart>::build([](schema::Restart::Builder b) { b.setPath("/cloud/api/sessions"); })));
  w.await_other("/cloud/api/sessions", sessions);
  w.await_other("/cloud/api/watches", watches);  // one_for_all
  BOOST_TEST(w.crashes.total() == 0u);
  auto again = [&](const char* path) {
    return w.act(letter<schema::Restart>::build([&](schema::Restart::Builder b) { b.setPath(path); }));
  };
  BOOST_TEST((code_of(again("/cloud/nobody")) == errc::not_found));
  BOOST_TEST((code_of(again("/cloud")) == errc::invalid));
}

BOOST_AUTO_TEST_CASE(the_busiest_come_first) {
  inspected w;
  auto admin = w.await("/cloud/admin");
  auto q = letter<schema::AskTop>::build([](schema::AskTop::Builder b) { b.setWindowMs(200); });
  std::optional<letter<schema::Top>> top;
  bool seen = false;
  // Some of the messages may be handled before the count begins, or after it ends: then it is asked again.
  for (int tries = 0; tries < 50 && !seen; ++tries) {
    auto asked = w.self->request(admin, std::chrono::seconds{20}, q);
    for (int i = 0; i < 500; ++i) w.self->send(w.directory.find("/cloud/store"), test::ping{});
    asked.receive([&](const letter<schema::Top>& t) { top = t; },
                  [&](const caf::error& e) { BOOST_TEST(message_of(e) == ""); });
    BOOST_REQUIRE(top);
    for (auto a : (**top).getActors()) seen |= text_of(a.getPath()) == "/cloud/store" && a.getHandled() == 500;
  }
  BOOST_TEST(seen);
  BOOST_TEST((**top).getSeen() == 6u);
}

BOOST_AUTO_TEST_CASE(a_trace_shows_what_is_taken_up) {
  inspected w;
  auto trace_on = [](const char* path) {
    return letter<schema::TraceOn>::build([&](schema::TraceOn::Builder b) { b.setPath(path); });
  };
  BOOST_TEST(!w.act(trace_on("/cloud/store")));
  BOOST_TEST((code_of(w.act(trace_on("/cloud/admin"))) == errc::invalid));
  BOOST_TEST((code_of(w.act(trace_on("/cloud/nobody"))) == errc::not_found));
  auto next = [&] {
    letter<schema::Traced> out;
    w.self->receive([&](const letter<schema::Traced>& t) { out = t; },
                    caf::after(std::chrono::seconds{20}) >> [] { BOOST_FAIL("nothing was traced"); });
    return out;
  };
  BOOST_TEST(w.ask<bool>(w.directory.find("/cloud/store"), test::ping{}));
  auto first = next();
  BOOST_TEST(text_of((*first).getName()) == "skerry::test::ping");
  BOOST_TEST((*first).getRequest());
  BOOST_TEST((*first).getType() == 0u);
  auto probe = letter<schema::Probe>::build([](schema::Probe::Builder b) { b.setNumber(42); });
  w.self->send(w.directory.find("/cloud/store"), probe);
  auto second = next();
  BOOST_TEST(text_of((*second).getName()) == "Probe");
  auto bytes = (*second).getBytes();
  BOOST_TEST(bytes.size() == probe.bytes().size());
  BOOST_TEST((*second).getType() == w.words.find("Probe")->id());
  // It goes on with who comes after a restart, and ends when that is asked for.
  auto before = w.directory.find("/cloud/store");
  BOOST_TEST(!w.act(kill("/cloud/store")));
  w.await_other("/cloud/store", before);
  BOOST_TEST(w.ask<bool>(w.directory.find("/cloud/store"), test::ping{}));
  while (text_of((*next()).getName()) != "skerry::test::ping") {
  }
  BOOST_TEST(!w.act(letter<schema::TraceOff>::build([](schema::TraceOff::Builder b) { b.setPath("/cloud/store"); })));
  BOOST_TEST(w.ask<bool>(w.directory.find("/cloud/store"), test::ping{}));
  BOOST_TEST(w.tree_of("/cloud/store").size() == 1u);  // the inspector has taken up all that was before
  bool more = false;
  w.self->receive([&](const letter<schema::Traced>&) { more = true; }, caf::after(std::chrono::seconds{0}) >> [] {});
  BOOST_TEST(!more);
}

BOOST_AUTO_TEST_CASE(links_are_held_and_let_go) {
  inspected w;
  BOOST_REQUIRE(w.mesh.resolve("/node/n1/agent"));
  auto held = [&] {
    auto r = w.inquire<schema::Links, schema::AskLinks>([](schema::AskLinks::Builder) {});
    BOOST_REQUIRE((r && (**r).getLinks().size() == 1));
    BOOST_TEST(text_of((**r).getLinks()[0].getIsland()) == "/node/n1");
    return (**r).getLinks()[0].getHeld();
  };
  BOOST_TEST(!held());
  BOOST_TEST(!w.act(letter<schema::Suspend>::build([](schema::Suspend::Builder b) { b.setIsland("/node/n1"); })));
  BOOST_TEST(held());
  BOOST_TEST(!w.act(letter<schema::Resume>::build([](schema::Resume::Builder b) { b.setIsland("/node/n1"); })));
  BOOST_TEST(!held());
  auto none = w.act(letter<schema::Suspend>::build([](schema::Suspend::Builder b) { b.setIsland("/node/n2"); }));
  BOOST_TEST((code_of(none) == errc::not_found));
}

BOOST_AUTO_TEST_CASE(letters_that_were_dropped_with_their_link_are_shown) {
  inspected w;
  auto forgotten = [&] {
    auto r = w.inquire<schema::Links, schema::AskLinks>([](schema::AskLinks::Builder) {});
    BOOST_REQUIRE(r);
    return (**r).getForgotten();
  };
  auto to = w.mesh.resolve("/node/n1/agent");
  BOOST_REQUIRE(to);
  w.self->send(*to, letter<schema::Probe>::build([](schema::Probe::Builder) {}));
  BOOST_TEST(forgotten() == 0u);
  w.mesh.forget("/node/n1");
  BOOST_TEST(forgotten() == 1u);
}

BOOST_AUTO_TEST_CASE(the_log_level_is_set) {
  inspected w;
  auto r = w.inquire<schema::LogLevel, schema::SetLogLevel>(
      [](schema::SetLogLevel::Builder b) { b.setLevel(schema::Severity::DEBUG); });
  BOOST_REQUIRE(r);
  BOOST_TEST(((**r).getWas() == schema::Severity::INFO));
  BOOST_TEST((w.level == ports::severity::debug));
}

BOOST_AUTO_TEST_SUITE_END()
