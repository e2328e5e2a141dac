#include <test/contract/runtime_contract.hpp>

#include "support.hpp"

BOOST_FIXTURE_TEST_SUITE(oci, skerry::test::tidy)

BOOST_AUTO_TEST_CASE(keeps_the_contract_of_runtimes) {
  using namespace skerry;
  auto& w = test::the_world();
  auto wait = [](auto f) { return test::world::wait(f); };
  contract::runtime_contract<decltype(wait)> contract{*w.runtime, w.image, wait};
  contract.run();
  w.start();  // hears of exits itself again
  for (auto& l : w.leftovers()) BOOST_ERROR("left over: " << l);
}

BOOST_AUTO_TEST_SUITE_END()
