#include "fs.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <openssl/evp.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <schema/error.hpp>

namespace skerry::drivers::oci {
namespace {

constexpr long nsfs_magic = 0x6e736673;

caf::error remove_at(int parent, const char* name, dev_t device) {
  if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return io_error("cannot remove", name);
  descriptor fd{openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) return io_error("cannot open", name);
  struct stat st {};
  fstat(fd.get(), &st);
  if (st.st_dev != device) return make_error(errc::io, std::string{name} + " is a mount: it is not removed");
  std::vector<std::string> names;
  if (DIR* dir = fdopendir(dup(fd.get()))) {
    while (auto* e = readdir(dir))
      if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) names.emplace_back(e->d_name);
    closedir(dir);
  }
  for (auto& n : names)
    if (auto e = remove_at(fd.get(), n.c_str(), device)) return e;
  if (unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT) return io_error("cannot remove", name);
  return {};
}

/// openat2(2), which has no wrapper in glibc; tried again when a rename raced with the walk.
int open_how_at(int dir, const char* path, int flags, uint64_t resolve) {
  struct open_how how {};
  how.flags = static_cast<uint64_t>(flags);
  how.resolve = resolve;
  for (int tries = 0;; ++tries) {
    int fd = static_cast<int>(syscall(SYS_openat2, dir, path, &how, sizeof how));
    if (fd >= 0 || errno != EAGAIN || tries == 100) return fd;
  }
}

}  // namespace

caf::error io_error(const std::string& what, const std::string& path) {
  int e = errno;
  auto code = e == ENOSPC || e == EDQUOT ? errc::full : e == ENOENT ? errc::not_found : errc::io;
  return make_error(code, what + " " + path + ": " + strerror(e));
}

caf::expected<std::string> read_file(const std::string& path, size_t bytes_max) {
  descriptor fd{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return io_error("cannot read", path);
  std::string out;
  char buffer[4096];
  for (;;) {
    auto n = read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("cannot read", path);
    if (n == 0) return out;
    if (out.size() + static_cast<size_t>(n) > bytes_max)
      return make_error(errc::too_large, path + " is larger than " + std::to_string(bytes_max) + " bytes");
    out.append(buffer, static_cast<size_t>(n));
  }
}

int64_t read_number(const std::string& path) {
  auto text = read_file(path, 64);
  return text ? atoll(text->c_str()) : 0;
}

std::string read_tail(const std::string& path, size_t bytes_max) {
  descriptor fd{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  struct stat st {};
  if (!fd || fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode)) return {};
  auto from = st.st_size > static_cast<off_t>(bytes_max) ? st.st_size - static_cast<off_t>(bytes_max) : 0;
  std::string out(bytes_max, '\0');
  auto n = pread(fd.get(), out.data(), out.size(), from);
  out.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return out;
}

caf::expected<void> write_atomic(const std::string& path, std::string_view bytes, mode_t mode) {
  auto beside = path + ".new";
  {
    descriptor fd{open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)};
    if (!fd) return io_error("cannot write", beside);
    while (!bytes.empty()) {
      auto n = write(fd.get(), bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return io_error("cannot write", beside);
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  if (rename(beside.c_str(), path.c_str()) != 0) return io_error("cannot rename to", path);
  return caf::unit;
}

caf::expected<void> make_directories(const std::string& path, mode_t mode) {
  if (mkdir(path.c_str(), mode) == 0 || (errno == EEXIST && is_directory(path))) return caf::unit;
  if (errno != ENOENT) return io_error("cannot make directory", path);
  auto slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) return io_error("cannot make directory", path);
  if (auto r = make_directories(path.substr(0, slash), mode); !r) return r;
  if (mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return io_error("cannot make directory", path);
  return caf::unit;
}

bool exists(const std::string& path) {
  struct stat st {};
  return lstat(path.c_str(), &st) == 0;
}

bool is_directory(const std::string& path) {
  struct stat st {};
  return stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> out;
  DIR* dir = opendir(directory.c_str());
  if (!dir) return out;
  while (auto* e = readdir(dir))
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) out.emplace_back(e->d_name);
  closedir(dir);
  return out;
}

void unmount_below(const std::string& path) {
  // The mount table is read in pieces: on a busy machine it is long.
  descriptor fd{open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)};
  if (!fd) return;
  std::vector<std::string> found;
  std::string line;
  char buffer[4096];
  auto check = [&] {
    size_t at = 0;
    for (int field = 0; field < 4 && at != std::string::npos; ++field) at = line.find(' ', at ? at + 1 : at);
    if (at == std::string::npos) return;
    auto target = line.substr(at + 1, line.find(' ', at + 1) - at - 1);
    if (target == path || target.starts_with(path + "/")) found.push_back(std::move(target));
  };
  for (ssize_t n; (n = read(fd.get(), buffer, sizeof buffer)) > 0;)
    for (ssize_t i = 0; i < n; ++i)
      if (buffer[i] == '\n') {
        check();
        line.clear();
      } else {
        line.push_back(buffer[i]);
      }
  for (auto i = found.rbegin(); i != found.rend(); ++i) umount2(i->c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
}

caf::expected<void> remove_tree(const std::string& path) {
  struct stat st {};
  if (lstat(path.c_str(), &st) != 0) return caf::unit;
  if (auto e = remove_at(AT_FDCWD, path.c_str(), st.st_dev)) return make_error(code_of(e), path + ": " + message_of(e));
  return caf::unit;
}

bool holds_namespace(const std::string& path) {
  struct statfs st {};
  return statfs(path.c_str(), &st) == 0 && st.f_type == nsfs_magic;
}

int64_t modified_ms(const std::string& path) {
  struct stat st {};
  if (stat(path.c_str(), &st) != 0) return 0;
  return st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1'000'000;
}

caf::expected<descriptor> open_beneath(const std::string& root, const std::string& relative, bool make) {
  descriptor at{open(root.c_str(), O_PATH | O_CLOEXEC)};
  if (!at) return io_error("cannot open", root);
  constexpr uint64_t inside = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  descriptor whole{open_how_at(at.get(), relative.c_str(), O_PATH | O_CLOEXEC, inside)};
  if (whole || errno != ENOENT || !make) {
    if (!whole) return io_error("cannot open below " + root + ":", relative);
    return whole;
  }
  for (size_t from = 0; from <= relative.size();) {
    auto to = std::min(relative.find('/', from), relative.size());
    auto part = relative.substr(from, to - from);
    from = to + 1;
    if (part.empty() || part == ".") continue;
    if (part == "..") return make_error(errc::invalid, "subPath " + relative + " must not contain '..'");
    if (mkdirat(at.get(), part.c_str(), 0755) != 0 && errno != EEXIST)
      return io_error("cannot make below " + root + ":", relative);
    descriptor next{open_how_at(at.get(), part.c_str(), O_PATH | O_CLOEXEC, inside)};
    if (!next) return io_error("cannot open below " + root + ":", relative);
    at = std::move(next);
  }
  return at;
}

descriptor open_in_root(const std::string& root, const std::string& path) {
  descriptor at{open(root.c_str(), O_PATH | O_CLOEXEC)};
  if (!at) return {};
  return descriptor{open_how_at(at.get(), path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK, RESOLVE_IN_ROOT)};
}

std::string sha256_hex(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    out.push_back("0123456789abcdef"[digest[i] >> 4]);
    out.push_back("0123456789abcdef"[digest[i] & 15]);
  }
  return out;
}

}  // namespace skerry::drivers::oci
