#include "drivers/log/stream_log.hpp"

#include <strings.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace skerry::drivers {
namespace {

constexpr size_t text_bytes_max = 4096;
constexpr std::array names{"debug", "info", "warning", "error"};
constexpr std::array colours{"\x1b[2m", "", "\x1b[33m", "\x1b[31m"};

void append_printable(std::string& out, std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  for (unsigned char c : text.substr(0, text_bytes_max)) {
    if (c >= 0x20 && c != 0x7f) {
      out += static_cast<char>(c);
    } else {
      out += "\\x";
      out += hex[c >> 4];
      out += hex[c & 15];
    }
  }
  if (text.size() > text_bytes_max) out += "...";
}

bool word_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

/// Returns the length of a word at `at` that announces a secret value, or 0.
size_t secret_word(std::string_view text, size_t at) {
  static constexpr std::array<std::string_view, 5> words{"token", "password", "secret", "authorization", "bearer"};
  if (at > 0 && word_char(text[at - 1])) return 0;
  for (auto w : words)
    if (text.size() - at >= w.size() && strncasecmp(text.data() + at, w.data(), w.size()) == 0) return w.size();
  return 0;
}

/// Returns where the value after such a word begins ("token=x", "token: x", "Bearer x"), or npos if none follows.
size_t value_after(std::string_view text, size_t at, bool bearer) {
  auto i = at;
  if (i < text.size() && (text[i] == '"' || text[i] == '\'')) ++i;
  bool marked = i < text.size() && (text[i] == '=' || text[i] == ':');
  if (marked) ++i;
  if (!marked && !bearer) return std::string_view::npos;
  while (i < text.size() && (text[i] == ' ' || text[i] == '"' || text[i] == '\'')) ++i;
  return i > at && i < text.size() ? i : std::string_view::npos;
}

}  // namespace

std::string without_secrets(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    auto word = secret_word(text, i);
    bool bearer = word == 6 && (text[i] == 'b' || text[i] == 'B');
    auto value = word == 0 ? std::string_view::npos : value_after(text, i + word, bearer);
    if (value != std::string_view::npos &&
        strncasecmp(text.data() + value, "bearer ", std::min<size_t>(7, text.size() - value)) == 0)
      value = std::string_view::npos;  // "authorization: Bearer x": the next word tells
    if (value == std::string_view::npos) {
      out += text[i++];
      continue;
    }
    out.append(text, i, value - i).append("***");
    i = value;
    while (i < text.size() && std::string_view{" \"',;)]}\n"}.find(text[i]) == std::string_view::npos) ++i;
  }
  return out;
}

std::string format_line(int64_t wall_ms, ports::severity s, std::string_view who, std::string_view text) {
  std::time_t seconds = wall_ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char stamp[48];
  auto n = std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(stamp + n, sizeof stamp - n, ".%03dZ ", static_cast<int>(wall_ms % 1000));
  std::string line{stamp};
  line.append(names[static_cast<size_t>(s)]).append(" ").append(who).append(" ");
  append_printable(line, without_secrets(text));
  line += '\n';
  return line;
}

std::optional<ports::severity> parse_severity(std::string_view name) {
  for (size_t i = 0; i < names.size(); ++i)
    if (name == names[i]) return static_cast<ports::severity>(i);
  return {};
}

stream_log::stream_log(const ports::clock& clock, ports::severity least, int fd, std::optional<bool> colour)
    : clock_(clock),
      least_(least),
      fd_(fd),
      colour_(colour.value_or(isatty(fd) == 1 && std::getenv("NO_COLOR") == nullptr)) {}

void stream_log::write(ports::severity s, std::string_view who, std::string_view text) {
  if (!enabled(s)) return;
  auto line = format_line(clock_.wall_ms(), s, who, text);
  if (std::string_view on = colours[static_cast<size_t>(s)]; colour_ && !on.empty()) {
    line.pop_back();
    line = std::string{on} + line + "\x1b[0m\n";
  }
  std::string_view rest{line};
  while (!rest.empty()) {
    auto n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // nobody reads: a log never stops the work
    rest.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace skerry::drivers
