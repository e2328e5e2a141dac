#pragma once
#include <boost/beast/http/basic_parser.hpp>

#include "actors/ports/http.hpp"

namespace skerry::http {

/// Beast's incremental HTTP/1 parser, keeping only what the API reads: no list of all fields, no copy of the body.
/// Bodies with a length or chunked (RFC 9112 sections 6 and 7). One for each request.
class request_parser final : public boost::beast::http::basic_parser<true> {
public:
  /// `body_bytes_max`: more gives http::error::body_limit.
  explicit request_parser(size_t body_bytes_max) {
    header_limit(header_bytes_max);
    body_limit(body_bytes_max);
    eager(true);
  }
  static constexpr uint32_t header_bytes_max = 64 * 1024;

  ports::http_request& request() { return request_; }
  /// True if the client waits for "100 Continue" before it sends the body (RFC 9110 section 10.1.1).
  bool expects_continue() const { return expects_continue_; }
  /// 10 or 11.
  int version() const { return version_; }

private:
  using verb = boost::beast::http::verb;
  using field = boost::beast::http::field;
  using string_view = boost::beast::string_view;
  using error_code = boost::beast::error_code;

  void on_request_impl(verb, string_view method, string_view target, int version, error_code&) override;
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_field_impl(field name, string_view, string_view value, error_code&) override;
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const& length, error_code&) override;
  std::size_t on_body_impl(string_view body, error_code&) override;
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override;
  void on_finish_impl(error_code&) override {}

  ports::http_request request_;
  int version_ = 11;
  bool expects_continue_ = false;
};

}  // namespace skerry::http
