#include "actors/sdk/status.hpp"

#include <boost/json/serialize.hpp>
#include <caf/make_message.hpp>
#include <caf/message.hpp>

namespace skerry::sdk {
namespace {

std::string to_text(const status& s) {
  json::array causes;
  for (const auto& c : s.causes)
    causes.push_back(json::object{{"reason", c.reason}, {"message", c.message}, {"field", c.field}});
  return json::serialize(json::object{
      {"code", s.code},
      {"reason", s.reason},
      {"message", s.message},
      {"details", json::object{{"causes", std::move(causes)}, {"retryAfterSeconds", s.retry_after_ms / 1000}}}});
}

}  // namespace

errc errc_of(const status& s) {
  if (s.reason == "AlreadyExists") return errc::already_exists;
  switch (s.code) {
    case 400:
    case 422:
      return errc::invalid;
    case 401:
      return errc::unauthorized;
    case 403:
      return errc::forbidden;
    case 404:
      return errc::not_found;
    case 405:
    case 406:
    case 415:
      return errc::unsupported;
    case 409:
      return errc::conflict;
    case 410:
      return errc::expired;
    case 413:
      return errc::too_large;
    case 429:
      return errc::too_many;
    case 503:
      return errc::unavailable;
    case 504:
      return errc::timed_out;
    case 507:
      return errc::full;
    default:
      return errc::internal;
  }
}

status read_status(const json::value& body, int code) {
  status s;
  s.code = static_cast<int>(int_at(body, "code", code));
  s.reason = string_at(body, "reason");
  s.message = string_at(body, "message");
  s.retry_after_ms = static_cast<uint32_t>(int_at(body, "details.retryAfterSeconds")) * 1000;
  for (const auto& c : array_at(body, "details.causes"))
    s.causes.push_back({std::string{string_at(c, "reason")}, std::string{string_at(c, "message")},
                        std::string{string_at(c, "field")}});
  if (s.message.empty()) s.message = "the cloud answered with status " + std::to_string(code);
  return s;
}

caf::error make_error(const status& s) {
  auto plain = skerry::make_error(errc_of(s), s.message);
  // The second element is for status_of; whoever knows nothing of it reads the first.
  return caf::error{plain.code(), plain.category(), caf::make_message(s.message, to_text(s))};
}

status status_of(const caf::error& e) {
  if (e && e.context().match_elements<std::string, std::string>()) {
    std::string error;
    auto v = parse_json(e.context().get_as<std::string>(1), error);
    if (error.empty()) return read_status(v, 0);
  }
  status s;
  s.message = message_of(e);
  return s;
}

bool is_transient(const caf::error& e) {
  switch (code_of(e)) {
    case errc::unavailable:
    case errc::suspended:
    case errc::timed_out:
    case errc::too_many:
      return true;
    default:
      return e.category() == caf::atom("system");  // the actor that was asked is gone: its successor will do
  }
}

}  // namespace skerry::sdk
