#include "actors/api/front.hpp"

#include <boost/json/serialize.hpp>
#include <caf/send.hpp>

#include "actors/api/review.hpp"
#include "actors/api/samples.hpp"
#include "actors/api/write.hpp"
#include "schema/device/limits.hpp"

namespace skerry::api {
namespace {

constexpr std::string_view kubernetes_version = "1.36.0";  // whose interface this is

std::string_view verb_of(std::string_view method, bool named, bool watch) {
  if (method == "GET" || method == "HEAD") return watch ? "watch" : named ? "get" : "list";
  if (method == "POST") return "create";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return named ? "delete" : "deletecollection";
  return {};
}

bool has(const std::vector<std::string_view>& verbs, std::string_view verb) {
  return std::find(verbs.begin(), verbs.end(), verb) != verbs.end();
}

reply text_reply(discovery::text text) {
  reply r;
  r.body.emplace_back(std::move(text));
  return r;
}

}  // namespace

/// One request as the front looks at it.
struct front::call {
  ports::http_exchange_ptr exchange;
  const ports::http_request& request;
  std::string_view path;
  query asked;
  target at;
  user who;
  std::string_view verb;
  store::view_ptr view;
  representation how;
};

front::front(const parts& p)
    : parts_(p),
      discovery_(p.registry),
      open_api_(p.registry, "v" + std::string{kubernetes_version}),
      protobuf_(p.registry),
      readers_{p.yaml, &protobuf_} {}

void front::serve(ports::http_exchange_ptr exchange) {
  const auto& request = exchange->request();
  std::string_view whole = request.target;
  auto mark = whole.find('?');
  call c{exchange,
         request,
         whole.substr(0, mark),
         query{mark == std::string_view::npos ? std::string_view{} : whole.substr(mark + 1)},
         {},
         {},
         {},
         {},
         {}};
  std::optional<outcome> out;
  try {
    out = route(c);
  } catch (const std::exception& e) {
    parts_.ctx.log.error("/cloud/api", request.method + " " + std::string{c.path} + ": " + e.what());
    failure f;
    f.message = "Internal error occurred: " + std::string{e.what()};
    out = std::move(f);
  }
  if (!out) return;
  auto r = std::holds_alternative<failure>(*out) ? to_reply(std::get<failure>(*out)) : std::move(std::get<reply>(*out));
  exchange->respond(r.code, r.content_type, std::move(r.body), std::move(r.headers));
}

std::optional<front::outcome> front::route(call& c) {
  c.at = parse_path(c.path, parts_.registry);
  if (c.at.kind == target::what::health) return health(c);
  if (c.at.kind == target::what::server_version) return version();
  c.view = parts_.reader.current();
  if (!c.view) return unavailable("the store is starting; try again");
  auto who = authenticate(c.request, parts_.options.tokens, *c.view, parts_.ctx.clock.wall_ms());
  if (!who || who->anonymous()) return unauthorized();
  c.who = std::move(*who);
  switch (c.at.kind) {
    case target::what::nothing:
      return no_such_path();
    case target::what::resource:
      return resource(c);
    case target::what::review:
      if (c.request.method != "POST") return method_not_allowed();
      return review(c.at.group, c.at.name, c.who, c.request, {parts_.options.grants, *c.view}, readers_);
    case target::what::samples:
      return samples(c);
    default:
      return document(c);
  }
}

std::optional<front::outcome> front::samples(call& c) {
  if (c.request.method != "GET") return method_not_allowed();
  auto w = samples_wish(c.at.ns, c.at.name);
  if (!authorized(c.who, w, parts_.options.grants, *c.view))
    return forbidden(*parts_.registry.find_id(store::devices_resource), c.at.name, refusal(c.who, w));
  auto to = parts_.samples ? parts_.samples() : caf::actor{};
  if (!to) return unavailable("samples are not served just now; try again");
  if (queries_->fetch_add(1) >= limits::queries_waiting_max) {
    queries_->fetch_sub(1);
    return unavailable("more than " + std::to_string(limits::queries_waiting_max) +
                       " queries of samples are under way; try again");
  }
  std::shared_ptr<void> place{nullptr, [under_way = queries_](void*) { under_way->fetch_sub(1); }};
  auto mark = c.request.target.find('?');
  auto text = mark == std::string::npos ? std::string{} : c.request.target.substr(mark + 1);
  caf::anon_send(to, ask_samples{c.exchange, c.at.ns, c.at.name, std::move(text),
                                 c.request.accept.find("text/csv") != std::string::npos, std::move(place)});
  return std::nullopt;
}

front::outcome front::document(const call& c) const {
  using what = target::what;
  if (c.request.method != "GET" && c.request.method != "HEAD") return method_not_allowed();
  discovery::text text;
  std::string aggregated;
  switch (c.at.kind) {
    case what::api:
    case what::apis:
      if (wants_aggregated_discovery(c.request.accept, aggregated)) {
        auto r = text_reply(discovery_.aggregated(c.at.kind == what::api, aggregated));
        r.content_type = "application/json;g=apidiscovery.k8s.io;v=" + aggregated + ";as=APIGroupDiscoveryList";
        return r;
      }
      text = c.at.kind == what::api ? discovery_.versions() : discovery_.groups();
      break;
    case what::group:
      text = discovery_.group(c.at.group);
      break;
    case what::version:
      text = discovery_.resources(c.at.group.empty() ? c.at.version : c.at.group + "/" + c.at.version);
      break;
    case what::open_api_2:
      if (c.request.accept.find("protobuf") != std::string::npos) {
        auto r = text_reply(open_api_.v2_protobuf());
        r.content_type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
        return r;
      }
      text = open_api_.v2_json();
      break;
    case what::open_api_3:
      text = c.at.name.empty() ? open_api_.index() : open_api_.document(c.at.name);
      break;
    case what::root: {
      static constexpr const char* paths =
          R"({"paths":["/api","/api/v1","/apis","/healthz","/livez","/openapi/v2","/openapi/v3","/readyz","/version"]})"
          "\n";
      reply r;
      r.body.emplace_back(paths);
      return r;
    }
    default:
      break;
  }
  if (!text) return no_such_path();
  return text_reply(std::move(text));
}

front::outcome front::version() const {
  json::object o{{"major", "1"},
                 {"minor", "36"},
                 {"gitVersion", "v" + std::string{kubernetes_version} + "+skerry." + parts_.options.version},
                 {"gitCommit", ""},
                 {"gitTreeState", ""},
                 {"buildDate", "1970-01-01T00:00:00Z"},
                 {"goVersion", "none"},
                 {"compiler", "gcc"},
                 {"platform", "linux/amd64"}};
  reply r;
  r.body.emplace_back(json::serialize(o) + "\n");
  return r;
}

front::outcome front::health(const call& c) const {
  if (c.request.method != "GET" && c.request.method != "HEAD") return method_not_allowed();
  std::string text;
  bool good = true, known = c.at.subresource.empty();
  auto check = [&](std::string_view name, bool ok, std::string_view why) {
    if (!c.at.subresource.empty() && c.at.subresource != name) return;
    known = true;
    good = good && ok;
    text += (ok ? "[+]" : "[-]") + std::string{name} + (ok ? " ok\n" : " failed: " + std::string{why} + "\n");
  };
  check("ping", true, "");
  if (c.at.name != "livez") {
    auto view = parts_.reader.current();
    check("view", view != nullptr, "the store has not published its objects yet");
    check("store", static_cast<bool>(parts_.store()), "the store's actor is not running");
    check("sessions", static_cast<bool>(parts_.sessions()), "the sessions' actor is not running");
    check("watches", static_cast<bool>(parts_.watches()), "the watches' supervisor is not running");
  }
  if (!known) return no_such_path();
  reply r;
  r.code = good ? 200 : 500;
  r.content_type = "text/plain; charset=utf-8";
  if (good && !c.asked.has("verbose"))
    r.body.emplace_back("ok");
  else
    r.body.emplace_back(text + c.at.name + (good ? " check passed\n" : " check failed\n"));
  return r;
}

std::optional<front::outcome> front::resource(call& c) {
  const auto& info = *c.at.info;
  auto how = negotiate(c.request.accept, c.asked.get("includeObject"));
  if (!how)
    return not_acceptable(
        "only the following media types are accepted: application/json, "
        "application/json;as=Table;v=v1;g=meta.k8s.io, "
        "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io");
  c.how = *how;
  bool watch = c.at.watch_path || c.asked.flag("watch");
  c.verb = verb_of(c.request.method, !c.at.name.empty(), watch);
  if (c.verb.empty()) return method_not_allowed();
  wish w{c.verb, std::string{info.group}, std::string{info.plural}, c.at.subresource, c.at.ns, c.at.name};
  if (!authorized(c.who, w, parts_.options.grants, *c.view)) return forbidden(info, c.at.name, refusal(c.who, w));
  if (c.at.subresource.empty()) {
    if (!has(info.verbs, c.verb)) return method_not_allowed();
    if (c.verb == "create" && (!c.at.name.empty() || (info.namespaced && c.at.ns.empty()))) return method_not_allowed();
    if (c.verb == "deletecollection" && info.namespaced && c.at.ns.empty()) return method_not_allowed();
  }
  if (c.verb == "get" || c.verb == "list" || c.verb == "watch") return read(c);
  return write(c);
}

std::optional<front::outcome> front::read(call& c) {
  const auto& info = *c.at.info;
  auto now = parts_.ctx.clock.wall_ms();
  if (c.verb == "watch") {
    auto made = read_watch(c.at, c.asked, c.how);
    if (auto* f = std::get_if<failure>(&made)) return std::move(*f);
    auto sessions = parts_.sessions();
    if (!sessions) return unavailable("the API is starting; try again");
    caf::anon_send(sessions,
                   open_watch{std::make_shared<watch_request>(std::move(std::get<watch_request>(made))), c.exchange});
    return std::nullopt;
  }
  if (c.verb == "list") return list_objects(c.view, c.at, c.asked, c.how, pages_, now);
  if (c.at.subresource.empty() || c.at.subresource == "status") {
    if (!c.at.subresource.empty() && !info.has_status()) return no_such_path();
    return get_object(*c.view, c.at, c.how, now);
  }
  if (c.at.subresource != "scale" || info.subresource("scale") == nullptr) return no_such_path();
  auto o = c.view->get(info.id, c.at.ns, c.at.name);
  if (!o) return not_found(info, c.at.name);
  reply r;
  r.body.emplace_back(json::serialize(scale_of(store::parse(o))) + "\n");
  return r;
}

std::optional<front::outcome> front::write(call& c) {
  if (c.asked.has("dryRun") && c.asked.get("dryRun") != "All")
    return bad_request("dryRun: Unsupported value: \"" + std::string{c.asked.get("dryRun")} +
                       "\": supported values: \"All\"");
  if (c.verb == "delete" || c.verb == "deletecollection") return remove(c);
  return c.at.subresource.empty() ? write_object(c) : write_subresource(c);
}

std::optional<front::outcome> front::write_object(call& c) {
  auto strict = read_strictness(c.asked);
  if (auto* f = std::get_if<failure>(&strict)) return std::move(*f);
  auto s = std::get<strictness>(strict);
  write_context context{parts_, c.at, c.how, c.asked.has("dryRun"), {}};
  if (c.verb == "patch") {
    auto change = read_patch(c.request, *c.at.info, s);
    if (auto* f = std::get_if<failure>(&change)) return std::move(*f);
    return submit(
        c, std::make_shared<update_job>(std::move(context), std::move(std::get<0>(change)), update_job::options{}));
  }
  auto read = read_body(c.request, *c.at.info, s, readers_);
  if (auto* f = std::get_if<failure>(&read)) return std::move(*f);
  auto& b = std::get<body>(read);
  context.warnings = std::move(b.warnings);
  if (c.verb == "create") return submit(c, std::make_shared<create_job>(std::move(context), std::move(b.value)));
  auto change = replace_with(c.at, std::move(b.value));
  return submit(c, std::make_shared<update_job>(std::move(context), std::move(change), update_job::options{}));
}

std::optional<front::outcome> front::write_subresource(call& c) {
  const auto& info = *c.at.info;
  const auto& sub = c.at.subresource;
  bool finalize = info.id == "namespaces" && sub == "finalize";
  bool eviction = info.id == "pods" && sub == "eviction";
  if (info.subresource(sub) == nullptr && !finalize && !eviction) return no_such_path();
  auto strict = read_strictness(c.asked);
  if (auto* f = std::get_if<failure>(&strict)) return std::move(*f);
  auto s = std::get<strictness>(strict);
  bool creates = sub == "binding" || eviction;
  if (creates ? c.verb != "create" : c.verb != "update" && c.verb != "patch") return method_not_allowed();
  write_context context{parts_, c.at, c.how, c.asked.has("dryRun"), {}};
  if (eviction) {
    // The options of an eviction stand in its deleteOptions.
    auto parsed = parse_object(c.request, readers_);
    if (auto* f = std::get_if<failure>(&parsed)) return std::move(*f);
    auto inner = c.request;
    const auto* options = find(std::get<json::value>(parsed), "deleteOptions");
    inner.content_type = "application/json";
    inner.body = options != nullptr && options->is_object() ? json::serialize(*options) : "";
    auto read = read_delete_options(inner, c.asked, readers_);
    if (auto* f = std::get_if<failure>(&read)) return std::move(*f);
    return submit(c, std::make_shared<delete_job>(std::move(context), std::get<delete_options>(read), true));
  }
  update_job::options o;
  std::variant<update_job::change, failure> change;
  if (sub == "status") {
    o.subresource = "status";
    if (c.verb == "patch") {
      change = read_patch(c.request, info, s);
    } else {
      auto read = read_body(c.request, info, s, readers_);
      if (auto* f = std::get_if<failure>(&read)) return std::move(*f);
      context.warnings = std::move(std::get<body>(read).warnings);
      change = replace_with(c.at, std::move(std::get<body>(read).value));
    }
  } else if (sub == "scale") {
    o.to_body = [](const store::object& x) {
      ports::http_body b;
      b.emplace_back(json::serialize(scale_of(store::parse(x))) + "\n");
      return b;
    };
    change = read_scale(c.request, c.at, s, readers_);
  } else if (sub == "binding") {
    o.trusted = true;
    o.code = 201;
    o.to_body = [](const store::object&) {
      ports::http_body b;
      b.emplace_back(
          "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Success\",\"code\":201}\n");
      return b;
    };
    change = read_binding(c.request, context.at, parts_.ctx.clock.wall_ms(), readers_);
  } else if (finalize && c.verb == "update") {
    o.trusted = true;
    change = read_finalize(c.request, c.at, s, readers_);
  } else {
    return method_not_allowed();
  }
  if (auto* f = std::get_if<failure>(&change)) return std::move(*f);
  return submit(c, std::make_shared<update_job>(std::move(context), std::move(std::get<0>(change)), std::move(o)));
}

std::optional<front::outcome> front::remove(call& c) {
  if (!c.at.subresource.empty()) return method_not_allowed();
  auto read = read_delete_options(c.request, c.asked, readers_);
  if (auto* f = std::get_if<failure>(&read)) return std::move(*f);
  auto options = std::get<delete_options>(read);
  write_context context{parts_, c.at, c.how, options.dry_run, {}};
  if (c.verb == "delete") return submit(c, std::make_shared<delete_job>(std::move(context), std::move(options)));
  auto selected = read_selection(c.at, c.asked);
  if (auto* f = std::get_if<failure>(&selected)) return std::move(*f);
  return submit(c, std::make_shared<collection_job>(std::move(context), std::move(options),
                                                    std::move(std::get<selection>(selected))));
}

/// Decides on the calling thread; only what changes something goes to the store.
std::optional<front::outcome> front::submit(call& c, write_job_ptr job) {
  job->exchange = c.exchange;
  auto decided = job->decide(*c.view);
  if (auto* r = std::get_if<reply>(&decided)) return outcome{std::move(*r)};
  auto sessions = parts_.sessions();
  if (!sessions) return unavailable("the API is starting; try again");
  auto store = parts_.store();
  if (!store) return unavailable("the store is starting; try again");
  if (parts_.writes->add(job, parts_.ctx.clock.steady_ms())) caf::anon_send(sessions, watch_deadlines{});
  send_commit(store, sessions, std::move(job), std::move(std::get<0>(decided)));
  return std::nullopt;
}

}  // namespace skerry::api
