#include <boost/test/unit_test.hpp>

#include "actors/controllers/node_sync.hpp"
#include "actors/link/admission.hpp"
#include "actors/link/backoff.hpp"
#include "actors/link/desired.hpp"
#include "actors/link/digest.hpp"
#include "actors/link/fact.hpp"
#include "actors/link/framing.hpp"
#include "actors/link/liveness.hpp"
#include "test/link/world.hpp"

using namespace skerry;
using link::frame;

namespace {

frame ping(uint64_t n) {
  return frame::build([&](schema::Frame::Builder b) { b.setPing(n); });
}
store::object object(const std::string& resource, const std::string& name, const std::string& uid,
                     const std::string& body) {
  std::string why;
  auto v = parse_json(body, why);
  BOOST_REQUIRE_MESSAGE(why.empty(), why);
  auto& meta = ensure(v, "metadata");
  if (!meta.is_object()) meta.emplace_object();
  meta.get_object()["name"] = name;
  meta.get_object()["namespace"] = "default";
  meta.get_object()["uid"] = uid;
  return store::freeze({{resource, "default", name}, v}, store::stamp{7, 0, 0});
}
json::value parsed(const std::string& text) {
  std::string why;
  auto v = parse_json(text, why);
  BOOST_REQUIRE_MESSAGE(why.empty(), why);
  return v;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(link_framing)

BOOST_AUTO_TEST_CASE(frames_come_out_whole_however_the_bytes_are_cut) {
  ports::bytes stream;
  for (uint64_t i = 0; i < 50; ++i) {
    auto b = link::encode(ping(i));
    stream.insert(stream.end(), b.begin(), b.end());
  }
  for (size_t step : {size_t{1}, size_t{3}, size_t{7}, size_t{29}, stream.size()}) {
    link::frame_reader reader;
    std::vector<frame> out;
    for (size_t at = 0; at < stream.size(); at += step)
      BOOST_REQUIRE(!reader.feed(std::span{stream}.subspan(at, std::min(step, stream.size() - at)), out));
    BOOST_REQUIRE(out.size() == 50u);
    for (uint64_t i = 0; i < 50; ++i) BOOST_TEST((*out[i]).getPing() == i);
  }
}

BOOST_AUTO_TEST_CASE(hostile_lengths_are_refused_before_memory_is_taken) {
  struct row {
    std::vector<uint8_t> prefix;
    errc code;
  };
  for (const auto& r : std::vector<row>{{{0xff, 0xff, 0xff, 0xff}, errc::too_large},
                                        {{0x01, 0x00, 0x40, 0x00}, errc::too_large},
                                        {{0, 0, 0, 0}, errc::corrupt},
                                        {{9, 0, 0, 0}, errc::corrupt}}) {
    link::frame_reader reader;
    std::vector<frame> out;
    auto e = reader.feed(std::as_bytes(std::span{r.prefix}), out);
    BOOST_TEST((code_of(e) == r.code));
    BOOST_TEST(out.empty());
  }
}

BOOST_AUTO_TEST_CASE(no_flipped_byte_does_harm) {
  auto good = frame::build([](schema::Frame::Builder b) {
    auto h = b.initHello();
    h.setVersion("1");
    auto l = h.initInventory(3);
    for (unsigned i = 0; i < 3; ++i) l[i].setName("name-of-an-object");
  });
  auto bytes = link::encode(good);
  for (size_t i = 0; i < bytes.size(); ++i)
    for (int bit : {0x01, 0x80, 0xff}) {
      auto broken = bytes;
      broken[i] ^= static_cast<std::byte>(bit);
      link::frame_reader reader;
      std::vector<frame> out;
      if (reader.feed(broken, out) || out.empty()) continue;
      try {
        size_t seen = 0;
        if ((*out[0]).isHello())
          for (auto o : (*out[0]).getHello().getInventory()) seen += o.getName().size();
        BOOST_TEST(seen <= bytes.size() * 8);
      } catch (const kj::Exception&) {
      }
    }
}

BOOST_AUTO_TEST_CASE(facts_out_of_order_are_refused) {
  auto f = frame::build([](schema::Frame::Builder b) {
    auto l = b.initFacts().initFacts(2);
    l[0].setSequence(5);
    l[0].initPodGone();
    l[1].setSequence(5);
    l[1].initPodGone();
  });
  BOOST_TEST((code_of(link::read_facts(f).error()) == errc::invalid));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(link_rules)

BOOST_AUTO_TEST_CASE(waits_double_are_capped_and_spread) {
  test::seeded_chance chance{1};
  link::backoff b{200, 30'000};
  uint32_t cap = 200;
  for (int i = 0; i < 20; ++i, cap = std::min(cap * 2, 30'000u)) {
    auto w = b.next_ms(chance);
    BOOST_TEST(w >= cap / 2);
    BOOST_TEST(w <= cap);
  }
  b.reset();
  BOOST_TEST(b.next_ms(chance) <= 200u);
  std::set<uint32_t> waits;
  for (int i = 0; i < 100; ++i) waits.insert(link::backoff{}.next_ms(chance, 5'000));
  BOOST_TEST(waits.size() > 50u);
  BOOST_TEST(*waits.begin() >= 5'000u);
  BOOST_TEST(*waits.rbegin() <= 6'250u);
  BOOST_TEST(b.next_ms(chance, UINT32_MAX) <= 750'000u);
}

BOOST_AUTO_TEST_CASE(liveness_is_a_function_of_times) {
  using action = link::liveness::action;
  link::liveness edge{0, true, 10, 30};
  BOOST_TEST((edge.check(9) == action::none));
  BOOST_TEST(edge.next_check_ms(9) == 10);
  BOOST_TEST((edge.check(10) == action::ping));
  edge.pinged(10);
  edge.heard(11);
  BOOST_TEST((edge.check(19) == action::none));
  BOOST_TEST((edge.check(20) == action::ping));  // whatever it hears: its lease wants to be heard
  edge.pinged(20), edge.pinged(30);
  BOOST_TEST((edge.check(40) == action::ping));
  BOOST_TEST((edge.check(41) == action::dead));
  link::liveness cloud{0, false, 15, 30};
  cloud.heard(14);
  BOOST_TEST((cloud.check(20) == action::none));
  BOOST_TEST((cloud.check(29) == action::ping));
  BOOST_TEST((cloud.check(44) == action::dead));
}

BOOST_AUTO_TEST_CASE(admission_spreads_those_it_sends_away) {
  link::admission a{10};
  int now = 0;
  uint32_t last = 0;
  for (int i = 0; i < 200; ++i) {
    auto w = a.ask(1000);
    if (w == 0) {
      ++now;
      continue;
    }
    BOOST_TEST(w >= last);
    last = w;
  }
  BOOST_TEST(now <= 12);
  BOOST_TEST(now >= 10);
  BOOST_TEST(last >= 15'000u);
  BOOST_TEST(last <= 60'000u);
  BOOST_TEST(a.ask(3000) == 0u);
}

BOOST_AUTO_TEST_CASE(a_digest_moves_with_intent_alone) {
  auto base = R"({"metadata":{"name":"a","resourceVersion":"1"},"spec":{"x":1},"status":{"phase":"Pending"}})";
  for (auto same :
       {R"({"metadata":{"name":"a","resourceVersion":"9","managedFields":[]},"spec":{"x":1},"status":{}})",
        R"({"status":{"s":["}",{"a":[1,2]}]},"metadata":{"managedFields":[{"a":"]"}],"name":"a"},"spec":{"x":1}})",
        R"({"metadata":{"name":"a"},"spec":{"x":1}})"})
    BOOST_TEST(link::intent_digest(base) == link::intent_digest(same), same);
  for (auto other :
       {R"({"metadata":{"name":"a"},"spec":{"x":2}})", R"({"metadata":{"name":"a","labels":{}},"spec":{"x":1}})",
        R"({"metadata":{"name":"a","deletionTimestamp":"t"},"spec":{"x":1}})",
        R"({"metadata":{"name":"a"},"spec":{"x":1},"more":1})",
        R"({"metadata":{"name":"a"},"spec":{"status":2,"x":1}})",
        R"({"metadata":{"name":"a","annotations":{"a\":\"b,":"}\\"}},"spec":{"x":1}})",
        R"({"metadata":{"name":"a","annotations":{"a\":\"b,":"}\\\""}},"spec":{"x":1}})", "{}", "", R"({"a)"})
    BOOST_TEST(link::intent_digest(base) != link::intent_digest(other), other);
  // A digest outlives versions: edges keep them on disk.
  BOOST_TEST(link::intent_digest(base) == 0xe3925a8a69321e9cu);
}

BOOST_AUTO_TEST_CASE(references_are_found_wherever_a_pod_names_them) {
  auto refs = link::references_of(parsed(R"({"metadata":{"namespace":"ns"},"spec":{
    "volumes":[{"configMap":{"name":"a"}},{"secret":{"secretName":"b"}},{"projected":{"sources":[{"configMap":{"name":"c"}},{"secret":{"name":"d"}}]}},{"emptyDir":{}}],
    "initContainers":[{"env":[{"valueFrom":{"configMapKeyRef":{"name":"e"}}},{"valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}]}],
    "containers":[{"env":[{"valueFrom":{"secretKeyRef":{"name":"f"}}}],"envFrom":[{"configMapRef":{"name":"g"}},{"secretRef":{"name":"h"}}]}],
    "imagePullSecrets":[{"name":"i"},{"name":"b"}]}})"));
  std::string text;
  for (auto& r : refs) text += r.resource.substr(0, 1) + r.name + " ";
  BOOST_TEST(text == "ca cc ce cg sb sd sf sh si ");
  BOOST_TEST(link::references_of(parsed("{}")).empty());
}

BOOST_AUTO_TEST_CASE(the_difference_of_inventory_and_desired_set) {
  auto a = object("configmaps", "a", "u1", "{}"), pod = object("pods", "p", "u2", R"({"spec":{"nodeName":"n"}})");
  link::wanted_items wanted{{store::key_of(a), {a, 11}}, {store::key_of(pod), {pod, 22}}};
  auto key_a = store::key_of(a), key_p = store::key_of(pod);
  link::held_items held;
  auto all = link::diff(held, wanted);
  BOOST_TEST(all.drop.empty());
  BOOST_REQUIRE(all.put.size() == 2u);
  BOOST_TEST((store::name_of(all.put[1].object) == "p"));
  held = {{key_a, {"u1", 1, 11}}, {key_p, {"u2", 1, 22}}};
  BOOST_TEST(link::diff(held, wanted).empty());
  held[key_p].digest = 0;  // not known
  BOOST_TEST(link::diff(held, wanted).put.size() == 1u);
  held[key_p] = {"older", 1, 22};
  auto anew = link::diff(held, wanted);
  BOOST_TEST(anew.drop.size() == 1u);
  BOOST_TEST(anew.put.size() == 1u);
  held[{"secrets", "default", "gone"}] = {"u3", 1, 33};
  BOOST_TEST(link::diff(held, {}).drop.size() == 3u);
}

BOOST_AUTO_TEST_CASE(large_changes_go_in_frames_of_bounded_size) {
  link::desired_change change;
  change.revision = 5;
  std::string filler(100'000, 'x');
  for (int i = 0; i < 30; ++i)
    change.put.push_back(
        {object("configmaps", "c" + std::to_string(i), "u", R"({"data":{"a":")" + filler + "\"}}"), 1});
  for (int i = 0; i < 2500; ++i) change.drop.push_back({{"secrets", "default", "s" + std::to_string(i)}, {"u", 1, 1}});
  size_t puts = 0, drops = 0, frames = 0;
  bool last = false;
  while (!change.empty()) {
    BOOST_TEST(!last);
    auto f = link::next_desired_frame(change);
    auto d = (*f).getDesired();
    BOOST_TEST(f.bytes().size() <= limits::frame_bytes_max);
    BOOST_TEST((puts == 0 || d.getDrop().size() == 0));
    puts += d.getPut().size();
    drops += d.getDrop().size();
    last = d.getLast();
    ++frames;
  }
  BOOST_TEST(last);
  BOOST_TEST(puts == 30u);
  BOOST_TEST(drops == 2500u);
  BOOST_TEST(frames >= 8u);
}

BOOST_AUTO_TEST_CASE(a_change_concerns_the_nodes_of_its_pods_and_those_who_named_it) {
  controllers::node_routes routes;
  auto pod = object("pods", "p", "u", R"({"spec":{"nodeName":"n1"}})"), settings = object("configmaps", "a", "u", "{}");
  std::set<std::string, std::less<>> out;
  routes.concerned({store::event_type::modified, pod, {}, 1}, out);
  BOOST_TEST(out.count("n1") == 1u);
  out.clear();
  routes.concerned({store::event_type::modified, settings, {}, 1}, out);
  BOOST_TEST(out.empty());
  routes.set_interest("n2", {store::key_of(settings)});
  routes.set_interest("n3", {store::key_of(settings)});
  routes.concerned({store::event_type::modified, settings, {}, 1}, out);
  BOOST_TEST(out.size() == 2u);
  routes.set_interest("n2", {});
  routes.forget("n3");
  out.clear();
  routes.concerned({store::event_type::modified, settings, {}, 1}, out);
  BOOST_TEST(out.empty());
}

BOOST_AUTO_TEST_SUITE_END()
