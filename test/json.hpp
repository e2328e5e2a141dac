#pragma once
#include <boost/test/unit_test.hpp>
#include <string>

#include "schema/json.hpp"

namespace skerry::test {

/// JSON with ' in place of ", as C++ likes it; fails the test if it is none.
inline json::value parsed(std::string text) {
  for (auto& c : text)
    if (c == '\'') c = '"';
  std::string error;
  auto v = parse_json(text, error);
  BOOST_REQUIRE_MESSAGE(error.empty(), error);
  return v;
}

}  // namespace skerry::test
