#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace skerry::tools::repl {

/// SIGINT, SIGTERM, SIGHUP and SIGWINCH as things to wait for, instead of interruptions. Make it before any thread.
class signals {
public:
  signals();
  ~signals();
  signals(const signals&) = delete;
  signals& operator=(const signals&) = delete;
  int fd() const { return fd_; }
  /// The next signal that came, or 0.
  int take();

private:
  int fd_ = -1;
};

/// What ended a wait.
enum class event : uint8_t {
  timeout,    ///< the time was over
  wake,       ///< the descriptor that was given is readable
  key,        ///< a key was pressed, or input can be read
  interrupt,  ///< Ctrl-C: end what runs now
  resize,     ///< the terminal has another size
  end,        ///< SIGTERM, SIGHUP or the end of input: end the program
};

/// Where the REPL is typed and read. Waits look at signals first: nothing here blocks them out.
class terminal {
public:
  /// `in`, `out` and `err` are descriptors that stay open; any may be no terminal.
  explicit terminal(signals& s, int in = 0, int out = 1, int err = 2);

  /// Both ends are a terminal: lines are edited, screens are drawn.
  bool interactive() const { return interactive_; }
  /// Output may be coloured: it is a terminal, and NO_COLOR (https://no-color.org) is not set.
  bool colour() const { return colour_; }
  struct extent {
    size_t rows = 24, columns = 80;
  };
  extent size() const;

  /// Waits until one of them comes, for at most `ms` (negative: for ever). `wake` is a further descriptor, or -1;
  /// `keys` tells whether input counts. Once `end` came, it comes again at once.
  event wait(int64_t ms, int wake, bool keys);
  /// The signal that ended the program, or 0.
  int ended_by() const { return ended_by_; }
  bool ended() const { return ended_; }
  /// Reads one byte of input; none at its end.
  std::optional<char> read();
  /// Writes all of it, as far as the other end takes it.
  void write(std::string_view text) { write_to(out_, text); }
  /// Writes a line of what is wrong to the error output.
  void complain(std::string_view text);

  int in() const { return in_; }

private:
  static void write_to(int fd, std::string_view text);

  signals& signals_;
  int in_, out_, err_;
  bool interactive_ = false, colour_ = false, ended_ = false;
  int ended_by_ = 0;
};

/// While it lives, the terminal shows another screen, without cursor, and gives keys one by one without echo. What was
/// there before comes back when it ends, also by Ctrl-C and SIGTERM, which only end a wait.
class screen {
public:
  explicit screen(terminal& t);
  ~screen();
  screen(const screen&) = delete;
  screen& operator=(const screen&) = delete;
  /// Shows these lines in place of the old ones, cut to what fits.
  void draw(std::string_view text);

private:
  struct saved;
  terminal& terminal_;
  saved* saved_;
};

}  // namespace skerry::tools::repl
