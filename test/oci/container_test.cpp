#include <boost/test/unit_test.hpp>
#include <drivers/runtime/oci/fs.hpp>
#include <regex>

#include "support.hpp"

using namespace skerry;
using namespace skerry::test;
namespace oci_fs = skerry::drivers::oci;

namespace {

std::string logged(world& w, const std::string& id) {
  auto text = oci_fs::read_file(w.runtime->log_path(id));
  return text ? *text : message_of(text.error());
}

/// What a container printed, without the frame of the log's lines.
std::string said(world& w, const std::string& id) {
  std::string out;
  auto text = logged(w, id);
  for (size_t from = 0; from < text.size();) {
    auto to = text.find('\n', from);
    auto line = text.substr(from, to - from);
    for (int i = 0; i < 3; ++i) line = line.substr(line.find(' ') + 1);
    out += line + "\n";
    if (to == std::string::npos) break;
    from = to + 1;
  }
  return out;
}

/// Runs to the end in a pod of its own and returns the state and what was said.
std::pair<ports::container_state, std::string> run_once(ports::container_spec spec) {
  auto& w = the_world();
  auto pod = w.make_pod(spec.pod_uid);
  BOOST_REQUIRE_MESSAGE(pod, why(pod));
  auto s = w.run(spec);
  BOOST_REQUIRE_MESSAGE(s, why(s));
  auto end = w.ended(s->id);
  BOOST_REQUIRE_MESSAGE(end, why(end));
  auto text = said(w, s->id);
  auto r = w.remove_pod(spec.pod_uid);
  BOOST_REQUIRE_MESSAGE(r, why(r));
  return {*end, text};
}

ports::container_spec script(const std::string& uid, const std::string& text) {
  return the_world().container(uid, "main", {"sh", "-c", text});
}

void no_leftovers() {
  for (auto& l : the_world().leftovers()) BOOST_ERROR("left over: " << l);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(oci, skerry::test::tidy)

BOOST_AUTO_TEST_CASE(containers_of_a_pod_share_its_network) {
  auto& w = the_world();
  auto pod = w.make_pod("net-1", {{8080, 18931, "TCP", ""}});
  BOOST_REQUIRE_MESSAGE(pod, why(pod));
  auto server = w.run(w.container(
      "net-1", "server",
      {"sh", "-c", "mkdir -p /tmp/www && echo hello > /tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www"}));
  auto client = w.run(w.container("net-1", "client", {"sleep", "1000"}));
  BOOST_REQUIRE_MESSAGE(server, why(server));
  BOOST_REQUIRE_MESSAGE(client, why(client));
  auto get = "busybox wget -q -O - http://" + pod->ips[0] + ":8080/";
  BOOST_TEST(world::wait([&] { return shell_output(get + " 2>/dev/null") == "hello"; }, 5000),
             "the pod does not answer on its address");
  auto local = w.exec(client->id, {"wget", "-q", "-O", "-", "http://127.0.0.1:8080/"});
  BOOST_REQUIRE_MESSAGE(local, why(local));
  BOOST_TEST(local->output == "hello\n");
  auto other = w.make_pod("net-2");
  BOOST_REQUIRE(other);
  auto visitor = w.run(w.container("net-2", "main", {"wget", "-q", "-O", "-", "http://" + pod->ips[0] + ":8080/"}));
  BOOST_REQUIRE_MESSAGE(visitor, why(visitor));
  BOOST_TEST(w.ended(visitor->id)->exit_code == 0);
  BOOST_TEST(said(w, visitor->id) == "hello\n");
  auto mapped = "http://" +
                shell_output("ip -4 -o addr show dev " + w.options.bridge + " | sed 's,.*inet \\([0-9.]*\\)/.*,\\1,'") +
                ":18931/";
  BOOST_TEST(shell_output("busybox wget -q -O - " + mapped) == "hello");
  auto names = w.exec(client->id, {"sh", "-c", "hostname; grep net-1 /etc/hosts; cat /etc/hostname"});
  BOOST_TEST(names->output == "net-1\n" + pod->ips[0] + "\tnet-1\nnet-1\n");
  auto ipc = [&](const std::string& id) { return w.exec(id, {"stat", "-L", "-c", "%i", "/proc/self/ns/ipc"})->output; };
  BOOST_TEST(ipc(server->id) == ipc(client->id));
  auto shm = w.exec(server->id, {"touch", "/dev/shm/shared"});
  BOOST_TEST(w.exec(client->id, {"ls", "/dev/shm"})->output == "shared\n");
  BOOST_TEST(!!w.remove_pod("net-1"));
  BOOST_TEST(!!w.remove_pod("net-2"));
  no_leftovers();
}

BOOST_AUTO_TEST_CASE(log_lines_are_in_the_format_of_cri) {
  auto& w = the_world();
  BOOST_REQUIRE(w.make_pod("log"));
  auto s = w.run(script("log", "echo one; sleep 0.1; echo two >&2; sleep 0.1; printf part; exit 3"));
  BOOST_REQUIRE_MESSAGE(s, why(s));
  auto end = w.ended(s->id);
  BOOST_TEST(end->exit_code == 3);
  BOOST_TEST(w.runtime->log_path(s->id).ends_with("/default_log_log/main/0.log"));
  std::regex form{
      "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}\\S+ stdout F one\n\\S+ stderr F two\n\\S+ stdout P part\n?"};
  BOOST_TEST(std::regex_match(logged(w, s->id), form), logged(w, s->id));
  BOOST_TEST(!!w.remove_pod("log"));
}

BOOST_AUTO_TEST_CASE(logs_are_rotated_and_no_line_is_lost) {
  auto& w = the_world();
  BOOST_REQUIRE(w.make_pod("rotate"));
  auto s = w.run(script("rotate", "seq 1 2000; sleep 1; seq 2001 4000; sleep 1; seq 4001 4100; sleep 1000"));
  BOOST_REQUIRE_MESSAGE(s, why(s));
  auto path = w.runtime->log_path(s->id);
  BOOST_TEST(
      world::wait([&] { return shell("test -f " + path + ".2") == 0 && shell("grep -q 'F 4100$' " + path) == 0; }),
      "not rotated");
  auto numbers = w.directory + "/numbers";
  BOOST_TEST(shell("seq 1 4100 > " + numbers + "; cat " + path + ".2 " + path + ".1 " + path +
                   " | awk '{ printf \"%s\", $4; if ($3 == \"F\") print \"\" }' | cmp - " + numbers) == 0);
  BOOST_TEST(!oci_fs::exists(path + ".3"));
  BOOST_TEST(!!w.remove_pod("rotate"));
  no_leftovers();
}

BOOST_AUTO_TEST_CASE(exit_codes_and_messages_are_told) {
  BOOST_TEST(run_once(script("codes", "exit 42")).first.exit_code == 42);
  auto killed = run_once(script("codes", "sh -c 'kill -9 $$'; exit $?")).first;
  BOOST_TEST(killed.exit_code == 137);
  BOOST_TEST(!killed.oom_killed);
  auto message = run_once(script("codes", "echo because > /dev/termination-log; exit 1")).first;
  BOOST_TEST(message.termination_message == "because\n");
  auto spec = script("codes", "for i in $(seq 1 3000); do echo $i; done > /why; exit 1");
  spec.termination_message_path = "/why";
  auto tail = run_once(spec).first.termination_message;
  BOOST_TEST(tail.size() == 4096u);
  BOOST_TEST(tail.ends_with("\n2999\n3000\n"));
  no_leftovers();
}

BOOST_AUTO_TEST_CASE(stop_gives_grace_and_then_kills) {
  auto& w = the_world();
  BOOST_REQUIRE(w.make_pod("stop"));
  auto polite = w.run(w.container(
      "stop", "polite", {"sh", "-c", "trap 'echo bye; exit 7' TERM; echo up; while true; do sleep 0.1; done"}));
  auto deaf = w.run(w.container("stop", "deaf", {"sh", "-c", "trap '' TERM; while true; do sleep 0.1; done"}));
  BOOST_REQUIRE_MESSAGE(polite, why(polite));
  BOOST_REQUIRE_MESSAGE(deaf, why(deaf));
  BOOST_REQUIRE(world::wait([&] { return said(w, polite->id) == "up\n"; }));
  auto s = w.stop(polite->id, 20'000);
  BOOST_REQUIRE_MESSAGE(s, why(s));
  BOOST_TEST(s->exit_code == 7);
  BOOST_TEST(said(w, polite->id) == "up\nbye\n");
  auto from = w.clock.steady_ms();
  auto d = w.stop(deaf->id, 300);
  BOOST_REQUIRE_MESSAGE(d, why(d));
  BOOST_TEST(d->exit_code == 137);
  BOOST_TEST(w.clock.steady_ms() - from >= 300);
  BOOST_TEST(!!w.remove_pod("stop"));
  no_leftovers();
}

BOOST_AUTO_TEST_CASE(what_takes_too_much_memory_is_killed_and_said_so) {
  auto spec = script("oom", "tail /dev/zero; exit $?");
  spec.memory_bytes_max = 16 * 1024 * 1024;
  spec.command = {"tail", "/dev/zero"};
  auto end = run_once(spec).first;
  BOOST_TEST(end.oom_killed);
  BOOST_TEST(end.exit_code == 137);
  no_leftovers();
}

BOOST_AUTO_TEST_CASE(specification_goes_over_image) {
  auto& w = the_world();
  auto plain = w.container("spec", "main", {});
  BOOST_TEST(run_once(plain).second == "image command\n");
  auto spec = script("spec", "echo $FROM_IMAGE $ADDED $HOSTNAME; pwd; id -u; id -g; id -G");
  spec.environment = {{"ADDED", "a b"}, {"FROM_IMAGE", "no"}};
  spec.working_directory = "/not/there/yet";
  spec.user = 1001;
  BOOST_TEST(run_once(spec).second == "no a b spec\n/not/there/yet\n1001\n1002\n1002 1003\n");
  spec = script("spec", "id -u; id -g");
  spec.user = 4711;
  spec.group = 4712;
  BOOST_TEST(run_once(spec).second == "4711\n4712\n");
  no_leftovers();
}

BOOST_AUTO_TEST_CASE(privileges_are_as_asked) {
  auto caps = [](ports::container_spec spec) {
    spec.command = {
        "sh", "-c",
        "grep CapBnd: /proc/1/status; grep NoNewPrivs: /proc/1/status; touch /x 2>/dev/null && echo wrote; cat "
        "/proc/1/oom_score_adj"};
    return run_once(spec).second;
  };
  auto spec = the_world().container("caps", "main", {});
  BOOST_TEST(caps(spec) == "CapBnd:\t00000000a80425fb\nNoNewPrivs:\t0\nwrote\n0\n");
  spec.drop_capabilities = {"ALL"};
  spec.add_capabilities = {"NET_BIND_SERVICE"};
  spec.allow_privilege_escalation = false;
  spec.read_only_root = true;
  spec.oom_score_adjust = 700;
  auto out = caps(spec);
  BOOST_TEST(out.starts_with("CapBnd:\t0000000000000400\nNoNewPrivs:\t1\n"), out);
  BOOST_TEST(out.find("wrote") == std::string::npos, out);
  BOOST_TEST(out.ends_with("700\n"), out);
  auto strong = the_world().container("caps", "main", {});
  strong.privileged = true;
  BOOST_TEST(caps(strong).find("00000000a80425fb") == std::string::npos);
  no_leftovers();
}

BOOST_AUTO_TEST_CASE(mounts_are_made_and_stay_inside) {
  auto& w = the_world();
  auto volume = w.directory + "/volume";
  shell("mkdir -p " + volume + "/a && echo content > " + volume + "/a/file && ln -sfn /etc " + volume + "/escape");
  auto spec = script("mounts", "cat /v/a/file; touch /v/no 2>/dev/null || echo ro; echo new > /sub/made; cat /one");
  spec.mounts = {{volume, "/v", true, ""}, {volume, "/sub", false, "deep/below"}, {volume, "/one", true, "a/file"}};
  auto out = run_once(spec).second;
  BOOST_TEST(out == "content\nro\ncontent\n");
  BOOST_TEST(shell_output("cat " + volume + "/deep/below/made") == "new");
  BOOST_REQUIRE(w.make_pod("mounts"));
  for (auto* path : {"escape", "../..", "escape/passwd"}) {
    spec.mounts = {{volume, "/v", false, path}};
    auto r = w.run(spec);
    BOOST_REQUIRE_MESSAGE(!r, path);
    BOOST_TEST((code_of(r.error()) == errc::invalid));
    BOOST_TEST(message_of(r.error()).find("subPath") != std::string::npos, message_of(r.error()));
  }
  spec.mounts = {{volume + "/none", "/v", false, ""}};
  auto r = w.run(spec);
  BOOST_REQUIRE(!r);
  BOOST_TEST(message_of(r.error()).find(volume + "/none") != std::string::npos, message_of(r.error()));
  BOOST_TEST(!!w.remove_pod("mounts"));
  no_leftovers();
}

BOOST_AUTO_TEST_CASE(bad_specifications_are_refused_with_the_reason) {
  auto& w = the_world();
  BOOST_REQUIRE(w.make_pod("bad"));
  auto refused = [&](ports::container_spec spec, const std::string& words) {
    auto r = w.run(spec);
    BOOST_REQUIRE_MESSAGE(!r, "was accepted: " << words);
    BOOST_TEST((code_of(r.error()) == errc::invalid), message_of(r.error()));
    BOOST_TEST(message_of(r.error()).find(words) != std::string::npos, message_of(r.error()));
  };
  refused(w.container("bad", "main", {"no-such-command"}), "no-such-command");
  auto spec = w.container("bad", "main", {"true"});
  spec.run_as_non_root = true;
  refused(spec, "runAsNonRoot");
  spec = w.container("bad", "main", {"true"});
  spec.add_capabilities = {"FLY"};
  refused(spec, "FLY");
  spec = w.container("bad", "Not a label", {"true"});
  refused(spec, "Not a label");
  BOOST_TEST(w.containers().empty());
  BOOST_TEST(!!w.remove_pod("bad"));
  auto escape = w.make_pod("../../etc");
  BOOST_TEST(!escape);
  no_leftovers();
}

BOOST_AUTO_TEST_CASE(exec_is_bounded_in_time_and_output) {
  auto& w = the_world();
  BOOST_REQUIRE(w.make_pod("exec"));
  auto s = w.run(w.container("exec", "main", {"sleep", "1000"}));
  BOOST_REQUIRE_MESSAGE(s, why(s));
  auto big = w.exec(s->id, {"sh", "-c", "yes | head -c 1000000; exit 5"});
  BOOST_REQUIRE_MESSAGE(big, why(big));
  BOOST_TEST(big->exit_code == 5);
  BOOST_TEST(big->output.size() == 10u * 1024);
  auto late = w.exec(s->id, {"sh", "-c", "sleep 777 & sleep 777; true"}, 400);
  BOOST_REQUIRE_MESSAGE(late, why(late));
  BOOST_TEST(late->timed_out);
  BOOST_TEST(world::wait(
                 [&] {
                   return w.exec(s->id, {"sh", "-c", "ps | grep -c '[s]leep 777'"})->output == "0\n";
                 },
                 5000),
             "the command runs on after its deadline");
  auto missing = w.exec(s->id, {"no-such-command"});
  BOOST_REQUIRE_MESSAGE(missing, why(missing));
  BOOST_TEST(missing->exit_code != 0);
  BOOST_TEST(missing->output.find("no-such-command") != std::string::npos, missing->output);
  BOOST_TEST(!!w.remove_pod("exec"));
  no_leftovers();
}

BOOST_AUTO_TEST_CASE(resources_are_in_the_control_group) {
  auto& w = the_world();
  auto pod = w.make_pod("limits");
  auto spec = w.container("limits", "main", {"sleep", "1000"});
  spec.memory_bytes_max = 64 * 1024 * 1024;
  spec.cpu_milli_max = 500;
  spec.cpu_milli_request = 250;
  auto s = w.run(spec);
  BOOST_REQUIRE_MESSAGE(s, why(s));
  auto group = w.options.cgroup_parent + "/podlimits/" + s->id + "/";
  auto value = [&](const std::string& v1, const std::string& v2) {
    return shell_output(w.runtime->info().cgroup_version == "v2"
                            ? "cat /sys/fs/cgroup" + group + v2
                            : "cat /sys/fs/cgroup/" + v1.substr(0, v1.find('.')) + group + v1);
  };
  BOOST_TEST(value("memory.limit_in_bytes", "memory.max") == "67108864");
  BOOST_TEST(value("cpu.cfs_quota_us", "cpu.max").starts_with("50000"));
  if (w.runtime->info().cgroup_version != "v2") BOOST_TEST(value("cpu.shares", "") == "256");
  BOOST_TEST(!!w.remove_pod("limits"));
  no_leftovers();
}

BOOST_AUTO_TEST_CASE(host_network_and_terminal) {
  auto& w = the_world();
  ports::sandbox_spec pod;
  pod.uid = pod.name = "host";
  pod.ns = "default";
  pod.host_network = true;
  pod.host_aliases = {{"192.0.2.7", {"seven", "sept"}}};
  auto made = world::call<ports::sandbox_state>([&](auto f) { w.runtime->make_sandbox(pod, f); });
  BOOST_REQUIRE_MESSAGE(made, why(made));
  BOOST_TEST(made->ready);
  BOOST_TEST(made->ips.size() == 1u);
  auto spec = script("host", "stat -L -c %i /proc/self/ns/net; grep sept /etc/hosts; test -t 1 && echo terminal");
  spec.tty = true;
  auto s = w.run(spec);
  BOOST_REQUIRE_MESSAGE(s, why(s));
  BOOST_TEST(w.ended(s->id)->exit_code == 0);
  auto out = said(w, s->id);
  BOOST_TEST(out.find(shell_output("stat -L -c %i /proc/self/ns/net")) == 0u, out);
  BOOST_TEST(out.find("192.0.2.7\tseven\tsept") != std::string::npos, out);
  BOOST_TEST(out.find("terminal") != std::string::npos, out);
  BOOST_TEST(!!w.remove_pod("host"));
  no_leftovers();
}

BOOST_AUTO_TEST_CASE(twenty_pods_at_once) {
  auto& w = the_world();
  auto from = w.clock.steady_ms();
  std::mutex mutex;
  std::map<std::string, int64_t> running;
  std::vector<std::string> failures;
  auto fail = [&](const caf::error& e) {
    std::lock_guard guard{mutex};
    failures.push_back(message_of(e));
  };
  for (int i = 0; i < 20; ++i) {
    auto uid = "many-" + std::to_string(i);
    ports::sandbox_spec pod;
    pod.uid = pod.name = pod.hostname = uid;
    pod.ns = "default";
    w.runtime->make_sandbox(pod, [&, uid](caf::expected<ports::sandbox_state> s) {
      if (!s) return fail(s.error());
      w.runtime->start_container(w.container(uid, "main", {"sleep", "1000"}),
                                 [&, uid](caf::expected<ports::container_state> c) {
                                   if (!c) return fail(c.error());
                                   std::lock_guard guard{mutex};
                                   running[uid] = w.clock.steady_ms() - from;
                                 });
    });
  }
  world::wait(
      [&] {
        std::lock_guard guard{mutex};
        return running.size() + failures.size() == 20;
      },
      60'000);
  for (auto& f : failures) BOOST_ERROR(f);
  BOOST_REQUIRE(running.size() == 20u);
  BOOST_TEST_MESSAGE("20 pods at once: the last after " << w.clock.steady_ms() - from << " ms");
  std::map<std::string, int> addresses;
  for (auto& [uid, s] : w.pods()) ++addresses[s.ips.at(0)];
  BOOST_TEST(addresses.size() == 20u);
  from = w.clock.steady_ms();
  std::atomic<int> gone{0};
  for (auto& [uid, s] : w.pods())
    w.runtime->remove_sandbox(uid, [&](caf::expected<void> r) {
      if (!r) fail(r.error());
      ++gone;
    });
  BOOST_TEST(world::wait([&] { return gone == 20; }, 60'000));
  BOOST_TEST_MESSAGE("20 pods removed within " << w.clock.steady_ms() - from << " ms");
  no_leftovers();
  from = w.clock.steady_ms();
  BOOST_REQUIRE(w.make_pod("single"));
  BOOST_REQUIRE(w.run(w.container("single", "main", {"sleep", "1000"})));
  BOOST_TEST_MESSAGE("one pod: " << w.clock.steady_ms() - from << " ms");
  BOOST_TEST(!!w.remove_pod("single"));
}

BOOST_AUTO_TEST_SUITE_END()
