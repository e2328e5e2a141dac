#include "tools/skerry/image.hpp"

#include <boost/json/serialize.hpp>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <future>

#include "drivers/admin/admin_socket.hpp"
#include "drivers/clock/system_clock.hpp"
#include "drivers/log/stream_log.hpp"
#include "schema/error.hpp"
#include "schema/json.hpp"
#include "tools/skerry/commands.hpp"
#include "tools/skerry/data_dir.hpp"
#include "tools/skerry/edge.hpp"
#include "tools/skerry/sockets.hpp"

namespace skerry::tools {
namespace {

constexpr uint32_t answer_ms_max = 20 * 60 * 1000;
constexpr int starting_tries_max = 10;

std::string error_text(const caf::error& e) { return json::serialize(json::object{{"error", message_of(e)}}); }

json::object describe(const ports::image_info& i) {
  json::array names;
  for (const auto& n : i.names) names.emplace_back(n);
  return {{"id", i.id}, {"names", std::move(names)}, {"size", i.size_bytes}};
}

std::string images_text(const std::vector<ports::image_info>& images) {
  json::array list;
  for (const auto& i : images) list.push_back(describe(i));
  return json::serialize(json::object{{"images", std::move(list)}});
}

/// Turns the flags into a request, or says what is wrong with them.
caf::expected<json::object> request_of(const options& o) {
  auto wrong = [](std::string text) { return make_error(errc::invalid, std::move(text)); };
  if (o.words.empty()) return wrong("say what to do: import FILE, pull REF, list or remove REF");
  const auto& verb = o.words[0];
  if (verb == "list") {
    if (o.words.size() != 1) return wrong("list takes no further words");
    return json::object{{"verb", verb}};
  }
  if (verb != "import" && verb != "pull" && verb != "remove")
    return wrong("unknown verb '" + verb + "': import, pull, list or remove");
  if (o.words.size() != 2) return wrong(verb + " takes one " + (verb == "import" ? "FILE" : "REF"));
  if (verb != "import") return json::object{{"verb", verb}, {"name", o.words[1]}};
  char absolute[PATH_MAX];
  if (::realpath(o.words[1].c_str(), absolute) == nullptr)
    return make_error(errc::not_found, "no file " + o.words[1] + ": give the path of an OCI or docker archive");
  return json::object{{"verb", verb}, {"file", absolute}, {"name", o.name}};
}

/// Asks the running agent; without one, opens the edge's images here. An agent that starts has them before it answers:
/// then it is asked again. Opening waits about a second for who has them.
caf::expected<std::string> ask(const options& o, const std::string& request) {
  drivers::system_clock clock;
  drivers::stream_log log{clock, ports::severity::warning};
  for (int tries = 1;; ++tries) {
    auto answer = drivers::admin::ask(edge_socket_of(o.data_dir), request, answer_ms_max);
    if (answer || code_of(answer.error()) != errc::unavailable) return answer;
    if (!exists(o.data_dir) && (o.words[0] == "list" || o.words[0] == "remove"))
      return make_error(errc::not_found, o.data_dir + " is not there: give the --data-dir of an edge");
    auto runtime = open_runtime(o, clock, log);
    if (!runtime && code_of(runtime.error()) == errc::locked && tries < starting_tries_max) continue;
    if (!runtime) return runtime.error();
    std::promise<std::string> promise;
    serve_images(**runtime, request, [&](std::string text) { promise.set_value(std::move(text)); });
    return promise.get_future().get();
  }
}

void print_table(const json::value& answer) {
  std::printf("%-64s %-20s %10s\n", "NAME", "ID", "SIZE");
  for (const auto& image : array_at(answer, "images")) {
    auto id = std::string{string_at(image, "id")}.substr(0, 19);
    auto size = static_cast<double>(int_at(image, "size")) / 1e6;
    for (const auto& name : array_at(image, "names"))
      std::printf("%-64s %-20s %7.1f MB\n", name.as_string().c_str(), id.c_str(), size);
  }
}

}  // namespace

void serve_images(ports::runtime& runtime, const std::string& request, std::function<void(std::string)> reply) {
  std::string error;
  auto v = parse_json(request, error);
  auto verb = string_at(v, "verb");
  auto name = std::string{string_at(v, "name")};
  auto one = [reply](const caf::expected<ports::image_info>& r) {
    reply(r ? images_text({*r}) : error_text(r.error()));
  };
  if (verb == "list") {
    runtime.images([reply](const caf::expected<std::vector<ports::image_info>>& r) {
      reply(r ? images_text(*r) : error_text(r.error()));
    });
  } else if (verb == "import") {
    runtime.import_image(std::string{string_at(v, "file")}, name, one);
  } else if (verb == "pull") {
    runtime.ensure_image(name, ports::pull_policy::always, one);
  } else if (verb == "remove") {
    runtime.remove_image(name,
                         [reply](const caf::expected<void>& r) { reply(r ? images_text({}) : error_text(r.error())); });
  } else {
    reply(error_text(
        make_error(errc::invalid, "the agent does not know this request; are agent and command of one version?")));
  }
}

int run_image(const options& o) {
  auto request = request_of(o);
  if (!request) return fail(o, request.error());
  auto text = ask(o, json::serialize(*request));
  if (!text) return fail(o, message_of(text.error()));
  std::string error;
  auto answer = parse_json(*text, error);
  if (!error.empty()) return fail(o, "the agent's answer does not parse: " + error);
  if (auto said = string_at(answer, "error"); !said.empty()) return fail(o, std::string{said});
  if (o.output == "json") {
    std::printf("%s\n", text->c_str());
  } else if (o.words[0] == "list") {
    print_table(answer);
  } else {
    for (const auto& image : array_at(answer, "images"))
      for (const auto& name : array_at(image, "names")) std::printf("%s\n", name.as_string().c_str());
  }
  return 0;
}

}  // namespace skerry::tools
