#include "actors/link/mesh.hpp"

#include <caf/actor_cast.hpp>

#include "actors/link/facts_in.hpp"
#include "actors/link/link_end.hpp"
#include "actors/link/mesh_core.hpp"

namespace skerry::link {

mesh::mesh(mesh_args args) : core_(std::make_unique<mesh_core>(std::move(args))) {}
mesh::~mesh() { core_->stop(); }

const std::string& mesh::island() const { return core_->args().island; }

caf::expected<caf::actor> mesh::resolve(std::string_view path) {
  if (!core_->is_local(path)) return bind(path);
  if (auto e = paths::check(path)) return e;
  auto who = core_->find_local(path);
  if (!who) return make_error(errc::not_found, "nobody stands at " + std::string{path} + " just now");
  return caf::actor_cast<caf::actor>(who);
}

caf::expected<caf::actor> mesh::bind(std::string_view path) {
  if (auto e = paths::check(path)) return e;
  const auto& a = core_->args();
  if (!core_->is_local(path) && !a.may_reach({a.island, path}))
    return make_error(errc::forbidden, a.island + " may not reach " + std::string{path});
  return caf::actor_cast<caf::actor>(core_->proxy_for(path));
}

std::string mesh::path_of(const caf::actor& who) { return core_->path_of(caf::actor_cast<caf::strong_actor_ptr>(who)); }

caf::error mesh::observe(const caf::actor& who, std::string_view island) {
  std::string name{island};
  return core_->observe(who, island, caf::make_message(link_suspended{name}), caf::make_message(link_resumed{name}));
}
void mesh::forget(std::string_view island) { core_->forget(island); }
void mesh::hold(std::string_view island) { core_->peer_for(island)->hold(true); }
void mesh::release(std::string_view island) { core_->peer_for(island)->hold(false); }

std::vector<link_figures> mesh::links() const {
  std::vector<link_figures> out;
  for (const auto& p : core_->all_peers())
    if (p->island() != island()) out.push_back(p->figures());
  return out;
}

std::vector<mesh::dead_letter> mesh::dead_letters() const { return core_->dead_letters(); }

caf::expected<std::shared_ptr<link_end>> mesh::open(std::string_view neighbour, ports::connection_ptr connection) {
  if (auto e = paths::check(neighbour)) return e;
  if (paths::island_of(neighbour) != neighbour || neighbour == island())
    return make_error(errc::invalid, std::string{neighbour} + " cannot be a neighbour of " + island());
  auto p = core_->neighbour(neighbour);
  auto end = std::make_shared<link_end>(*core_, p, std::move(connection));
  p->up(end);
  return end;
}

caf::error mesh::load() { return core_->load(); }
void mesh::attach(const caf::actor& worker) { core_->attach(worker); }
uint32_t mesh::work() { return core_->work(); }
void mesh::stop() { core_->stop(); }

void receipt::stamp(ports::kv_batch& batch) const {
  if (core_ != nullptr) core_->facts().stamp(id_, batch);
}

receipt receipt_of(caf::scheduled_actor* self) {
  const auto* element = self->current_mailbox_element();
  if (element == nullptr || !element->mid.is_request()) return {};
  auto id = element->mid.request_id().integer_value();
  auto* p = proxy_of(element->sender);
  if (p == nullptr || !facts_in::is_receipt(id)) return {};
  return {&p->over().core(), id};
}

}  // namespace skerry::link
