#pragma once
#include <caf/error.hpp>
#include <string>

namespace skerry {

/// What kind of operating error happened. The API maps each to an HTTP status and a Kubernetes `reason`
/// (docs: API conventions, "Response Status Kind"), the link carries them as they are.
enum class errc : uint8_t {
  none = 0,
  invalid,         ///< the caller's value breaks a rule; the message names the field
  not_found,       ///< no such object, node, path, image
  already_exists,  ///< create of a name that is taken
  conflict,        ///< the expected revision is not the stored one
  expired,         ///< the asked revision is compacted (HTTP 410), or a token is past its time
  unauthorized,    ///< who asks is not known
  forbidden,       ///< who asks is known and may not
  unavailable,     ///< the other side is not there just now; try again
  suspended,       ///< the link to the other side is cut; the time to live of the request is over
  timed_out,       ///< a deadline passed
  too_large,       ///< over a limit of schema/limits.hpp
  too_many,        ///< a bounded queue is full
  corrupt,         ///< stored or received bytes do not check
  io,              ///< the disk or a socket failed
  full,            ///< no space left
  locked,          ///< another process holds it
  cancelled,       ///< the caller withdrew
  unsupported,     ///< a thing that this version does not do
  internal,        ///< a defect of ours
};

/// Returns the name of `code` as it stands in messages and metrics, such as "not_found".
const char* to_string(errc code);

/// Makes an error that carries `code` and a message that says what, where and what to do.
caf::error make_error(errc code, std::string message);

/// Returns the code of an error made here; `errc::internal` for one of another category, `none` for no error.
errc code_of(const caf::error& e);

/// Returns the message of an error made here, or CAF's own text for one of another category.
std::string message_of(const caf::error& e);

}  // namespace skerry
