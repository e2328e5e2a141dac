#pragma once
#include <caf/expected.hpp>
#include <map>
#include <string_view>
#include <unordered_map>

#include "schema/json.hpp"
#include "schema/kube/registry.hpp"

namespace skerry::kube {

/// Reads Kubernetes' protobuf encoding (content type application/vnd.kubernetes.protobuf), which Go clients of 1.32 and
/// later send from their typed calls and offer no way back from. Field numbers are those of
/// schema/kubernetes/protobuf.tsv, types those of the registry. What a Go client writes for an absent value (empty
/// strings, false, zeros where zero is the absent value) is left out, as its JSON would leave it out. Only reading:
/// every such client takes JSON in answer.
class protobuf_codec {
public:
  /// Parses the embedded table, about 1 ms. `r` outlives the codec. Throws std::runtime_error if the table does not
  /// parse.
  explicit protobuf_codec(const registry& r);

  /// Reads an envelope ("k8s\0", runtime.Unknown) and the object in it. Errors: errc::invalid that says what does not
  /// parse; errc::unsupported for a kind or a set field that the table does not have.
  caf::expected<json::value> decode(std::string_view bytes) const;

private:
  struct message;
  struct field {
    std::string_view name;             ///< in JSON
    const message* inlined = nullptr;  ///< its fields stand in the object itself
  };
  struct message {
    std::string_view name;
    std::map<uint32_t, field> fields;
  };
  friend class protobuf_reader;
  std::unordered_map<std::string_view, message> messages_;
  const registry& registry_;
};

}  // namespace skerry::kube
