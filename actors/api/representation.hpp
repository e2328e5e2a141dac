#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "actors/ports/http.hpp"
#include "actors/store/object.hpp"
#include "schema/kube/registry.hpp"

namespace skerry::api {

/// How a client wants objects (API conventions, "Receiving resources as Tables").
enum class form : uint8_t {
  object,    ///< as they are
  table,     ///< meta.k8s.io/v1 Table, kubectl's columns
  metadata,  ///< meta.k8s.io/v1 PartialObjectMetadata
};
struct representation {
  enum class include : uint8_t { none, metadata, object };
  form what = form::object;
  include rows = include::metadata;  ///< what a table's rows carry (query includeObject)
};

/// Picks the first of an Accept header's media types that is served; nothing if none is.
std::optional<representation> negotiate(std::string_view accept, std::string_view include_object);

/// True if the header's best aggregated discovery form is asked for (apidiscovery.k8s.io, v2 or v2beta1); `version`
/// says which.
bool wants_aggregated_discovery(std::string_view accept, std::string& version);

/// One object in a form. A table has one row, and its columnDefinitions if `columns`. No line end.
ports::http_body render(const kube::resource_info& info, const store::object& o, const representation& r,
                        int64_t now_ms, bool columns = true);

/// Puts together a list in a form, object by object.
class list_writer {
public:
  list_writer(const kube::resource_info& info, const representation& r, int64_t now_ms);
  void add(const store::object& o);
  size_t size() const { return count_; }
  /// `remaining` < 0: not told.
  ports::http_body finish(uint64_t revision, std::string_view continue_token, int64_t remaining) &&;

private:
  const kube::resource_info& info_;
  representation how_;
  int64_t now_ms_;
  ports::http_body body_;
  size_t count_ = 0;
};

}  // namespace skerry::api
