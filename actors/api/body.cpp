#include "actors/api/body.hpp"

#include <algorithm>
#include <boost/json/monotonic_resource.hpp>

#include "schema/json_storage.hpp"
#include "schema/kube/decode.hpp"

namespace skerry::api {
namespace {

failure wrong_media(const std::string& given) {  // YAML too, where nobody reads it
  auto m = media_of(given);
  if (m == media::yaml)
    return unsupported_media_type(
        "the body of the request is YAML (" + given +
        "); this server reads JSON: send application/json, or let kubectl convert it (kubectl apply -f)");
  return unsupported_media_type("the body of the request was in an unknown format (" + given +
                                ") - accepted media types include: application/json");
}

failure cannot_decode(const kube::resource_info& info, const std::string& why) {
  return bad_request(std::string{info.kind} + " in version \"" + std::string{info.version} +
                     "\" cannot be handled as a " + std::string{info.kind} + ": " + why);
}

std::string join(const std::vector<std::string>& parts) {
  std::string out;
  for (const auto& p : parts) out += (out.empty() ? "" : ", ") + p;
  return out;
}

}  // namespace

std::variant<strictness, failure> read_strictness(const query& q) {
  auto v = q.get("fieldValidation");
  if (v.empty() || v == "Warn") return strictness::warn;
  if (v == "Ignore") return strictness::ignore;
  if (v == "Strict") return strictness::strict;
  auto f = bad_request("fieldValidation: Unsupported value: \"" + std::string{v} +
                       "\": supported values: \"Ignore\", \"Strict\", \"Warn\"");
  f.code = 422;
  f.reason = "Invalid";
  f.causes.push_back(
      {"FieldValueNotSupported", "supported values: \"Ignore\", \"Strict\", \"Warn\"", "fieldValidation"});
  return f;
}

media media_of(std::string_view content_type) {
  auto type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  if (type.empty() || type == "application/json") return media::json;
  if (type == "application/json-patch+json") return media::json_patch;
  if (type == "application/merge-patch+json") return media::merge_patch;
  if (type == "application/strategic-merge-patch+json") return media::strategic_patch;
  if (type.starts_with("application/apply-patch")) return media::apply;
  if (type == "application/yaml" || type == "text/yaml" || type == "application/x-yaml") return media::yaml;
  if (type.find("protobuf") != std::string_view::npos) return media::protobuf;
  return media::other;
}

std::variant<json::value, failure> parse_body(const std::string& text) {
  if (text.empty()) return bad_request("the body of the request is empty: send a JSON object");
  std::string error;
  // One block of memory for the whole value: it is built once, read, and thrown away as a whole.
  auto value = parse_json(text, error, json::make_shared_resource<json::monotonic_resource>(4 * text.size()));
  if (!error.empty()) return bad_request("the body of the request is not JSON: " + error);
  return value;
}

std::variant<json::value, failure> parse_object(const ports::http_request& request, const body_readers& readers) {
  auto checked = [](std::variant<json::value, failure> parsed) -> std::variant<json::value, failure> {
    if (auto* v = std::get_if<json::value>(&parsed); v != nullptr && !v->is_object())
      return bad_request("the body of the request is not an object");
    return parsed;
  };
  auto m = media_of(request.content_type);
  if (m == media::json) return checked(parse_body(request.body));
  if (m == media::yaml ? !readers.yaml : m != media::protobuf || readers.protobuf == nullptr)
    return wrong_media(request.content_type);
  auto value = m == media::yaml ? readers.yaml(request.body) : readers.protobuf->decode(request.body);
  if (value) return checked(std::move(*value));
  auto why = message_of(value.error());
  if (code_of(value.error()) == errc::unsupported) return unsupported_media_type(why);
  return bad_request(std::string{"the body of the request is not "} + (m == media::yaml ? "YAML: " : "protobuf: ") +
                     why);
}

std::variant<body, failure> read_body(const ports::http_request& request, const kube::resource_info& info, strictness s,
                                      const body_readers& readers) {
  auto parsed = parse_object(request, readers);
  if (auto* f = std::get_if<failure>(&parsed)) return std::move(*f);
  body b{std::move(std::get<json::value>(parsed)), {}};  // not assigned: that copies between two memories
  auto kind = string_at(b.value, "kind", info.kind);
  auto version = string_at(b.value, "apiVersion", info.api_version);
  if (kind != info.kind || version != info.api_version)
    return bad_request("the object in the body is a " + std::string{kind} + " of " + std::string{version} +
                       ", but this path takes a " + std::string{info.kind} + " of " + info.api_version);
  auto report = kube::decode(info, b.value);
  if (!report.ok()) return cannot_decode(info, report.error);
  if (s == strictness::ignore) return b;
  auto messages = kube::strict_messages(report, kube::duplicate_fields(request.body));
  if (messages.empty()) return b;
  if (s == strictness::strict) return cannot_decode(info, "strict decoding error: " + join(messages));
  b.warnings = std::move(messages);
  return b;
}

std::variant<std::vector<std::string>, failure> decode_patched(const kube::resource_info& info,
                                                               const json::value& before, json::value& after,
                                                               strictness s) {
  if (!after.is_object()) return bad_request("the patch does not leave an object");
  auto report = kube::decode(info, after);
  if (!report.ok()) return cannot_decode(info, report.error);
  if (report.unknown.empty() || s == strictness::ignore) return std::vector<std::string>{};
  auto old = before;
  auto known = kube::decode(info, old).unknown;
  std::erase_if(report.unknown,
                [&](const std::string& path) { return std::find(known.begin(), known.end(), path) != known.end(); });
  auto messages = kube::strict_messages(report, {});
  if (s == strictness::strict && !messages.empty())
    return cannot_decode(info, "strict decoding error: " + join(messages));
  return messages;
}

header_list warning_headers(const std::vector<std::string>& warnings) {
  header_list out;
  for (const auto& w : warnings) {
    std::string text = "299 - \"";
    for (char c : w) {
      if (c == '"' || c == '\\') text += '\\';
      text += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    out.emplace_back("Warning", text + '"');
  }
  return out;
}

}  // namespace skerry::api
