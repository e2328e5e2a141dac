#pragma once
#include <caf/expected.hpp>
#include <caf/make_message.hpp>
#include <caf/message.hpp>
#include <string>
#include <vector>

#include "schema/admin.capnp.h"
#include "schema/letter.hpp"

namespace skerry::tools::repl {

/// The running system, as the commands reach it. The real one is `joined`; tests have their own.
class remote {
public:
  virtual ~remote() = default;

  /// The island that this REPL is joined to, such as "/cloud".
  virtual const std::string& home() const = 0;
  /// Sends a request to who stands at `path` and waits for the answer. Errors: what the other side answered;
  /// errc::timed_out after `deadline_ms`, errc::cancelled by Ctrl-C, errc::unavailable when the island went away.
  virtual caf::expected<caf::message> ask(const std::string& path, caf::message what, uint32_t deadline_ms) = 0;
  /// What became of the connection since this was called last, to be shown; empty: nothing. Settles wake_fd().
  virtual std::string news() { return {}; }
  /// Sends without waiting. Errors: errc::invalid, errc::forbidden.
  virtual caf::error send(const std::string& path, caf::message what) = 0;
  /// The `Traced` letters that came since the last call.
  virtual std::vector<letter<schema::Traced>> take_traced() = 0;
  /// Readable while some wait.
  virtual int wake_fd() const = 0;

  /// As ask, for letters of known types. Errors also: errc::corrupt if the answer is of another type.
  template <class Answer, class Question>
  caf::expected<letter<Answer>> ask_for(const std::string& path, const letter<Question>& q, uint32_t deadline_ms) {
    auto r = ask(path, caf::make_message(q), deadline_ms);
    if (!r) return std::move(r.error());
    if (!r->template match_elements<letter<Answer>>())
      return make_error(errc::corrupt, path + " gave an answer of another type; is it of another version?");
    return r->template get_as<letter<Answer>>(0);
  }
};

}  // namespace skerry::tools::repl
