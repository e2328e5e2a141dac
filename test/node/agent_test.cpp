#include "actors/pod/pod_actor.hpp"
#include "schema/limits.hpp"
#include "test/node/world.hpp"

using namespace skerry;
using namespace skerry::node;
using namespace skerry::node::testing;

BOOST_FIXTURE_TEST_SUITE(node_agent_life, world)

BOOST_AUTO_TEST_CASE(desired_becomes_running) {
  start();
  put("configmaps", config_text("cm", "1"));
  put("pods", pod_text("p", R"({"initContainers":[{"name":"i","image":"init:1","command":["true"]}],
      "containers":[{"name":"a","image":"web:1","envFrom":[{"configMapRef":{"name":"cm"}}],
                     "readinessProbe":{"tcpSocket":{"port":80},"periodSeconds":1}}],
      "volumes":[{"name":"v","configMap":{"name":"cm"}}]})"));
  pass(100);
  BOOST_TEST(phase("p") == "Running");
  BOOST_TEST(condition(status("p"), "Ready") == "True");
  BOOST_TEST(files.at("/data/pods/uid-p/volumes/v")->content.at("key").bytes == "1");
  BOOST_TEST(runtime.last_started()->environment.at(0).second == "1");
  auto inventory = ask<link::inventory>(link::get_inventory{});
  BOOST_TEST(inventory->objects.size() == 2u);
  BOOST_TEST(inventory->complete == revision);
  auto node = json::parse(cloud.node);
  BOOST_TEST(condition(node, "Ready") == "True");
  BOOST_TEST(condition(node, "DiskPressure") == "False");
  BOOST_TEST(string_at(node, "nodeInfo.kubeletVersion") == "v1.36.0+skerry.test");
  BOOST_TEST(string_at(node, "capacity.cpu") == "4");
  BOOST_TEST(string_at(node, "capacity.pods") == "110");
  BOOST_TEST(object_at(node, "metadata.labels").at("site").as_string() == "pier");
  BOOST_TEST(object_at(node, "metadata.labels").at("kubernetes.io/arch").as_string() == "amd64");
  bool started = false;
  for (auto& e : cloud.events) started = started || string_at(json::parse(e), "reason") == "Started";
  BOOST_TEST(started);
  auto quiet = cloud.statuses;
  pass(10'000);
  BOOST_TEST(cloud.statuses == quiet);  // no news, no reports
  auto pods = ask<pods_summary>(get_pods{});
  BOOST_TEST(pods->pods.at(0).phase == "Running");
  BOOST_TEST(pods->ready);
}

BOOST_AUTO_TEST_CASE(a_restarted_agent_adopts) {
  start();
  for (auto* name : {"p", "q"})
    put("pods",
        pod_text(
            name,
            R"({"containers":[{"name":"a","image":"web:1","readinessProbe":{"tcpSocket":{"port":80},"periodSeconds":1}}]})"));
  pass(100);
  BOOST_TEST(runtime.end("uid-q", "a", 1));
  pass(100);
  auto before = runtime.containers();
  auto number = starts();
  auto told_before = cloud.pods;
  cloud.pods.clear();
  restart();
  pass(3000);
  BOOST_TEST(starts() == number);
  auto after = runtime.containers();
  BOOST_TEST(after.size() == before.size());
  for (size_t i = 0; i < after.size(); ++i) BOOST_TEST(after[i].pid == before[i].pid);
  BOOST_TEST((cloud.pods == told_before));  // same times, same counts, never unready between
  BOOST_TEST(ask<link::inventory>(link::get_inventory{})->complete == revision);
}

BOOST_AUTO_TEST_CASE(an_agent_that_crashes_alone_finds_its_pods_again) {
  start();
  put("pods", pod_text("p"));
  pass(100);
  kill_agent();
  start_agent();
  pass(100);
  BOOST_TEST(starts() == 1u);
  BOOST_TEST(runtime.end("uid-p", "a", 1));  // and they listen to it
  pass(100);
  BOOST_TEST(starts() == 2u);
}

BOOST_AUTO_TEST_CASE(twenty_pods_come_back_with_no_cloud) {
  start();
  for (int i = 0; i < 20; ++i) put("pods", pod_text("p" + std::to_string(i)));
  pass(100);
  BOOST_TEST(starts() == 20u);
  kill_all();
  runtime.reboot();
  kv.crash();
  linked = false;
  runtime.set_delay_ms(200);  // each operation takes its time; pods do not wait for each other
  start();
  pass(4000);
  size_t running = 0;
  for (auto& c : runtime.containers()) running += c.phase == ports::container_phase::running ? 1 : 0;
  BOOST_TEST(running == 20u);
  cloud.pods.clear();
  linked = true;
  pass(1500);
  BOOST_TEST(cloud.pods.size() == 20u);  // what was not told is told when the link is back
  BOOST_TEST(phase("p7") == "Running");
  BOOST_TEST(int_at(array_at(status("p7"), "containerStatuses").at(0), "restartCount") == 1);
}

BOOST_AUTO_TEST_CASE(a_deleted_pod_ends_and_is_told_gone) {
  start();
  put("pods", pod_text("p"));
  pass(100);
  put("pods", pod_text("p", R"({"containers":[{"name":"a","image":"web:1"}]})",
                       R"(,"deletionTimestamp":"2026-01-01T00:00:00Z","deletionGracePeriodSeconds":1)"));
  pass(100);
  BOOST_TEST(cloud.gone.size() == 1u);
  BOOST_TEST(runtime.sandboxes().empty());
  BOOST_TEST(files.list("/data/pods").empty());
  BOOST_TEST(ask<link::inventory>(link::get_inventory{})->objects.size() == 1u);  // until the cloud drops it
  restart();
  pass(100);
  BOOST_TEST(cloud.gone.size() == 2u);  // it may have been lost: told again
  drop("pods", "p", "uid-p");
  BOOST_TEST(ask<link::inventory>(link::get_inventory{})->objects.empty());
  BOOST_TEST(ask<pods_summary>(get_pods{})->pods.empty());
  BOOST_TEST(!*kv.get("status/uid-p"));
}

BOOST_AUTO_TEST_CASE(a_dropped_pod_ends_untold) {
  start();
  put("pods", pod_text("p"));
  pass(100);
  drop("pods", "p", "uid-p");
  pass(100);
  BOOST_TEST(runtime.sandboxes().empty());
  BOOST_TEST(cloud.gone.empty());
  BOOST_TEST(ask<pods_summary>(get_pods{})->pods.empty());
}

BOOST_AUTO_TEST_CASE(orphans_end_at_start) {
  start();
  put("pods", pod_text("p"));
  put("pods", pod_text("q"));
  pass(100);
  kill_all();
  ports::kv_batch batch;
  batch.remove("desired/pods/shop/q");
  BOOST_REQUIRE(kv.write(batch, true));
  start();
  pass(1000);
  BOOST_TEST(runtime.sandboxes().size() == 1u);
  BOOST_TEST(starts() == 2u);
  BOOST_TEST(!*kv.get("status/uid-q"));
}

BOOST_AUTO_TEST_CASE(a_pod_actor_that_crashes_is_restarted_and_adopts) {
  start();
  put("pods", pod_text("p"));
  pass(100);
  auto first = directory.find("/node/n1/pod/uid-p");
  BOOST_REQUIRE((first != nullptr));
  caf::anon_send_exit(first, caf::exit_reason::kill);
  first = nullptr;
  pass(100);
  BOOST_TEST((directory.find("/node/n1/pod/uid-p") != nullptr));
  BOOST_TEST(starts() == 1u);
  BOOST_TEST(runtime.end("uid-p", "a", 1));
  pass(100);
  BOOST_TEST(starts() == 2u);
  BOOST_TEST(phase("p") == "Running");
}

BOOST_AUTO_TEST_CASE(a_pods_actor_says_how_it_is) {
  start();
  put("pods", pod_text("p"));
  auto view = [&]() -> caf::expected<letter<schema::PodView>> {
    caf::expected<letter<schema::PodView>> out{make_error(errc::internal, "unanswered")};
    caf::actor asker = sys.spawn([&](caf::event_based_actor* self) {
      self->request(directory.find("/node/n1/pod/uid-p"), caf::infinite,
                    letter<schema::AskPod>::build([](schema::AskPod::Builder) {}))
          .then([&](const letter<schema::PodView>& v) { out = v; }, [&](const caf::error& e) { out = e; });
    });
    settle();
    return out;
  };
  pass(100);
  auto v = view();
  BOOST_REQUIRE((v));
  auto text = [](auto t) { return std::string{t.begin(), t.end()}; };
  BOOST_TEST(text((**v).getNamespace()) == "shop");
  BOOST_TEST(text((**v).getName()) == "p");
  BOOST_TEST(text((**v).getUid()) == "uid-p");
  BOOST_TEST(text((**v).getPhase()) == "Running");
  BOOST_TEST(text((**v).getStatus()) == cloud.pods.at("p"));
  // One that knows nothing yet says so.
  auto blank = sys.spawn(pod::pod_actor,
                         pod::pod_args{ctx, "/node/n1/pod/x", "x", runtime, files, prober, caf::actor{link_actor}});
  directory.put("/node/n1/pod/uid-p", blank);
  BOOST_TEST((code_of(view().error()) == errc::unavailable));
  caf::anon_send_exit(blank, caf::exit_reason::kill);
}

BOOST_AUTO_TEST_CASE(pods_outlive_the_crash_of_their_pool) {
  start();
  put("pods", pod_text("p"));
  put("pods", pod_text("q"));
  pass(100);
  caf::anon_send_exit(pool, caf::exit_reason::kill);
  settle();
  start_pool();
  pass(1500);
  BOOST_TEST(starts() == 2u);
  BOOST_TEST(runtime.end("uid-q", "a", 1));
  pass(100);
  BOOST_TEST(starts() == 3u);
}

BOOST_AUTO_TEST_CASE(a_config_map_is_updated_in_place) {
  start();
  put("configmaps", config_text("cm", "1"));
  put("pods",
      pod_text("p",
               R"({"containers":[{"name":"a","image":"web:1"}],"volumes":[{"name":"v","configMap":{"name":"cm"}}]})"));
  pass(100);
  put("configmaps", config_text("cm", "2"));
  pass(100);
  auto v = files.at("/data/pods/uid-p/volumes/v");
  BOOST_TEST(v->content.at("key").bytes == "2");
  BOOST_TEST(v->published == 2);
  BOOST_TEST(starts() == 1u);
}

BOOST_AUTO_TEST_CASE(objects_that_come_later_than_their_pod) {
  start();
  put("pods",
      pod_text(
          "p",
          R"({"containers":[{"name":"a","image":"web:1","env":[{"name":"K","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}]}]})"));
  pass(100);
  BOOST_TEST(string_at(array_at(status("p"), "containerStatuses").at(0), "state.waiting.reason") ==
             "CreateContainerConfigError");
  put("secrets", R"({"metadata":{"name":"s","namespace":"shop","uid":"s1"},"data":{"k":"djE="}})");
  pass(100);
  BOOST_TEST(phase("p") == "Running");
  BOOST_TEST(runtime.last_started()->environment.at(0).second == "v1");
}

BOOST_AUTO_TEST_CASE(killed_containers_are_restarted_with_back_off) {
  start();
  put("pods", pod_text("p"));
  pass(100);
  runtime.end("uid-p", "a", 137);
  pass(100);
  BOOST_TEST(starts() == 2u);
  runtime.end("uid-p", "a", 137);
  pass(100);
  BOOST_TEST(string_at(array_at(status("p"), "containerStatuses").at(0), "state.waiting.reason") == "CrashLoopBackOff");
  pass(9'500);
  BOOST_TEST(starts() == 2u);
  pass(1000);
  BOOST_TEST(starts() == 3u);
  BOOST_TEST(phase("p") == "Running");
}

BOOST_AUTO_TEST_CASE(a_new_pod_of_the_same_name_replaces_the_old) {
  start();
  put("pods", pod_text("p"));
  pass(100);
  put("pods", pod_text("p", R"({"containers":[{"name":"a","image":"web:2"}]})", "", "uid-2"));
  pass(100);
  auto all = runtime.sandboxes();
  BOOST_REQUIRE(all.size() == 1u);
  BOOST_TEST(all[0] == "uid-2");
  BOOST_TEST(cloud.gone.empty());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(node_agent_troubles, world)

/// While it was not heard, the cloud wrote Unknown over its conditions; who knew what they were may have crashed since.
BOOST_AUTO_TEST_CASE(a_new_session_hears_the_status_of_the_node_though_it_did_not_change) {
  start();
  auto before = std::exchange(cloud.node, {});
  BOOST_TEST(!before.empty());
  pass(60'000);
  BOOST_TEST(cloud.node.empty());
  caf::anon_send(agent, link::link_state{false});
  settle();
  BOOST_TEST(cloud.node.empty());
  caf::anon_send(agent, link::link_state{true});
  settle();
  BOOST_TEST(cloud.node == before);
}

BOOST_AUTO_TEST_CASE(a_store_that_takes_no_writes) {
  start();
  kv.fail_writes(make_error(errc::full, "no space left on device"));
  link::desired_changes m;
  m.put.push_back(object("pods", pod_text("p")));
  auto e = change(m);
  BOOST_TEST((code_of(e) == errc::full));
  BOOST_TEST(starts() == 0u);
  BOOST_TEST(condition(json::parse(cloud.node), "Ready") == "False");
  BOOST_TEST(ask<link::inventory>(link::get_inventory{})->objects.empty());
  kv.fail_writes({});
  pass(11'000);
  BOOST_TEST(condition(json::parse(cloud.node), "Ready") == "True");
  BOOST_TEST(!change(m));
  pass(100);
  BOOST_TEST(phase("p") == "Running");
}

BOOST_AUTO_TEST_CASE(a_runtime_that_is_down_at_start) {
  runtime.fail("list", make_error(errc::unavailable, "conmon is missing"), 1);
  start();
  put("pods", pod_text("p"));
  BOOST_TEST(condition(json::parse(cloud.node), "Ready") == "False");
  BOOST_TEST(cloud.node.find("conmon is missing") != std::string::npos);
  BOOST_TEST(starts() == 0u);
  pass(10'500);
  BOOST_TEST(condition(json::parse(cloud.node), "Ready") == "True");
  BOOST_TEST(phase("p") == "Running");
}

BOOST_AUTO_TEST_CASE(a_link_that_refuses_is_asked_again) {
  cloud.refuses = true;
  start();
  put("pods", pod_text("p"));
  pass(3000);
  BOOST_TEST(cloud.pods.empty());
  cloud.refuses = false;
  pass(1100);
  BOOST_TEST(phase("p") == "Running");
  BOOST_TEST(!cloud.node.empty());
  BOOST_TEST(ask<pods_summary>(get_pods{})->reports_waiting == 0u);
}

BOOST_AUTO_TEST_CASE(more_pods_than_the_node_takes) {
  start();
  link::desired_changes m;
  for (size_t i = 0; i <= limits::pods_per_node_max; ++i)
    m.put.push_back(object("pods", pod_text("p" + std::to_string(i))));
  BOOST_REQUIRE(!change(m));
  pass(200);
  BOOST_TEST(starts() == limits::pods_per_node_max);
  size_t refused = 0;
  for (auto& [name, text] : cloud.pods) refused += string_at(json::parse(text), "reason") == "OutOfpods" ? 1 : 0;
  BOOST_TEST(refused == 1u);
}

BOOST_AUTO_TEST_CASE(pods_that_cannot_be_read_are_named_and_hurt_nobody) {
  start();
  put("pods", R"({"metadata":{"name":"bad","namespace":"shop","uid":"u"},"spec":{"containers":[]}})");
  put("pods", pod_text("p"));
  pass(100);
  BOOST_TEST(phase("p") == "Running");
  bool named = false;
  for (auto& l : log.lines) named = named || l.find("shop/bad") != std::string::npos;
  BOOST_TEST(named);
}

BOOST_AUTO_TEST_CASE(a_corrupt_object_on_disk_is_fetched_anew) {
  start();
  put("pods", pod_text("p"));
  pass(100);
  kill_all();
  ports::kv_batch batch;
  batch.put("desired/pods/shop/x", "garbage!");
  BOOST_REQUIRE(kv.write(batch, true));
  start();
  BOOST_TEST(ask<link::inventory>(link::get_inventory{})->complete == 0u);
  BOOST_TEST(ask<link::inventory>(link::get_inventory{})->objects.size() == 1u);
}

BOOST_AUTO_TEST_CASE(repetitions_of_an_event_are_counted_and_not_sent_each) {
  start();
  prober.set(80, false);
  put("pods",
      pod_text(
          "p",
          R"({"containers":[{"name":"a","image":"web:1","readinessProbe":{"tcpSocket":{"port":80},"periodSeconds":1}}]})"));
  pass(40'000);
  size_t unhealthy = 0;
  int64_t count = 0;
  std::set<std::string> names;
  for (auto& text : cloud.events) {
    auto e = json::parse(text);
    if (string_at(e, "reason") != "Unhealthy") continue;
    ++unhealthy;
    names.insert(std::string{string_at(e, "metadata.name")});
    count = std::max(count, int_at(e, "count"));
  }
  BOOST_TEST(unhealthy == 2u);
  BOOST_TEST(names.size() == 1u);
  BOOST_TEST(count >= 30);
  BOOST_TEST(phase("p") == "Running");
  BOOST_TEST(condition(status("p"), "Ready") == "False");
}

BOOST_AUTO_TEST_SUITE_END()
