#include "tools/skerry/data_dir.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "schema/error.hpp"
#include "schema/json.hpp"

namespace skerry::tools {
namespace {

caf::error file_error(const char* what, const std::string& path) {
  auto code = errno == ENOENT ? errc::not_found : errno == ENOSPC ? errc::full : errc::io;
  std::string remedy = errno == EACCES || errno == EROFS
                           ? "; run as a user who may write there, or give another --data-dir"
                       : errno == ENOSPC ? "; free some space on that file system"
                                         : "";
  return make_error(code, std::string{"cannot "} + what + " " + path + ": " + std::strerror(errno) + remedy);
}

bool write_all(int fd, const std::string& bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    auto n = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<size_t>(n);
  }
  return ::fsync(fd) == 0;
}

}  // namespace

caf::expected<void> make_private_directory(const std::string& path) {
  for (size_t at = 1; at <= path.size(); ++at) {
    if (at != path.size() && path[at] != '/') continue;
    auto part = path.substr(0, at);
    if (::mkdir(part.c_str(), at == path.size() ? 0700 : 0755) != 0 && errno != EEXIST)
      return file_error("make the directory", part);
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return file_error("look at", path);
  if (!S_ISDIR(info.st_mode)) return make_error(errc::io, path + " is not a directory: give another --data-dir");
  if (::access(path.c_str(), W_OK | X_OK) != 0) return file_error("write to the directory", path);
  return caf::unit;
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

caf::expected<std::string> read_file(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return file_error("read", path);
  std::string out;
  char buffer[8192];
  for (;;) {
    auto n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      auto e = file_error("read", path);
      ::close(fd);
      return e;
    }
    if (n == 0) break;
    out.append(buffer, static_cast<size_t>(n));
  }
  ::close(fd);
  return out;
}

caf::expected<void> write_file(const std::string& path, const std::string& bytes, unsigned mode) {
  auto temporary = path + ".new";
  int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) return file_error("write", temporary);
  bool ok = ::fchmod(fd, mode) == 0 && write_all(fd, bytes);
  if (!ok) {
    auto e = file_error("write", temporary);
    ::close(fd);
    return e;
  }
  ::close(fd);
  if (::rename(temporary.c_str(), path.c_str()) != 0) return file_error("rename to", path);
  int dir = ::open(path.substr(0, path.rfind('/')).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir >= 0) {
    ::fsync(dir);
    ::close(dir);
  }
  return caf::unit;
}

caf::expected<node_identity> load_node_identity(const std::string& data_dir) {
  auto text = read_file(data_dir + "/node/identity.json");
  if (!text) return text.error();
  std::string error;
  auto v = parse_json(*text, error);
  if (!error.empty())
    return make_error(errc::corrupt,
                      data_dir + "/node/identity.json: " + error + "; remove it and join again with --token");
  auto get = [&](const char* key) { return std::string{string_at(v, key)}; };
  return node_identity{get("node"), get("server"), get("ca"), get("certificate"), get("key")};
}

caf::expected<void> save_node_identity(const std::string& data_dir, const node_identity& i) {
  auto made = make_private_directory(data_dir + "/node");
  if (!made) return made;
  json::object v{
      {"node", i.node}, {"server", i.server}, {"ca", i.ca_pem}, {"certificate", i.certificate_pem}, {"key", i.key_pem}};
  return write_file(data_dir + "/node/identity.json", json::serialize(v) + "\n", 0600);
}

std::string run_dir_of(const std::string& data_dir) {
  uint32_t hash = 2166136261u;
  for (unsigned char c : data_dir) hash = (hash ^ c) * 16777619u;
  char out[40];
  std::snprintf(out, sizeof out, "/run/skerry-%08x", hash);
  return out;
}

}  // namespace skerry::tools
