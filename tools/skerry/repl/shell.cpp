#include "tools/skerry/repl/shell.hpp"

#include <unistd.h>

#include <boost/json/serialize.hpp>

#include "schema/error.hpp"
#include "schema/json.hpp"
#include "schema/path.hpp"
#include "tools/skerry/repl/editor.hpp"
#include "tools/skerry/repl/near.hpp"
#include "tools/skerry/repl/table.hpp"

namespace skerry::tools::repl {
namespace {

/// Longer than a letter waits for a cut link (10 s): so that the answer to "what is the matter" is the link's own.
constexpr uint32_t answer_ms_max = 12'000;
constexpr uint32_t restart_ms_max = 65'000;  ///< as long as the inspector waits for the supervisor
constexpr size_t line_bytes_max = 1024 * 1024;

template <class T, class F>
letter<T> make(F fill) {
  return letter<T>::build(fill);
}

schema::Severity severity_of(const std::string& name) {
  auto levels = log_levels();
  for (size_t i = 0; i < levels.size(); ++i)
    if (levels[i] == name) return static_cast<schema::Severity>(i);
  return schema::Severity::INFO;
}

std::string delivery_text(const delivery& d) {
  switch (d.how) {
    case delivery::kind::durable:
      return "durable";
    case delivery::kind::latest:
      return d.key_field.empty() ? "latest" : "latest by " + d.key_field;
    case delivery::kind::fleeting:
      return "fleeting, " + span(d.ttl_ms);
  }
  return {};
}

}  // namespace

shell::shell(terminal& t, remote& r, const vocabulary& words, bool json)
    : terminal_(t), remote_(r), words_(words), json_(json) {}

int shell::run(std::string_view line) {
  auto c = parse_line(line);
  if (!c) {
    terminal_.complain(message_of(c.error()));
    return 2;
  }
  if (c->what == nullptr) return 0;
  auto code = dispatch(*c);
  if (auto news = remote_.news(); !news.empty()) terminal_.complain(news);
  return code;
}

int shell::dispatch(const call& c) {
  switch (c.what->what) {
    case verb::tree:
      return tree(c);
    case verb::ls:
      return list(c);
    case verb::info:
      return info(c);
    case verb::crashes:
      return crashes(c);
    case verb::links:
      return links(c);
    case verb::twin:
      return twin(c);
    case verb::samples:
      return samples(c);
    case verb::trace:
      return trace(c);
    case verb::send:
      return send(c);
    case verb::ask:
      return ask(c);
    case verb::kill:
      return kill(c);
    case verb::restart:
      return restart(c);
    case verb::suspend:
    case verb::resume:
      return hold(c);
    case verb::top:
      return top(c);
    case verb::watch:
      return watch(c);
    case verb::log:
      return log_level(c);
    case verb::messages:
      return messages(c);
    case verb::schema:
      return schema(c);
    case verb::help:
      return help(c);
    case verb::quit:
      quit_ = true;
      return 0;
  }
  return 0;
}

int shell::fail(const call& c, const caf::error& e) {
  auto text = code_of(e) == errc::cancelled ? std::string{"interrupted"} : message_of(e);
  text = std::string{c.what->name} + ": " + printable(text);
  if (on_screen_)
    complaints_ = std::move(text);
  else
    terminal_.complain(text);
  return 1;
}

void shell::out(std::string_view text) {
  if (on_screen_)
    page_ += text;
  else
    terminal_.write(text);
}

int shell::show_json(const caf::expected<json::value>& v) {
  if (!v) {
    terminal_.complain(message_of(v.error()));
    return 1;
  }
  out(json::serialize(*v) + "\n");
  return 0;
}

style shell::how() const {
  bool wide = !terminal_.interactive() && !on_screen_;
  return {terminal_.colour(), wide ? 0 : terminal_.size().columns};
}

int shell::tree(const call& c) {
  auto q = make<schema::AskTree>([&](auto b) {
    b.setPath(c.path);
    if (c.levels) b.setLevels(static_cast<uint16_t>(*c.levels));
  });
  auto r = inquire<schema::Tree>(c.path, q, answer_ms_max);
  if (!r) return fail(c, r.error());
  return show(*r, [&](auto t) { return tree_text(t, how()); });
}

int shell::info(const call& c) {
  auto r = inquire<schema::Info>(c.path, make<schema::AskInfo>([&](auto b) { b.setPath(c.path); }), answer_ms_max);
  if (!r) return fail(c, r.error());
  return show(*r, info_text);
}

int shell::crashes(const call& c) {
  auto q = make<schema::AskCrashes>([&](auto b) {
    b.setPath(c.path);
    b.setLimit(static_cast<uint32_t>(c.count.value_or(0)));
  });
  auto r = inquire<schema::Crashes>(c.path, q, answer_ms_max);
  if (!r) return fail(c, r.error());
  return show(*r, crashes_text);
}

int shell::links(const call& c) {
  auto r = inquire<schema::Links>(c.path, make<schema::AskLinks>([](auto) {}), answer_ms_max);
  if (!r) return fail(c, r.error());
  return show(*r, [&](auto l) { return links_text(l, how()); });
}

int shell::log_level(const call& c) {
  auto q = make<schema::SetLogLevel>([&](auto b) { b.setLevel(severity_of(c.rest)); });
  auto r = inquire<schema::LogLevel>(c.path, q, answer_ms_max);
  if (!r) return fail(c, r.error());
  auto levels = log_levels();
  return show(*r, [&](auto l) {
    return "logs " + levels[static_cast<size_t>(l.getNow())] + " and above; it was " +
           levels[static_cast<size_t>(l.getWas())] + "\n";
  });
}

int shell::hold(const call& c) {
  auto island = c.rest.starts_with('/') ? c.rest : paths::node(c.rest);
  bool suspend = c.what->what == verb::suspend;
  if (auto e = reachable(island)) return fail(c, e);
  auto r = suspend
               ? inquire<schema::Done>({}, make<schema::Suspend>([&](auto b) { b.setIsland(island); }), answer_ms_max)
               : inquire<schema::Done>({}, make<schema::Resume>([&](auto b) { b.setIsland(island); }), answer_ms_max);
  if (!r) return fail(c, r.error());
  return show(*r, [&](auto) {
    return suspend ? "the link to " + island + " is held until `resume " + c.rest + "`\n"
                   : "the link to " + island + " runs again\n";
  });
}

int shell::kill(const call& c) {
  auto r = inquire<schema::Done>(c.path, make<schema::Kill>([&](auto b) { b.setPath(c.path); }), answer_ms_max);
  if (!r) return fail(c, r.error());
  return show(*r, [&](auto) { return "killed " + c.path + "; `crashes` has its report\n"; });
}

int shell::restart(const call& c) {
  auto r = inquire<schema::Done>(c.path, make<schema::Restart>([&](auto b) { b.setPath(c.path); }), restart_ms_max);
  if (!r) return fail(c, r.error());
  return show(*r, [&](auto) { return "restarted " + c.path + "\n"; });
}

int shell::messages(const call& c) {
  table t{{"MESSAGE", "DELIVERY"}};
  json::array list;
  for (const auto* m : words_.all()) {
    if (m->name().find(c.rest) == std::string::npos) continue;
    t.add({m->name(), delivery_text(m->delivery())});
    list.push_back(json::object{{"name", m->name()}, {"id", m->id()}, {"delivery", delivery_text(m->delivery())}});
  }
  if (json_) return show_json(json::value(std::move(list)));
  if (t.rows() == 0) return fail(c, make_error(errc::not_found, "no message has '" + c.rest + "' in its name"));
  out(t.text());
  return 0;
}

int shell::schema(const call& c) {
  const auto* m = words_.find(c.message);
  if (m == nullptr) {
    std::vector<std::string> names;
    for (const auto* w : words_.all()) names.push_back(w->name());
    terminal_.complain("schema: no message '" + c.message + "'" + did_you_mean(c.message, names));
    return 2;
  }
  auto text = describe(m->schema());
  if (json_) return show_json(json::value(json::object{{"name", m->name()}, {"fields", text}}));
  out(text);
  return 0;
}

int shell::help(const call& c) {
  out(c.rest.empty() ? overview() : repl::help(*find_command(c.rest)));
  return 0;
}

int shell::run_script() {
  std::string line;
  for (;;) {
    auto e = terminal_.wait(-1, -1, true);
    if (e == event::interrupt) return 1;
    auto c = e == event::key ? terminal_.read() : std::nullopt;
    if (e == event::resize) continue;
    if (c && *c != '\n') {
      line += *c;
      if (line.size() > line_bytes_max) {
        terminal_.complain("a line of the input is longer than " + std::to_string(line_bytes_max) + " bytes");
        return 2;
      }
      continue;
    }
    if (auto code = run(line); code != 0) return code;
    line.clear();
    if (!c || quit_) return 0;
  }
}

int shell::run_interactive() {
  auto names = sources();
  editor lines{terminal_, default_history_file(), [&](std::string_view line) { return complete(line, names); },
               announcer{remote_.wake_fd(), [this] { return remote_.news(); }}};
  out("joined " + remote_.home() + "; `help` lists the commands, Tab completes, Ctrl-D ends\n");
  while (!quit_ && !terminal_.ended()) {
    auto line = lines.read("skerry " + remote_.home() + "> ");
    if (!line) {
      if (!terminal_.ended()) out("\n");
      break;
    }
    run(*line);
  }
  return 0;
}

}  // namespace skerry::tools::repl
