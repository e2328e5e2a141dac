#pragma once
#include <caf/actor.hpp>
#include <caf/expected.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/api/auth.hpp"
#include "actors/api/open_writes.hpp"
#include "actors/base/context.hpp"
#include "actors/store/view.hpp"
#include "schema/json.hpp"
#include "schema/kube/registry.hpp"

namespace skerry::api {

struct front_options {
  std::vector<static_token> tokens;  ///< beside bootstrap tokens
  std::vector<grant> grants;         ///< beside system:masters
  std::string version = "0.1.0";     ///< Skerry's own, behind the '+' of gitVersion
};

/// What front, sessions and watches need. Built by main; outlives them. The finders return the present actor or a null
/// handle (base::directory::finder), so that all survive restarts of each other.
struct parts {
  context ctx;
  const kube::registry& registry;
  const store::reader& reader;
  std::function<caf::actor()> store;     ///< takes store::commit, store::subscribe
  std::function<caf::actor()> sessions;  ///< api::sessions
  std::function<caf::actor()> watches;   ///< a pool (base/pool.hpp) under which watches live
  /// Reads YAML bodies (main gives http::yaml_to_json); empty: they are refused with 415. Errors: errc::invalid with
  /// the place.
  std::function<caf::expected<json::value>(std::string_view)> yaml;
  front_options options;
  std::function<caf::actor()> samples{};  ///< api::samples; empty: nobody keeps samples here
  std::shared_ptr<open_writes> writes = std::make_shared<open_writes>();
};

}  // namespace skerry::api
