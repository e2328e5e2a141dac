// Islands of different versions, and bytes that no island of any version sends.
#include <boost/test/unit_test.hpp>

#include "actors/link/letters_frame.hpp"
#include "test/mesh/world.hpp"

using namespace skerry;
using schema::Probe;
using schema::ProbeFact;
using schema::ProbeState;
using test::counter;
using test::mesh_world;
using test::probe;

namespace {

/// Bytes of a letter of one type as the body of an envelope of another: what a newer or older version of the type is.
template <class As, class From>
caf::expected<caf::message> read_as(const vocabulary& words, const letter<From>& l) {
  return words.find(capnp::typeId<As>())->make(l.bytes());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mesh_skew)

BOOST_AUTO_TEST_CASE(a_message_that_is_not_known_is_refused_and_the_link_stays) {
  vocabulary old;
  old.add<Probe>();
  mesh_world w;
  w.add("/node/n1", old);
  counter c;
  w.put("/node/n1/counter", c.behave());
  w.join("/node/n1");
  auto remote = w.handle("/cloud", "/node/n1/counter");
  caf::error why;
  uint64_t answer = 0;
  w.run([&](caf::event_based_actor* self) {
    self->request(remote, caf::infinite, probe<schema::ProbeBulk>(1))
        .then([] {}, [&](const caf::error& e) { why = e; });
    self->send(remote, probe<ProbeState>(2));
    self->send(remote, probe<ProbeFact>(3));
    self->request(remote, caf::infinite, probe(4)).then([&](const letter<Probe>& p) { answer = (*p).getNumber(); });
  });
  w.pass(1'000);
  BOOST_TEST((code_of(why) == errc::unsupported), message_of(why));
  BOOST_TEST(answer == 8u);
  auto at_node = w.figures("/node/n1", "/cloud");
  BOOST_TEST(at_node.up);
  BOOST_TEST(at_node.dropped.unknown == 2u);
  BOOST_TEST(at_node.dropped.dead == 1u);
  auto at_cloud = w.figures("/cloud", "/node/n1");
  BOOST_TEST(at_cloud.up);
  BOOST_TEST(at_cloud.latest_waiting == 0u);                                // settled, not tried again and again
  BOOST_TEST(at_cloud.durable_waiting == 0u);                               // among the dead letters over there
  BOOST_TEST(at_cloud.unsettled_bytes < limits::letters_window_bytes / 8);  // the last ones are told with the next
}

BOOST_AUTO_TEST_CASE(fields_that_are_unknown_or_missing_are_no_error) {
  vocabulary words;
  add_standard(words);
  // A Probe has what a ProbePing has, and two fields more.
  auto newer = read_as<schema::ProbePing>(words, probe(5, "a key that older ones do not know", 100));
  BOOST_REQUIRE(newer);
  BOOST_TEST((*newer->get_as<letter<schema::ProbePing>>(0)).getNumber() == 5u);
  auto older = read_as<Probe>(words, letter<schema::ProbePing>::build([](auto b) { b.setNumber(6); }));
  BOOST_REQUIRE(older);
  auto read = *older->get_as<letter<Probe>>(0);
  BOOST_TEST(read.getNumber() == 6u);
  BOOST_TEST(!read.hasKey());
  BOOST_TEST(read.getBody().size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_letter_that_does_not_check_is_refused_before_anyone_reads_it) {
  vocabulary words;
  add_standard(words);
  // Where Probe has a text, ProbePong has none, and where it has data, this has a list of structs.
  capnp::MallocMessageBuilder b;
  b.initRoot<schema::Letters>().initNames(3);
  auto flat = capnp::messageToFlatArray(b);
  auto bytes = std::span{reinterpret_cast<const std::byte*>(flat.begin()), flat.size() * sizeof(capnp::word)};
  auto wrong = words.find("ProbePong")->make(bytes);
  BOOST_TEST(!wrong);
  BOOST_TEST((code_of(wrong.error()) == errc::corrupt), message_of(wrong.error()));
  BOOST_TEST((code_of(words.find("Probe")->make(bytes.first(20)).error()) == errc::corrupt));
  BOOST_TEST((code_of(words.find("Probe")->make({}).error()) == errc::corrupt));
  std::vector<std::byte> large(limits::letter_bytes_max + 8);
  BOOST_TEST((code_of(words.find("Probe")->make(large).error()) == errc::too_large));
}

/// A thousand mutations of real frames, each: the link may end, or letters be refused; nobody crashes, nothing grows.
BOOST_AUTO_TEST_CASE(mutated_frames_end_a_link_at_worst) {
  auto seed = std::getenv("SKERRY_SEED") ? std::strtoull(std::getenv("SKERRY_SEED"), nullptr, 10) : 1;
  BOOST_TEST_MESSAGE("seed " << seed);
  mesh_world w{seed};
  w.add("/node/n1");
  counter c;
  w.put("/cloud/counter", c.behave());
  w.join("/node/n1");
  // Real frames, as the node writes them.
  link::names_out names{77, [](const caf::strong_actor_ptr&) { return "/node/n1/x"; }};
  std::vector<link::outgoing> letters(4);
  std::vector<link::outgoing*> all;
  auto fill = [&](link::outgoing& o, caf::message m) {
    o.to = caf::actor_cast<caf::strong_actor_ptr>(w.handle("/node/n1", "/cloud/counter"));
    o.type = w.words.of(m.content());
    o.bytes = o.type->bytes_of(m.content()).size();
    o.what = caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(m));
    all.push_back(&o);
  };
  fill(letters[0], caf::make_message(probe(1, "key", 200)));
  fill(letters[1], caf::make_message(probe<ProbeState>(2, "key", 20)));
  letters[1].receipt = 5;
  fill(letters[2], caf::make_message(probe<ProbeFact>(3, "key", 20)));
  letters[2].receipt = 6;
  fill(letters[3], caf::make_message(probe(4)));
  letters[3].call = 9;
  link::settlement s{true, 100, {1, 2}, {3}, {{"/cloud/counter", 4}}};
  std::vector<ports::bytes> originals{link::encode_letters(all, names, false, 0), link::encode_settled(s)};
  size_t ended = 0, taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto bytes = originals[w.chance.below(originals.size())];
    for (auto n = 1 + w.chance.below(4); n > 0; --n) {
      auto at = 4 + w.chance.below(bytes.size() - 4);
      bytes[at] = w.chance.below(2) == 0 ? static_cast<std::byte>(w.chance.below(256))
                                         : bytes[at] ^ static_cast<std::byte>(1 << w.chance.below(8));
    }
    link::frame_reader reader;
    std::vector<link::frame> frames;
    if (reader.feed(bytes, frames) || frames.empty()) continue;
    auto& end = *w.carriers[0]->end;
    try {
      if (!link::link_end::takes(frames[0]) || (*frames[0]).isMesh()) continue;
    } catch (const kj::Exception&) {
      continue;
    }
    if (end.on_frame(frames[0]))
      ++ended;
    else
      ++taken;
    if (i % 64 == 0) w.settle();
  }
  w.settle();
  BOOST_TEST(ended > 100u);
  BOOST_TEST(taken > 100u);
  // The cloud works as before.
  w.net.cut();
  w.settle();
  w.join("/node/n1");
  c.seen.clear();
  auto remote = w.handle("/node/n1", "/cloud/counter");
  w.run([&](caf::event_based_actor* self) { self->send(remote, probe(7)); });
  BOOST_TEST(c.seen.size() >= 1u);
  BOOST_TEST(c.seen.back() == 7u);
}

BOOST_AUTO_TEST_SUITE_END()
