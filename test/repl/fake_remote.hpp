#pragma once
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <functional>

#include "schema/error.hpp"
#include "supervisors/inspector.hpp"
#include "tools/skerry/repl/shell.hpp"

/// A shell whose system answers what the test says.
namespace skerry::tools::repl {

struct asked {
  std::string path, message;
};

struct fake_remote : remote {
  std::string island = "/cloud";
  vocabulary words;
  std::vector<asked> log;
  std::vector<std::pair<std::string, bool>> islands{{"/node/n1", true}, {"/node/n2", false}};
  std::function<caf::expected<caf::message>(const asked&, const caf::message&)> answer;

  fake_remote() {
    add_standard(words);
    supervisors::add_admin(words);
  }
  const std::string& home() const override { return island; }
  caf::expected<caf::message> ask(const std::string& path, caf::message what, uint32_t) override {
    const auto* type = words.of(what.content());
    asked a{path, type != nullptr ? type->name() : "?"};
    if (a.message == "AskLinks" && path == island + "/admin") return links();
    log.push_back(a);
    if (!answer) return make_error(errc::not_found, "nobody stands at " + path);
    return answer(a, what);
  }
  caf::error send(const std::string& path, caf::message what) override {
    log.push_back({path, words.of(what.content())->name()});
    return {};
  }
  std::vector<letter<schema::Traced>> take_traced() override { return {}; }
  int wake_fd() const override { return -1; }

  caf::message links() const {
    return caf::make_message(letter<schema::Links>::build([this](schema::Links::Builder b) {
      auto list = b.initLinks(static_cast<unsigned>(islands.size()));
      for (unsigned i = 0; i < islands.size(); ++i) {
        list[i].setIsland(islands[i].first);
        list[i].setUp(islands[i].second);
        list[i].setBytesIn(1'234'567);
      }
    }));
  }
};

/// A file in memory that a terminal writes to.
struct capture {
  int fd = ::memfd_create("out", MFD_CLOEXEC);
  ~capture() { ::close(fd); }
  std::string take() {
    auto size = ::lseek(fd, 0, SEEK_END);
    std::string out(static_cast<size_t>(size), 0);
    BOOST_REQUIRE(::pread(fd, out.data(), out.size(), 0) == size);
    BOOST_REQUIRE(::ftruncate(fd, 0) == 0);
    ::lseek(fd, 0, SEEK_SET);
    return out;
  }
};

struct shell_world {
  signals s;
  capture out, err;
  int in = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  terminal tty{s, in, out.fd, err.fd};
  fake_remote remote;
  shell people{tty, remote, remote.words, false};
  shell machines{tty, remote, remote.words, true};
  ~shell_world() { ::close(in); }
};

}  // namespace skerry::tools::repl
