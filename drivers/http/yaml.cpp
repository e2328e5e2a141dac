#include "drivers/http/yaml.hpp"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>

#include "schema/error.hpp"
#include "schema/limits.hpp"

namespace skerry::http {
namespace {

struct refused {
  errc code;
  std::string why;
};

std::string place(const YAML::Mark& m) {
  return "line " + std::to_string(m.line + 1) + ", column " + std::to_string(m.column + 1);
}

json::value plain(const std::string& s) {
  if (s.empty() || s == "~" || s == "null" || s == "Null" || s == "NULL") return nullptr;
  if (s == "true" || s == "True" || s == "TRUE") return true;
  if (s == "false" || s == "False" || s == "FALSE") return false;
  const char* first = s.data() + (s[0] == '+' ? 1 : 0);
  const char* last = s.data() + s.size();
  int64_t integer = 0;
  if (auto [end, e] = std::from_chars(first, last, integer); e == std::errc{} && end == last && first != last)
    return integer;
  double real = 0;
  bool digits =
      s.find_first_of("0123456789") != std::string::npos && s.find_first_not_of("0123456789+-.eE") == std::string::npos;
  if (digits)
    if (auto [end, e] = std::from_chars(first, last, real); e == std::errc{} && end == last && std::isfinite(real))
      return real;
  return json::string(s);
}

class converter {
public:
  json::value convert(const YAML::Node& node, size_t depth) {
    if (depth > limits::json_depth_max) throw refused{errc::invalid, place(node.Mark()) + ": nested too deep"};
    switch (node.Type()) {
      case YAML::NodeType::Sequence: {
        json::array out;
        for (const auto& item : node) out.push_back(convert(item, depth + 1));
        spend(2);
        return out;
      }
      case YAML::NodeType::Map: {
        json::object out;
        for (const auto& pair : node) {
          if (!pair.first.IsScalar())
            throw refused{errc::invalid, place(pair.first.Mark()) + ": a key is not a string"};
          spend(pair.first.Scalar().size() + 4);
          out[pair.first.Scalar()] = convert(pair.second, depth + 1);
        }
        return out;
      }
      case YAML::NodeType::Scalar:
        spend(node.Scalar().size() + 1);
        if (node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str") return json::string(node.Scalar());
        return plain(node.Scalar());
      default:
        return nullptr;
    }
  }

private:
  void spend(size_t bytes) {
    if ((spent_ += bytes) > limits::request_body_bytes_max)
      throw refused{errc::too_large, "it grows beyond " + std::to_string(limits::request_body_bytes_max) + " bytes"};
  }
  size_t spent_ = 0;
};

/// Deep flow nesting takes yaml-cpp's stack: refuse it before it parses.
bool too_deep(std::string_view text) {
  size_t depth = 0;
  for (char c : text) {
    if (c == '[' || c == '{') {
      if (++depth > 4 * limits::json_depth_max) return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

}  // namespace

caf::expected<std::vector<json::value>> yaml_documents(std::string_view text) {
  if (too_deep(text)) return make_error(errc::invalid, "the YAML is nested too deep");
  try {
    std::vector<json::value> out;
    for (const auto& document : YAML::LoadAll(std::string{text})) out.push_back(converter{}.convert(document, 0));
    return out;
  } catch (const YAML::Exception& e) {
    return make_error(errc::invalid, place(e.mark) + ": " + e.msg);
  } catch (const refused& e) {
    return make_error(e.code, e.why);
  }
}

caf::expected<json::value> yaml_to_json(std::string_view text) {
  auto all = yaml_documents(text);
  if (!all) return std::move(all.error());
  if (all->empty()) return json::value{};
  if (all->size() > 1) return make_error(errc::invalid, "more than one YAML document; send one object a request");
  return std::move(all->front());
}

}  // namespace skerry::http
