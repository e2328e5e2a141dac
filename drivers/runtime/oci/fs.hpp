#pragma once
#include <unistd.h>

#include <caf/expected.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace skerry::drivers::oci {

/// Owns a file descriptor.
class descriptor {
public:
  descriptor() = default;
  explicit descriptor(int fd) : fd_{fd} {}
  descriptor(descriptor&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  descriptor& operator=(descriptor&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~descriptor() { reset(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }

private:
  int fd_ = -1;
};

/// errc::io, or errc::full, errc::not_found, with "what path: reason" from errno.
caf::error io_error(const std::string& what, const std::string& path);

caf::expected<std::string> read_file(const std::string& path, size_t bytes_max = 4 * 1024 * 1024);
/// The number that a file holds; 0 if it is not there.
int64_t read_number(const std::string& path);
/// The last `bytes_max` bytes of a file; empty if it is not there.
std::string read_tail(const std::string& path, size_t bytes_max);
/// Writes beside and renames over: a reader, and the next start, see the old or the new file whole.
caf::expected<void> write_atomic(const std::string& path, std::string_view bytes, mode_t mode = 0644);
caf::expected<void> make_directories(const std::string& path, mode_t mode = 0755);
bool exists(const std::string& path);
bool is_directory(const std::string& path);
/// Names in a directory, without "." and ".."; empty if it is not there.
std::vector<std::string> names_in(const std::string& directory);
/// Unmounts whatever is mounted at or below `path`.
void unmount_below(const std::string& path);
/// Removes a tree, following no link and crossing no mount. No error if it is not there.
caf::expected<void> remove_tree(const std::string& path);
/// True if `path` is a mount of a namespace (nsfs).
bool holds_namespace(const std::string& path);
/// Modification time in Unix milliseconds; 0 if it is not there.
int64_t modified_ms(const std::string& path);
/// Opens (and makes, as directories, if `make`) `relative` below `root` without ever leaving it, also by links.
caf::expected<descriptor> open_beneath(const std::string& root, const std::string& relative, bool make);
/// Opens a file for reading inside a container's root, links resolved inside it.
descriptor open_in_root(const std::string& root, const std::string& path);
/// SHA-256 as 64 hex digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace skerry::drivers::oci
