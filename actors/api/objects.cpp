#include "actors/api/objects.hpp"

#include <chrono>
#include <cstdio>

#include "actors/api/local_exchange.hpp"
#include "actors/api/object_feed.hpp"
#include "actors/base/pool.hpp"
#include "actors/link/join.hpp"
#include "schema/error.hpp"
#include "schema/feed_limits.hpp"
#include "schema/path.hpp"

namespace skerry::api {
namespace {

constexpr std::chrono::seconds pool_deadline{5};

std::string_view view_of(capnp::Text::Reader t) { return {t.begin(), t.size()}; }

std::string encode(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (unsigned char c : text) {
    if (std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_' || c == '~') {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += digits[c >> 4];
      out += digits[c & 15];
    }
  }
  return out;
}

std::string path_of(const kube::resource_info& info, schema::ObjectCall::Reader c) {
  auto path = (info.group.empty() ? "/api/" : "/apis/") + info.api_version;
  if (auto ns = view_of(c.getNamespace()); !ns.empty()) path += "/namespaces/" + encode(ns);
  path += "/" + std::string{info.plural};
  if (auto name = view_of(c.getName()); !name.empty()) path += "/" + encode(name);
  if (auto sub = view_of(c.getSubresource()); !sub.empty()) path += "/" + encode(sub);
  return path;
}

std::string query_of(schema::ObjectCall::Reader c) {
  std::string out;
  auto add = [&](std::string_view key, std::string_view value) {
    if (!value.empty()) out += (out.empty() ? "?" : "&") + std::string{key} + "=" + encode(value);
  };
  add("labelSelector", view_of(c.getLabelSelector()));
  add("fieldSelector", view_of(c.getFieldSelector()));
  add("continue", view_of(c.getContinue()));
  if (c.getLimit() > 0) add("limit", std::to_string(c.getLimit()));
  if (c.getDryRun()) add("dryRun", "All");
  if (c.getStrict()) add("fieldValidation", "Strict");
  return out;
}

const char* patch_type(schema::ObjectCall::PatchKind k) {
  switch (k) {
    case schema::ObjectCall::PatchKind::STRATEGIC:
      return "application/strategic-merge-patch+json";
    case schema::ObjectCall::PatchKind::JSON:
      return "application/json-patch+json";
    default:
      return "application/merge-patch+json";
  }
}

std::optional<std::string> warning_of(const std::pair<std::string, std::string>& header) {
  if (header.first != "Warning") return std::nullopt;
  auto from = header.second.find('"'), to = header.second.rfind('"');
  if (from == std::string::npos || to <= from) return std::nullopt;
  std::string out;
  for (auto i = from + 1; i < to; ++i) {
    if (header.second[i] == '\\' && i + 1 < to) ++i;
    out += header.second[i];
  }
  return out;
}

failure too_large(std::string message) {
  failure f;
  f.code = 413;
  f.reason = "RequestEntityTooLarge";
  f.message = std::move(message);
  return f;
}

letter<schema::ObjectAnswer> to_letter(reply r) {
  size_t size = 0;
  for (const auto& p : r.body) size += p.view().size();
  if (size > limits::answer_bytes_max)
    return to_letter(to_reply(too_large("the answer has " + std::to_string(size) +
                                        " bytes, more than a letter holds: list with a lower limit, and continue")));
  std::vector<std::string> warnings;
  for (const auto& h : r.headers)
    if (auto w = warning_of(h)) warnings.push_back(std::move(*w));
  return letter<schema::ObjectAnswer>::build([&](schema::ObjectAnswer::Builder b) {
    b.setStatus(static_cast<uint16_t>(r.code));
    auto to = b.initBody(static_cast<unsigned>(size)).begin();
    for (const auto& p : r.body) to = std::copy(p.view().begin(), p.view().end(), to);
    auto out = b.initWarnings(static_cast<unsigned>(warnings.size()));
    for (unsigned i = 0; i < out.size(); ++i) out.set(i, warnings[i]);
  });
}

/// A feed shows what its opener may see, to whoever asks at its path: so nobody can guess that, and after a restart of
/// the cloud no feed has the path of an older one.
std::string feed_id(ports::random& chance) {
  auto high = chance.next(), low = chance.next();
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(high),
                static_cast<unsigned long long>(low));
  return text;
}

}  // namespace

caf::expected<ports::http_request> to_request(schema::ObjectCall::Reader c, const kube::registry& registry) {
  using verb = schema::ObjectCall::Verb;
  const auto* info = registry.find_id(view_of(c.getResource()));
  if (info == nullptr)
    return make_error(errc::invalid, "resource '" + std::string{view_of(c.getResource())} +
                                         "' is not served here; name it as in \"pods\" or \"deployments.apps\"");
  static constexpr const char* methods[] = {"GET", "GET", "POST", "PUT", "PATCH", "DELETE", "DELETE"};
  auto v = static_cast<size_t>(c.getVerb());
  if (v >= std::size(methods)) return make_error(errc::unsupported, "the call's verb is not known to this version");
  bool named = !c.getName().size() == 0;
  bool wants = c.getVerb() == verb::GET || c.getVerb() == verb::UPDATE || c.getVerb() == verb::PATCH ||
               c.getVerb() == verb::DELETE || c.getSubresource().size() > 0;
  if (named != wants)
    return make_error(errc::invalid, wants ? "the call names no object" : "the call names an object and must not");
  ports::http_request r;
  r.method = methods[v];
  r.target = path_of(*info, c) + query_of(c);
  r.content_type = c.getVerb() == verb::PATCH ? patch_type(c.getPatch()) : "application/json";
  r.user_agent = "skerry-sdk";
  auto body = c.getBody();
  r.body.assign(reinterpret_cast<const char*>(body.begin()), body.size());
  return r;
}

std::optional<ports::peer_identity> identity_of(std::string_view path) {
  auto island = paths::island_of(path);
  switch (paths::kind_of(path)) {
    case paths::island_kind::cloud:
    case paths::island_kind::repl:
      return ports::peer_identity{std::string{island}, {"system:masters"}, {}};
    case paths::island_kind::controller:
      return ports::peer_identity{std::string{link::controller_user_prefix} + std::string{paths::name_of_island(path)},
                                  {std::string{link::controller_organization}},
                                  {}};
    default:
      return std::nullopt;
  }
}

caf::behavior objects_state::make(objects_args args) {
  args_ = std::make_unique<objects_args>(std::move(args));
  base::prepare(self_, args_->with.ctx, args_->path);
  return {
      [this](const letter<schema::ObjectCall>& c) { return call(c); },
      [this](const letter<schema::OpenFeed>& o) { return open(o); },
  };
}

caf::result<letter<schema::ObjectAnswer>> objects_state::call(const letter<schema::ObjectCall>& c) {
  auto sender = self_->current_sender();
  auto who = args_->who(sender);
  if (!who) return make_error(errc::forbidden, "the sender has no business with objects");
  auto request = to_request(*c, args_->with.registry);
  if (!request) return request.error();
  if (request->body.size() > limits::request_body_bytes_max)
    return make_error(errc::too_large, "the body has " + std::to_string(request->body.size()) + " bytes, the most is " +
                                           std::to_string(limits::request_body_bytes_max));
  request->peer = std::move(*who);
  // The answer may come on another actor's thread: it goes from there to the asker, as if from here.
  auto id = self_->current_message_id().response_id();
  self_->make_response_promise();
  auto me = caf::actor_cast<caf::strong_actor_ptr>(self_);
  auto answer = [sender, id, me](reply r) {
    if (sender && id.is_response()) sender->enqueue(me, id, caf::make_message(to_letter(std::move(r))), nullptr);
  };
  args_->door.serve(std::make_shared<local_exchange>(std::move(*request), std::move(answer)));
  return caf::delegated<letter<schema::ObjectAnswer>>{};
}

caf::result<letter<schema::FeedOpened>> objects_state::open(const letter<schema::OpenFeed>& o) {
  auto who = args_->who(self_->current_sender());
  if (!who) return make_error(errc::forbidden, "the sender has no business with objects");
  auto wanted = read_feed(*o, args_->with.registry);
  if (!wanted) return wanted.error();
  if (auto refused = args_->door.may_watch(*who, *wanted->info, wanted->selected.ns)) return refused;
  auto pool = args_->feeds();
  if (!pool) return make_error(errc::unavailable, "the cloud is starting; try again");
  base::start_child child;
  child.id = feed_id(args_->with.ctx.random);
  child.when = base::restart::temporary;
  auto path = "/cloud/api/feeds/" + child.id;
  child.start = [parts = &args_->with, path, wanted = std::move(*wanted)](caf::event_based_actor* s) {
    return s->spawn(object_feed, parts, path, wanted);
  };
  auto promise = self_->make_response_promise<letter<schema::FeedOpened>>();
  self_->request(pool, pool_deadline, std::move(child))
      .then(
          [promise, path](const caf::actor&) mutable {
            promise.deliver(letter<schema::FeedOpened>::build([&](auto b) { b.setPath(path); }));
          },
          [promise](const caf::error& e) mutable {
            promise.deliver(make_error(errc::unavailable, "cannot start a feed: " + message_of(e)));
          });
  return promise;
}

caf::behavior objects(base::stateful<objects_state>* self, objects_args args) {
  return self->state.make(std::move(args));
}

}  // namespace skerry::api
