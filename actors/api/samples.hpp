#pragma once
#include <caf/allowed_unsafe_message_type.hpp>

#include "actors/api/front.hpp"
#include "actors/base/actor.hpp"
#include "actors/ports/http.hpp"
#include "actors/telemetry/series_store.hpp"

namespace skerry::api {

/// From the front: somebody who may wants to know of a device's samples. `exchange` is answered.
struct ask_samples {
  ports::http_exchange_ptr exchange;
  std::string ns, name, query;  ///< `query` as in the path
  bool csv = false;             ///< if the query does not say
  std::shared_ptr<void> place;  ///< one of limits::queries_waiting_max
};

struct samples_args {
  const parts& p;
  const telemetry::series_store& series;
  const front& may;
  std::string path;  ///< "/cloud/api/samples"
  /// As whom a letter's sender asks; nothing: it may not.
  std::function<std::optional<ports::peer_identity>(const caf::strong_actor_ptr&)> who;
};

/// Answers queries of samples (telemetry.skerry.io/v1 devices/samples), one after the other: from the front, and as
/// AskSamples (schema/telemetry.capnp) from actors that may. Blocks on the disk.
caf::behavior samples(base::stateful<struct samples_state>* self, samples_args args);

/// Internal state; public only because CAF constructs it.
struct samples_state {
  static inline const char* name = "samples";
  explicit samples_state(base::actor*) {}
};

}  // namespace skerry::api

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::api::ask_samples)
