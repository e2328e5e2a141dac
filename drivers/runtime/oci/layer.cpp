#include "layer.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <chrono>
#include <cstring>
#include <schema/error.hpp>

#include "fs.hpp"
#include "process.hpp"

namespace skerry::drivers::oci {
namespace {

using steady = std::chrono::steady_clock;

class sha256 {
public:
  sha256() : context_{EVP_MD_CTX_new()} { EVP_DigestInit_ex(context_, EVP_sha256(), nullptr); }
  ~sha256() { EVP_MD_CTX_free(context_); }
  void add(const char* data, size_t size) { EVP_DigestUpdate(context_, data, size); }
  std::string text() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_DigestFinal_ex(context_, digest, &size);
    std::string out = "sha256:";
    for (unsigned i = 0; i < size; ++i) {
      out.push_back("0123456789abcdef"[digest[i] >> 4]);
      out.push_back("0123456789abcdef"[digest[i] & 15]);
    }
    return out;
  }

private:
  EVP_MD_CTX* context_;
};

/// The unpacking program for what a file starts with; empty for none.
caf::expected<std::vector<std::string>> unpacker(int fd) {
  unsigned char head[4] = {};
  if (pread(fd, head, sizeof head, 0) < 2) return std::vector<std::string>{};
  std::string name;
  if (head[0] == 0x1f && head[1] == 0x8b) name = "gzip";
  if (head[0] == 0x28 && head[1] == 0xb5 && head[2] == 0x2f && head[3] == 0xfd) name = "zstd";
  if (name.empty()) return std::vector<std::string>{};
  auto path = find_program(name);
  if (path.empty())
    return make_error(errc::unsupported,
                      "the image's layer is packed by " + name + ": install the Debian package " + name);
  return std::vector<std::string>{path, "-dcq"};
}

bool send_all(int fd, const char* data, size_t size) {
  while (size > 0) {
    auto n = send(fd, data, size, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    data += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

/// Fills the last block of an archive of `total` bytes and adds the end mark: some writers (umoci insert) leave both
/// out. A layer that was cut short is found by its digest.
void end_archive(int to, size_t total) {
  constexpr size_t block = 512;
  const char zeros[3 * block] = {};
  send_all(to, zeros, (block - total % block) % block + 2 * block);
}

/// Moves all bytes from `from` to `to` and into the digest. False when tar has gone away or the time is over.
bool pump(int from, int to, sha256& digest, steady::time_point deadline, const std::atomic<bool>& cancel) {
  char buffer[32 * 1024];
  bool taking = true;
  size_t total = 0;
  for (;;) {
    auto n = read(from, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n == 0 && taking) end_archive(to, total);
    if (n <= 0) return n == 0;
    total += static_cast<size_t>(n);
    digest.add(buffer, static_cast<size_t>(n));
    // tar may end at the archive's end mark, before the padding that is part of the digest.
    if (taking) taking = send_all(to, buffer, static_cast<size_t>(n));
    if (cancel || steady::now() > deadline) return false;
  }
}

caf::error convert_at(int parent, const std::string& name);

caf::error convert_entry(int dir, const std::string& name) {
  if (name == ".wh..wh..opq") {
    unlinkat(dir, name.c_str(), 0);
    if (fsetxattr(dir, "trusted.overlay.opaque", "y", 1, 0) != 0) return io_error("cannot mark as opaque:", name);
    return {};
  }
  if (!name.starts_with(".wh.")) return convert_at(dir, name);
  unlinkat(dir, name.c_str(), 0);
  auto target = name.substr(4);
  if (target.starts_with(".wh.") || target.empty() || target == "." || target == "..") return {};
  struct stat st {};
  if (fstatat(dir, target.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
    if (mknodat(dir, target.c_str(), S_IFCHR, makedev(0, 0)) != 0) return io_error("cannot make the whiteout", target);
  } else if (S_ISDIR(st.st_mode)) {
    descriptor fd{openat(dir, target.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!fd || fsetxattr(fd.get(), "trusted.overlay.opaque", "y", 1, 0) != 0)
      return io_error("cannot mark as opaque:", target);
  }
  return {};
}

caf::error convert_at(int parent, const std::string& name) {
  struct stat st {};
  if (fstatat(parent, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode)) return {};
  descriptor fd{openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) return io_error("cannot open", name);
  std::vector<std::string> names;
  if (DIR* list = fdopendir(dup(fd.get()))) {
    while (auto* e = readdir(list))
      if (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN || strncmp(e->d_name, ".wh.", 4) == 0)
        names.emplace_back(e->d_name);
    closedir(list);
  }
  for (auto& n : names)
    if (n != "." && n != "..")
      if (auto e = convert_entry(fd.get(), n)) return e;
  return {};
}

command tar_into(const std::string& directory) {
  command tar;
  tar.arguments = {find_program("tar"),
                   "--extract",
                   "--file=-",
                   "--directory=" + directory,
                   "--numeric-owner",
                   "--same-owner",
                   "--preserve-permissions",
                   "--xattrs",
                   "--xattrs-include=user.*",
                   "--xattrs-include=security.capability",
                   "--delay-directory-restore",
                   "--warning=no-timestamp"};
  tar.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"};
  return tar;
}

}  // namespace

caf::expected<void> convert_whiteouts(const std::string& directory) {
  if (auto e = convert_at(AT_FDCWD, directory)) return make_error(code_of(e), directory + ": " + message_of(e));
  return caf::unit;
}

caf::expected<void> unpack_layer(const std::string& blob, const std::string& diff_id, const std::string& directory,
                                 uint32_t timeout_ms, const std::atomic<bool>& cancel) {
  auto deadline = steady::now() + std::chrono::milliseconds(timeout_ms);
  descriptor file{open(blob.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) return io_error("cannot read the layer", blob);
  auto how = unpacker(file.get());
  if (!how) return std::move(how.error());
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return io_error("cannot make a socket for", "tar");
  descriptor ours{pair[0]}, theirs{pair[1]};
  timeval patience{60, 0};
  setsockopt(ours.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  shutdown(theirs.get(), SHUT_WR);
  // In memory: on a full disk, what tar says of it would not fit.
  descriptor said{memfd_create("tar", MFD_CLOEXEC)};
  auto tar = tar_into(directory);
  tar.stdin_fd = theirs.get();
  tar.output_file = "/proc/self/fd/" + std::to_string(said.get());
  auto untar = start(tar, false);
  theirs.reset();
  if (!untar) return std::move(untar.error());
  sha256 digest;
  bool whole = false;
  int unpacked = 0;
  if (how->empty()) {
    whole = pump(file.get(), ours.get(), digest, deadline, cancel);
  } else {
    command gunzip;
    gunzip.arguments = *how;
    gunzip.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"};
    gunzip.stdin_fd = file.get();
    auto source = start(gunzip, true);
    if (source) {
      fcntl(source->output_fd, F_SETFL, 0);
      whole = pump(source->output_fd, ours.get(), digest, deadline, cancel);
      kill(source->pid, SIGKILL);  // it has closed its output: it has ended, or is of no use
      unpacked = reap(*source);
      if (whole && unpacked == 128 + SIGKILL) unpacked = 0;
    }
  }
  ours.reset();
  auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady::now()).count();
  bool late = !ended_within(untar->pidfd, static_cast<int>(std::max<int64_t>(left, 1000)));
  if (late) kill(untar->pid, SIGKILL);
  int code = reap(*untar);
  std::string text(1000, '\0');
  auto size = pread(said.get(), text.data(), text.size(), 0);
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  if (cancel) return make_error(errc::cancelled, "unpacking layer " + diff_id + " was cancelled");
  if (late || steady::now() > deadline)
    return make_error(errc::timed_out, "unpacking layer " + diff_id + " took too long");
  if (text.find("No space left") != std::string::npos)
    return make_error(errc::full, "no space to unpack layer " + diff_id);
  if (!whole || code != 0 || unpacked != 0)
    return make_error(errc::corrupt,
                      "layer " + diff_id + " does not unpack: " + (text.empty() ? "broken compression" : text));
  if (auto found = digest.text(); found != diff_id)
    return make_error(errc::corrupt, "layer " + diff_id + " does not unpack: its content is " + found);
  return convert_whiteouts(directory);
}

}  // namespace skerry::drivers::oci
