#include "sim/fleet/observer.hpp"

#include <caf/send.hpp>

#include "schema/error.hpp"

namespace skerry::sim::local {
/// To the observer: this is the store now.
struct attach {
  caf::actor store;
};
}  // namespace skerry::sim::local
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::sim::local::attach)

namespace skerry::sim {
namespace {

constexpr int64_t answer_ms_max = 30'000;

uint64_t mix(uint64_t h) {
  h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9ULL;
  h = (h ^ h >> 27) * 0x94D049BB133111EBULL;
  return h ^ h >> 31;
}

/// FNV-1a, so that runs agree whatever the standard library's hash is.
uint64_t hash_of(std::string_view text, uint64_t h) {
  for (unsigned char c : text) h = (h ^ c) * 1099511628211ULL;
  return (h ^ 0xFF) * 1099511628211ULL;
}

uint64_t digest_of_object(const store::object& o) {
  auto h = hash_of(store::resource_of(o), 14695981039346656037ULL);
  h = hash_of(store::namespace_of(o), h);
  h = hash_of(store::name_of(o), h);
  return mix(h ^ mix(store::revision_of(o)));
}

}  // namespace

bool is_ready(const store::object& node) {
  auto value = store::parse(node);
  for (auto& c : array_at(value, "status.conditions"))
    if (string_at(c, "type") == "Ready") return string_at(c, "status") == "True";
  return false;
}

observer::observer(world& w, std::function<void(const store::event&)> each) : w_(w), each_(std::move(each)) {
  self_ = w.sys.spawn([this](caf::event_based_actor* self) -> caf::behavior {
    return {
        [this](const store::events& all) {
          for (auto& e : *all.batch) take(e);
        },
        [this](const store::lost&) { store_ = 0; },
        [this, self](const local::attach& a) {
          store::subscribe s{{}, revision, caf::actor{self}};
          self->request(a.store, std::chrono::milliseconds{answer_ms_max}, s)
              .then([](const store::subscribed&) {},
                    [this](const caf::error& e) {
                      if (code_of(e) == errc::expired) read_anew();
                      store_ = 0;
                    });
        },
    };
  });
}

observer::~observer() { caf::anon_send_exit(self_, caf::exit_reason::kill); }

void observer::look() {
  auto store = w_.cloud.directory.find(supervisors::cloud_paths::store);
  if (!store || store.id() == store_) return;
  store_ = store.id();
  caf::anon_send(self_, local::attach{store});
}

void observer::count(const store::object& o, int by) {
  auto add = [by](size_t& n) { n = static_cast<size_t>(static_cast<int64_t>(n) + by); };
  digest += by > 0 ? digest_of_object(o) : -digest_of_object(o);
  auto resource = store::resource_of(o);
  if (resource == "pods") {
    add(pods);
    if (store::phase_of(o) == "Running" && !store::is_deleting(o)) add(pods_running);
  } else if (resource == "nodes") {
    add(nodes);
    if (is_ready(o)) add(nodes_ready);
  }
}

void observer::take(const store::event& e) {
  if (e.revision <= revision) return each_(e);  // who checks will see that it comes twice
  revision = e.revision;
  if (++events == 1'000 && drops_one) return;
  if (e.type != store::event_type::added) count(e.before, -1);
  if (e.type != store::event_type::deleted) count(e.now, +1);
  each_(e);
}

/// As a watcher lists when it is told 410 Gone.
void observer::read_anew() {
  ++relists;
  auto v = w_.views->current();
  nodes = nodes_ready = pods = pods_running = 0;
  digest = 0;
  revision = v->revision();
  for (auto& resource : v->resources())
    v->scan(resource, "", "", [&](const store::object& o) {
      count(o, +1);
      return true;
    });
}

uint64_t observer::digest_of(const store::view& v) {
  uint64_t sum = 0;
  for (auto& resource : v.resources())
    v.scan(resource, "", "", [&](const store::object& o) {
      sum += digest_of_object(o);
      return true;
    });
  return sum;
}

}  // namespace skerry::sim
