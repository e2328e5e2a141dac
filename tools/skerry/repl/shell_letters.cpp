#include <capnp/serialize.h>

#include <boost/json/serialize.hpp>
#include <caf/sec.hpp>

#include "schema/error.hpp"
#include "schema/path.hpp"
#include "tools/skerry/repl/near.hpp"
#include "tools/skerry/repl/shell.hpp"
#include "tools/skerry/repl/table.hpp"

/// Any message of the schema, made from JSON.
namespace skerry::tools::repl {
namespace {
constexpr uint32_t answer_ms_max = 12'000;
}

caf::expected<caf::message> shell::build(const call& c) {
  const auto* type = words_.find(c.message);
  if (type == nullptr) {
    std::vector<std::string> names;
    for (const auto* m : words_.all()) names.push_back(m->name());
    return make_error(errc::invalid,
                      "no message '" + c.message + "'" + did_you_mean(c.message, names) + " `messages` lists all");
  }
  capnp::MallocMessageBuilder builder;
  if (auto e = codec_.decode(c.rest, builder.initRoot<capnp::DynamicStruct>(type->schema()))) return e;
  auto flat = capnp::messageToFlatArray(builder);
  auto bytes = flat.asBytes();
  return type->make({reinterpret_cast<const std::byte*>(bytes.begin()), bytes.size()});
}

int shell::send(const call& c) {
  auto m = build(c);
  if (!m) return fail(c, m.error()), 2;
  if (auto e = reachable(c.path)) return fail(c, e);
  if (auto e = remote_.send(c.path, std::move(*m))) return fail(c, e);
  if (json_) return show_json(json::value(json::object{{"sent", c.message}, {"to", c.path}}));
  out("sent " + c.message + " to " + c.path + "\n");
  return 0;
}

int shell::ask(const call& c) {
  auto m = build(c);
  if (!m) return fail(c, m.error()), 2;
  if (auto e = reachable(c.path)) return fail(c, e);
  auto deadline = c.seconds ? static_cast<uint32_t>(*c.seconds * 1000) : answer_ms_max;
  auto answer = remote_.ask(c.path, std::move(*m), deadline);
  if (!answer && answer.error() == caf::sec::unexpected_message)
    return fail(c, make_error(errc::unsupported, c.path + " does not take " + c.message));
  if (!answer) return fail(c, explain(std::move(answer.error()), c.path));
  if (answer->empty()) {
    out(json_ ? "null\n" : "done; the answer is empty\n");
    return 0;
  }
  const auto* type = words_.of(answer->content());
  if (type == nullptr) return fail(c, make_error(errc::unsupported, "the answer is of a type that is not known here"));
  auto value = codec_.encode(type->read(answer->content()));
  if (!json_) out(type->name() + " ");
  return show_json(value);
}

}  // namespace skerry::tools::repl
