#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <drivers/runtime/oci/process.hpp>
#include <random>
#include <thread>

#include "support.hpp"

using namespace skerry;
using namespace skerry::test;
namespace driver = skerry::drivers::oci;

namespace {

/// Runs the test case "victim" in a process of its own, on the directories of this world.
driver::child start_victim(const std::string& crash_point, const std::string& archive = "") {
  auto& w = the_world();
  driver::command c;
  c.arguments = {"/proc/self/exe", "--run_test=oci/victim", "--log_level=nothing", "--report_level=no"};
  char self[4096];
  auto n = readlink("/proc/self/exe", self, sizeof self);
  c.arguments[0].assign(self, static_cast<size_t>(n));
  auto& o = w.options;
  c.environment = {
      "SKERRY_TEST_DATA=" + o.data_dir, "SKERRY_TEST_RUN=" + o.run_dir,          "SKERRY_TEST_CIDR=" + o.pod_cidr,
      "SKERRY_TEST_BRIDGE=" + o.bridge, "SKERRY_TEST_CGROUP=" + o.cgroup_parent, "SKERRY_TEST_CRASH=" + crash_point,
      "SKERRY_TEST_IMAGE=" + w.image,   "SKERRY_TEST_ARCHIVE=" + archive,        "PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
  c.output_file = w.directory + "/victim.log";
  auto r = driver::start(c, false);
  BOOST_REQUIRE(r);
  return *r;
}

/// A new driver finds each thing whole, or not at all; then removes all.
void check_and_clear() {
  auto& w = the_world();
  w.start();
  auto pods = w.pods();
  auto containers = w.containers();
  for (auto& [uid, s] : pods) {
    BOOST_TEST(s.ready);
    BOOST_TEST(shell("ping -c 1 -W 2 " + s.ips.at(0) + " >/dev/null 2>&1 || busybox ping -c 1 -W 2 " + s.ips.at(0) +
                     " >/dev/null 2>&1") == 0);
  }
  for (auto& [id, c] : containers) {
    BOOST_TEST(pods.contains(c.pod_uid));
    if (c.phase != ports::container_phase::running) continue;
    // It works, or is on its way to its end.
    BOOST_TEST(world::wait(
                   [&, &id = id] {
                     auto r = w.exec(id, {"true"});
                     return (r && r->exit_code == 0) || w.containers()[id].phase == ports::container_phase::exited;
                   },
                   5000),
               "container " << c.name << " of " << c.pod_uid << " neither works nor ends");
  }
  for (auto& [uid, s] : pods) {
    auto r = w.remove_pod(uid);
    BOOST_TEST(!!r, why(r));
  }
  for (auto& l : w.leftovers()) BOOST_ERROR("left over: " << l);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(oci, skerry::test::tidy)

/// Not a test: what start_victim() runs. Lives through the whole life of a pod, again and again, until it is killed.
BOOST_AUTO_TEST_CASE(victim, *boost::unit_test::disabled()) {
  auto get = [](const char* name) { return std::string{getenv(name) ? getenv(name) : ""}; };
  driver::options o;
  o.data_dir = get("SKERRY_TEST_DATA");
  o.run_dir = get("SKERRY_TEST_RUN");
  o.pod_cidr = get("SKERRY_TEST_CIDR");
  o.bridge = get("SKERRY_TEST_BRIDGE");
  o.cgroup_parent = get("SKERRY_TEST_CGROUP");
  o.crash_point = get("SKERRY_TEST_CRASH");
  BOOST_REQUIRE(!o.data_dir.empty());
  test_clock clock;
  test_log log;
  auto r = driver::make_runtime(o, clock, log);
  BOOST_REQUIRE_MESSAGE(r, why(r));
  auto& runtime = **r;
  if (auto archive = get("SKERRY_TEST_ARCHIVE"); !archive.empty()) {
    for (int round = 0; round < 1000; ++round) {
      (void)world::call<ports::image_info>([&](auto f) { runtime.import_image(archive, "", f); });
      (void)world::call<void>([&](auto f) { runtime.remove_image("test/torn:1", f); });
    }
    return;
  }
  auto life = [&](const std::string& uid) {
    ports::sandbox_spec pod;
    pod.uid = pod.name = uid;
    pod.ns = "default";
    pod.ports = {{80, static_cast<uint16_t>(19000 + uid.back()), "TCP", ""}};
    (void)world::call<ports::sandbox_state>([&](auto f) { runtime.make_sandbox(pod, f); });
    ports::container_spec c;
    c.pod_uid = uid;
    c.name = "main";
    c.image = get("SKERRY_TEST_IMAGE");
    c.command = {"sleep", "1000"};
    auto a = world::call<ports::container_state>([&](auto f) { runtime.start_container(c, f); });
    c.name = "short";
    c.command = {"true"};
    (void)world::call<ports::container_state>([&](auto f) { runtime.start_container(c, f); });
    if (a) {
      (void)world::call<ports::exec_result>([&](auto f) { runtime.exec(a->id, {"true"}, 5000, f); });
      (void)world::call<ports::container_state>([&](auto f) { runtime.stop_container(a->id, 0, f); });
      (void)world::call<void>([&](auto f) { runtime.remove_container(a->id, f); });
    }
    (void)world::call<void>([&](auto f) { runtime.remove_sandbox(uid, f); });
  };
  for (int round = 0; round < 1000; ++round) {
    std::thread other{[&] { life("victim-a"); }};
    life("victim-b");
    other.join();
  }
}

BOOST_AUTO_TEST_CASE(a_crash_at_any_step_leaves_whole_things_or_nothing) {
  auto& w = the_world();
  for (auto* point :
       {"sandbox.recorded", "sandbox.namespaces", "sandbox.network", "sandbox.ready", "container.recorded",
        "container.mounted", "container.created", "container.started", "container.running", "exit.recorded",
        "container.removing", "container.removed", "sandbox.removing", "sandbox.detached", "sandbox.dismantled"}) {
    BOOST_TEST_CONTEXT("crash at " << point) {
      w.runtime.reset();
      auto victim = start_victim(point);
      BOOST_TEST(driver::ended_within(victim.pidfd, 60'000), "the victim did not come there");
      kill(victim.pid, SIGKILL);
      BOOST_TEST(driver::reap(victim) == 137);
      check_and_clear();
    }
  }
}

BOOST_AUTO_TEST_CASE(a_crash_at_any_instant_leaves_whole_things_or_nothing) {
  auto& w = the_world();
  std::mt19937 chance{std::random_device{}()};
  for (int round = 0; round < 15; ++round) {
    auto ms = std::uniform_int_distribution{30, 1500}(chance);
    BOOST_TEST_CONTEXT("killed after " << ms << " ms") {
      w.runtime.reset();
      auto victim = start_victim("");
      driver::ended_within(victim.pidfd, ms);
      kill(victim.pid, SIGKILL);
      driver::reap(victim);
      check_and_clear();
    }
  }
}

BOOST_AUTO_TEST_CASE(a_crash_while_an_image_comes_leaves_it_whole_or_absent) {
  auto& w = the_world();
  auto archive = w.directory + "/torn.tar";
  std::vector<std::vector<layer_file>> layers{{{"bin/sh", "", "busybox"}, {"bin/cat", "", "busybox"}}};
  for (int i = 0; i < 4; ++i)
    layers.push_back({{"f" + std::to_string(i), std::string(300'000, static_cast<char>('a' + i)), ""}});
  make_archive(archive, "test/torn:1", layers, R"({"Cmd":["sh"]})");
  std::mt19937 chance{std::random_device{}()};
  for (int round = 0; round < 10; ++round) {
    auto ms = std::uniform_int_distribution{20, 700}(chance);
    BOOST_TEST_CONTEXT("killed after " << ms << " ms") {
      w.runtime.reset();
      auto victim = start_victim("", archive);
      driver::ended_within(victim.pidfd, ms);
      kill(victim.pid, SIGKILL);
      driver::reap(victim);
      w.start();
      auto here = world::call<ports::image_info>(
          [&](auto f) { w.runtime->ensure_image("test/torn:1", ports::pull_policy::never, f); });
      for (auto& l : w.leftovers()) BOOST_ERROR("left over: " << l);
      auto count = shell_output("ls " + w.options.data_dir + "/layers | wc -l");
      BOOST_TEST(count == (here ? "7" : "2"));  // five of its own, one of busybox, the empty one
      if (!here) {
        auto again = world::call<ports::image_info>([&](auto f) { w.runtime->import_image(archive, "", f); });
        BOOST_REQUIRE_MESSAGE(again, why(again));
      }
      BOOST_REQUIRE(w.make_pod("torn"));
      auto spec = w.container("torn", "main", {"sh", "-c", "cat /f0 /f1 /f2 /f3 > /all; exec sleep 1000"});
      spec.image = "test/torn:1";
      auto s = w.run(spec);
      BOOST_REQUIRE_MESSAGE(s, why(s));
      BOOST_TEST(!!w.remove_pod("torn"));
      BOOST_TEST(!!world::call<void>([&](auto f) { w.runtime->remove_image("test/torn:1", f); }));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
