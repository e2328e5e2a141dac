#include "sim/ports/sim_runtime.hpp"

#include <algorithm>
#include <cstdio>

#include "schema/error.hpp"

namespace skerry::sim {
namespace {

/// 64 hex digits that stand for a text.
std::string digest(const std::string& text) {
  std::string out;
  for (uint64_t salt = 1; salt <= 4; ++salt) {
    uint64_t h = 14695981039346656037ULL + salt;
    for (unsigned char c : text) h = (h ^ c) * 1099511628211ULL;
    char part[20];
    std::snprintf(part, sizeof part, "%016llx", static_cast<unsigned long long>(h));
    out += part;
  }
  return out;
}

struct behaviour {
  std::optional<int64_t> ends_after_ms;
  int code = 0;
  bool refused = false, ignores_term = false;
};

behaviour behaviour_of(const std::vector<std::string>& command) {
  if (command.empty()) return {};
  auto& first = command.front();
  if (first.starts_with("/no/")) return {{}, 0, true, false};
  if (first == "true") return {0, 0, false, false};
  if (first == "false") return {0, 1, false, false};
  if (first == "sleep" && command.size() > 1) return {std::stoll(command[1]) * 1000, 0, false, true};
  if (first == "sh" && command.size() > 2 && command[2].starts_with("exit "))
    return {0, std::stoi(command[2].substr(5)), false, false};
  return {};
}

}  // namespace

void sim_runtime::later(int64_t delay_ms, std::function<void(lock&)> what) {
  auto at = clock_.steady_ms() + delay_ms;
  tasks_.emplace(task{at, ++order_}, std::move(what));
  if (on_due_) on_due_(at);
}

size_t sim_runtime::poll() {
  size_t count = 0;
  lock l{mutex_};
  while (!tasks_.empty() && tasks_.begin()->first.at_ms <= clock_.steady_ms()) {
    auto what = std::move(tasks_.extract(tasks_.begin()).mapped());
    what(l);
    if (!l.owns_lock()) l.lock();
    ++count;
  }
  return count;
}

std::optional<int64_t> sim_runtime::next_ms() const {
  lock l{mutex_};
  return tasks_.empty() ? std::nullopt : std::optional{tasks_.begin()->first.at_ms};
}

void sim_runtime::on_due(std::function<void(int64_t)> told) {
  lock l{mutex_};
  on_due_ = std::move(told);
}

std::optional<caf::error> sim_runtime::planned(const std::string& call) {
  auto& all = failures_[call];
  if (all.empty()) return {};
  auto e = std::move(all.front());
  all.pop_front();
  return e;
}

sim_runtime::process* sim_runtime::find(const std::string& id) {
  auto i = processes_.find(id);
  return i == processes_.end() ? nullptr : &i->second;
}

ports::image_info sim_runtime::info_of(const std::string& reference) const {
  return {"sha256:" + digest(reference), {reference}, 4096};
}

/// Ends a process and tells of it, with the lock released.
void sim_runtime::finish(lock& l, process& p, int code) {
  if (p.state.phase != ports::container_phase::running) return;
  ++version_;
  p.state.phase = ports::container_phase::exited;
  p.state.exit_code = code;
  p.state.finished_ms = clock_.wall_ms();
  p.state.pid = 0;
  auto state = p.state;
  auto tell = on_exit_;
  l.unlock();
  if (tell) tell(std::move(state));
  l.lock();
}

// -- the port ---------------------------------------------------------------------------------------------------------

void sim_runtime::list(done<std::pair<std::vector<ports::sandbox_state>, std::vector<ports::container_state>>> f) {
  lock l{mutex_};
  later(delay_ms_, [this, f](lock& k) {
    auto e = planned("list");
    std::pair<std::vector<ports::sandbox_state>, std::vector<ports::container_state>> out;
    for (auto& [uid, s] : sandboxes_) out.first.push_back(s);
    for (auto& [id, p] : processes_) out.second.push_back(p.state);
    k.unlock();
    if (e)
      f(*e);
    else
      f(std::move(out));
  });
}

void sim_runtime::on_exit(std::function<void(ports::container_state)> f) {
  lock l{mutex_};
  on_exit_ = std::move(f);
}

void sim_runtime::ensure_image(std::string reference, ports::pull_policy policy, done<ports::image_info> f) {
  lock l{mutex_};
  later(local_.contains(reference) ? delay_ms_ : delay_ms_ + pull_ms_, [this, reference, policy, f](lock& k) {
    caf::expected<ports::image_info> result = info_of(reference);
    bool here = local_.contains(reference);
    if (auto e = planned("ensure_image"))
      result = *e;
    else if (reference.empty() || reference.find(' ') != std::string::npos)
      result = make_error(errc::invalid, "InvalidImageName: \"" + reference + "\" is not an image reference");
    else if (policy == ports::pull_policy::never && !here)
      result = make_error(errc::not_found,
                          "ErrImageNeverPull: image " + reference + " is not present with pull policy of Never");
    else if (!registry_ && (!here || policy == ports::pull_policy::always))
      result = make_error(errc::unavailable, "the registry does not answer");
    else if (!here && !all_offered_ && !offered_.contains(reference))
      result = make_error(errc::not_found, "no registry has image " + reference);
    else
      local_.insert(reference);
    k.unlock();
    f(std::move(result));
  });
}

void sim_runtime::images(done<std::vector<ports::image_info>> f) {
  lock l{mutex_};
  later(delay_ms_, [this, f](lock& k) {
    std::vector<ports::image_info> out;
    for (auto& r : local_) out.push_back(info_of(r));
    k.unlock();
    f(std::move(out));
  });
}

void sim_runtime::import_image(std::string, std::string name, done<ports::image_info> f) {
  lock l{mutex_};
  later(delay_ms_, [this, name, f](lock& k) {
    local_.insert(name);
    auto out = info_of(name);
    k.unlock();
    f(std::move(out));
  });
}

void sim_runtime::remove_image(std::string reference, done<void> f) {
  lock l{mutex_};
  later(delay_ms_, [this, reference, f](lock& k) {
    local_.erase(reference);
    k.unlock();
    f(caf::unit);
  });
}

void sim_runtime::make_sandbox(ports::sandbox_spec spec, done<ports::sandbox_state> f) {
  lock l{mutex_};
  later(delay_ms_, [this, spec, f](lock& k) {
    if (auto e = planned("make_sandbox")) {
      k.unlock();
      f(*e);
      return;
    }
    auto& s = sandboxes_[spec.uid];
    if (!s.ready) {
      s.spec = spec;
      s.ready = true;
      s.ips = {"10.88.0." + std::to_string(next_ip_++)};
    }
    auto out = s;
    k.unlock();
    f(std::move(out));
  });
}

void sim_runtime::remove_sandbox(std::string pod_uid, done<void> f) {
  lock l{mutex_};
  later(delay_ms_, [this, pod_uid, f](lock& k) {
    if (auto e = planned("remove_sandbox")) {
      k.unlock();
      f(*e);
      return;
    }
    std::vector<std::string> mine;
    for (auto& [id, p] : processes_)
      if (p.state.pod_uid == pod_uid) mine.push_back(id);
    for (auto& id : mine)
      if (auto* p = find(id)) finish(k, *p, 137);
    for (auto& id : mine) processes_.erase(id);
    ++version_;
    sandboxes_.erase(pod_uid);
    k.unlock();
    f(caf::unit);
  });
}

void sim_runtime::start_container(ports::container_spec spec, done<ports::container_state> f) {
  lock l{mutex_};
  later(delay_ms_, [this, spec, f](lock& k) {
    auto id = digest(spec.pod_uid + "/" + spec.name + "/" + std::to_string(spec.attempt));
    auto b = behaviour_of(spec.command);
    caf::expected<ports::container_state> result{caf::error{}};
    auto home = sandboxes_.find(spec.pod_uid);
    if (auto e = planned("start_container")) {
      result = *e;
    } else if (home == sandboxes_.end() || !home->second.ready) {
      result = make_error(errc::not_found, "pod " + spec.pod_uid + " has no sandbox");
    } else if (!local_.contains(spec.image)) {
      result = make_error(errc::not_found, "image " + spec.image + " is not on this machine");
    } else if (b.refused) {
      result = make_error(errc::invalid, "exec: \"" + spec.command.front() + "\": no such file or directory");
    } else if (auto* there = find(id)) {
      result = there->state;
    } else {
      auto& p = processes_[id];
      p.ignores_term = b.ignores_term;
      p.state.id = id;
      p.state.pod_uid = spec.pod_uid;
      p.state.name = spec.name;
      p.state.attempt = spec.attempt;
      ++version_;
      p.state.phase = ports::container_phase::running;
      p.state.started_ms = clock_.wall_ms();
      p.state.image = spec.image;
      p.state.image_id = info_of(spec.image).id;
      p.state.pid = 1000 + static_cast<int64_t>(++order_);
      p.state.labels = spec.labels;
      started_.push_back({spec.pod_uid, spec.name, spec.attempt});
      last_started_ = spec;
      result = p.state;
      if (b.ends_after_ms)
        later(*b.ends_after_ms, [this, id, code = b.code](lock& x) {
          if (auto* q = find(id)) finish(x, *q, code);
        });
    }
    k.unlock();
    f(std::move(result));
  });
}

void sim_runtime::stop_container(std::string id, uint32_t grace_ms, done<ports::container_state> f) {
  lock l{mutex_};
  auto* p = find(id);
  auto wait = p != nullptr && p->ignores_term && p->state.phase == ports::container_phase::running ? grace_ms : 0;
  later(delay_ms_ + wait, [this, id, wait, f](lock& k) {
    caf::expected<ports::container_state> result = make_error(errc::not_found, "no container " + id);
    if (auto e = planned("stop_container")) {
      result = *e;
    } else if (auto* q = find(id)) {
      finish(k, *q, q->ignores_term || wait > 0 ? 137 : 143);
      if (q = find(id); q != nullptr) result = q->state;
    }
    k.unlock();
    f(std::move(result));
  });
}

void sim_runtime::remove_container(std::string id, done<void> f) {
  lock l{mutex_};
  later(delay_ms_, [this, id, f](lock& k) {
    if (auto* p = find(id)) finish(k, *p, 137);
    processes_.erase(id);
    ++version_;
    k.unlock();
    f(caf::unit);
  });
}

void sim_runtime::exec(std::string id, std::vector<std::string> command, uint32_t timeout_ms,
                       done<ports::exec_result> f) {
  lock l{mutex_};
  auto b = behaviour_of(command);
  auto takes = b.ends_after_ms.value_or(0);
  bool late = takes > timeout_ms;
  later(delay_ms_ + (late ? timeout_ms : takes), [this, id, b, late, f](lock& k) {
    auto* p = find(id);
    bool there = p != nullptr && p->state.phase == ports::container_phase::running;
    auto e = planned("exec");
    k.unlock();
    if (e)
      f(*e);
    else if (!there)
      f(make_error(errc::not_found, "container " + id + " does not run"));
    else
      f(ports::exec_result{late ? -1 : b.code, late, {}});
  });
}

// -- what the test does -----------------------------------------------------------------------------------------------

void sim_runtime::offer_image(const std::string& reference) {
  lock l{mutex_};
  offered_.insert(reference);
}

bool sim_runtime::end(const std::string& pod_uid, const std::string& name, int exit_code) {
  lock l{mutex_};
  for (auto& [id, p] : processes_) {
    if (p.state.pod_uid != pod_uid || p.state.name != name || p.state.phase != ports::container_phase::running)
      continue;
    finish(l, p, exit_code);
    return true;
  }
  return false;
}

void sim_runtime::reboot() {
  lock l{mutex_};
  tasks_.clear();
  ++version_;
  for (auto& [uid, s] : sandboxes_) {
    s.ready = false;
    s.ips.clear();
  }
  for (auto& [id, p] : processes_)
    if (p.state.phase == ports::container_phase::running) {
      p.state.phase = ports::container_phase::exited;
      p.state.exit_code = 137;
      p.state.finished_ms = clock_.wall_ms();
    }
}

void sim_runtime::fail(const std::string& call, caf::error why, int times) {
  lock l{mutex_};
  for (int i = 0; i < times; ++i) failures_[call].push_back(why);
}

void sim_runtime::set_delay_ms(int64_t ms) {
  lock l{mutex_};
  delay_ms_ = ms;
}

void sim_runtime::set_pull_ms(int64_t ms) {
  lock l{mutex_};
  pull_ms_ = ms;
}

void sim_runtime::set_registry(bool there) {
  lock l{mutex_};
  registry_ = there;
}

void sim_runtime::visit(const std::function<void(const ports::container_state&)>& f) const {
  lock l{mutex_};
  for (auto& [id, p] : processes_) f(p.state);
}

std::vector<ports::container_state> sim_runtime::containers() const {
  lock l{mutex_};
  std::vector<ports::container_state> out;
  for (auto& [id, p] : processes_) out.push_back(p.state);
  return out;
}

std::vector<std::string> sim_runtime::sandboxes() const {
  lock l{mutex_};
  std::vector<std::string> out;
  for (auto& [uid, s] : sandboxes_) out.push_back(uid);
  return out;
}

std::vector<sim_runtime::start> sim_runtime::started() const {
  lock l{mutex_};
  return started_;
}

std::optional<ports::container_spec> sim_runtime::last_started() const {
  lock l{mutex_};
  return last_started_;
}

uint64_t sim_runtime::version() const {
  lock l{mutex_};
  return version_;
}

}  // namespace skerry::sim
