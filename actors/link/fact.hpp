#pragma once
#include <caf/expected.hpp>
#include <string>
#include <vector>

#include "actors/link/framing.hpp"
#include "actors/link/messages.hpp"

namespace skerry::link {

enum class fact_kind : uint8_t { pod_status, pod_gone, node_status, event, device_status };

/// A fact out of its frame, with its bytes copied: safe to keep, no hostile pointers behind it.
struct fact_data {
  uint64_t sequence = 0;
  fact_kind what = fact_kind::event;
  pod_ref pod;       ///< pod_status, pod_gone; of device_status: the device
  std::string json;  ///< pod_status, node_status, event, device_status
};

/// Errors: errc::corrupt for a fact that does not parse, errc::unsupported for a kind that this version does not know.
caf::expected<fact_data> read_fact(schema::Fact::Reader r);

/// All facts of a frame whose union is `facts`. Errors: as read_fact; errc::invalid if sequences do not rise.
caf::expected<std::vector<fact_data>> read_facts(const frame& f);

}  // namespace skerry::link
