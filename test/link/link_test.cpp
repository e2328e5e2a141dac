#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>
#include <iostream>

#include "actors/link/digest.hpp"
#include "actors/link/join.hpp"
#include "actors/link/tokens.hpp"
#include "test/link/world.hpp"

using namespace skerry;
using test::world;

namespace {

const std::string two_volumes =
    R"([{"name":"a","configMap":{"name":"settings"}},{"name":"b","secret":{"secretName":"password"}}])";

std::string status_json(const std::string& phase, int restarts = 0) {
  return R"({"phase":")" + phase + R"(","containerStatuses":[{"name":"c","restartCount":)" + std::to_string(restarts) +
         "}]}";
}
std::string node_json(const std::string& ready) {
  return R"({"metadata":{"labels":{"site":"skagen","node-restriction.kubernetes.io/x":"y"}},"nodeInfo":{"architecture":"amd64","operatingSystem":"linux"},)"
         R"("conditions":[{"type":"Ready","status":")" +
         ready + R"(","lastHeartbeatTime":"2026-01-01T00:00:00Z"}]})";
}
std::string event_json(const std::string& name, const std::string& pod) {
  return R"({"metadata":{"name":")" + name +
         R"(","namespace":"default"},"involvedObject":{"kind":"Pod","namespace":"default","name":")" + pod +
         R"("},"reason":"Started","message":"m","count":1})";
}
std::string phase_of(world& w, const std::string& pod) {
  return std::string{store::phase_of(w.get("pods", "default", pod))};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(link_whole)

BOOST_AUTO_TEST_CASE(a_node_gets_its_pods_and_what_they_name_and_nothing_else) {
  world w{1};
  w.create("configmaps", "default", "settings", "cm1", R"({"data":{"a":"1"}})");
  w.create("configmaps", "default", "other", "cm2", R"({"data":{}})");
  w.create("secrets", "default", "password", "s1", R"({"data":{"p":"eA=="}})");
  w.create("secrets", "kube-system", "password", "s2", R"({"data":{"p":"eA=="}})");
  w.create_pod("mine", "n1", "p1", two_volumes);
  w.create_pod("theirs", "n2", "p2", two_volumes);
  w.create_pod("unbound", "", "p3");
  auto& e = w.add_edge("n1");
  BOOST_REQUIRE(w.until([&] { return e.state.complete > 0; }));
  BOOST_TEST(e.state.connected);
  BOOST_TEST(e.state.holds.size() == 3u);
  BOOST_TEST(e.state.holds.count({"pods", "default", "mine"}) == 1u);
  BOOST_TEST(e.state.holds.count({"secrets", "default", "password"}) == 1u);
  BOOST_TEST(e.state.order.back() == "mine");  // what it names comes first

  // Then changes: the ConfigMap, a pod of another node (nothing), a new pod with a Secret that is made after it.
  auto puts = e.state.puts;
  w.change("configmaps", "default", "settings", [](auto& v) { ensure(v, "data.a") = "2"; });
  w.change("pods", "default", "theirs", [](auto& v) { ensure(v, "metadata.labels.x") = "y"; });
  BOOST_REQUIRE(w.until([&] { return w.converged(e); }));
  BOOST_TEST(e.state.puts == puts + 1);
  w.create_pod("late", "n1", "p4", R"([{"name":"a","secret":{"secretName":"late"}}])");
  BOOST_REQUIRE(w.until([&] { return w.converged(e); }));
  w.create("secrets", "default", "late", "s3", R"({"data":{}})");
  BOOST_REQUIRE(w.until([&] { return w.converged(e); }));
  BOOST_TEST(e.state.holds.count({"secrets", "default", "late"}) == 1u);
  // A pod that goes takes with it what only it named.
  w.remove("pods", "default", "late");
  BOOST_REQUIRE(w.until([&] { return w.converged(e); }));
  BOOST_TEST(e.state.holds.size() == 3u);
  // Deleted and made anew under its name: the old uid is dropped, the new one put.
  w.remove("pods", "default", "mine");
  w.create_pod("mine", "n1", "p5");
  BOOST_REQUIRE(w.until([&] { return w.converged(e); }));
  BOOST_TEST((e.state.holds.at({"pods", "default", "mine"}).uid == "p5"));
  BOOST_TEST(w.seen["n1"] >= 1);  // at once: what the node says must not meet a lease that has run out
}

BOOST_AUTO_TEST_CASE(facts_reach_the_store_and_only_those_that_are_the_nodes_own) {
  world w{2};
  w.create_pod("mine", "n1", "p1");
  w.create_pod("theirs", "n2", "p2");
  auto& e = w.add_edge("n1");
  int answered = 0;
  auto ok = [&](const caf::error& err) {
    BOOST_TEST(message_of(err) == "");
    ++answered;
  };
  w.report(e, link::report_node_status{node_json("True")}, ok);
  w.report(e, link::report_pod_status{{"default", "mine", "p1"}, status_json("Running")}, ok);
  w.report(e, link::report_pod_status{{"default", "theirs", "p2"}, status_json("Failed")}, ok);
  w.report(e, link::report_pod_status{{"default", "mine", "another-uid"}, status_json("Failed")}, ok);
  w.report(e, link::report_pod_gone{{"default", "theirs", "p2"}}, ok);
  w.report(e, link::report_event{event_json("mine.1", "mine")}, ok);
  w.report(e, link::report_event{event_json("theirs.1", "theirs")}, ok);
  w.report(e, link::report_pod_status{{"default", "mine", "p1"}, "not json"}, ok);
  BOOST_REQUIRE(w.until([&] { return answered == 8; }));
  BOOST_REQUIRE(w.until([&] { return w.stats(e).connected && w.stats(e).facts_waiting == 0; }));
  BOOST_TEST(phase_of(w, "theirs") == "Pending");
  BOOST_TEST(static_cast<bool>(w.get("events", "default", "mine.1")));
  BOOST_TEST(!w.get("events", "default", "theirs.1"));
  auto node = w.get("nodes", "", "n1");
  BOOST_REQUIRE(static_cast<bool>(node));
  auto v = store::parse(node);
  const auto& labels = object_at(v, "metadata.labels");
  BOOST_TEST(labels.at("kubernetes.io/hostname").as_string() == "n1");
  BOOST_TEST(labels.at("kubernetes.io/arch").as_string() == "amd64");
  BOOST_TEST(labels.at("site").as_string() == "skagen");
  BOOST_TEST(!labels.contains("node-restriction.kubernetes.io/x"));
  BOOST_TEST(string_at(v, "status.nodeInfo.operatingSystem") == "linux");

  // The end of a deleted pod removes it.
  w.report(e, link::report_pod_status{{"default", "mine", "p1"}, status_json("Succeeded")});
  BOOST_REQUIRE(w.until([&] { return phase_of(w, "mine") == "Succeeded"; }));
  w.change("pods", "default", "mine", [](auto& pod) {
    ensure(pod, "metadata.deletionTimestamp") = "2026-01-01T00:00:00Z";
    ensure(pod, "metadata.deletionGracePeriodSeconds") = 30;
  });
  w.report(e, link::report_pod_gone{{"default", "mine", "p1"}});
  BOOST_REQUIRE(w.until([&] { return !w.get("pods", "default", "mine"); }));
  BOOST_REQUIRE(w.until([&] { return w.converged(e); }));
}

BOOST_AUTO_TEST_CASE(after_a_cut_only_what_changed_crosses) {
  world w{3};
  w.create("configmaps", "default", "settings", "cm1", R"({"data":{"a":"1"}})");
  w.create("secrets", "default", "password", "s1", R"({"data":{"p":"eA=="}})");
  for (int i = 0; i < 20; ++i) w.create_pod("pod" + std::to_string(i), "n1", "p" + std::to_string(i), two_volumes);
  auto& e = w.add_edge("n1");
  BOOST_REQUIRE(w.until([&] { return w.converged(e); }));
  BOOST_TEST(e.state.puts == 22u);
  // Statuses move every revision; no intent does.
  for (int i = 0; i < 20; ++i)
    w.report(e, link::report_pod_status{{"default", "pod" + std::to_string(i), "p" + std::to_string(i)},
                                        status_json("Running")});
  BOOST_REQUIRE(w.until([&] { return phase_of(w, "pod19") == "Running" && w.stats(e).facts_waiting == 0; }));
  w.pass(1000);
  BOOST_TEST(e.state.puts == 22u);
  for (auto how : {0, 1, 2}) {
    auto sessions = w.stats(e).sessions;
    auto bytes = w.net.bytes_delivered();
    if (how == 1)
      w.restart_cloud();
    else if (how == 2)
      w.restart_edge(e), sessions = 0;
    else
      w.net.cut();
    w.change("pods", "default", "pod7", [&](auto& v) { ensure(v, "metadata.labels.round") = std::to_string(how); });
    BOOST_REQUIRE(w.until([&] {
      return w.stats(e).sessions == sessions + 1 && w.converged(e) &&
             e.state.complete == w.views->current()->revision();
    }));
    BOOST_TEST_MESSAGE("bytes: " << w.net.bytes_delivered() - bytes);
    BOOST_TEST(w.net.bytes_delivered() - bytes < 8'000u);
    // The power cut took the digests that were not synced since; what they stand for crosses once more.
    if (how != 2) BOOST_TEST(e.state.puts == 23u + how);
  }
  BOOST_TEST(e.state.drops == 0u);
}

BOOST_AUTO_TEST_CASE(a_half_open_connection_is_noticed_on_both_sides) {
  world w{4};
  auto& e = w.add_edge("n1");
  BOOST_REQUIRE(w.until([&] { return e.state.complete > 0; }));
  w.pass(60'000);
  BOOST_TEST(w.stats(e).sessions == 1u);  // a quiet one is left alone
  BOOST_TEST(w.seen["n1"] >= 5);
  BOOST_TEST(w.stats(e).round_trip_ms >= 0);
  w.net.partition(true);
  w.net.freeze();
  auto from = w.clock.steady_ms();
  BOOST_REQUIRE(w.until([&] { return !e.state.connected; }));
  BOOST_TEST(w.clock.steady_ms() - from <= limits::half_open_ms + 1000);
  BOOST_REQUIRE(w.until([&] { return w.net.connections() == 0; }));
  BOOST_TEST(w.clock.steady_ms() - from <= limits::half_open_ms + limits::ping_ms);
  w.pass(120'000);
  w.seen.clear();
  w.pass(60'000);
  BOOST_TEST(w.seen.count("n1") == 0u);
  w.net.partition(false);
  BOOST_REQUIRE(w.until([&] { return e.state.connected; }, limits::reconnect_ms_max + 5'000));
}

BOOST_AUTO_TEST_CASE(a_newer_session_of_a_node_replaces_the_older) {
  world w{5};
  auto& e = w.add_edge("n1");
  BOOST_REQUIRE(w.until([&] { return e.state.complete > 0; }));
  w.net.freeze();     // the cloud still believes in the old one
  w.restart_edge(e);  // and the node is back at once
  BOOST_REQUIRE(w.until([&] { return e.state.connected; }, 5'000));
  w.create_pod("p", "n1", "p1");
  BOOST_REQUIRE(w.until([&] { return w.converged(e); }, 5'000));
  w.pass(60'000);
  BOOST_TEST(w.stats(e).sessions == 1u);
}

BOOST_AUTO_TEST_CASE(a_slow_or_broken_agent_delays_no_other_node_and_loses_nothing) {
  world w{6};
  auto& slow = w.add_edge("slow");
  auto& quick = w.add_edge("quick");
  slow.state.refuse = true;
  for (int i = 0; i < 50; ++i) {
    auto n = std::to_string(i);
    w.create_pod("s" + n, "slow", "s" + n);
    w.create_pod("q" + n, "quick", "q" + n);
  }
  BOOST_REQUIRE(w.until([&] { return w.converged(quick); }, 5'000));
  BOOST_TEST(slow.state.holds.empty());
  w.pass(60'000);
  BOOST_TEST(w.stats(slow).connected);  // its lease goes on
  slow.state.refuse = false;
  BOOST_REQUIRE(w.until([&] { return w.converged(slow); }, 5'000));
}

BOOST_AUTO_TEST_CASE(a_fleet_that_returns_is_let_in_at_a_bounded_rate) {
  world w{7};
  w.parts->sessions_per_second_max = 10;
  w.kill(w.actors["hub"]);
  w.settle();
  w.actors["hub"] = w.sys.spawn(link::hub, link::hub_args{*w.parts, "/cloud/link/hub", w.acceptor, {}});
  w.settle();
  w.pass(5'000);
  for (int i = 0; i < 60; ++i) w.add_edge("n" + std::to_string(i));
  auto up = [&] {
    return std::count_if(w.edges.begin(), w.edges.end(), [](auto& e) { return e.second->state.connected; });
  };
  w.pass(500);
  BOOST_TEST(up() <= 20);
  BOOST_REQUIRE(w.until([&] { return up() == 60; }, 40'000));
}

BOOST_AUTO_TEST_CASE(a_machine_joins_and_wrong_tokens_are_told_apart) {
  world w{8};
  auto now = w.clock.wall_ms();
  auto put_token = [&](const link::token& t, int64_t expires_ms, bool usable = true) {
    auto secret = link::make_token_secret(t, expires_ms, "test");
    if (!usable) secret.as_object()["data"].as_object().erase("usage-bootstrap-authentication");
    w.create("secrets", "kube-system", link::token_secret_name(t.id), "t-" + t.id, json::serialize(secret));
  };
  auto pin = *w.pki.fingerprint(w.ca.certificate_pem);
  auto good = link::make_token(w.chance), old = link::make_token(w.chance), unusable = link::make_token(w.chance),
       unknown = link::make_token(w.chance);
  put_token(good, now + 3'600'000);
  put_token(old, now - 1);
  put_token(unusable, 0, false);
  auto try_join = [&](const std::string& token, const std::string& node) {
    caf::expected<ports::client_credentials> out{make_error(errc::internal, "unanswered")};
    link::join(w.net, w.pki, {"cloud:6443", token, node},
               [&](caf::expected<ports::client_credentials> r) { out = std::move(r); });
    w.until([&] { return out || code_of(out.error()) != errc::internal; }, 60'000);
    return out;
  };
  auto code = [&](const std::string& token, const std::string& node) {
    auto r = try_join(token, node);
    if (r) return errc::none;
    BOOST_TEST_MESSAGE(message_of(r.error()));
    auto has_remedy = message_of(r.error()).find("skerry token create") != std::string::npos ||
                      message_of(r.error()).find("--node") != std::string::npos ||
                      code_of(r.error()) == errc::unauthorized;
    BOOST_TEST(has_remedy);
    return code_of(r.error());
  };
  auto full = [&](const link::token& t) { return link::format_full_token(pin, t); };
  auto wrong_secret = good;
  wrong_secret.secret = unknown.secret;
  BOOST_TEST((code(full(old), "n9") == errc::expired));
  BOOST_TEST((code(full(unusable), "n9") == errc::unauthorized));
  BOOST_TEST((code(full(unknown), "n9") == errc::unauthorized));
  BOOST_TEST((code(full(wrong_secret), "n9") == errc::unauthorized));
  BOOST_TEST((code(link::format_token(good), "n9") == errc::invalid));
  BOOST_TEST((code(full(good), "Bad_Name") == errc::invalid));
  auto other = *w.pki.make_authority("other", 1);
  BOOST_TEST(
      (code(link::format_full_token(*w.pki.fingerprint(other.certificate_pem), good), "n9") == errc::unauthorized));

  auto joined = try_join(full(good), "n9");
  BOOST_REQUIRE((joined));
  auto who = sim::sim_pki::identity_of(joined->certificate_pem);
  BOOST_TEST(who.common_name == "system:node:n9");
  BOOST_TEST(joined->ca_pem == w.ca.certificate_pem);
  auto& e = w.add_edge("n9");
  w.kill(e.link);
  e.credentials = *joined;
  w.settle();
  w.start_link(e);
  BOOST_REQUIRE(w.until([&] { return e.state.connected; }));
  // A token does not take the place of a node that is there.
  BOOST_TEST((code(full(good), "n9") == errc::already_exists));
}

BOOST_AUTO_TEST_CASE(only_nodes_get_a_session_and_strangers_say_nothing_but_join) {
  world w{9};
  w.settle();
  auto try_as = [&](const std::string& certificate, link::frame first) {
    std::vector<link::frame> got;
    auto reader = std::make_shared<link::frame_reader>();
    bool ended = false;
    ports::connection_ptr c;
    w.net.connect(
        "cloud:6443", {w.ca.certificate_pem, {}, certificate, {}}, 1000, [&](caf::expected<ports::connection_ptr> r) {
          c = *r;
          c->start(
              {[&, reader](ports::bytes b) { reader->feed(b, got); }, [&](const caf::error&) { ended = true; }, {}});
          c->send(link::encode(first));
        });
    w.until([&] { return ended; }, 60'000);
    BOOST_REQUIRE(ended);
    BOOST_REQUIRE(!got.empty());
    return got.back();
  };
  auto hello = link::frame::build([](schema::Frame::Builder b) { b.initHello().setProtocol(1); });
  auto admin = *w.pki.issue(w.ca, {"admin", {"system:masters"}, {}, false}, 1);
  auto half = *w.pki.issue(w.ca, {"system:node:n1", {"people"}, {}, false}, 1);
  auto node = *w.pki.issue(w.ca, {"system:node:n1", {"system:nodes"}, {}, false}, 1);
  auto code = [](const link::frame& f) {
    return (*f).isGoodbye() ? static_cast<errc>((*f).getGoodbye().getCode()) : errc::none;
  };
  // An administrator may join, as an island that is no node; this hello is a node's. Without letters nobody may.
  BOOST_TEST((code(try_as(admin.certificate_pem, hello)) == errc::unsupported));
  BOOST_TEST((code(try_as(half.certificate_pem, hello)) == errc::forbidden));
  BOOST_TEST((code(try_as("", hello)) == errc::unauthorized));
  auto newer = link::frame::build([](schema::Frame::Builder b) { b.initHello().setProtocol(2); });
  BOOST_TEST((code(try_as(node.certificate_pem, newer)) == errc::unsupported));
  auto facts = link::frame::build([](schema::Frame::Builder b) { b.initFacts(); });
  BOOST_TEST((code(try_as(node.certificate_pem, facts)) == errc::invalid));
}

BOOST_AUTO_TEST_CASE(a_certificate_is_renewed_over_the_session_before_it_ends) {
  world w{10};
  w.renew_before_ms = 400LL * 86'400'000;
  w.parts->certificate_days = 1000;
  auto& e = w.add_edge("n1");
  auto before = e.credentials.certificate_pem;
  BOOST_REQUIRE(w.until([&] { return e.credentials.certificate_pem != before; }));
  BOOST_TEST(sim::sim_pki::identity_of(e.credentials.certificate_pem).common_name == "system:node:n1");
  w.net.cut();
  w.pass(100);
  BOOST_REQUIRE(w.until([&] { return e.state.connected; }));
}

BOOST_AUTO_TEST_CASE(an_edge_refuses_the_desired_set_of_another_cluster) {
  world w{11};
  auto& e = w.add_edge("n1");
  w.create_pod("p", "n1", "p1");
  BOOST_REQUIRE(w.until([&] { return w.converged(e); }));
  w.parts->cluster = "cluster-2";
  w.remove("pods", "default", "p");
  w.net.cut();
  w.pass(120'000);
  BOOST_TEST(e.state.holds.size() <= 1u);
  w.net.cut();
  auto held = e.state.holds.size();
  w.create_pod("q", "n1", "p2");
  w.pass(120'000);
  BOOST_TEST(e.state.holds.size() == held);
  BOOST_TEST(!w.stats(e).connected);
  BOOST_TEST(w.stats(e).last_error.find("of cluster cluster-2") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
