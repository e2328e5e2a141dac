#include "actors/api/samples.hpp"

#include "actors/api/status.hpp"
#include "actors/api/target.hpp"
#include "actors/store/object.hpp"
#include "actors/telemetry/query.hpp"
#include "schema/error.hpp"
#include "schema/telemetry.capnp.h"

namespace skerry::api {
namespace {

caf::expected<telemetry::answer> answer(const samples_args& a, const std::string& ns, const std::string& name,
                                        const query& asked, bool csv) {
  auto view = a.p.reader.current();
  if (!view) return make_error(errc::unavailable, "the store is starting; try again");
  auto q = telemetry::read_query(
      ns, name, [&](std::string_view key) { return asked.get(key); }, csv, a.p.ctx.clock.wall_ms());
  if (!q) return q.error();
  // Of a device that was deleted there may still be samples; of one that never was there are none.
  if (!view->get(store::devices_resource, ns, name) && !a.series.knows(ns, name))
    return make_error(errc::not_found, "there is no device " + ns + "/" + name + ", and there are no samples of it");
  return telemetry::run_query(a.series, *q);
}

}  // namespace

caf::behavior samples(base::stateful<samples_state>* self, samples_args args) {
  base::prepare(self, args.p.ctx, args.path);
  return {
      [args](const ask_samples& m) {
        auto a = answer(args, m.ns, m.name, query{m.query}, m.csv);
        if (a) return m.exchange->respond(200, a->content_type, {ports::http_piece{std::move(a->body)}});
        const auto* info = args.p.registry.find_id(store::devices_resource);
        auto code = code_of(a.error());
        auto r = to_reply(code == errc::invalid || code == errc::too_large || info == nullptr
                              ? bad_request(message_of(a.error()))
                              : from_error(a.error(), *info, m.name));
        m.exchange->respond(r.code, r.content_type, std::move(r.body), std::move(r.headers));
      },
      [self, args](const letter<schema::AskSamples>& m) -> caf::result<letter<schema::SamplesAnswer>> {
        auto who = args.who(self->current_sender());
        if (!who) return make_error(errc::forbidden, "samples are not for who asks");
        auto text = [](capnp::Text::Reader t) { return std::string{store::view_of(t)}; };
        auto ns = text((*m).getNamespace()), name = text((*m).getName());
        if (auto e = args.may.may_read_samples(*who, ns, name)) return e;
        auto a = answer(args, ns, name, query{store::view_of((*m).getQuery())}, false);
        if (!a) return a.error();
        return letter<schema::SamplesAnswer>::build([&](schema::SamplesAnswer::Builder b) {
          b.setContentType(a->content_type);
          b.setBody({reinterpret_cast<const kj::byte*>(a->body.data()), a->body.size()});
        });
      },
  };
}

}  // namespace skerry::api
