#include "drivers/http/request_parser.hpp"

#include <algorithm>

#include "schema/limits.hpp"

namespace skerry::http {

void request_parser::on_request_impl(verb, string_view method, string_view target, int version, error_code&) {
  version_ = version;
  request_.method.assign(method.data(), method.size());
  request_.target.assign(target.data(), target.size());
}

void request_parser::on_field_impl(field name, string_view, string_view value, error_code&) {
  auto keep = [&](std::string& to, bool list) {
    if (!list || to.empty()) return void(to.assign(value.data(), value.size()));
    to.append(", ").append(value.data(), value.size());  // a list-valued field may come in several lines
  };
  switch (name) {
    case field::accept:
      return keep(request_.accept, true);
    case field::content_type:
      return keep(request_.content_type, false);
    case field::authorization:
      return keep(request_.authorization, false);
    case field::user_agent:
      return keep(request_.user_agent, false);
    case field::expect:
      expects_continue_ = boost::beast::iequals(value, "100-continue");
      return;
    default:
      return;
  }
}

void request_parser::on_body_init_impl(boost::optional<std::uint64_t> const& length, error_code&) {
  if (length) request_.body.reserve(std::min<uint64_t>(*length, limits::request_body_bytes_max));
}

std::size_t request_parser::on_body_impl(string_view body, error_code&) {
  request_.body.append(body.data(), body.size());
  return body.size();
}

std::size_t request_parser::on_chunk_body_impl(std::uint64_t, string_view body, error_code&) {
  request_.body.append(body.data(), body.size());
  return body.size();
}

}  // namespace skerry::http
