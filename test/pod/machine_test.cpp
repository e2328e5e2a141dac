#include "test/pod/driver.hpp"

using namespace skerry;
using namespace skerry::pod;
using namespace skerry::pod::testing;

BOOST_AUTO_TEST_SUITE(pod_machine_life)

BOOST_AUTO_TEST_CASE(a_pod_comes_up_in_order) {
  driver d{pod_json(R"({"initContainers":[{"name":"i","image":"x:1"}],
                        "containers":[{"name":"a","image":"x:1"},{"name":"b","image":"y:1"}],
                        "volumes":[{"name":"v","emptyDir":{}}]})")};
  d.observe();
  BOOST_TEST(d.phase() == "Pending");
  BOOST_TEST(string_at(d.container(0, "initContainerStatuses"), "state.waiting.reason") == "PodInitializing");
  auto v = d.take<ask::volumes>();
  BOOST_TEST(v.steps.at(0).path == "/data/pods/u1/volumes/v");
  BOOST_TEST(d.idle());
  d.send(on::volumes_made{});
  BOOST_TEST(d.take<ask::sandbox>().spec.hostname == "web");
  d.image_ok();  // pulled while the network is made
  BOOST_TEST(d.idle());
  BOOST_TEST(!d.condition("PodReadyToStartContainers"));
  d.send(on::sandbox_made{d.alive()});
  BOOST_TEST(d.condition("PodReadyToStartContainers"));
  BOOST_TEST(d.start_next().spec.name == "i");
  BOOST_TEST(d.idle());
  BOOST_TEST(!d.condition("Initialized"));
  d.exited("i", 0, 0);
  BOOST_TEST(d.start_next().spec.name == "a");
  BOOST_TEST(d.condition("Initialized"));
  BOOST_TEST(d.phase() == "Pending");
  BOOST_TEST(string_at(d.container(1), "state.waiting.reason") == "PodInitializing");
  BOOST_TEST(d.start_next().spec.name == "b");
  BOOST_TEST(d.phase() == "Running");
  BOOST_TEST(d.condition("Ready"));
  BOOST_TEST(d.condition("ContainersReady"));
  auto t = d.told();
  BOOST_TEST(string_at(t, "podIP") == "10.0.0.7");
  BOOST_TEST(string_at(t, "hostIP") == "192.168.1.5");
  BOOST_TEST(string_at(d.container(), "containerID") == "skerry://a-0");
  BOOST_TEST(string_at(d.container(), "imageID") == "sha256:a");
  BOOST_TEST(d.idle());
}

BOOST_AUTO_TEST_CASE(crash_loop_backs_off_and_resets) {
  driver d{pod_json(one_container)};
  d.set_up();
  d.start_next();
  d.pass(1000);
  d.exited("a", 0, 1);
  BOOST_TEST(d.start_next().spec.attempt == 1u);  // the first restart is at once
  uint32_t attempt = 1;
  for (int64_t seconds : {10, 20, 40, 80, 160, 300, 300}) {
    d.exited("a", attempt, 1);
    BOOST_TEST(string_at(d.container(), "state.waiting.reason") == "CrashLoopBackOff");
    BOOST_TEST(int_at(d.container(), "lastState.terminated.exitCode") == 1);
    BOOST_TEST(d.phase() == "Running");
    BOOST_TEST(!d.condition("Ready"));
    d.pass(seconds * 1000 - 1);
    while (!d.idle()) d.take<ask::remove_container>();
    d.pass(1);
    BOOST_TEST(d.start_next().spec.attempt == ++attempt);
    while (!d.idle()) d.take<ask::remove_container>();
  }
  BOOST_TEST(d.has_event("BackOff"));
  BOOST_TEST(int_at(d.container(), "restartCount") == attempt);
  d.pass(600'000);
  d.exited("a", attempt, 1);
  BOOST_TEST(d.start_next().spec.attempt == attempt + 1);  // it ran for ten minutes
}

BOOST_AUTO_TEST_CASE(only_the_last_dead_container_is_kept) {
  driver d{pod_json(one_container)};
  d.set_up();
  d.start_next();
  d.exited("a", 0, 1);
  d.start_next();
  BOOST_TEST(d.idle());
  d.exited("a", 1, 1);
  d.pass(10'000);
  d.start_next();
  BOOST_TEST(d.take<ask::remove_container>().id == "a-0");
}

BOOST_AUTO_TEST_CASE(restart_policies) {
  struct row {
    const char* policy;
    int code;
    bool restarts;
    const char* phase;
  };
  for (auto& r :
       {row{"Always", 0, true, "Running"}, row{"Always", 1, true, "Running"}, row{"OnFailure", 0, false, "Succeeded"},
        row{"OnFailure", 3, true, "Running"}, row{"Never", 0, false, "Succeeded"}, row{"Never", 3, false, "Failed"}}) {
    BOOST_TEST_CONTEXT(r.policy << " " << r.code) {
      driver d{pod_json(R"({"restartPolicy":")" + std::string{r.policy} +
                        R"(","containers":[{"name":"a","image":"x:1"}]})")};
      d.set_up();
      d.start_next();
      d.exited("a", 0, r.code);
      BOOST_TEST(d.idle() == !r.restarts);
      BOOST_TEST(d.phase() == r.phase);
    }
  }
}

BOOST_AUTO_TEST_CASE(ends_are_told_as_kubelet_tells_them) {
  driver d{
      pod_json(R"({"restartPolicy":"Never","containers":[{"name":"a","image":"x:1"},{"name":"b","image":"x:1"}]})")};
  d.set_up();
  d.start_next();
  d.start_next();
  d.exited("a", 0, 0);
  BOOST_TEST(string_at(d.container(), "state.terminated.reason") == "Completed");
  d.exited("b", 0, 137, true);
  BOOST_TEST(string_at(d.container(1), "state.terminated.reason") == "OOMKilled");
  BOOST_TEST(d.phase() == "Failed");
  BOOST_TEST(!d.condition("Ready"));
}

BOOST_AUTO_TEST_CASE(a_failing_init_container) {
  for (std::string policy : {"Never", "Always"}) {
    driver d{pod_json(R"({"restartPolicy":")" + policy +
                      R"(","initContainers":[{"name":"i","image":"x:1"}],"containers":[{"name":"a","image":"x:1"}]})")};
    d.set_up();
    d.start_next();
    d.exited("i", 0, 1);
    if (policy == "Never") {
      BOOST_TEST(d.phase() == "Failed");
      BOOST_TEST(d.idle());
    } else {
      BOOST_TEST(d.phase() == "Pending");
      BOOST_TEST(d.start_next().spec.name == "i");
      d.exited("i", 1, 1);
      BOOST_TEST(string_at(d.container(0, "initContainerStatuses"), "state.waiting.reason") == "CrashLoopBackOff");
      BOOST_TEST(d.idle());
      d.pass(10'000);
      BOOST_TEST(d.start_next().spec.attempt == 2u);
    }
  }
}

BOOST_AUTO_TEST_CASE(sidecars_start_first_and_stop_last) {
  driver d{pod_json(
      R"({"restartPolicy":"Never","initContainers":[{"name":"s","image":"x:1","restartPolicy":"Always"},{"name":"i","image":"x:1"}],
                        "containers":[{"name":"a","image":"x:1"}]})")};
  d.set_up();
  BOOST_TEST(d.start_next().spec.name == "s");
  BOOST_TEST(d.start_next().spec.name == "i");
  d.exited("s", 0, 1);
  d.exited("i", 0, 0);
  BOOST_TEST(d.start_next().spec.name == "s");  // restarted whatever the pod's policy says
  BOOST_TEST(d.start_next().spec.name == "a");
  d.exited("a", 0, 0);
  BOOST_TEST(d.take<ask::stop>().id == "s-1");
  BOOST_TEST(d.phase() == "Succeeded");
}

BOOST_AUTO_TEST_CASE(images_that_cannot_be_had) {
  struct row {
    errc code;
    const char* text;
    const char* reason;
  };
  for (auto& r : {row{errc::unavailable, "no route", "ErrImagePull"},
                  row{errc::not_found, "ErrImageNeverPull: absent", "ErrImageNeverPull"},
                  row{errc::invalid, "InvalidImageName: %%", "InvalidImageName"}}) {
    driver d{pod_json(one_container)};
    d.observe();
    d.take<ask::sandbox>();
    auto a = d.take<ask::image>();
    d.send(on::sandbox_made{d.alive()});
    d.send(on::image_ready{a.container, a.reference, make_error(r.code, r.text)});
    BOOST_TEST(string_at(d.container(), "state.waiting.reason") == r.reason);
    BOOST_TEST(string_at(d.container(), "state.waiting.message") == r.text);
    BOOST_TEST(d.phase() == "Pending");
  }
}

BOOST_AUTO_TEST_CASE(pulls_back_off) {
  driver d{pod_json(one_container)};
  d.observe();
  d.take<ask::sandbox>();
  auto a = d.take<ask::image>();
  d.send(on::sandbox_made{d.alive()});
  for (int64_t seconds : {10, 20, 40}) {
    d.send(on::image_ready{a.container, a.reference, make_error(errc::unavailable, "away")});
    BOOST_TEST(string_at(d.container(), "state.waiting.reason") == "ErrImagePull");
    d.pass(1000);
    BOOST_TEST(string_at(d.container(), "state.waiting.reason") == "ImagePullBackOff");
    d.pass(seconds * 1000 - 1001);
    BOOST_TEST(d.idle());
    d.pass(1);
    a = d.take<ask::image>();
  }
  d.send(on::image_ready{a.container, a.reference, ports::image_info{"sha256:i", {}, 1}});
  BOOST_TEST(string_at(d.container(), "state.waiting.reason") == "ContainerCreating");
  d.start_next();
  BOOST_TEST(d.phase() == "Running");
}

BOOST_AUTO_TEST_CASE(pull_always_falls_back_when_the_registry_is_away) {
  for (bool here : {true, false}) {
    driver d{pod_json(R"({"containers":[{"name":"a","image":"x","imagePullPolicy":"Always"}]})")};
    d.observe();
    d.take<ask::sandbox>();
    auto a = d.take<ask::image>();
    BOOST_TEST((a.policy == ports::pull_policy::always));
    d.send(on::sandbox_made{d.alive()});
    d.send(on::image_ready{a.container, a.reference, make_error(errc::unavailable, "no route to registry")});
    auto again = d.take<ask::image>();
    BOOST_TEST((again.policy == ports::pull_policy::never));
    if (here) {
      d.send(on::image_ready{0, "x", ports::image_info{}});
      d.start_next();
      BOOST_TEST(d.phase() == "Running");
      BOOST_TEST(d.has_event("Failed"));
    } else {
      d.send(on::image_ready{0, "x", make_error(errc::not_found, "ErrImageNeverPull: absent")});
      BOOST_TEST(string_at(d.container(), "state.waiting.reason") == "ErrImagePull");
      BOOST_TEST(string_at(d.container(), "state.waiting.message") == "no route to registry");
      d.pass(10'000);
      BOOST_TEST((d.take<ask::image>().policy == ports::pull_policy::always));
    }
  }
}

BOOST_AUTO_TEST_CASE(missing_objects_hold_a_container_back) {
  driver d{pod_json(R"({"containers":[{"name":"a","image":"x:1","envFrom":[{"configMapRef":{"name":"cm"}}]}]})")};
  d.set_up();
  BOOST_TEST(d.idle());
  BOOST_TEST(string_at(d.container(), "state.waiting.reason") == "CreateContainerConfigError");
  BOOST_TEST(string_at(d.container(), "state.waiting.message") == "configmap \"cm\" not found");
  auto object = std::make_shared<config_object>();
  object->data["K"] = "v";
  d.send(on::configs_changed{{{{false, "cm"}, object}}});
  auto a = d.start_next();
  BOOST_TEST(a.spec.environment.at(0).first == "K");
  BOOST_TEST(d.condition("Ready"));
}

BOOST_AUTO_TEST_CASE(volumes_wait_for_their_objects_and_follow_them) {
  driver d{
      pod_json(R"({"containers":[{"name":"a","image":"x:1"}],"volumes":[{"name":"v","configMap":{"name":"cm"}}]})")};
  d.observe();
  BOOST_TEST(d.idle());
  BOOST_TEST(d.has_event("FailedMount"));
  BOOST_TEST(string_at(d.container(), "state.waiting.reason") == "ContainerCreating");
  auto object = std::make_shared<config_object>();
  object->data["k"] = "1";
  d.send(on::configs_changed{{{{false, "cm"}, object}}});
  BOOST_TEST(d.take<ask::volumes>().steps.at(1).content.at("k").bytes == "1");
  d.send(on::volumes_made{});
  d.take<ask::sandbox>();
  d.image_ok();
  d.send(on::sandbox_made{d.alive()});
  d.start_next();
  auto newer = std::make_shared<config_object>();
  newer->data["k"] = "2";
  d.send(on::configs_changed{{{{false, "cm"}, newer}}});
  BOOST_TEST(d.take<ask::volumes>().steps.at(1).content.at("k").bytes == "2");
  d.send(on::volumes_made{});
  d.send(on::configs_changed{{}});  // deleted: what runs keeps what it has
  BOOST_TEST(d.idle());
  BOOST_TEST(d.phase() == "Running");
}

BOOST_AUTO_TEST_CASE(a_sandbox_that_fails_is_tried_again) {
  driver d{pod_json(one_container)};
  d.observe();
  for (int64_t ms : {1000, 2000, 4000}) {
    d.take<ask::sandbox>();
    if (ms == 1000) d.image_ok();
    d.send(on::sandbox_made{make_error(errc::unavailable, "no address left")});
    BOOST_TEST(d.has_event("FailedCreatePodSandBox"));
    d.pass(ms - 1);
    BOOST_TEST(d.idle());
    d.pass(1);
  }
  d.take<ask::sandbox>();
}

BOOST_AUTO_TEST_CASE(a_start_that_is_refused) {
  driver d{pod_json(one_container)};
  d.set_up();
  auto a = d.take<ask::start>();
  d.send(on::container_started{a.container, make_error(errc::invalid, "exec: \"nope\": not found")});
  BOOST_TEST(string_at(d.container(), "state.waiting.reason") == "RunContainerError");
  d.pass(9'999);
  BOOST_TEST(d.idle());
  d.pass(1);
  d.start_next();
  BOOST_TEST(d.phase() == "Running");
}

BOOST_AUTO_TEST_CASE(an_end_that_overtakes_its_start) {
  driver d{pod_json(R"({"restartPolicy":"Never","containers":[{"name":"a","image":"x:1"}]})")};
  d.set_up();
  auto a = d.take<ask::start>();
  d.exited("a", 0, 4);
  d.started(a);
  BOOST_TEST(d.phase() == "Failed");
  BOOST_TEST(int_at(d.container(), "state.terminated.exitCode") == 4);
}

BOOST_AUTO_TEST_CASE(a_new_image_replaces_the_container) {
  driver d{pod_json(one_container)};
  d.set_up();
  d.start_next();
  d.send(on::spec_changed{spec_of(pod_json(R"({"containers":[{"name":"a","image":"busybox:2"}]})"))});
  BOOST_TEST(d.take<ask::stop>().id == "a-0");
  d.exited("a", 0, 143);
  BOOST_TEST(d.take<ask::image>().reference == "busybox:2");
  d.send(on::image_ready{0, "busybox:2", ports::image_info{}});
  auto a = d.start_next();
  BOOST_TEST(a.spec.image == "busybox:2");
  BOOST_TEST(a.spec.attempt == 1u);
}

BOOST_AUTO_TEST_CASE(active_deadline) {
  driver d{pod_json(R"({"activeDeadlineSeconds":60,"containers":[{"name":"a","image":"x:1"}]})")};
  d.set_up();
  d.start_next();
  d.pass(59'999);
  BOOST_TEST(d.idle());
  d.pass(1);
  d.take<ask::stop>();
  d.exited("a", 0, 143);
  BOOST_TEST(d.phase() == "Failed");
  BOOST_TEST(string_at(d.told(), "reason") == "DeadlineExceeded");
  BOOST_TEST(d.idle());
  driver again{
      pod_json(R"({"activeDeadlineSeconds":60,"containers":[{"name":"a","image":"x:1"}]})"), {}, read_status(d.told())};
  again.observe(d.alive(), {d.ran("a", 0, ports::container_phase::exited)});
  BOOST_TEST(again.idle());
  BOOST_TEST(again.phase() == "Failed");
}

BOOST_AUTO_TEST_SUITE_END()
