#include <signal.h>

#include <boost/test/unit_test.hpp>
#include <drivers/runtime/oci/fs.hpp>

#include "support.hpp"

using namespace skerry;
using namespace skerry::test;
namespace oci_fs = skerry::drivers::oci;

BOOST_FIXTURE_TEST_SUITE(oci, skerry::test::tidy)

BOOST_AUTO_TEST_CASE(a_new_driver_adopts_what_runs) {
  auto& w = the_world();
  auto pod = w.make_pod("adopt");
  BOOST_REQUIRE_MESSAGE(pod, why(pod));
  auto spec = w.container("adopt", "stays", {"sh", "-c", "while true; do echo tick; sleep 0.1; done"});
  spec.labels = {{"hash", "1"}};
  auto stays = w.run(spec);
  auto ends =
      w.run(w.container("adopt", "ends", {"sh", "-c", "echo last words > /dev/termination-log; sleep 1; exit 9"}));
  BOOST_REQUIRE_MESSAGE(stays, why(stays));
  BOOST_REQUIRE_MESSAGE(ends, why(ends));
  w.runtime.reset();
  auto exit_file = w.options.data_dir + "/exits/" + ends->id;
  BOOST_REQUIRE(world::wait([&] { return oci_fs::exists(exit_file); }));
  w.start();
  auto all = w.containers();
  BOOST_REQUIRE(all.size() == 2u);
  BOOST_TEST((all[stays->id].phase == ports::container_phase::running));
  BOOST_TEST(all[stays->id].pid == stays->pid);
  BOOST_TEST(all[stays->id].started_ms == stays->started_ms);
  BOOST_TEST(all[stays->id].labels.at("hash") == "1");
  BOOST_TEST((all[ends->id].phase == ports::container_phase::exited));
  BOOST_TEST(all[ends->id].exit_code == 9);
  BOOST_TEST(all[ends->id].termination_message == "last words\n");
  BOOST_TEST(all[ends->id].finished_ms >= all[ends->id].started_ms + 900);
  auto pods = w.pods();
  BOOST_TEST(pods["adopt"].ready);
  BOOST_TEST(pods["adopt"].ips == pod->ips);
  BOOST_TEST(pods["adopt"].spec.labels.at("made-by") == "test");
  BOOST_TEST(w.exec(stays->id, {"true"})->exit_code == 0);
  kill(static_cast<pid_t>(stays->pid), SIGKILL);
  auto end = w.ended(stays->id);
  BOOST_REQUIRE_MESSAGE(end, why(end));
  BOOST_TEST(end->exit_code == 137);
  BOOST_TEST(!!w.remove_pod("adopt"));
  for (auto& l : w.leftovers()) BOOST_ERROR("left over: " << l);
}

BOOST_AUTO_TEST_CASE(a_container_does_not_outlive_its_monitor) {
  auto& w = the_world();
  BOOST_REQUIRE(w.make_pod("monitor"));
  auto s = w.run(w.container("monitor", "main", {"sleep", "1000"}));
  BOOST_REQUIRE_MESSAGE(s, why(s));
  auto monitor = oci_fs::read_file(w.options.data_dir + "/containers/" + s->id + "/conmon.pid");
  kill(atoi(monitor->c_str()), SIGKILL);
  auto end = w.ended(s->id);
  BOOST_REQUIRE_MESSAGE(end, why(end));
  BOOST_TEST(end->exit_code == 137);
  BOOST_TEST(end->termination_message.find("conmon") != std::string::npos);
  BOOST_TEST(world::wait([&] {
    return kill(static_cast<pid_t>(s->pid), 0) != 0 ||
           shell_output("sed -n 's/^State:.//p' /proc/" + std::to_string(s->pid) + "/status").starts_with("Z");
  }));
  BOOST_TEST(!!w.remove_pod("monitor"));
  for (auto& l : w.leftovers()) BOOST_ERROR("left over: " << l);
}

BOOST_AUTO_TEST_CASE(after_a_restart_of_the_machine_pods_are_made_again) {
  auto& w = the_world();
  BOOST_REQUIRE(w.make_pod("reboot"));
  auto s = w.run(w.container("reboot", "main", {"sleep", "1000"}));
  BOOST_REQUIRE_MESSAGE(s, why(s));
  w.runtime.reset();
  // What a power cut leaves: the disk as it is, of an earlier boot; no processes.
  auto monitor = oci_fs::read_file(w.options.data_dir + "/containers/" + s->id + "/conmon.pid");
  kill(atoi(monitor->c_str()), SIGKILL);
  kill(static_cast<pid_t>(s->pid), SIGKILL);
  (void)oci_fs::write_atomic(w.options.data_dir + "/boot", "an earlier one\n");
  w.start();
  auto all = w.containers();
  BOOST_REQUIRE(all.contains(s->id));
  BOOST_TEST((all[s->id].phase == ports::container_phase::exited));
  BOOST_TEST(all[s->id].exit_code == 137);
  BOOST_TEST(all[s->id].termination_message.find("gone") != std::string::npos);
  BOOST_TEST(!w.pods()["reboot"].ready);
  auto refused = w.container("reboot", "main", {"sleep", "1000"});
  refused.attempt = 1;
  auto early = w.run(refused);
  BOOST_REQUIRE(!early);
  BOOST_TEST((code_of(early.error()) == errc::unavailable));
  auto again = w.make_pod("reboot");
  BOOST_REQUIRE_MESSAGE(again, why(again));
  BOOST_TEST(again->ready);
  auto next = w.run(refused);
  BOOST_REQUIRE_MESSAGE(next, why(next));
  BOOST_TEST(next->id != s->id);
  BOOST_TEST(!!w.remove_pod("reboot"));
  for (auto& l : w.leftovers()) BOOST_ERROR("left over: " << l);
}

BOOST_AUTO_TEST_CASE(what_cannot_work_is_said_at_the_start) {
  auto& w = the_world();
  auto refused = [&](drivers::oci::options o, errc code, const std::string& words) {
    auto r = drivers::oci::make_runtime(o, w.clock, w.log);
    BOOST_REQUIRE_MESSAGE(!r, "was accepted: " << words);
    BOOST_TEST((code_of(r.error()) == code), message_of(r.error()));
    BOOST_TEST(message_of(r.error()).find(words) != std::string::npos, message_of(r.error()));
  };
  refused(w.options, errc::locked, "another agent");
  auto o = w.options;
  o.data_dir = w.directory + "/other";
  o.cni_dir = w.directory + "/nothing";
  refused(o, errc::not_found, "containernetworking-plugins");
  o = w.options;
  o.data_dir = "relative";
  refused(o, errc::invalid, "relative");
  o.data_dir = "/proc/skerry";
  refused(o, errc::not_found, "/proc/skerry");
  o = w.options;
  o.bridge = "a-name-that-is-too-long";
  refused(o, errc::invalid, "bridge");
}

BOOST_AUTO_TEST_SUITE_END()
