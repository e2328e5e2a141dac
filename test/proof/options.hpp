#pragma once
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

namespace skerry::test::proof {

/// "name=value" after "--" on the command line of the test binary.
inline std::string option(const std::string& name, const std::string& otherwise) {
  auto& suite = boost::unit_test::framework::master_test_suite();
  for (int i = 1; i < suite.argc; ++i) {
    std::string arg = suite.argv[i];
    if (arg.starts_with(name + "=")) return arg.substr(name.size() + 1);
  }
  return otherwise;
}
inline uint64_t number_option(const std::string& name, uint64_t otherwise) {
  return std::stoull(option(name, std::to_string(otherwise)));
}

/// The seed of this run: given by "seed=", else drawn. Says how the run is repeated.
inline uint64_t seed_of_run(const char* test, const std::string& more = {}) {
  auto seed = number_option("seed", std::random_device{}());
  std::cout << "seed " << seed << "; again with: test_proof --run_test=" << test << " -- seed=" << seed << more
            << std::endl;
  return seed;
}

}  // namespace skerry::test::proof
