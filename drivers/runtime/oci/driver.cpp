#include "driver.hpp"

#include <signal.h>
#include <unistd.h>

#include <schema/error.hpp>

#include "fs.hpp"
#include "namespaces.hpp"

namespace skerry::drivers::oci {

driver::driver(options o, ports::clock& clock, ports::log& log)
    : o_{std::move(o)},
      clock_{clock},
      log_{log},
      at_{o_},
      groups_{o_.cgroup_parent},
      network_{o_, log},
      images_{o_, log},
      loop_{clock},
      pool_{o_.workers, o_.queue_max},
      pull_pool_{o_.pullers, o_.queue_max} {}

driver::~driver() {
  if (collecting_) pthread_join(collector_, nullptr);
  {
    std::lock_guard guard{mutex_};
    stopping_ = true;
  }
  images_.cancel();
  pull_pool_.stop();
  pool_.stop();
  loop_.stop();
  // Nobody else runs now: whoever still waits is told.
  for (auto& [id, e] : containers_) {
    for (auto& f : e.waiters) f(make_error(errc::cancelled, "the driver stops; container " + id + " runs on"));
    if (e.monitor >= 0) close(e.monitor);
  }
  auto executions = std::move(executions_);
  for (auto& [ticket, e] : executions) end_execution(e, true);
}

template <class T, class F>
void driver::post(pool& where, std::string key, done<T> f, F work) {
  if (!where.post(std::move(key), [f, work = std::move(work)] { f(work()); }))
    f(make_error(errc::too_many, "the container runtime has too much to do; try again"));
}

void driver::step(const char* name) const {
  if (o_.crash_point == name) kill(getpid(), SIGKILL);
}

command driver::runtime_command(std::vector<std::string> arguments) const {
  command c;
  c.arguments = {runtime_, "--root", at_.runtime_root()};
  c.arguments.insert(c.arguments.end(), std::make_move_iterator(arguments.begin()),
                     std::make_move_iterator(arguments.end()));
  c.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "GOMAXPROCS=2"};
  return c;
}

ports::runtime_info driver::info() const {
  return {"skerry-oci", runtime_version_ + " (" + runtime_name_ + ")", groups_.version()};
}

ports::sandbox_state driver::state_of(const sandbox_record& r) const {
  return {r.spec, r.ips, r.at == phase::ready && namespaces_ready(at_.namespaces(r.spec.uid), r.spec.host_network)};
}

void driver::list(done<std::pair<std::vector<ports::sandbox_state>, std::vector<ports::container_state>>> f) {
  using both = std::pair<std::vector<ports::sandbox_state>, std::vector<ports::container_state>>;
  post<both>(pool_, "", f, [this]() -> caf::expected<both> {
    both out;
    std::lock_guard guard{mutex_};
    for (auto& [uid, r] : sandboxes_)
      if (r.at == phase::ready || r.at == phase::exited) out.first.push_back(state_of(r));
    for (auto& [id, e] : containers_)
      if (e.record.at == phase::ready || e.record.at == phase::exited) out.second.push_back(e.record.state);
    return out;
  });
}

void driver::on_exit(std::function<void(ports::container_state)> f) {
  std::lock_guard guard{mutex_};
  exited_ = std::move(f);
}

std::string driver::log_path(const std::string& id) const {
  std::lock_guard guard{mutex_};
  auto i = containers_.find(id);
  return i == containers_.end() ? std::string{} : i->second.record.log_path;
}

// -- images
// ------------------------------------------------------------------------------------------------------------

std::set<std::string> driver::used_images() const {
  std::lock_guard guard{mutex_};
  std::set<std::string> out;
  for (auto& [id, e] : containers_) out.insert(e.record.config_digest);
  return out;
}

void driver::ensure_image(std::string text, ports::pull_policy policy, done<ports::image_info> f) {
  pool_.post("",
             [this, text = std::move(text), policy, f] {
               auto r = parse_reference(text);
               if (!r) return f(std::move(r.error()));
               if (policy != ports::pull_policy::always) {
                 if (auto here = images_.lookup(*r)) return f(images_.info(*here));
                 if (policy == ports::pull_policy::never)
                   return f(make_error(errc::not_found, "ErrImageNeverPull: image " + r->text() +
                                                            " is not here and its policy is Never"));
               }
               auto name = r->text();
               {
                 std::lock_guard guard{mutex_};
                 auto& waiting = pulls_[name];
                 waiting.push_back(f);
                 if (waiting.size() > 1) return;  // one pull serves all who asked meanwhile
               }
               if (!pull_pool_.post("", [this, r = *r, name] { pulled(name, images_.pull(r)); }))
                 pulled(name, make_error(errc::too_many, "too many images are being pulled; try again"));
             }) ||
      (f(make_error(errc::too_many, "the container runtime has too much to do; try again")), true);
}

void driver::pulled(const std::string& name, caf::expected<image_record> r) {
  std::vector<done<ports::image_info>> waiting;
  {
    std::lock_guard guard{mutex_};
    waiting = std::move(pulls_[name]);
    pulls_.erase(name);
  }
  for (auto& f : waiting)
    f(r ? caf::expected<ports::image_info>{images_.info(*r)} : caf::expected<ports::image_info>{r.error()});
  if (r) images_.collect(used_images());
}

void driver::images(done<std::vector<ports::image_info>> f) {
  post<std::vector<ports::image_info>>(pool_, "", f, [this] { return caf::expected{images_.list()}; });
}

void driver::import_image(std::string archive, std::string name, done<ports::image_info> f) {
  // Through the other pool first: nothing touches the images before the start's collection is done.
  post<ports::image_info>(pull_pool_, "", f, [this, archive, name]() -> caf::expected<ports::image_info> {
    auto r = images_.import(archive, name);
    if (!r) return std::move(r.error());
    images_.collect(used_images());
    return images_.info(*r);
  });
}

void driver::remove_image(std::string text, done<void> f) {
  post<void>(pool_, "", f, [this, text]() -> caf::expected<void> {
    auto r = parse_reference(text);
    if (!r) return std::move(r.error());
    auto here = images_.lookup(*r);
    if (!here) return caf::unit;
    if (images_.info(*here).names.size() == 1) {
      std::lock_guard guard{mutex_};
      for (auto& [id, e] : containers_)
        if (e.record.config_digest == here->config)
          return make_error(errc::conflict, "image " + r->text() + " is used by container " + e.record.state.name +
                                                " of pod " + e.record.state.pod_uid + ": remove that first");
    }
    auto named = parse_reference(here->name);
    auto removed = images_.remove(named ? *named : *r);
    if (removed) images_.collect(used_images());
    return removed;
  });
}

// -- pods and containers
// -----------------------------------------------------------------------------------------------

void driver::make_sandbox(ports::sandbox_spec spec, done<ports::sandbox_state> f) {
  auto key = spec.uid;
  post<ports::sandbox_state>(pool_, key, f, [this, spec = std::move(spec)] { return do_make_sandbox(spec); });
}

void driver::remove_sandbox(std::string uid, done<void> f) {
  auto key = uid;
  post<void>(pool_, key, f, [this, uid = std::move(uid)] { return do_remove_sandbox(uid); });
}

void driver::start_container(ports::container_spec spec, done<ports::container_state> f) {
  auto key = spec.pod_uid;
  post<ports::container_state>(pool_, key, f, [this, spec = std::move(spec)] { return do_start(spec); });
}

void driver::stop_container(std::string id, uint32_t grace_ms, done<ports::container_state> f) {
  if (!pool_.post("", [this, id, grace_ms, f] { do_stop(id, grace_ms, f); }))
    f(make_error(errc::too_many, "the container runtime has too much to do; try again"));
}

void driver::remove_container(std::string id, done<void> f) {
  std::string key;
  {
    std::lock_guard guard{mutex_};
    if (auto i = containers_.find(id); i != containers_.end()) key = i->second.record.state.pod_uid;
  }
  post<void>(pool_, key, f, [this, id = std::move(id)] { return do_remove_container(id); });
}

void driver::exec(std::string id, std::vector<std::string> command, uint32_t timeout_ms, done<ports::exec_result> f) {
  if (!pool_.post("", [this, id, command = std::move(command), timeout_ms, f] { do_exec(id, command, timeout_ms, f); }))
    f(make_error(errc::too_many, "the container runtime has too much to do; try again"));
}

}  // namespace skerry::drivers::oci
