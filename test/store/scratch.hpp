#pragma once
#include <caf/expected.hpp>
#include <filesystem>
#include <string>

#include "schema/error.hpp"

namespace skerry::test {

/// The message of a failed result, for assertions that evaluate it either way.
template <class T>
std::string why(const caf::expected<T>& e) {
  return e ? std::string{} : message_of(e.error());
}

/// A directory that is removed with its owner.
class scratch {
public:
  scratch() {
    auto pattern = (std::filesystem::temp_directory_path() / "skerry-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"cannot make " + pattern};
    path_ = pattern;
  }
  scratch(const scratch&) = delete;
  ~scratch() {
    std::error_code ec;
    std::filesystem::remove_all(path_, ec);
  }
  const std::string& path() const { return path_; }

private:
  std::string path_;
};

}  // namespace skerry::test
