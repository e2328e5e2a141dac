// Queries of devices' samples: who may, what is said, and what is wrong.
#include "actors/api/samples.hpp"

#include "actors/api/objects.hpp"

#include "schema/telemetry.capnp.h"
#include "test/api/manifests.hpp"
#include "test/api/world.hpp"

using namespace skerry;
using namespace skerry::test;

namespace {

constexpr const char* boiler = "/apis/telemetry.skerry.io/v1/namespaces/default/devices/boiler/samples";

/// A cloud with three samples of default/boiler.
struct scene : api_world {
  sim::memory_kv disk;
  telemetry::series_store series{disk, {}};
  std::string sender = "/repl/1";
  caf::actor keeper;

  scene() {
    BOOST_REQUIRE(!series.load(clock.wall_ms()));
    telemetry::frame_builder b;
    for (int64_t i = 1; i <= 3; ++i)
      b.add({"default", "boiler", "u"}, "t", {clock.wall_ms() - 10'000 + i, ports::quality::good, i});
    series.put("n1", "j", 1, 0, b.take(), clock.wall_ms());
    BOOST_REQUIRE(!series.commit());
    auto who = [this](const caf::strong_actor_ptr&) { return api::identity_of(sender); };
    keeper = system.spawn(api::samples, api::samples_args{parts, series, front, "/cloud/api/samples", who});
    parts.samples = [this] { return keeper; };
  }
  ~scene() { stop(keeper); }
  answer as(const std::string& user, const std::string& target) {
    auto r = request("GET", target);
    r.peer.common_name = user;
    r.peer.organizations = {};
    return call(r);
  }
  caf::error asked_by(const std::string& path, std::string& body) {
    sender = path;
    caf::error out;
    caf::scoped_actor self{system};
    auto question = letter<schema::AskSamples>::build([](schema::AskSamples::Builder b) {
      b.setNamespace("default");
      b.setName("boiler");
      b.setQuery("agg=count");
    });
    self->request(keeper, std::chrono::seconds{20}, question)
        .receive(
            [&](const letter<schema::SamplesAnswer>& m) {
              body.assign(reinterpret_cast<const char*>((*m).getBody().begin()), (*m).getBody().size());
            },
            [&](const caf::error& e) { out = e; });
    return out;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(api_samples)

BOOST_AUTO_TEST_CASE(samples_come_as_json_and_csv) {
  scene s;
  auto a = s.must(200, "GET", boiler);
  BOOST_TEST(a.at("kind") == "SampleList");
  BOOST_TEST(array_at(a.value, "items").size() == 3U);
  auto r = scene::request("GET", std::string{boiler} + "?agg=sum");
  r.accept = "text/csv";
  auto table = s.call(r);
  BOOST_TEST(table.content_type.starts_with("text/csv"));
  BOOST_TEST(table.text.ends_with(",t,6,3\n"));
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said) {
  scene s;
  BOOST_TEST(s.must(400, "GET", std::string{boiler} + "?agg=median").text.find("agg") != std::string::npos);
  s.must(404, "GET", "/apis/telemetry.skerry.io/v1/namespaces/default/devices/nobody/samples");
  s.must(404, "GET", "/apis/telemetry.skerry.io/v1/namespaces/default/devices/boiler");
  s.must(404, "GET", "/apis/telemetry.skerry.io/v2/namespaces/default/devices/boiler/samples");
  s.must(405, "POST", boiler);
  s.parts.samples = [] { return caf::actor{}; };
  s.must(503, "GET", boiler);
}

BOOST_AUTO_TEST_CASE(roles_decide_who_reads_samples) {
  scene s;
  BOOST_TEST(s.as("mia", boiler).code == 403);
  s.must(
      201, "POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles",
      R"({"metadata":{"name":"reader"},"rules":[{"apiGroups":["telemetry.skerry.io"],"resources":["devices/samples"],"verbs":["get"]}]})");
  s.must(
      201, "POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
      R"({"metadata":{"name":"mia"},"subjects":[{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"mia"}],)"
      R"("roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"reader"}})");
  BOOST_TEST(s.as("mia", boiler).code == 200);
  BOOST_TEST(s.as("mia", "/apis/telemetry.skerry.io/v1/namespaces/kube-system/devices/boiler/samples").code == 403);
  BOOST_TEST(s.as("ben", boiler).code == 403);
}

BOOST_AUTO_TEST_CASE(nodes_do_not_read_samples_over_their_links) {
  scene s;
  std::string body;
  BOOST_TEST((code_of(s.asked_by("/node/n1", body)) == errc::forbidden));
  BOOST_TEST((code_of(s.asked_by("/controller/fan", body)) == errc::forbidden));  // until RBAC lets it
  BOOST_TEST(body.empty());
  BOOST_TEST(!s.asked_by("/repl/1", body));
  BOOST_TEST(body.find(R"("count":3)") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
