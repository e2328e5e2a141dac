// The driver as a shared object: what skerry_driver.h asks for.
#include <algorithm>
#include <boost/json/parse.hpp>
#include <cstdio>

#include "drivers/device/opcua/browse.hpp"
#include "drivers/device/opcua/session.hpp"

namespace skerry::drivers::opcua {
namespace {

constexpr size_t sessions_max = 256;

/// The sessions in use.
class sessions {
public:
  std::shared_ptr<session> take(const device::opcua_address& where) {
    std::lock_guard lock{mutex_};
    if (named_.size() >= sessions_max && !named_.contains(where.session())) return nullptr;
    auto& slot = named_[where.session()];
    if (!slot) {
      slot = std::make_shared<session>(where);
      slot->start();
    }
    ++slot->users;
    return slot;
  }
  void give_back(const std::string& name, const std::shared_ptr<session>& s) {
    std::lock_guard lock{mutex_};
    if (--s->users > 0) return;
    s->stop();
    named_.erase(name);
  }

private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<session>> named_;
};

/// There is one of a loaded object, as there is one table; it is never taken down, as the object is not.
sessions& all() {
  static auto* one = new sessions;
  return *one;
}

struct handle {
  std::shared_ptr<session> on;
  machine_ptr who;
};

json::object object_in(skerry_text t) {
  boost::system::error_code ec;
  auto v = json::parse({t.data, t.size}, ec);
  return !ec && v.is_object() ? v.get_object() : json::object{};
}

skerry_status open(const skerry_host* host, uint64_t id, const skerry_device* what, void** self, char* why,
                   size_t size) {
  auto address = device::read_opcua_address(object_in(what->config));
  if (auto* p = std::get_if<device::problem>(&address)) {
    std::snprintf(why, size, "spec.protocol.configData.%s %s", p->key.c_str(), p->why.c_str());
    return SKERRY_INVALID;
  }
  auto m = std::make_shared<machine>();
  m->host = host;
  m->id = id;
  m->name = {what->name.data, what->name.size};
  m->address = std::get<device::opcua_address>(address);
  for (uint32_t i = 0; i < what->point_count; ++i) {
    machine::point p;
    auto v = device::read_opcua_visitor(object_in(what->points[i].config));
    if (auto* x = std::get_if<device::problem>(&v))
      p.refused = "visitors.configData." + x->key + " " + x->why;
    else
      p.node = std::get<device::opcua_visitor>(v).node;
    UA_NodeId parsed{};
    UA_String text{p.node.size(), reinterpret_cast<UA_Byte*>(p.node.data())};
    if (p.refused.empty() && UA_NodeId_parse(&parsed, text) != UA_STATUSCODE_GOOD)
      p.refused = "visitors.configData.nodeID " + p.node + " is no node id";
    UA_NodeId_clear(&parsed);
    m->points.push_back(std::move(p));
  }
  auto s = all().take(m->address);
  if (!s) {
    std::snprintf(why, size, "more than %zu OPC UA servers and users", sessions_max);
    return SKERRY_TOO_MANY;
  }
  s->add(m);
  *self = new handle{std::move(s), std::move(m)};
  return SKERRY_OK;
}

void read(void* self, uint64_t ticket, const uint32_t* points, size_t count, uint32_t deadline_ms) {
  auto& h = *static_cast<handle*>(self);
  h.on->read(h.who, ticket, {points, points + count}, deadline_ms);
}

void write(void* self, uint64_t ticket, uint32_t point, const skerry_value* value, uint32_t deadline_ms) {
  auto& h = *static_cast<handle*>(self);
  h.on->write(h.who, ticket, point, {value->as.text.data, value->as.text.size}, deadline_ms);
}

void close(void* self) {
  std::unique_ptr<handle> h{static_cast<handle*>(self)};
  h->on->remove(h->who);
  all().give_back(h->who->address.session(), h->on);
}

void discover(const skerry_host* host, uint64_t ticket, skerry_text where, uint32_t deadline_ms) {
  auto config = object_in(where);
  auto address = device::read_opcua_address(config);
  std::string text;
  skerry_status status = SKERRY_INVALID;
  if (auto* p = std::get_if<device::problem>(&address))
    text = p->key + " " + p->why;
  else
    status = browse(std::get<device::opcua_address>(address), config, deadline_ms, text);
  host->discover_done(host, ticket, status, {text.data(), text.size()});
}

}  // namespace
}  // namespace skerry::drivers::opcua

extern "C" const skerry_driver* skerry_driver_main(void) {
  using namespace skerry::drivers::opcua;
  static const skerry_driver table{SKERRY_DRIVER_ABI, sizeof table, "opcua", "1", open, read, write, close, discover};
  return &table;
}
