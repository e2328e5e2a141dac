#include "actors/api/front.hpp"

/// What those may who do not come by HTTP.
namespace skerry::api {

wish samples_wish(const std::string& ns, const std::string& name) {
  return {"get", "telemetry.skerry.io", "devices", "samples", ns, name};
}

caf::error front::may_watch(const ports::peer_identity& who, const kube::resource_info& info,
                            const std::string& ns) const {
  std::string group{info.group}, plural{info.plural};
  return may(who, info, {{"list", group, plural, {}, ns, {}}, {"watch", group, plural, {}, ns, {}}});
}

caf::error front::may_read_samples(const ports::peer_identity& who, const std::string& ns,
                                   const std::string& name) const {
  return may(who, *parts_.registry.find_id(store::devices_resource), {samples_wish(ns, name)});
}

caf::error front::may(const ports::peer_identity& who, const kube::resource_info& info,
                      const std::vector<wish>& all) const {
  auto view = parts_.reader.current();
  if (!view) return make_error(errc::unavailable, "the store is starting; try again");
  ports::http_request as;
  as.peer = who;
  auto asks = authenticate(as, {}, *view, parts_.ctx.clock.wall_ms());
  if (!asks || asks->anonymous()) return make_error(errc::unauthorized, unauthorized().message);
  for (const auto& w : all)
    if (!authorized(*asks, w, parts_.options.grants, *view))
      return make_error(errc::forbidden, forbidden(info, w.name, refusal(*asks, w)).message);
  return {};
}

}  // namespace skerry::api
