#include "drivers/kv/plain_env.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace skerry::drivers {
namespace {

leveldb::Status failed(const std::string& path, int error) {
  return error == ENOENT ? leveldb::Status::NotFound(path, std::strerror(error))
                         : leveldb::Status::IOError(path, std::strerror(error));
}

class pread_file : public leveldb::RandomAccessFile {
public:
  pread_file(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  ~pread_file() override { ::close(fd_); }
  leveldb::Status Read(uint64_t offset, size_t n, leveldb::Slice* result, char* scratch) const override {
    size_t got = 0;
    while (got < n) {
      auto r = ::pread(fd_, scratch + got, n - got, static_cast<off_t>(offset + got));
      if (r < 0 && errno == EINTR) continue;
      if (r < 0) {
        *result = {};
        return failed(path_, errno);
      }
      if (r == 0) break;
      got += static_cast<size_t>(r);
    }
    *result = leveldb::Slice(scratch, got);
    return leveldb::Status::OK();
  }

private:
  std::string path_;
  int fd_;
};

class null_logger : public leveldb::Logger {
public:
  void Logv(const char*, std::va_list) override {}
};

}  // namespace

leveldb::Status plain_env::NewRandomAccessFile(const std::string& path, leveldb::RandomAccessFile** result) {
  *result = nullptr;
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return failed(path, errno);
  *result = new pread_file(path, fd);
  return leveldb::Status::OK();
}

leveldb::Status plain_env::NewLogger(const std::string&, leveldb::Logger** result) {
  *result = new null_logger;
  return leveldb::Status::OK();
}

}  // namespace skerry::drivers
