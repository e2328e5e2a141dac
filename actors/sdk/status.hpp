#pragma once
#include <caf/error.hpp>
#include <string>
#include <vector>

#include "schema/error.hpp"
#include "schema/json.hpp"

namespace skerry::sdk {

/// A refusal in Kubernetes' words (meta/v1 Status).
struct status {
  struct cause {
    std::string reason, message, field;  ///< "FieldValueRequired", "Required value", "spec.selector"
  };
  int code = 0;                 ///< as HTTP: 404, 409, 422, ...
  std::string reason;           ///< "NotFound", "AlreadyExists", "Conflict", "Invalid", "Forbidden", ...
  std::string message;          ///< `deployments.apps "web" not found`
  std::vector<cause> causes;    ///< of Invalid: one for each broken rule
  uint32_t retry_after_ms = 0;  ///< 0: not told
};

/// An error that carries this status: its code by `errc_of`, its message the status's.
caf::error make_error(const status& s);
/// The status in an error from sdk::objects; one with code 0 and the error's message if nobody decided (the cloud is
/// not there, the time is over).
status status_of(const caf::error& e);
/// Reads a meta/v1 Status. `code` is the answer's, for a body that names none.
status read_status(const json::value& body, int code);
/// NotFound: not_found; AlreadyExists: already_exists; Conflict: conflict; Invalid, BadRequest: invalid; Expired, Gone:
/// expired; Forbidden: forbidden; Unauthorized: unauthorized; TooManyRequests: too_many; 413: too_large; 503:
/// unavailable; 504: timed_out; 405, 406, 415: unsupported; all else: internal.
errc errc_of(const status& s);
/// Is another try of the same worth while, without a look at the object first?
bool is_transient(const caf::error& e);

}  // namespace skerry::sdk
