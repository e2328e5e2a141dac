#include <algorithm>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <optional>

#include "schema/error.hpp"
#include "schema/json.hpp"
#include "schema/path.hpp"
#include "tools/skerry/repl/shell.hpp"
#include "tools/skerry/repl/table.hpp"

/// What goes on until Ctrl-C, a count or a comparison ends it.
namespace skerry::tools::repl {
namespace {

using steady = std::chrono::steady_clock;

constexpr uint32_t answer_ms_max = 12'000;
constexpr uint32_t lease_ms = 15'000;
constexpr auto renew_after = std::chrono::seconds{5};
constexpr uint32_t window_ms_max = 5'000;

int64_t ms_until(steady::time_point t) {
  return std::max<int64_t>(0, std::chrono::duration_cast<std::chrono::milliseconds>(t - steady::now()).count());
}

letter<schema::TraceOn> trace_on(const std::string& path) {
  return letter<schema::TraceOn>::build([&](schema::TraceOn::Builder b) {
    b.setPath(path);
    b.setLeaseMs(lease_ms);
  });
}

sample sample_of(schema::ActorView::Reader a) {
  return {text_of(a.getPath()),
          phase_text(a.getPhase()),
          static_cast<double>(a.getWaiting()),
          static_cast<double>(a.getRestarts()),
          static_cast<double>(a.getHandled()),
          static_cast<double>(a.getBusyUs()) / 1000,
          static_cast<double>(a.getUpMs()),
          static_cast<double>(a.getChildren())};
}

bool only_reads(const command& c) {
  switch (c.what) {
    case verb::tree:
    case verb::ls:
    case verb::info:
    case verb::crashes:
    case verb::links:
    case verb::ask:
      return true;
    default:
      return false;
  }
}

}  // namespace

void shell::show_traced(const letter<schema::Traced>& t) {
  auto r = *t;
  if (json_) {
    show_json(codec_.encode(capnp::DynamicStruct::Reader{r}));
    return;
  }
  std::string decoded;
  const auto* type = words_.find(r.getType());
  auto bytes = r.getBytes();
  if (type != nullptr && bytes.size() > 0) {
    auto v = codec_.encode({reinterpret_cast<const std::byte*>(bytes.begin()), bytes.size()}, type->schema(), true);
    decoded = v ? json::serialize(*v) : "(" + message_of(v.error()) + ")";
  } else if (r.getType() != 0) {
    decoded = "(" + repl::size(r.getSize()) + (type == nullptr ? " of a type that is not known here)" : ")");
  }
  out(traced_text(r, decoded, how()));
}

int shell::trace(const call& c) {
  remote_.take_traced();  // what an earlier trace left
  auto begun = inquire<schema::Done>(c.path, trace_on(c.path), answer_ms_max);
  if (!begun) return fail(c, begun.error());
  if (!json_ && terminal_.interactive()) out("tracing " + c.path + "; Ctrl-C ends it\n");
  auto left = static_cast<uint64_t>(c.count.value_or(0));
  std::optional<steady::time_point> end;
  if (c.seconds) end = steady::now() + std::chrono::milliseconds{static_cast<int64_t>(*c.seconds * 1000)};
  auto renew = steady::now() + renew_after;
  int code = 0;
  for (bool on = true; on;) {
    auto wait = end ? std::min(ms_until(*end), ms_until(renew)) : ms_until(renew);
    auto e = terminal_.wait(wait, remote_.wake_fd(), false);
    on = e != event::interrupt && e != event::end;
    for (const auto& t : remote_.take_traced()) {
      if (text_of((*t).getPath()) != c.path || !on) continue;
      show_traced(t);
      if (c.count && --left == 0) on = false;
    }
    if (end && steady::now() >= *end) on = false;
    if (!on || steady::now() < renew) continue;
    renew = steady::now() + renew_after;
    auto again = inquire<schema::Done>(c.path, trace_on(c.path), answer_ms_max);
    if (again) continue;
    code = fail(c, again.error());
    on = false;
  }
  auto off = letter<schema::TraceOff>::build([&](schema::TraceOff::Builder b) { b.setPath(c.path); });
  remote_.send(admin_of(c.path), caf::make_message(off));
  return code;
}

/// Waits for so long; false when it is to end: q, Ctrl-C, the end of the program.
bool shell::goes_on(double seconds) {
  auto end = steady::now() + std::chrono::milliseconds{static_cast<int64_t>(seconds * 1000)};
  for (;;) {
    switch (terminal_.wait(ms_until(end), -1, on_screen_)) {
      case event::interrupt:
      case event::end:
        return false;
      case event::key: {
        auto key = terminal_.read();
        if (!key || *key == 'q' || *key == 'Q' || *key == 4) return false;
        break;
      }
      case event::resize:
      case event::timeout:
        return true;
      default:
        break;
    }
  }
}

int shell::top(const call& c) {
  bool live = terminal_.interactive() && !json_;
  auto interval = c.seconds.value_or(2);
  auto title = c.path.empty() ? remote_.home() : c.path;
  auto ask = [&](uint32_t window) {
    auto rows = std::max<size_t>(1, terminal_.size().rows - std::min<size_t>(terminal_.size().rows, 4));
    auto limit = live && !c.count ? rows : static_cast<size_t>(c.count.value_or(20));
    auto q = letter<schema::AskTop>::build([&](schema::AskTop::Builder b) {
      b.setPath(c.path);
      b.setLimit(static_cast<uint32_t>(limit));
      b.setWindowMs(window);
    });
    return inquire<schema::Top>(c.path, q, answer_ms_max + window);
  };
  auto window = static_cast<uint32_t>(std::min<double>(window_ms_max, interval * 1000));
  if (!live) {
    auto r = ask(window);
    if (!r) return fail(c, r.error());
    return show(*r, [&](auto t) { return top_text(t, title, how()); });
  }
  caf::error why;
  {
    screen s{terminal_};
    on_screen_ = true;
    s.draw(title + ": counting ...");
    for (auto next = std::min<uint32_t>(window, 300);; next = window) {  // the first picture comes soon
      auto r = ask(next);
      if (!r) {
        why = std::move(r.error());
        break;
      }
      s.draw(top_text(**r, title, how()) + "\nq ends it");
      if (!goes_on(std::max(0.0, interval - window / 1000.0))) break;
    }
    on_screen_ = false;
  }
  return !why || code_of(why) == errc::cancelled ? 0 : fail(c, why);
}

caf::expected<reading> shell::value_of(const expression& e) {
  auto fixed = fixed_part(e.pattern);
  std::vector<std::string> roots{fixed};
  if (paths::island_of(fixed).empty()) {
    auto all = islands(answer_ms_max);
    if (!all) return std::move(all.error());
    roots.clear();
    for (auto& i : *all)
      if (paths::kind_of(i) != paths::island_kind::repl) roots.push_back(i);
  }
  std::vector<sample> samples;
  for (const auto& root : roots) {
    auto q = letter<schema::AskTree>::build([&](schema::AskTree::Builder b) {
      b.setPath(root);
      if (root == e.pattern) b.setLevels(0);
    });
    auto r = inquire<schema::Tree>(root, q, answer_ms_max);
    if (!r && roots.size() > 1 && code_of(r.error()) != errc::cancelled) continue;  // one that is cut off has no say
    if (!r && code_of(r.error()) == errc::not_found && e.what == expression::function::count) continue;
    if (!r) return std::move(r.error());
    if ((**r).getLeft() > 0)
      return make_error(errc::too_large,
                        root + " has more actors than one answer holds; take a longer PATH before the *");
    for (auto a : (**r).getActors()) samples.push_back(sample_of(a));
  }
  return evaluate(e, samples);
}

int shell::watch_value(const call& c, const expression& e) {
  auto left = static_cast<uint64_t>(c.count.value_or(0));
  std::string before;
  for (;;) {
    auto v = value_of(e);
    if (!v) return fail(c, v.error());
    bool holds = e.how != expression::relation::none && v->holds;
    if (v->text != before || holds) {
      before = v->text;
      auto now =
          std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
      if (json_)
        show_json(json::value(json::object{{"atMs", now.count()}, {"value", v->text}, {"holds", v->holds}}));
      else
        out(format_time(now.count()) + "  " + printable(v->text) + "\n");
      if (c.count && --left == 0) return 0;
    }
    if (holds) return 0;
    if (!goes_on(c.seconds.value_or(1))) return e.how == expression::relation::none ? 0 : 1;
  }
}

int shell::watch_command(const call& c, const std::string& line) {
  auto inner = parse_line(line);
  if (!inner) return fail(c, inner.error()), 2;
  if (!only_reads(*inner->what))
    return fail(c,
                make_error(errc::invalid, std::string{inner->what->name} + " does not only read: it is not repeated")),
           2;
  auto left = static_cast<uint64_t>(c.count.value_or(0));
  bool live = terminal_.interactive() && !json_;
  std::optional<screen> s;
  if (live) s.emplace(terminal_);
  int code = 0;
  for (;;) {
    on_screen_ = live;
    page_ =
        live ? line + ", every " + span(static_cast<int64_t>(c.seconds.value_or(2) * 1000)) + "; q ends it\n\n" : "";
    code = dispatch(*inner);
    if (code != 0) break;
    if (live) s->draw(page_);
    if ((c.count && --left == 0) || !goes_on(c.seconds.value_or(2))) break;
  }
  on_screen_ = false;
  s.reset();
  if (auto text = std::exchange(complaints_, {}); !text.empty()) terminal_.complain(text);
  return code;
}

int shell::watch(const call& c) {
  auto words = words_of(c.rest);
  if (!words.empty() && find_command(words[0].text) != nullptr && c.rest.find('(') == std::string::npos)
    return watch_command(c, c.rest);
  auto e = parse_expression(c.rest);
  if (!e) {
    terminal_.complain(message_of(e.error()));
    return 2;
  }
  return watch_value(c, *e);
}

}  // namespace skerry::tools::repl
