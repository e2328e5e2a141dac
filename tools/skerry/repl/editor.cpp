#include "tools/skerry/repl/editor.hpp"

#include <histedit.h>
#include <sys/stat.h>

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <filesystem>

#include "tools/skerry/repl/table.hpp"

namespace skerry::tools::repl {
namespace {

constexpr int history_lines_max = 1000;
constexpr size_t listed_max = 200;

}  // namespace

struct editor::parts {
  terminal& tty;
  std::string history_file;
  std::function<completion(std::string_view)> complete;
  announcer news;
  std::string prompt;
  History* past = nullptr;
  EditLine* line = nullptr;

  static parts& of(EditLine* e) {
    void* p = nullptr;
    el_get(e, EL_CLIENTDATA, &p);
    return *static_cast<parts*>(p);
  }
  static char* show_prompt(EditLine* e) { return of(e).prompt.data(); }
  static int next_character(EditLine* e, wchar_t* out);
  static unsigned char on_tab(EditLine* e, int);
  static unsigned char on_cancel(EditLine* e, int);
  void list(const completion& c);
};

/// Waits for input and signals together, so that SIGTERM ends the program and a new window size is taken over.
int editor::parts::next_character(EditLine* e, wchar_t* out) {
  auto& p = of(e);
  std::mbstate_t state{};
  for (;;) {
    switch (p.tty.wait(-1, p.news.fd, true)) {
      case event::end:
        return 0;
      case event::resize:
        el_resize(e);
        continue;
      case event::wake:
        if (auto text = p.news.take(); !text.empty()) {
          p.tty.write("\r\x1b[K" + text + "\n");
          el_set(e, EL_REFRESH);
        }
        continue;
      case event::key:
        break;
      default:
        continue;
    }
    auto c = p.tty.read();
    if (!c) return 0;
    auto n = std::mbrtowc(out, &*c, 1, &state);
    if (n == static_cast<size_t>(-2)) continue;  // the next byte belongs to it
    if (n == static_cast<size_t>(-1)) *out = L'?';
    return 1;
  }
}

unsigned char editor::parts::on_tab(EditLine* e, int) {
  auto& p = of(e);
  const auto* info = el_line(e);
  std::string before{info->buffer, info->cursor};
  auto c = p.complete(before);
  auto typed = before.size() - c.begin;
  if (c.candidates.empty()) return CC_REFRESH_BEEP;
  if (c.common.size() > typed || c.whole) {
    el_deletestr(e, static_cast<int>(typed));
    el_insertstr(e, (c.common + (c.whole ? " " : "")).c_str());
    return CC_REFRESH;
  }
  p.list(c);
  return CC_REDISPLAY;
}

/// The candidates in columns, paths by their last names.
void editor::parts::list(const completion& c) {
  std::vector<std::string> names;
  size_t width = 0;
  for (const auto& full : c.candidates) {
    auto end = full.ends_with('/') && full.size() > 1 ? full.size() - 2 : std::string::npos;
    auto slash = full.starts_with('/') ? full.rfind('/', end) : std::string::npos;
    names.push_back(printable(slash == std::string::npos ? full : full.substr(slash + 1)));
    width = std::max(width, characters(names.back()) + 2);
    if (names.size() == listed_max) break;
  }
  auto columns = std::max<size_t>(1, tty.size().columns / width);
  std::string out = "\n";
  for (size_t i = 0; i < names.size(); ++i) {
    bool last = i + 1 == names.size() || (i + 1) % columns == 0;
    out += names[i] + (last ? "\n" : std::string(width - characters(names[i]), ' '));
  }
  if (c.candidates.size() > names.size())
    out += "... and " + std::to_string(c.candidates.size() - names.size()) + " more\n";
  tty.write(out);
}

unsigned char editor::parts::on_cancel(EditLine* e, int) {
  const auto* info = el_line(e);
  el_cursor(e, static_cast<int>(info->lastchar - info->cursor));
  info = el_line(e);
  el_deletestr(e, static_cast<int>(info->lastchar - info->buffer));
  of(e).tty.write("^C\n");
  return CC_REDISPLAY;
}

editor::editor(terminal& t, std::string history_file, std::function<completion(std::string_view)> complete,
               announcer news)
    : parts_(new parts{t, std::move(history_file), std::move(complete), std::move(news), {}, nullptr, nullptr}) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  auto& p = *parts_;
  HistEvent what;
  p.past = history_init();
  history(p.past, &what, H_SETSIZE, history_lines_max);
  history(p.past, &what, H_SETUNIQUE, 1);
  history(p.past, &what, H_LOAD, p.history_file.c_str());
  p.line = el_init("skerry", stdin, stdout, stderr);
  el_set(p.line, EL_CLIENTDATA, &p);
  el_set(p.line, EL_PROMPT, &parts::show_prompt);
  el_set(p.line, EL_EDITOR, "emacs");
  el_set(p.line, EL_SIGNAL, 0);
  el_set(p.line, EL_HIST, history, p.past);
  el_set(p.line, EL_GETCFN, &parts::next_character);
  el_set(p.line, EL_ADDFN, "skerry-complete", "complete the word", &parts::on_tab);
  el_set(p.line, EL_ADDFN, "skerry-cancel", "drop the line", &parts::on_cancel);
  el_set(p.line, EL_SETTY, "-d", "-isig", nullptr);
  const char* keys[][2] = {{"^I", "skerry-complete"},    {"^C", "skerry-cancel"},
                           {"^R", "em-inc-search-prev"}, {"\\e[3~", "ed-delete-next-char"},
                           {"\\e[1~", "ed-move-to-beg"}, {"\\e[4~", "ed-move-to-end"},
                           {"\\e[H", "ed-move-to-beg"},  {"\\e[F", "ed-move-to-end"},
                           {"\\e[1;5D", "ed-prev-word"}, {"\\e[1;5C", "em-next-word"}};
  for (auto& k : keys) el_set(p.line, EL_BIND, k[0], k[1], nullptr);
  el_source(p.line, nullptr);
}

editor::~editor() {
  el_end(parts_->line);
  history_end(parts_->past);
}

std::optional<std::string> editor::read(const std::string& prompt) {
  auto& p = *parts_;
  p.prompt = prompt;
  int size = 0;
  const char* text = el_gets(p.line, &size);
  if (text == nullptr || size <= 0) return {};
  std::string out{text, static_cast<size_t>(size)};
  while (!out.empty() && (out.back() == '\n' || out.back() == '\r')) out.pop_back();
  if (out.find_first_not_of(" \t") == std::string::npos) return out;
  HistEvent what;
  history(p.past, &what, H_ENTER, out.c_str());
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path{p.history_file}.parent_path(), ignored);
  auto mask = ::umask(0077);
  history(p.past, &what, H_SAVE, p.history_file.c_str());
  ::umask(mask);
  return out;
}

std::string default_history_file() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && *state != 0) return std::string{state} + "/skerry/repl_history";
  const char* home = std::getenv("HOME");
  return std::string{home != nullptr ? home : "."} + "/.local/state/skerry/repl_history";
}

}  // namespace skerry::tools::repl
