#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <functional>

#include "schema/kube/decode.hpp"
#include "schema/limits.hpp"

namespace skerry::kube {
namespace {

/// Sees the document go by and keeps a hash of each key of the objects that are open.
class watcher {
public:
  constexpr static size_t max_object_size = SIZE_MAX;
  constexpr static size_t max_array_size = SIZE_MAX;
  constexpr static size_t max_key_size = SIZE_MAX;
  constexpr static size_t max_string_size = SIZE_MAX;
  using error_code = boost::system::error_code;

  explicit watcher(size_t max) : max_(max) {}
  std::vector<std::string> found;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return open(false); }
  bool on_object_end(size_t, error_code&) { return close(); }
  bool on_array_begin(error_code&) { return open(true); }
  bool on_array_end(size_t, error_code&) { return close(); }
  bool on_key_part(json::string_view s, size_t, error_code&) {
    part_.append(s.data(), s.size());
    return true;
  }
  bool on_key(json::string_view s, size_t, error_code&) {
    auto& f = frames_[depth_ - 1];
    f.key.assign(part_);
    f.key.append(s.data(), s.size());
    part_.clear();
    auto hash = std::hash<std::string_view>{}(f.key);
    auto mine = hashes_.begin() + static_cast<std::ptrdiff_t>(f.first);
    // A large map (a ConfigMap of thousands of keys) would make this quadratic: beyond 256 keys only those are
    // compared.
    auto end = hashes_.size() - f.first > 256 ? mine + 256 : hashes_.end();
    if (std::find(mine, end, hash) != end && found.size() < max_)
      note();
    else
      hashes_.push_back(hash);
    return true;
  }
  bool on_string_part(json::string_view, size_t, error_code&) { return true; }
  bool on_string(json::string_view, size_t, error_code&) { return item(); }
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(int64_t, json::string_view, error_code&) { return item(); }
  bool on_uint64(uint64_t, json::string_view, error_code&) { return item(); }
  bool on_double(double, json::string_view, error_code&) { return item(); }
  bool on_bool(bool, error_code&) { return item(); }
  bool on_null(error_code&) { return item(); }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

private:
  struct frame {
    bool array = false;
    size_t index = 0, first = 0;
    std::string key;
  };

  bool open(bool array) {
    if (depth_ == frames_.size()) frames_.emplace_back();
    auto& f = frames_[depth_++];
    f.array = array;
    f.index = 0;
    f.first = hashes_.size();
    return true;
  }
  bool close() {
    hashes_.resize(frames_[--depth_].first);
    return item();
  }
  bool item() {
    if (depth_ > 0 && frames_[depth_ - 1].array) ++frames_[depth_ - 1].index;
    return true;
  }
  void note() {
    std::string path;
    for (size_t i = 0; i < depth_; ++i) {
      if (frames_[i].array) {
        path += '[' + std::to_string(frames_[i].index) + ']';
      } else {
        if (!path.empty()) path += '.';
        path += frames_[i].key;
      }
    }
    if (std::find(found.begin(), found.end(), path) == found.end()) found.push_back(std::move(path));
  }

  size_t max_;
  size_t depth_ = 0;
  std::string part_;
  std::vector<frame> frames_;
  std::vector<size_t> hashes_;
};

}  // namespace

std::vector<std::string> duplicate_fields(std::string_view text, size_t max) {
  json::parse_options options;
  options.max_depth = limits::json_depth_max;
  json::basic_parser<watcher> parser{options, max};
  boost::system::error_code ec;
  auto used = parser.write_some(false, text.data(), text.size(), ec);
  if (ec || used != text.size()) return {};
  return std::move(parser.handler().found);
}

}  // namespace skerry::kube
