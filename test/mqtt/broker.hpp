#pragma once
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "test/net/free_port.hpp"
#include "test/store/scratch.hpp"

namespace skerry::test {

/// A real broker, mosquitto, on a port of its own; its files go with it.
class broker {
public:
  explicit broker(const std::string& more = "allow_anonymous true\n") {
    std::ofstream{conf()} << "listener " << port_ << " 127.0.0.1\npersistence false\n" << replaced(more);
    ::chmod(directory().c_str(), 0755);  // it gives up root
    start();
  }
  ~broker() { stop(); }
  /// Makes a file of passwords for `password_file DIRECTORY/passwords`.
  static std::string hashed(const std::string& path, const std::string& user, const std::string& password) {
    std::ofstream{path} << user << ":" << password << "\n";
    run({"mosquitto_passwd", "-U", path});
    ::chmod(path.c_str(), 0644);
    return path;
  }
  /// Makes NAME.pem and NAME.key in a directory: an authority of its own, or signed by one that is there.
  static void certificate(const std::string& directory, const std::string& name, const std::string& by = {}) {
    auto at = directory + "/" + name;
    std::ofstream{at + ".ext"} << "subjectAltName=IP:127.0.0.1\n";
    if (by.empty()) {
      run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=" + name, "-keyout",
           at + ".key", "-out", at + ".pem"});
    } else {
      run({"openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + name, "-keyout", at + ".key", "-out",
           at + ".csr"});
      run({"openssl", "x509", "-req", "-days", "2", "-in", at + ".csr", "-CA", directory + "/" + by + ".pem", "-CAkey",
           directory + "/" + by + ".key", "-CAcreateserial", "-extfile", at + ".ext", "-out", at + ".pem"});
    }
    for (const auto* end : {".pem", ".key"}) ::chmod((at + end).c_str(), 0644);  // the broker gives up root
  }
  int port() const { return port_; }
  const std::string& directory() const { return files_.path(); }

  void start() {
    const char* argv[] = {"mosquitto", "-c", nullptr, nullptr};
    auto path = conf();
    argv[2] = path.c_str();
    posix_spawn_file_actions_t quiet;
    ::posix_spawn_file_actions_init(&quiet);
    ::posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
    const auto* program = ::access("/usr/sbin/mosquitto", X_OK) == 0 ? "/usr/sbin/mosquitto" : "/usr/bin/mosquitto";
    if (::posix_spawn(&pid_, program, &quiet, nullptr, const_cast<char**>(argv), environ) != 0)
      throw std::runtime_error("mosquitto does not start: tools/install test");
    ::posix_spawn_file_actions_destroy(&quiet);
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!answers()) {
      bool ended = ::waitpid(pid_, nullptr, WNOHANG) == pid_;
      if (ended) pid_ = -1;
      if (ended || std::chrono::steady_clock::now() > end) {
        stop();
        throw std::runtime_error(ended ? "the broker ended at once" : "the broker does not answer within 10 s");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  void stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

private:
  std::string conf() const { return directory() + "/conf"; }
  std::string replaced(std::string more) const {
    for (auto at = more.find("DIRECTORY"); at != std::string::npos; at = more.find("DIRECTORY"))
      more.replace(at, 9, directory());
    if (more.find("password_file") != std::string::npos) hashed(directory() + "/passwords", "plant", "s3cret");
    if (more.find("cafile") == std::string::npos) return more;
    certificate(directory(), "ca");
    certificate(directory(), "other");
    certificate(directory(), "server", "ca");
    certificate(directory(), "node", "ca");
    return more;
  }
  static void run(std::vector<std::string> command) {
    std::vector<char*> argv;
    for (auto& c : command) argv.push_back(c.data());
    argv.push_back(nullptr);
    pid_t pid = -1;
    posix_spawn_file_actions_t quiet;
    ::posix_spawn_file_actions_init(&quiet);
    ::posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
    if (::posix_spawnp(&pid, argv[0], &quiet, nullptr, argv.data(), environ) != 0)
      throw std::runtime_error(command[0] + " does not start");
    ::posix_spawn_file_actions_destroy(&quiet);
    ::waitpid(pid, nullptr, 0);
  }
  bool answers() const {
    auto fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.sin_port = htons(static_cast<uint16_t>(port_));
    auto ok = ::connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0;
    ::close(fd);
    return ok;
  }

  scratch files_;
  int port_ = free_port();
  pid_t pid_ = -1;
};

}  // namespace skerry::test
