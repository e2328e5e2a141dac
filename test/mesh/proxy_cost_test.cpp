#include <malloc.h>

#include <boost/test/unit_test.hpp>

#include "actors/link/mesh_core.hpp"
#include "test/mesh/world.hpp"

using namespace skerry;

BOOST_AUTO_TEST_SUITE(proxy_cost)

// With its path, its place in the cache and what malloc adds: read from the allocator, over 100,000 of them.
BOOST_AUTO_TEST_CASE(a_proxy_costs_at_most_300_bytes) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return;  // their allocators do not count as malloc does
#endif
  test::mesh_world w;
  constexpr size_t many = 100'000;
  std::vector<caf::actor> handles;
  handles.reserve(many);
  std::vector<std::string> paths;
  for (size_t i = 0; i < many; ++i) {
    char text[64];
    std::snprintf(text, sizeof text, "/node/n%03zu/pod/%08zx-1b2c-4d3e-8f40-123456789abc", i % 1000, i);
    paths.emplace_back(text);
  }
  for (size_t i = 0; i < 1000; ++i) w.at("/cloud").links.core().peer_for("/node/n" + paths[i].substr(7, 3));
  auto before = mallinfo2().uordblks;
  for (auto& p : paths) handles.push_back(w.handle("/cloud", p));
  auto each = static_cast<double>(mallinfo2().uordblks - before) / many;
  BOOST_TEST_MESSAGE("a proxy costs " << each << " bytes, path of " << paths[0].size() << " bytes included");
  BOOST_TEST(each <= 300.0);
  BOOST_TEST(w.at("/cloud").links.core().proxies() == many);
  handles.clear();
  BOOST_TEST(w.at("/cloud").links.core().proxies() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
