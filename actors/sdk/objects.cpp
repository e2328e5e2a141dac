#include "actors/sdk/objects.hpp"

#include <boost/json/serialize.hpp>
#include <charconv>
#include <chrono>

namespace skerry::sdk {
namespace {

using verb = schema::ObjectCall::Verb;
using answer = letter<schema::ObjectAnswer>;
constexpr uint32_t page_size = 250;
constexpr uint32_t page_size_min = 4;
constexpr int lists_max = 3;

uint64_t number(std::string_view text) {
  uint64_t n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

caf::expected<json::value> body_of(const answer& a) {
  auto data = (*a).getBody();
  std::string error;
  auto v = parse_json({reinterpret_cast<const char*>(data.begin()), data.size()}, error);
  if (error.empty()) return v;
  return skerry::make_error(errc::corrupt, "the cloud's answer is not JSON: " + error);
}

void set_key(schema::ObjectCall::Builder b, const key& k) {
  b.setResource(k.resource);
  b.setNamespace(k.ns);
  b.setName(k.name);
}

void set_body(schema::ObjectCall::Builder b, const json::value& v) {
  auto text = json::serialize(v);
  b.setBody({reinterpret_cast<const capnp::byte*>(text.data()), text.size()});
}

/// Hands on the object in an answer.
std::function<void(caf::expected<answer>)> to_object(std::string resource, objects::on_object done) {
  return [resource = std::move(resource), done = std::move(done)](caf::expected<answer> a) {
    if (!a) return done(std::move(a.error()));
    auto v = body_of(*a);
    if (!v) return done(std::move(v.error()));
    done(freeze_json(resource, std::move(*v)));
  };
}

}  // namespace

object freeze_json(std::string_view resource, json::value value) {
  store::draft d{{std::string{resource}, std::string{string_at(value, "metadata.namespace")},
                  std::string{string_at(value, "metadata.name")}},
                 std::move(value)};
  auto revision = number(string_at(d.value, "metadata.resourceVersion"));
  return store::freeze(d, revision);
}

objects::objects(caf::event_based_actor* self, resolver resolve, uint32_t deadline_ms)
    : self_(self), resolve_(std::move(resolve)), deadline_ms_(deadline_ms) {}

void objects::call(const std::function<void(schema::ObjectCall::Builder)>& fill,
                   std::function<void(caf::expected<answer>)> done) const {
  auto to = resolve_(objects_path);
  if (!to) return done(skerry::make_error(errc::unavailable, std::string{objects_path} + " is not there just now"));
  auto c = letter<schema::ObjectCall>::build(fill);
  self_->request(to, std::chrono::milliseconds{deadline_ms_}, std::move(c))
      .then(
          [done](const answer& a) {
            if ((*a).getStatus() < 400) return done(a);
            auto v = body_of(a);
            done(make_error(read_status(v ? *v : json::value{}, (*a).getStatus())));
          },
          [done](const caf::error& e) {
            // CAF's own words for a deadline and for an actor that is gone; whether it decided is not known.
            if (e == caf::sec::request_timeout)
              return done(skerry::make_error(errc::timed_out, "the cloud did not answer in time"));
            if (e.category() == caf::atom("system") || e.category() == caf::atom("exit"))
              return done(skerry::make_error(errc::unavailable, "the cloud's API restarts: " + caf::to_string(e)));
            done(e);
          });
}

void objects::get(const key& k, on_object done) const {
  call(
      [&](auto b) {
        b.setVerb(verb::GET);
        set_key(b, k);
      },
      to_object(k.resource, std::move(done)));
}

void objects::write(verb v, const key& k, std::string_view subresource, const json::value& body, patch_kind how,
                    on_object done) const {
  call(
      [&](auto b) {
        b.setVerb(v);
        set_key(b, k);
        b.setSubresource(std::string{subresource});
        b.setPatch(static_cast<schema::ObjectCall::PatchKind>(how));
        set_body(b, body);
      },
      to_object(k.resource, std::move(done)));
}

void objects::create(std::string resource, const json::value& value, on_object done) const {
  key k{std::move(resource), std::string{string_at(value, "metadata.namespace")}, {}};
  write(verb::CREATE, k, {}, value, patch_kind::merge, std::move(done));
}
void objects::update(const key& k, const json::value& value, on_object done) const {
  write(verb::UPDATE, k, {}, value, patch_kind::merge, std::move(done));
}
void objects::update_status(const key& k, const json::value& value, on_object done) const {
  write(verb::UPDATE, k, "status", value, patch_kind::merge, std::move(done));
}
void objects::patch(const key& k, patch_kind how, const json::value& patch, on_object done) const {
  write(verb::PATCH, k, {}, patch, how, std::move(done));
}
void objects::patch_status(const key& k, patch_kind how, const json::value& patch, on_object done) const {
  write(verb::PATCH, k, "status", patch, how, std::move(done));
}

void objects::remove(const key& k, delete_options how, on_done done) const {
  json::object preconditions, options{{"kind", "DeleteOptions"}, {"apiVersion", "v1"}};
  if (!how.uid.empty()) preconditions["uid"] = how.uid;
  if (!how.resource_version.empty()) preconditions["resourceVersion"] = how.resource_version;
  if (!preconditions.empty()) options["preconditions"] = std::move(preconditions);
  if (!how.propagation.empty()) options["propagationPolicy"] = how.propagation;
  if (how.grace_seconds) options["gracePeriodSeconds"] = *how.grace_seconds;
  call(
      [&](auto b) {
        b.setVerb(verb::DELETE);
        set_key(b, k);
        set_body(b, options);
      },
      [done = std::move(done)](const caf::expected<answer>& a) { done(a ? caf::error{} : a.error()); });
}

/// A list on its way, page after page.
struct objects::page {
  std::string resource, token;
  list_options which;
  on_list done;
  object_list out;
  uint32_t size = page_size;
  int tries_left = lists_max;
};

void objects::list(std::string resource, list_options which, on_list done) const {
  auto p = std::make_shared<page>();
  p->resource = std::move(resource);
  p->which = std::move(which);
  p->done = std::move(done);
  next_page(std::move(p));
}

void objects::next_page(std::shared_ptr<page> p) const {
  call(
      [&](auto b) {
        b.setVerb(verb::LIST);
        b.setResource(p->resource);
        b.setNamespace(p->which.ns);
        b.setLabelSelector(p->which.label_selector);
        b.setFieldSelector(p->which.field_selector);
        b.setLimit(p->size);
        b.setContinue(p->token);
      },
      [this, p](caf::expected<answer> a) {
        if (!a && code_of(a.error()) == errc::too_large && p->size > page_size_min) {
          p->size /= 4;  // large objects: fewer of them fit
          return next_page(p);
        }
        if (!a && code_of(a.error()) == errc::expired && --p->tries_left > 0) {
          p->token.clear();
          p->out = {};
          return next_page(p);
        }
        if (!a) return p->done(std::move(a.error()));
        auto v = body_of(*a);
        if (!v) return p->done(std::move(v.error()));
        p->out.revision = number(string_at(*v, "metadata.resourceVersion"));
        if (auto* items = find(*v, "items"); items != nullptr && items->is_array())
          for (auto& i : items->get_array()) p->out.items.push_back(freeze_json(p->resource, std::move(i)));
        p->token = string_at(*v, "metadata.continue");
        if (p->token.empty()) return p->done(std::move(p->out));
        next_page(p);
      });
}

}  // namespace skerry::sdk
