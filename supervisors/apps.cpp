#include "supervisors/apps.hpp"

#include <caf/send.hpp>

#include "supervisors/pool.hpp"

namespace skerry::supervisors {

child_spec apps_of(const services& island, const std::string& root, std::vector<app_child> apps) {
  auto start = [&island, path = root + "/app", apps = std::move(apps)](caf::event_based_actor* parent) {
    auto p = parent->spawn(pool, pool_args{island, path});
    for (const auto& a : apps) caf::anon_send(p, base::start_child{a.id, a.start});
    return p;
  };
  return subtree("app", std::move(start), false, child_kind::pool);
}

}  // namespace skerry::supervisors
