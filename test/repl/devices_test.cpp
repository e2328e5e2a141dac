// Devices at the REPL.
#include <boost/test/unit_test.hpp>

#include "schema/telemetry.capnp.h"
#include "schema/twin.capnp.h"
#include "test/repl/fake_remote.hpp"
#include "tools/skerry/repl/spark.hpp"

using namespace skerry;
using namespace skerry::tools::repl;

namespace {

kj::ArrayPtr<const kj::byte> bytes_of(const std::string& text) {
  return {reinterpret_cast<const kj::byte*>(text.data()), text.size()};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(devices_at_the_repl)

BOOST_AUTO_TEST_CASE(a_line_has_a_place_for_each_value) {
  BOOST_TEST(sparkline({}) == "");
  BOOST_TEST(sparkline({0.0, 7.0, std::nullopt, 3.0}) == "▁█ ▄");
  BOOST_TEST(sparkline({5.0, 5.0}) == "▅▅");
  BOOST_TEST(sparkline({std::nullopt}) == " ");
}

BOOST_AUTO_TEST_CASE(a_twin_shows_its_properties) {
  shell_world w;
  w.remote.answer = [](const asked& a, const caf::message&) -> caf::expected<caf::message> {
    BOOST_TEST(a.path == "/node/n1/twin/shop/boiler");
    return caf::make_message(letter<schema::TwinView>::build([](schema::TwinView::Builder b) {
      b.setNamespace("shop");
      b.setName("boiler");
      b.setState("online");
      b.setStatus(bytes_of(
          R"({"twins":[{"propertyName":"t","reported":{"value":"21.5\u001b[2J","metadata":{"timestamp":"1000","quality":"good"}}},
        {"propertyName":"s","reported":{"value":"4","metadata":{"timestamp":"3000","quality":"bad","why":"no answer"}},"observedDesired":{"value":"4"}}]})"));
    }));
  };
  BOOST_TEST(w.people.run("twin /node/n1/twin/shop/boiler") == 0);
  auto text = w.out.take();
  BOOST_TEST(text.find("shop/boiler is online") != std::string::npos);
  BOOST_TEST(text.find("2.0s before") != std::string::npos);
  BOOST_TEST(text.find("no answer") != std::string::npos);
  BOOST_TEST(text.find('\x1b') == std::string::npos);  // nobody writes to the terminal by a value
}

BOOST_AUTO_TEST_CASE(samples_are_asked_of_the_cloud_and_drawn) {
  shell_world w;
  std::string query;
  w.remote.answer = [&](const asked& a, const caf::message& m) -> caf::expected<caf::message> {
    BOOST_TEST(a.path == "/cloud/api/samples");
    query = (*m.get_as<letter<schema::AskSamples>>(0)).getQuery().cStr();
    return caf::make_message(letter<schema::SamplesAnswer>::build([](schema::SamplesAnswer::Builder b) {
      b.setBody(bytes_of(R"({"metadata":{"from":"2026-11-27T10:00:00.000Z"},"items":[
        {"property":"t","time":"2026-11-27T10:00:00.000Z","value":1,"count":2},{"property":"t","time":"2026-11-27T10:59:00.000Z","value":8,"count":3}]})"));
    }));
  };
  BOOST_TEST(w.people.run("samples /node/n1/twin/shop/boiler t&x") == 0);
  BOOST_TEST(query.find("property=t%26x") != std::string::npos);
  BOOST_TEST(query.find("step=60000ms") != std::string::npos);
  auto text = w.out.take();
  BOOST_TEST(text.find("▁" + std::string(58, ' ') + "█") != std::string::npos);
  BOOST_TEST(text.find(" 5 ") != std::string::npos);
  BOOST_TEST(w.people.run("samples /node/n1/agent") == 2);
}

BOOST_AUTO_TEST_SUITE_END()
