#include "schema/kube/deletion.hpp"

#include <boost/test/unit_test.hpp>

using namespace skerry;
using kube::begin_deletion;
using kube::deletion_step;

BOOST_AUTO_TEST_SUITE(deletion)

namespace {
constexpr int64_t now = 1'700'000'000'000;

json::value parsed(std::string_view text) {
  std::string error;
  auto v = parse_json(text, error);
  BOOST_REQUIRE_MESSAGE(error.empty(), error);
  return v;
}
int step(deletion_step s) { return static_cast<int>(s); }
}  // namespace

BOOST_AUTO_TEST_CASE(a_bound_pod_gets_its_grace_and_later_less_but_never_more) {
  auto pod =
      parsed(R"({"metadata":{"name":"a","generation":1},"spec":{"nodeName":"n","terminationGracePeriodSeconds":20}})");
  BOOST_TEST(step(begin_deletion(pod, "pods", {}, now)) == step(deletion_step::update));
  BOOST_TEST(string_at(pod, "metadata.deletionTimestamp") == format_time(now + 20'000));
  BOOST_TEST(int_at(pod, "metadata.deletionGracePeriodSeconds") == 20);
  BOOST_TEST(int_at(pod, "metadata.generation") == 2);
  BOOST_TEST(!kube::deletion_complete(pod, "pods"));

  BOOST_TEST(step(begin_deletion(pod, "pods", {60, {}}, now)) == step(deletion_step::unchanged));
  BOOST_TEST(step(begin_deletion(pod, "pods", {5, {}}, now + 1000)) == step(deletion_step::update));
  BOOST_TEST(string_at(pod, "metadata.deletionTimestamp") == format_time(now + 5'000));
  BOOST_TEST(step(begin_deletion(pod, "pods", {0, {}}, now)) == step(deletion_step::remove));
}

BOOST_AUTO_TEST_CASE(a_pod_without_a_node_or_at_its_end_goes_at_once) {
  auto pending = parsed(R"({"metadata":{"name":"a"},"spec":{}})");
  BOOST_TEST(step(begin_deletion(pending, "pods", {}, now)) == step(deletion_step::remove));
  auto done = parsed(R"({"metadata":{"name":"a"},"spec":{"nodeName":"n"},"status":{"phase":"Succeeded"}})");
  BOOST_TEST(step(begin_deletion(done, "pods", {}, now)) == step(deletion_step::remove));
}

BOOST_AUTO_TEST_CASE(a_pod_with_a_finalizer_waits_for_it) {
  auto pod = parsed(R"({"metadata":{"name":"a","finalizers":["x/y"]},"spec":{"nodeName":"n"}})");
  BOOST_TEST(step(begin_deletion(pod, "pods", {0, {}}, now)) == step(deletion_step::update));
  BOOST_TEST(!kube::deletion_complete(pod, "pods"));
  pod.at("metadata").as_object().erase("finalizers");
  BOOST_TEST(kube::deletion_complete(pod, "pods"));
}

BOOST_AUTO_TEST_CASE(policies_set_the_collectors_finalizers) {
  auto d = parsed(R"({"metadata":{"name":"a"}})");
  BOOST_TEST(step(begin_deletion(d, "deployments.apps", {{}, kube::propagation::foreground}, now)) ==
             step(deletion_step::update));
  BOOST_TEST(array_at(d, "metadata.finalizers").at(0).as_string() == "foregroundDeletion");
  BOOST_TEST(step(begin_deletion(d, "deployments.apps", {{}, kube::propagation::foreground}, now)) ==
             step(deletion_step::unchanged));
  BOOST_TEST(step(begin_deletion(d, "deployments.apps", {{}, kube::propagation::orphan}, now)) ==
             step(deletion_step::update));
  BOOST_TEST(array_at(d, "metadata.finalizers").at(0).as_string() == "orphan");
  BOOST_TEST(step(begin_deletion(d, "deployments.apps", {{}, kube::propagation::background}, now)) ==
             step(deletion_step::remove));
}

BOOST_AUTO_TEST_CASE(a_namespace_is_terminating_until_its_finalizers_are_gone) {
  auto ns = parsed(R"({"metadata":{"name":"a"},"spec":{"finalizers":["kubernetes"]},"status":{"phase":"Active"}})");
  BOOST_TEST(step(begin_deletion(ns, "namespaces", {}, now)) == step(deletion_step::update));
  BOOST_TEST(string_at(ns, "status.phase") == "Terminating");
  BOOST_TEST(step(begin_deletion(ns, "namespaces", {}, now)) == step(deletion_step::unchanged));
  ns.at("spec").as_object()["finalizers"] = json::array{};
  BOOST_TEST(kube::deletion_complete(ns, "namespaces"));
}

BOOST_AUTO_TEST_SUITE_END()
