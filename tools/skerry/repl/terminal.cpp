#include "tools/skerry/repl/terminal.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>

#include "tools/skerry/repl/table.hpp"

namespace skerry::tools::repl {
namespace {

sigset_t awaited() {
  sigset_t set;
  sigemptyset(&set);
  for (int s : {SIGINT, SIGTERM, SIGHUP, SIGWINCH}) sigaddset(&set, s);
  return set;
}

constexpr std::string_view enter = "\x1b[?1049h\x1b[?25l", leave = "\x1b[?25h\x1b[?1049l";

}  // namespace

signals::signals() {
  auto set = awaited();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

signals::~signals() {
  ::close(fd_);
  auto set = awaited();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

int signals::take() {
  signalfd_siginfo info;
  return ::read(fd_, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

terminal::terminal(signals& s, int in, int out, int err) : signals_(s), in_(in), out_(out), err_(err) {
  bool tty = ::isatty(out) == 1;
  const char* no_colour = std::getenv("NO_COLOR");
  interactive_ = tty && ::isatty(in) == 1;
  colour_ = tty && (no_colour == nullptr || *no_colour == 0);
}

terminal::extent terminal::size() const {
  winsize w{};
  if (::ioctl(out_, TIOCGWINSZ, &w) != 0 || w.ws_row == 0 || w.ws_col == 0) return {};
  return {w.ws_row, w.ws_col};
}

event terminal::wait(int64_t ms, int wake, bool keys) {
  if (ended_) return event::end;
  pollfd all[] = {{signals_.fd(), POLLIN, 0}, {wake, POLLIN, 0}, {keys ? in_ : -1, POLLIN, 0}};
  auto timeout = ms < 0 ? -1 : static_cast<int>(std::min<int64_t>(ms, 86'400'000));
  int n;
  do n = ::poll(all, 3, timeout);
  while (n < 0 && errno == EINTR);
  if (all[0].revents != 0) {
    switch (int s = signals_.take()) {
      case SIGINT:
        return event::interrupt;
      case SIGWINCH:
        return event::resize;
      case SIGTERM:
      case SIGHUP:
        ended_by_ = s;
        ended_ = true;
        return event::end;
      default:
        break;
    }
  }
  if (all[1].revents != 0) return event::wake;
  return all[2].revents != 0 ? event::key : event::timeout;
}

std::optional<char> terminal::read() {
  char c;
  ssize_t n;
  do n = ::read(in_, &c, 1);
  while (n < 0 && errno == EINTR);
  if (n == 1) return c;
  return {};
}

void terminal::complain(std::string_view text) {
  bool coloured = colour_ && ::isatty(err_) == 1;
  write_to(err_, (coloured ? "\x1b[31m" : "") + std::string{text} + (coloured ? "\x1b[0m\n" : "\n"));
}

void terminal::write_to(int fd, std::string_view text) {
  while (!text.empty()) {
    auto n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<size_t>(n));
  }
}

struct screen::saved {
  termios before{};
  bool known = false;
};

screen::screen(terminal& t) : terminal_(t), saved_(new saved) {
  saved_->known = ::tcgetattr(t.in(), &saved_->before) == 0;
  if (saved_->known) {
    auto now = saved_->before;
    now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // ISIG stays: Ctrl-C is a signal
    now.c_cc[VMIN] = 1;
    now.c_cc[VTIME] = 0;
    ::tcsetattr(t.in(), TCSANOW, &now);
  }
  terminal_.write(enter);
}

screen::~screen() {
  terminal_.write(leave);
  if (saved_->known) ::tcsetattr(terminal_.in(), TCSANOW, &saved_->before);
  delete saved_;
}

void screen::draw(std::string_view text) {
  auto size = terminal_.size();
  std::string out = "\x1b[H";
  for (size_t row = 0; row < size.rows && !text.empty(); ++row) {
    auto end = std::min(text.find('\n'), text.size());
    if (row > 0) out += "\r\n";
    out += cut(text.substr(0, end), size.columns) + "\x1b[K";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  terminal_.write(out + "\x1b[J");
}

}  // namespace skerry::tools::repl
