// Commands against a system that answers what the test says.
#include "schema/probe.capnp.h"
#include "test/repl/fake_remote.hpp"

using namespace skerry;
using namespace skerry::tools::repl;

namespace {

letter<schema::Tree> some_tree(uint64_t left) {
  return letter<schema::Tree>::build([left](schema::Tree::Builder b) {
    auto list = b.initActors(4);
    const char* paths[] = {"/cloud", "/cloud/api", "/cloud/api/watches", "/cloud/store"};
    for (unsigned i = 0; i < 4; ++i) {
      list[i].setPath(paths[i]);
      list[i].setPhase(schema::ActorView::Phase::RUNNING);
      list[i].setUpMs(61'000);
      list[i].setLastMessage("");
    }
    list[3].setPhase(schema::ActorView::Phase::PAUSED);
    list[3].setRestarts(7);
    list[3].setUpMs(-1);
    b.setLeft(left);
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(commands_run)

BOOST_AUTO_TEST_CASE(a_tree_is_drawn) {
  shell_world w;
  w.remote.answer = [](auto&, auto&) { return caf::make_message(some_tree(3)); };
  BOOST_TEST(w.people.run("tree") == 0);
  BOOST_TEST(w.out.take() ==
             "ACTOR          STATE    RESTARTS  WAITING  HANDLED  BUSY     UP  LAST MESSAGE\n"
             "/cloud         running         0        0        0   0us  1m01s\n"
             "├─ api         running         0        0        0   0us  1m01s\n"
             "│  └─ watches  running         0        0        0   0us  1m01s\n"
             "└─ store       paused          7        0        0   0us      -\n"
             "... and 3 more\n");
  BOOST_TEST(w.remote.log.at(0).path == "/cloud/admin");
  BOOST_TEST(w.machines.run("tree /cloud -d 3") == 0);
  auto text = w.out.take();
  BOOST_TEST(text.find(R"({"actors":[{"path":"/cloud","kind":"worker","phase":"running")") == 0u, text);
  BOOST_TEST(text.find(R"("left":3})") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(other_islands_are_asked_where_they_are) {
  shell_world w;
  w.remote.answer = [](auto&, auto&) { return caf::make_message(some_tree(3)); };
  BOOST_TEST(w.people.run("tree /node/n1/pod") == 0);
  BOOST_TEST(w.remote.log.at(0).path == "/node/n1/admin");
  BOOST_TEST(w.people.run("tree /node/n3/pod") == 1);
  BOOST_TEST(w.remote.log.size() == 1u);  // known at once: nobody was asked
  BOOST_TEST(
      w.err.take() ==
      "tree: /cloud has no link to /node/n3; did you mean '/node/n1' or '/node/n2'? `ls` lists those that there are\n");
}

BOOST_AUTO_TEST_CASE(a_suspended_island_is_named_so) {
  shell_world w;
  w.remote.answer = [](auto&, auto&) { return make_error(errc::timed_out, "no answer"); };
  BOOST_TEST(w.people.run("info /node/n2/agent") == 1);
  BOOST_TEST(w.err.take().find("info: /node/n2 is suspended: its link is cut") == 0u);
  BOOST_TEST(w.people.run("info /node/n1/agent") == 1);
  BOOST_TEST(w.err.take() == "info: no answer\n");
}

BOOST_AUTO_TEST_CASE(what_is_near_a_path_that_nobody_has) {
  shell_world w;
  w.remote.answer = [](const asked& a, auto&) -> caf::expected<caf::message> {
    if (a.message != "AskList") return make_error(errc::not_found, "nobody stands at /cloud/stroe");
    return caf::make_message(letter<schema::Names>::build([](schema::Names::Builder b) {
      auto n = b.initNames(2);
      n[0].setName("api");
      n[0].setBelow(true);
      n[1].setName("store");
    }));
  };
  BOOST_TEST(w.people.run("info /cloud/stroe") == 1);
  BOOST_TEST(w.err.take() == "info: nobody stands at /cloud/stroe; did you mean 'store'?\n");
  BOOST_TEST(w.people.run("ls /cloud") == 0);
  BOOST_TEST(w.out.take() == "api/\nstore\n");
  auto paths = w.people.sources().paths("/cloud/s");
  BOOST_TEST(complete("info /cloud/s", w.people.sources()).common == "/cloud/store");
}

BOOST_AUTO_TEST_CASE(islands_are_listed_without_asking_them) {
  shell_world w;
  BOOST_TEST(w.people.run("ls") == 0);
  BOOST_TEST(w.out.take() == "/cloud/\n/node/n1/\n/node/n2/\n");
  BOOST_TEST(w.people.run("ls /node") == 0);
  BOOST_TEST(w.out.take() == "n1/\nn2/\n");
  BOOST_TEST(w.people.run("ls /nod") == 1);
  BOOST_TEST(w.people.sources().nodes() == (std::vector<std::string>{"n1", "n2"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(letters_are_made_from_json) {
  shell_world w;
  w.remote.answer = [&](const asked& a, const caf::message& m) -> caf::expected<caf::message> {
    BOOST_TEST(a.message == "ProbePing");
    auto n = (*m.get_as<letter<schema::ProbePing>>(0)).getNumber();
    return caf::make_message(letter<schema::ProbePong>::build([n](schema::ProbePong::Builder b) {
      b.setNumber(n + 1);
      b.setIsland("/cloud");
    }));
  };
  BOOST_TEST(w.people.run(R"(ask /cloud/mesh ProbePing {"number": 41})") == 0);
  BOOST_TEST(w.out.take() == "ProbePong {\"number\":42,\"island\":\"/cloud\"}\n");
  BOOST_TEST(w.machines.run(R"(ask /cloud/mesh ProbePing {"number": 41})") == 0);
  BOOST_TEST(w.out.take() == "{\"number\":42,\"island\":\"/cloud\"}\n");
  BOOST_TEST(w.people.run(R"(send /cloud/x ProbeFact {"key": "a"})") == 0);
  BOOST_TEST(w.remote.log.back().message == "ProbeFact");
  BOOST_TEST(w.people.run("ask /cloud/mesh ProbePnig") == 2);
  BOOST_TEST(w.err.take().find("ask: no message 'ProbePnig'; did you mean 'ProbePing'") != std::string::npos);
  BOOST_TEST(w.people.run(R"(ask /cloud/mesh ProbePing {"nubmer": 1})") == 2);
  BOOST_TEST(w.err.take() == "ask: nubmer: ProbePing has no such field; did you mean 'number'?\n");
  w.remote.answer = [](auto&, auto&) -> caf::expected<caf::message> { return caf::sec::unexpected_message; };
  BOOST_TEST(w.people.run("ask /cloud/store ProbePing") == 1);
  BOOST_TEST(w.err.take() == "ask: /cloud/store does not take ProbePing\n");
}

BOOST_AUTO_TEST_CASE(machines_get_one_document_for_each_answer) {
  shell_world w;
  w.remote.answer = [](auto&, auto&) { return caf::make_message(some_tree(0)); };
  BOOST_TEST(w.machines.run("watch /cloud/store.restarts = 7") == 0);
  auto watched = w.out.take();
  BOOST_TEST((watched.starts_with("{\"atMs\":") && watched.ends_with(",\"value\":\"7\",\"holds\":true}\n")), watched);
  BOOST_TEST(w.machines.run("send /cloud/x ProbeFact") == 0);
  BOOST_TEST(w.out.take() == "{\"sent\":\"ProbeFact\",\"to\":\"/cloud/x\"}\n");
  BOOST_TEST(w.machines.run("messages ProbePing") == 0);
  BOOST_TEST(w.out.take().starts_with("[{\"name\":\"ProbePing\",\"id\":"));
  BOOST_TEST(w.machines.run("schema ProbePing") == 0);
  BOOST_TEST(w.out.take() == "{\"name\":\"ProbePing\",\"fields\":\"ProbePing\\n  number :UInt64\\n\"}\n");
}

BOOST_AUTO_TEST_CASE(codes_tell_wrong_from_failed) {
  shell_world w;
  BOOST_TEST(w.people.run("tre") == 2);
  BOOST_TEST(w.err.take() == "unknown command 'tre'; did you mean 'tree'? `help` lists all\n");
  BOOST_TEST(w.people.run("tree") == 1);
  BOOST_TEST(w.people.run("") == 0);
  BOOST_TEST(w.people.run("help") == 0);
  BOOST_TEST(w.people.run("messages Probe") == 0);
  BOOST_TEST(w.out.take().find("ProbeState  latest by key") != std::string::npos);
  BOOST_TEST(w.people.run("schema AskTree") == 0);
  BOOST_TEST(w.out.take() == "AskTree\n  path :Text\n  levels :UInt16\n  limit :UInt32\n");
  BOOST_TEST(w.people.run("schema AskTre") == 2);
  BOOST_TEST(!w.people.quit());
  BOOST_TEST(w.people.run("quit") == 0);
  BOOST_TEST(w.people.quit());
}

BOOST_AUTO_TEST_CASE(a_watch_ends_when_its_comparison_holds) {
  shell_world w;
  w.remote.answer = [](auto&, auto&) { return caf::make_message(some_tree(0)); };
  BOOST_TEST(w.people.run("watch /cloud/store.restarts = 7") == 0);
  BOOST_TEST(w.out.take().find("  7\n") != std::string::npos);
  BOOST_TEST(w.people.run("watch -n 1 sum(/cloud/**.restarts)") == 0);
  BOOST_TEST(w.people.run("watch kill /cloud/store") == 2);
  BOOST_TEST(w.people.run("watch /cloud/store.restrats") == 2);
  BOOST_TEST(w.people.run("watch -n 2 -i 0.1 ls") == 0);
}

BOOST_AUTO_TEST_SUITE_END()
