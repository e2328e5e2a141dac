// An operator as a process of its own, at the end of a link: see README.md beside this file.
#include "site_operator.hpp"
#include "tools/sdk/island.hpp"

int main(int argc, char** argv) {
  namespace sdk = skerry::sdk;
  sdk::island_options options;
  if (auto code = sdk::parse_options(argc, argv, "Keeps a Deployment and a Service for each site.", options))
    return *code;
  auto opened = sdk::island::open(options);
  if (!opened) return sdk::fail(opened.error());
  auto& island = **opened;
  auto worker = skerry::supervisors::worker("site-operator", [&island](caf::event_based_actor* parent) {
    return parent->spawn(site::site_operator, site::operator_args{island.ctx(), island.resolve(),
                                                                  island.path("site-operator"), island.name()});
  });
  if (auto started = island.start({worker}); !started) return sdk::fail(started.error());
  return island.await_end();
}
