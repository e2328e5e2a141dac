#pragma once
#include <caf/event_based_actor.hpp>
#include <functional>
#include <string>
#include <vector>

#include "actors/sdk/status.hpp"
#include "actors/store/object.hpp"
#include "schema/objects.capnp.h"

namespace skerry::sdk {

/// An object of the cloud: immutable, cheap to copy, safe to keep. store::name_of, namespace_of, uid_of, revision_of,
/// label_of, json_of and parse read it.
using object = store::object;
/// "configmaps", namespace, name. `resource` is the plural, and the group where it is not the core one:
/// "deployments.apps"; `ns` is empty for objects of the whole cluster.
using key = store::object_key;

/// How an actor reaches the objects, and all other actors: `resolve` gives the actor at a path, the same inside the
/// cloud (base::directory) and over a link (link::mesh). Built by sdk::island or main; outlives the actors.
using resolver = std::function<caf::actor(std::string_view path)>;

/// Where the actor behind sdk::objects and sdk::informer stands.
inline constexpr std::string_view objects_path = "/cloud/api/objects";

enum class patch_kind : uint8_t { merge, strategic, json };

struct list_options {
  std::string ns{};              ///< empty: all namespaces
  std::string label_selector{};  ///< "app=web,tier in (a,b)"
  std::string field_selector{};  ///< "spec.nodeName=n17"
};
struct object_list {
  std::vector<object> items;
  uint64_t revision = 0;  ///< of the whole list: a watch may begin after it
};
struct delete_options {
  std::string uid{};               ///< errc::conflict if the object has another one
  std::string resource_version{};  ///< errc::conflict if it has changed since
  std::string propagation{};       ///< "Background" (as if empty), "Foreground", "Orphan"
  std::optional<int64_t> grace_seconds{};
};

/// Reads and writes objects as a client of the API would: the same validation, defaults, rights and refusals, whether
/// the actor lives in the cloud or at the end of a link. Belongs to one actor, in whose turn each answer comes; answers
/// come in any order. Errors are caf::error with an errc and Kubernetes' message; status_of(error) gives reason and
/// causes. errc::suspended, unavailable and timed_out mean that nobody decided: a write may have happened or not.
class objects {
public:
  using on_object = std::function<void(caf::expected<object>)>;
  using on_list = std::function<void(caf::expected<object_list>)>;
  using on_done = std::function<void(const caf::error&)>;  ///< no error: done

  /// `deadline_ms` is for each single request. `self` outlives this (be a part of its state).
  objects(caf::event_based_actor* self, resolver resolve, uint32_t deadline_ms = 15'000);

  /// Errors: errc::not_found.
  void get(const key& k, on_object done) const;
  /// All objects, page after page of one revision; begins anew by itself if the pages expire on the way.
  void list(std::string resource, list_options which, on_list done) const;
  /// Makes an object; name and namespace come from `value`, which may have metadata.generateName instead of a name.
  /// Errors: errc::already_exists, invalid.
  void create(std::string resource, const json::value& value, on_object done) const;
  /// Replaces an object. With metadata.resourceVersion in `value` (as in every object that was read): errc::conflict
  /// if it has changed since. Errors: not_found, invalid.
  void update(const key& k, const json::value& value, on_object done) const;
  /// As update, of the status alone; the spec in `value` is ignored.
  void update_status(const key& k, const json::value& value, on_object done) const;
  /// Errors: not_found, invalid.
  void patch(const key& k, patch_kind how, const json::value& patch, on_object done) const;
  void patch_status(const key& k, patch_kind how, const json::value& patch, on_object done) const;
  /// Deletes as the API does: finalizers and grace periods are kept. errc::not_found if it is not there.
  void remove(const key& k, delete_options how, on_done done) const;
  /// Any call of schema/objects.capnp: `fill` gets the builder. The answer's status is below 400.
  void call(const std::function<void(schema::ObjectCall::Builder)>& fill,
            std::function<void(caf::expected<letter<schema::ObjectAnswer>>)> done) const;

private:
  struct page;
  void next_page(std::shared_ptr<page> p) const;
  void write(schema::ObjectCall::Verb verb, const key& k, std::string_view subresource, const json::value& body,
             patch_kind how, on_object done) const;

  caf::event_based_actor* self_;
  resolver resolve_;
  uint32_t deadline_ms_;
};

/// The object in an answer's JSON, as the store keeps it.
object freeze_json(std::string_view resource, json::value value);

}  // namespace skerry::sdk
