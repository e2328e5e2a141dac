#include "tools/skerry/repl/show.hpp"

#include <capnp/dynamic.h>

#include <algorithm>
#include <vector>

#include "schema/json.hpp"
#include "tools/skerry/repl/table.hpp"

namespace skerry::tools::repl {
namespace {

using phase = schema::ActorView::Phase;

template <class E>
std::string enum_text(E value) {
  capnp::DynamicEnum named{capnp::Schema::from<E>(), static_cast<uint16_t>(value)};
  KJ_IF_MAYBE (e, named.getEnumerant()) return e->getProto().getName().cStr();
  return "unknown";
}

std::string number(uint64_t n) { return std::to_string(n); }

std::string busy(uint64_t us) {
  if (us < 1000) return number(us) + "us";
  return span(static_cast<int64_t>(us / 1000));
}

/// Red for what is down, yellow for what is on its way; after the table is laid out, so that widths stay right.
std::string coloured(std::string text, const style& s) {
  if (!s.colour) return text;
  constexpr std::pair<std::string_view, std::string_view> marks[] = {
      {" down ", "\x1b[31m"},     {" paused ", "\x1b[31m"},    {" killed ", "\x1b[31m"}, {" starting ", "\x1b[33m"},
      {" stopping ", "\x1b[33m"}, {" suspended ", "\x1b[33m"}, {" held ", "\x1b[33m"}};
  for (auto [word, on] : marks)
    for (size_t at = 0; (at = text.find(word, at)) != std::string::npos;) {
      auto shown = std::string{on} + std::string{word} + "\x1b[0m";
      text.replace(at, word.size(), shown);
      at += shown.size();
    }
  auto end = text.find('\n');
  return "\x1b[1m" + text.substr(0, end) + "\x1b[0m" + text.substr(end);
}

/// The names of a depth-first list of paths, drawn as a tree: each is shown without the path of the one it is below.
std::vector<std::string> drawn(const std::vector<std::string>& paths) {
  std::vector<size_t> parent(paths.size(), SIZE_MAX), open;
  for (size_t i = 0; i < paths.size(); ++i) {
    while (!open.empty() && !paths[i].starts_with(paths[open.back()] + "/")) open.pop_back();
    if (!open.empty()) parent[i] = open.back();
    open.push_back(i);
  }
  std::vector<bool> last(paths.size(), true);  // is there no further one with the same parent?
  for (size_t i = 0; i < paths.size(); ++i)
    for (size_t j = i; j-- > 0;)
      if (parent[j] == parent[i]) {
        last[j] = false;
        break;
      }
  std::vector<std::string> out;
  for (size_t i = 0; i < paths.size(); ++i) {
    auto name = parent[i] == SIZE_MAX ? paths[i] : paths[i].substr(paths[parent[i]].size() + 1);
    std::string before;
    if (parent[i] != SIZE_MAX) before = last[i] ? "└─ " : "├─ ";
    for (auto p = parent[i]; p != SIZE_MAX && parent[p] != SIZE_MAX; p = parent[p])
      before = (last[p] ? "   " : "│  ") + before;
    out.push_back(before + name);
  }
  return out;
}

std::string state_text(schema::ActorView::Reader a) {
  auto out = phase_text(a.getPhase());
  if (a.getSilent()) out += ", silent";
  if (a.getStuckMs() >= 1000) out += ", busy " + span(static_cast<int64_t>(a.getStuckMs()));
  return out;
}

std::string left_text(uint64_t left) { return left == 0 ? "" : "... and " + number(left) + " more\n"; }

std::string drops_text(schema::LinkView::Drops::Reader d) {
  const std::pair<const char*, uint64_t> all[] = {{"expired", d.getExpired()},    {"overflow", d.getOverflow()},
                                                  {"no target", d.getNoTarget()}, {"forbidden", d.getForbidden()},
                                                  {"unknown", d.getUnknown()},    {"corrupt", d.getCorrupt()},
                                                  {"dead", d.getDead()}};
  std::string out;
  for (auto [name, n] : all)
    if (n > 0) out += (out.empty() ? "" : ", ") + number(n) + " " + name;
  return out.empty() ? "-" : out;
}

}  // namespace

std::string text_of(capnp::Text::Reader t) { return {t.begin(), t.size()}; }
std::string phase_text(phase p) { return enum_text(p); }

std::string tree_text(schema::Tree::Reader t, const style& s) {
  std::vector<std::string> paths;
  for (auto a : t.getActors()) paths.push_back(text_of(a.getPath()));
  auto names = drawn(paths);
  table out{{"ACTOR", "STATE", "RESTARTS", "WAITING", "HANDLED", "BUSY", "UP", "LAST MESSAGE"}};
  size_t i = 0;
  for (auto a : t.getActors())
    out.add({names[i++], state_text(a), number(a.getRestarts()), number(a.getWaiting()), number(a.getHandled()),
             busy(a.getBusyUs()), span(a.getUpMs()), text_of(a.getLastMessage())});
  return coloured(out.text(s.width), s) + left_text(t.getLeft());
}

std::string names_text(schema::Names::Reader n) {
  std::string out;
  for (auto name : n.getNames()) out += printable(text_of(name.getName())) + (name.getBelow() ? "/" : "") + "\n";
  return out + (n.getMore() ? "... and more; name a part of them: `ls` takes a PATH\n" : "");
}

std::string info_text(schema::Info::Reader i) {
  auto a = i.getActor();
  std::vector<std::pair<const char*, std::string>> rows{
      {"path", text_of(a.getPath())}, {"kind", enum_text(a.getKind())}, {"state", state_text(a)}};
  if (i.getSupervisor().size() > 0) {
    rows.emplace_back("supervisor", text_of(i.getSupervisor()));
    rows.emplace_back("restarted", enum_text(a.getRule()) + ", " + number(a.getRestarts()) + " times so far");
  }
  if (i.getHow().size() > 0) rows.emplace_back("strategy", text_of(i.getHow()));
  if (a.getKind() != schema::ActorView::Kind::WORKER) rows.emplace_back("children", number(a.getChildren()));
  rows.emplace_back("up", span(a.getUpMs()));
  rows.emplace_back("waiting", number(a.getWaiting()) + " messages");
  rows.emplace_back("handled", number(a.getHandled()) + " messages in " + busy(a.getBusyUs()));
  if (a.getLastMessage().size() > 0) rows.emplace_back("last", text_of(a.getLastMessage()));
  if (a.getActor() != 0) rows.emplace_back("number", number(a.getActor()));
  std::string out;
  for (auto& [name, value] : rows)
    out += name + std::string(12 - std::string_view{name}.size(), ' ') + printable(value) + "\n";
  for (auto c : i.getCrashes())
    out += "crash       " + format_time(c.getAtMs()) + "  " + printable(text_of(c.getWhy())) + "\n";
  return out;
}

std::string crashes_text(schema::Crashes::Reader c) {
  table out{{"AT", "ACTOR", "RESTARTS", "LAST MESSAGE", "WHY"}};
  for (auto r : c.getCrashes())
    out.add({format_time(r.getAtMs()), text_of(r.getPath()), number(r.getRestarts()), text_of(r.getLastMessage()),
             text_of(r.getWhy())});
  if (out.rows() == 0) return "no crashes here; " + number(c.getTotal()) + " on this island since it started\n";
  return out.text() + number(c.getTotal()) + " crashes on this island since it started\n";
}

std::string links_text(schema::Links::Reader l, const style& s) {
  table out{{"ISLAND", "STATE", "SINCE", "SESSIONS", "LAG", "ACKED", "FLEETING", "LATEST", "DURABLE", "WAITING",
             "CALLS", "IN", "OUT", "DROPPED"}};
  for (auto v : l.getLinks()) {
    auto state = v.getHeld() ? "held" : v.getUp() ? "up" : "suspended";
    out.add({text_of(v.getIsland()), state, span(v.getSinceMs()), number(v.getSessions()), span(v.getLagMs()),
             span(v.getAckMs()), number(v.getFleeting()), number(v.getLatest()), number(v.getDurable()),
             size(v.getWaitingBytes()), number(v.getCalls()), size(v.getBytesIn()), size(v.getBytesOut()),
             drops_text(v.getDrops())});
  }
  auto gone = l.getForgotten();
  auto end = gone == 0 ? "" : number(gone) + " letters were dropped with links to islands that are gone for good\n";
  if (out.rows() == 0) return "no links\n" + end;
  return coloured(out.text(s.width), s) + left_text(l.getLeft()) + end;
}

std::string top_text(schema::Top::Reader t, const std::string& title, const style& s) {
  uint64_t total = 0;
  table out{{"ACTOR", "BUSY", "HANDLED", "WAITING", "LAST MESSAGE"}};
  auto window = std::max<uint64_t>(1, t.getWindowMs());
  for (auto a : t.getActors()) {
    total += a.getBusyUs();
    char percent[16];
    std::snprintf(percent, sizeof percent, "%.1f%%",
                  static_cast<double>(a.getBusyUs()) / static_cast<double>(window) / 10);
    out.add(
        {text_of(a.getPath()), percent, number(a.getHandled()), number(a.getWaiting()), text_of(a.getLastMessage())});
  }
  return title + ": " + number(t.getSeen()) + " actors, busy " + busy(total) + " in " +
         span(static_cast<int64_t>(window)) + "\n\n" + coloured(out.text(s.width), s);
}

std::string traced_text(schema::Traced::Reader t, const std::string& decoded, const style& s) {
  auto ms = t.getAtMs();
  char at[32];
  std::snprintf(at, sizeof at, "%02d:%02d:%02d.%03d", static_cast<int>(ms / 3'600'000 % 24),
                static_cast<int>(ms / 60'000 % 60), static_cast<int>(ms / 1000 % 60), static_cast<int>(ms % 1000));
  auto from = t.getSender().size() == 0 ? "-" : text_of(t.getSender());
  auto name = text_of(t.getName());
  auto what = t.getAnswer() ? "answer" : t.getRequest() ? "request" : "message";
  std::string out;
  if (t.getMissed() > 0) out = "... " + number(t.getMissed()) + " messages came too fast to be shown\n";
  out += std::string{at} + " " + printable(text_of(t.getPath())) + " <- " + printable(from) + "  " + what + " ";
  out += s.colour ? "\x1b[1m" + printable(name) + "\x1b[0m" : printable(name);
  return out + (decoded.empty() ? "" : " " + printable(decoded)) + "\n";
}

}  // namespace skerry::tools::repl
