#include "tools/skerry/repl/commands.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace skerry::tools::repl {
namespace {

constexpr place path{slot::path, "PATH"};
constexpr place optional_path{slot::path, "PATH", true};
constexpr place node{slot::node, "NODE"};
constexpr place message{slot::message, "MESSAGE"};
constexpr place optional_json{slot::json, "JSON", true};
constexpr flag count{'n', "COUNT", 1, 1e6};
constexpr flag interval{'i', "SECONDS", 0.1, 3600};
constexpr flag deadline{'t', "SECONDS", 0.1, 3600};

std::vector<command> looking() {
  return {
      {verb::tree,
       "tree",
       "the supervision tree, live: state, restarts, mailbox depth, uptime",
       "Without PATH that of the island this REPL is joined to. -d is how many levels below PATH are shown.",
       "  tree                         all actors of this island\n"
       "  tree /node/n1 -d 1           what stands directly below the root of node n1\n",
       {optional_path},
       {{'d', "LEVELS", 0, 16}}},
      {verb::ls,
       "ls",
       "the names below a path",
       "Without PATH the islands that can be reached.",
       "  ls                           /cloud, /node/n1, ...\n  ls /cloud/controllers\n",
       {optional_path},
       {}},
      {verb::info, "info", "all that is known of one actor", "", "  info /cloud/store\n", {path}, {}},
      {verb::crashes,
       "crashes",
       "the latest crash reports of an island, newest last",
       "PATH limits them to what stands at or below it.",
       "  crashes                      of this island\n  crashes /node/n1/pod -n 5    the last five of pods on n1\n",
       {optional_path},
       {count}},
      {verb::links,
       "links",
       "the links of an island: state, lag, queues, age of the last acknowledgement, bytes, drops",
       "",
       "  links\n  links /node/n1               as the node sees it\n",
       {optional_path},
       {}},
      {verb::twin,
       "twin",
       "a device as its node has it now: what is desired, taken and reported, with quality and age",
       "",
       "  twin /node/n1/twin/default/boiler-1\n",
       {path},
       {}},
      {verb::samples,
       "samples",
       "what a device's properties were, as lines from then to now",
       "PATH is that of its twin. Without PROPERTY all of them. -t is how many seconds back, 3600 by default. Each "
       "place "
       "of a\nline is an average; where nothing was read there is a gap. -o json gives the samples themselves.",
       "  samples /node/n1/twin/default/boiler-1\n  samples /node/n1/twin/default/boiler-1 temperature -t 86400\n",
       {path, {slot::text, "PROPERTY", true}},
       {{'t', "SECONDS", 1, 1e9}}},
  };
}

std::vector<command> following() {
  return {
      {verb::trace,
       "trace",
       "shows the messages of an actor as it handles them, until Ctrl-C",
       "Letters are decoded by the schema; messages that never leave an island are shown by their type. A trace ends "
       "by\n"
       "itself when this REPL goes away. -n ends it after so many messages, -t after so many seconds.",
       "  trace /cloud/link/hub\n  trace /node/n1/agent -n 10 -t 30\n",
       {path},
       {count, deadline}},
      {verb::top,
       "top",
       "the busiest actors, refreshed; q or Ctrl-C ends it",
       "Without PATH those of this island. -i is how often it is refreshed, -n how many are shown (20, or what fits).\n"
       "When the output is no terminal one table is printed.",
       "  top\n  top /node/n1 -i 5\n",
       {optional_path},
       {count, interval}},
      {verb::watch,
       "watch",
       "shows a value whenever it changes, or a command again and again, until Ctrl-C",
       "EXPR is PATH.FIELD, FUNCTION(PATH.FIELD) or a command that only reads. PATH may hold * (one name) and ** (any\n"
       "depth). Functions: sum, max, min, avg, count. Fields: depth, restarts, handled, busy_ms, up_ms, phase, "
       "children.\n"
       "With a comparison (<, <=, =, !=, >=, >) it ends, with success, as soon as that holds. -n ends it after so "
       "many\n"
       "values.",
       "  watch max(/cloud/**.depth)\n  watch sum(/node/n1/pod/*.restarts) > 0\n  watch -i 5 links\n",
       {{slot::expression, "EXPR"}},
       {count, interval}},
  };
}

std::vector<command> acting() {
  return {
      {verb::send,
       "send",
       "sends a letter to an actor and does not wait for an answer",
       "MESSAGE is a struct of schema/*.capnp (see `messages`), JSON its fields; what is left out has its default.",
       "  send /node/n1/admin SetLogLevel {\"level\": \"debug\"}\n",
       {path, message, optional_json},
       {}},
      {verb::ask,
       "ask",
       "sends a letter to an actor and shows its answer",
       "As send. -t is how long to wait, 10 s by default; an actor behind a cut link answers `suspended`.",
       "  ask /cloud/admin AskList {\"path\": \"/cloud\"}\n  ask -t 2 /node/n1/admin AskCrashes\n",
       {path, message, optional_json},
       {deadline}},
      {verb::kill,
       "kill",
       "ends an actor as a crash would; its supervisor does what its rule says",
       "",
       "  kill /cloud/controllers/scheduler\n",
       {path},
       {}},
      {verb::restart,
       "restart",
       "has the supervisor of an actor stop it and start it again",
       "Its strategy holds: one_for_all restarts the siblings, rest_for_one those started later. No crash is counted.",
       "  restart /node/n1/link\n",
       {path},
       {}},
      {verb::suspend,
       "suspend",
       "holds letters to a node's actors as if the line were cut; nothing is lost",
       "Typed at the cloud. Letters are what actors send each other by path; what the cloud and the agent tell each "
       "other\n"
       "of pods goes on. It lasts until `resume`, or until the cloud starts again.",
       "  suspend n1\n",
       {node},
       {}},
      {verb::resume, "resume", "lets letters to a node run again", "", "  resume n1\n", {node}, {}},
      {verb::log,
       "log",
       "sets what is logged: debug, info, warning or error",
       "Without PATH of this island. It lasts until the process ends.",
       "  log debug\n  log info /node/n1\n",
       {{slot::level, "LEVEL"}, optional_path},
       {}},
  };
}

std::vector<command> explaining() {
  return {
      {verb::messages,
       "messages",
       "the messages that can be sent, and how each is delivered",
       "",
       "  messages\n  messages Ask                 those whose name holds \"Ask\"\n",
       {{slot::text, "TEXT", true}},
       {}},
      {verb::schema, "schema", "the fields of a message", "", "  schema AskTree\n", {message}, {}},
      {verb::help,
       "help",
       "this list, or the help of one command with examples",
       "",
       "  help\n  help trace\n",
       {{slot::command, "COMMAND", true}},
       {}},
      {verb::quit, "quit", "ends the REPL (so does Ctrl-D)", "", "  quit\n", {}, {}},
  };
}

}  // namespace

const std::vector<command>& commands() {
  static const std::vector<command> all = [] {
    std::vector<command> out;
    for (auto part : {looking(), following(), acting(), explaining()}) out.insert(out.end(), part.begin(), part.end());
    return out;
  }();
  return all;
}

const command* find_command(std::string_view name) {
  for (const auto& c : commands())
    if (name == c.name) return &c;
  return name == "exit" ? find_command("quit") : nullptr;
}

std::vector<std::string> command_names() {
  std::vector<std::string> out;
  for (const auto& c : commands()) out.emplace_back(c.name);
  return out;
}

std::string usage(const command& c) {
  std::string places, flags;
  for (const auto& p : c.places) places += p.optional ? std::string{" ["} + p.name + "]" : std::string{" "} + p.name;
  for (const auto& f : c.flags) flags += std::string{" [-"} + f.letter + " " + f.name + "]";
  // What takes the rest of the line comes last.
  auto last = c.places.empty() ? slot::path : c.places.back().what;
  bool rest = last == slot::json || last == slot::expression;
  return c.name + (rest ? flags + places : places + flags);
}

std::string help(const command& c) {
  auto out = "usage: " + usage(c) + "\n  " + c.summary + "\n";
  if (*c.details != 0) out += std::string{"\n"} + c.details + "\n";
  return out + "\nexamples:\n" + c.examples;
}

std::string overview() {
  size_t width = 0;
  for (const auto& c : commands()) width = std::max(width, usage(c).size());
  std::string out;
  for (const auto& c : commands()) {
    auto u = usage(c);
    out += "  " + u + std::string(width - u.size() + 2, ' ') + c.summary + "\n";
  }
  return out +
         "\n`help COMMAND` shows examples. Tab completes commands, paths and names. A path begins with /, such as "
         "/node/n1/agent.\n";
}

std::span<const std::string> log_levels() {
  static const std::array<std::string, 4> levels{"debug", "info", "warning", "error"};
  return levels;
}

}  // namespace skerry::tools::repl
