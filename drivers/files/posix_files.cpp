#include "drivers/files/posix_files.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "schema/error.hpp"

namespace skerry::files {
namespace fs = std::filesystem;
namespace {

errc code_of_errno(int e) {
  switch (e) {
    case ENOSPC:
    case EDQUOT:
      return errc::full;
    case ENOENT:
      return errc::not_found;
    case EACCES:
    case EPERM:
      return errc::forbidden;
    default:
      return errc::io;
  }
}

caf::error failed(const std::string& what, int e) {
  return make_error(code_of_errno(e), what + ": " + std::strerror(e));
}

/// The octal escapes of /proc/self/mountinfo (proc(5)).
std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// Mount points at or below `path`, innermost and newest first.
std::vector<std::string> mounts_below(const std::string& path) {
  std::vector<std::string> out;
  std::ifstream in{"/proc/self/mountinfo"};
  std::string line, id, parent, device, root, target;
  while (in >> id >> parent >> device >> root >> target) {
    std::getline(in, line);
    target = unescape(target);
    if (target == path || target.starts_with(path + "/")) out.push_back(std::move(target));
  }
  std::reverse(out.begin(), out.end());
  return out;
}

bool is_tmpfs_mount(const std::string& path) {
  struct stat mine, above;
  struct statfs system;
  constexpr long tmpfs_magic = 0x01021994;
  return ::stat(path.c_str(), &mine) == 0 && ::stat((path + "/..").c_str(), &above) == 0 &&
         mine.st_dev != above.st_dev && ::statfs(path.c_str(), &system) == 0 && system.f_type == tmpfs_magic;
}

caf::expected<void> write_file(const fs::path& path, const ports::file_content& c) {
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return failed("cannot write " + path.string(), errno);
  size_t done = 0;
  int problem = 0;
  while (done < c.bytes.size() && problem == 0) {
    auto n = ::write(fd, c.bytes.data() + done, c.bytes.size() - done);
    if (n > 0)
      done += static_cast<size_t>(n);
    else if (n < 0 && errno != EINTR)
      problem = errno;
  }

  if (problem == 0 && c.group && ::fchown(fd, static_cast<uid_t>(-1), *c.group) != 0) problem = errno;
  if (problem == 0 && ::fchmod(fd, c.mode) != 0) problem = errno;
  ::close(fd);
  if (problem != 0) return failed("cannot write " + path.string(), problem);
  return caf::unit;
}

using content_map = std::map<std::string, ports::file_content>;

/// True if the directory holds these files and no others, with their modes.
bool holds(const fs::path& directory, const content_map& content) {
  std::error_code ec;
  size_t seen = 0;
  for (fs::recursive_directory_iterator i{directory, ec}, end; i != end && !ec; i.increment(ec)) {
    if (i->is_directory(ec)) continue;
    auto found = content.find(i->path().lexically_relative(directory).string());
    if (found == content.end()) return false;
    struct stat s;
    if (::stat(i->path().c_str(), &s) != 0 || (s.st_mode & 0777) != (found->second.mode & 0777)) return false;

    if (found->second.group && s.st_gid != *found->second.group) return false;
    if (static_cast<size_t>(s.st_size) != found->second.bytes.size()) return false;
    std::ifstream in{i->path(), std::ios::binary};
    std::string bytes{std::istreambuf_iterator<char>{in}, {}};
    if (bytes != found->second.bytes) return false;
    ++seen;
  }
  return !ec && seen == content.size();
}

constexpr const char* data_name = "..data";

/// Links that users see: one for each first part of a path, through "..data". Those of files that went are removed.
caf::expected<void> link_names(const fs::path& directory, const content_map& content) {
  std::map<std::string, fs::path> wanted;
  for (auto& [path, c] : content) {
    auto first = path.substr(0, path.find('/'));
    wanted[first] = fs::path{data_name} / first;
  }
  std::error_code ec;
  std::vector<fs::path> stale;
  for (auto& entry : fs::directory_iterator{directory, ec}) {
    auto name = entry.path().filename().string();
    if (!name.starts_with("..") && !wanted.contains(name)) stale.push_back(entry.path());
  }
  for (auto& path : stale) fs::remove_all(path, ec);
  for (auto& [name, target] : wanted) {
    auto at = directory / name;
    if (fs::is_symlink(at, ec) && fs::read_symlink(at, ec) == target) continue;
    fs::remove_all(at, ec);
    fs::create_symlink(target, at, ec);
    if (ec) return failed("cannot link " + at.string(), ec.value());
  }
  return caf::unit;
}

}  // namespace

caf::expected<void> posix_files::make_directory(const std::string& path, uint32_t mode, bool memory,
                                                uint64_t memory_bytes, std::optional<uint32_t> group) {
  std::error_code ec;
  fs::create_directories(path, ec);
  if (ec) return failed("cannot make directory " + path, ec.value());
  if (memory && !is_tmpfs_mount(path)) {
    char options[64];
    std::snprintf(options, sizeof options, "mode=%04o", mode);
    std::string all = options;
    if (memory_bytes > 0) all += ",size=" + std::to_string(memory_bytes);
    if (::mount("tmpfs", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, all.c_str()) != 0)
      return failed("cannot mount a tmpfs on " + path + " (this needs root)", errno);
  }

  if (group && ::chown(path.c_str(), static_cast<uid_t>(-1), *group) != 0)
    return failed("cannot give " + path + " to group " + std::to_string(*group), errno);
  if (::chmod(path.c_str(), mode) != 0) return failed("cannot set the mode of " + path, errno);
  return caf::unit;
}

caf::expected<bool> posix_files::publish(const std::string& directory, const content_map& content) {
  std::error_code ec;
  fs::path base{directory};
  auto data = base / data_name;
  fs::path old;
  if (fs::is_symlink(data, ec)) old = base / fs::read_symlink(data, ec);
  if (!old.empty() && holds(old, content)) {
    if (auto ok = link_names(base, content); !ok) return ok.error();
    return false;
  }
  fs::create_directories(base, ec);
  if (ec) return failed("cannot make directory " + directory, ec.value());
  auto pattern = (base / "..XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) return failed("cannot make a directory in " + directory, errno);
  fs::path fresh{pattern};
  auto give_up = [&](caf::error e) {
    fs::remove_all(fresh, ec);
    return e;
  };
  if (::chmod(fresh.c_str(), 0755) != 0) return give_up(failed("cannot set the mode of " + pattern, errno));
  for (auto& [path, c] : content) {
    fs::create_directories((fresh / path).parent_path(), ec);
    if (ec) return give_up(failed("cannot make a directory for " + path + " in " + directory, ec.value()));
    if (auto ok = write_file(fresh / path, c); !ok) return give_up(ok.error());
  }
  auto next = base / "..data_tmp";
  fs::remove(next, ec);
  fs::create_symlink(fresh.filename(), next, ec);
  if (ec) return give_up(failed("cannot link " + next.string(), ec.value()));
  fs::rename(next, data, ec);
  if (ec) return give_up(failed("cannot publish " + data.string(), ec.value()));
  auto linked = link_names(base, content);
  if (!old.empty()) fs::remove_all(old, ec);
  if (!linked) return linked.error();
  return true;
}

caf::expected<void> posix_files::remove_tree(const std::string& path) {
  std::error_code ec;
  auto real = fs::weakly_canonical(path, ec).string();
  if (ec || real.empty()) real = path;
  for (auto& target : mounts_below(real))
    if (::umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0 && errno != EINVAL)
      return failed("cannot unmount " + target, errno);
  if (!mounts_below(real).empty())
    return make_error(errc::io, "mounts are left below " + real + ": nothing is removed");
  fs::remove_all(path, ec);
  if (ec) return failed("cannot remove " + path, ec.value());
  return caf::unit;
}

std::vector<std::string> posix_files::list(const std::string& directory) {
  std::vector<std::string> out;
  std::error_code ec;
  for (auto& entry : fs::directory_iterator{directory, ec}) out.push_back(entry.path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

caf::expected<void> posix_files::host_path(const std::string& path, const std::string& type) {
  std::error_code ec;
  if (type.empty()) return caf::unit;
  if (path.empty() || path[0] != '/') return make_error(errc::invalid, "hostPath " + path + " is not absolute");
  if (type == "DirectoryOrCreate" && !fs::exists(path, ec)) {
    fs::create_directories(path, ec);
    if (ec) return failed("cannot make hostPath " + path, ec.value());
  }
  if (type == "FileOrCreate" && !fs::exists(path, ec)) {
    int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return failed("cannot make hostPath " + path, errno);
    ::close(fd);
  }
  struct stat s;
  if (::stat(path.c_str(), &s) != 0) return failed("hostPath type check failed: " + path, errno);
  struct kind {
    const char* type;
    mode_t mode;
    const char* text;
  };
  for (auto& k : {kind{"DirectoryOrCreate", S_IFDIR, "a directory"}, kind{"Directory", S_IFDIR, "a directory"},
                  kind{"FileOrCreate", S_IFREG, "a file"}, kind{"File", S_IFREG, "a file"},
                  kind{"Socket", S_IFSOCK, "a socket file"}, kind{"CharDevice", S_IFCHR, "a character device"},
                  kind{"BlockDevice", S_IFBLK, "a block device"}}) {
    if (type != k.type) continue;
    if ((s.st_mode & S_IFMT) == k.mode) return caf::unit;
    return make_error(errc::invalid, "hostPath type check failed: " + path + " is not " + k.text);
  }
  return make_error(errc::invalid, "hostPath type " + type + " is not known");
}

}  // namespace skerry::files
