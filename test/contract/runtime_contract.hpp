#pragma once
#include <actors/ports/runtime.hpp>
#include <boost/test/unit_test.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <schema/error.hpp>

/// What every ports::runtime does, the real one and the simulated one. A test hands in its runtime, the name of an
/// image that has a shell, and `wait(predicate)`: it lets the runtime work (real time passes, or the simulator steps)
/// until the predicate holds, and returns false at its deadline.
///
/// Commands used, which a simulated runtime must understand: `sleep N` (dies on SIGTERM never, as PID 1 of a container
/// ignores it; on SIGKILL with 137), `true`, `false`, `sh -c "exit N"`, and `/no/such/file`, which cannot be started.
namespace skerry::contract {

template <class Wait>
class runtime_contract {
public:
  runtime_contract(ports::runtime& runtime, std::string image, Wait wait)
      : runtime_{runtime}, image_{std::move(image)}, wait_{std::move(wait)} {
    auto exits = exits_;
    runtime_.on_exit([exits](ports::container_state s) {
      std::lock_guard guard{exits->mutex};
      ++exits->count[s.id];
      exits->last[s.id] = std::move(s);
    });
  }

  /// Runs every case, in order. The runtime is empty of this contract's pods before and after.
  void run() {
    images();
    sandbox_is_idempotent();
    container_runs_and_is_listed();
    exit_is_told_once();
    stop_and_remove_are_idempotent();
    exec_answers();
    refusals();
    removing_a_sandbox_removes_its_containers();
  }

  void images() {
    auto info = call<ports::image_info>([&](auto f) { runtime_.ensure_image(image_, ports::pull_policy::never, f); });
    BOOST_REQUIRE_MESSAGE(info, "ensure_image: " << why(info));
    BOOST_TEST(info->id.starts_with("sha256:"));
    BOOST_TEST(!info->names.empty());
    auto all = call<std::vector<ports::image_info>>([&](auto f) { runtime_.images(f); });
    BOOST_REQUIRE(all);
    bool found = false;
    for (auto& i : *all) found |= i.id == info->id;
    BOOST_TEST(found);
    auto absent = call<ports::image_info>(
        [&](auto f) { runtime_.ensure_image("example.invalid/none:1", ports::pull_policy::never, f); });
    BOOST_REQUIRE(!absent);
    BOOST_TEST((code_of(absent.error()) == errc::not_found));
    BOOST_TEST(message_of(absent.error()).starts_with("ErrImageNeverPull"));
    auto bad = call<ports::image_info>(
        [&](auto f) { runtime_.ensure_image("Not A Name", ports::pull_policy::if_not_present, f); });
    BOOST_REQUIRE(!bad);
    BOOST_TEST((code_of(bad.error()) == errc::invalid));
    BOOST_TEST(message_of(bad.error()).starts_with("InvalidImageName"));
  }

  void sandbox_is_idempotent() {
    auto first = make_sandbox("contract-a");
    BOOST_REQUIRE_MESSAGE(first, "make_sandbox: " << why(first));
    BOOST_TEST(first->ready);
    BOOST_REQUIRE(first->ips.size() == 1u);
    auto second = make_sandbox("contract-a");
    BOOST_REQUIRE(second);
    BOOST_TEST(first->ips == second->ips);
    auto other = make_sandbox("contract-b");
    BOOST_REQUIRE(other);
    BOOST_TEST(other->ips != first->ips);
    auto [sandboxes, containers] = list();
    BOOST_TEST(sandboxes.contains("contract-a"));
    BOOST_TEST(sandboxes["contract-a"].spec.labels.at("role") == "test");
    BOOST_TEST(sandboxes["contract-a"].ready);
    drop("contract-b");
    drop("contract-b");
    drop("contract-a");
    BOOST_TEST(list().first.empty());
  }

  void container_runs_and_is_listed() {
    BOOST_REQUIRE(make_sandbox("contract-run"));
    auto started = start("contract-run", "main", 0, {"sleep", "3600"});
    BOOST_REQUIRE_MESSAGE(started, "start_container: " << why(started));
    BOOST_TEST((started->phase == ports::container_phase::running));
    BOOST_TEST(started->id.size() == 64u);
    BOOST_TEST(started->started_ms > 0);
    BOOST_TEST(!started->image_id.empty());
    auto again = start("contract-run", "main", 0, {"sleep", "3600"});
    BOOST_REQUIRE(again);
    BOOST_TEST(again->id == started->id);
    BOOST_TEST(again->pid == started->pid);
    auto containers = list().second;
    BOOST_REQUIRE(containers.contains(started->id));
    auto& c = containers[started->id];
    BOOST_TEST(c.pod_uid == "contract-run");
    BOOST_TEST(c.name == "main");
    BOOST_TEST(c.labels.at("hash") == "h1");
    BOOST_TEST(!runtime_.log_path(started->id).empty());
    drop("contract-run");
  }

  void exit_is_told_once() {
    BOOST_REQUIRE(make_sandbox("contract-exit"));
    auto started = start("contract-exit", "main", 0, {"sh", "-c", "exit 3"});
    BOOST_REQUIRE_MESSAGE(started, "start_container: " << why(started));
    BOOST_REQUIRE(wait_([&] { return exits(started->id) == 1; }));
    auto last = last_exit(started->id);
    BOOST_TEST(last.exit_code == 3);
    BOOST_TEST((last.phase == ports::container_phase::exited));
    BOOST_TEST(last.finished_ms >= last.started_ms);
    auto next = start("contract-exit", "main", 1, {"true"});
    BOOST_REQUIRE(next);
    BOOST_TEST(next->id != started->id);
    BOOST_REQUIRE(wait_([&] { return exits(next->id) == 1; }));
    BOOST_TEST(last_exit(next->id).exit_code == 0);
    auto containers = list().second;
    BOOST_REQUIRE(containers.contains(started->id));
    BOOST_TEST((containers[started->id].phase == ports::container_phase::exited));
    BOOST_TEST(containers[started->id].exit_code == 3);
    drop("contract-exit");
    BOOST_TEST(exits(started->id) == 1);
  }

  void stop_and_remove_are_idempotent() {
    BOOST_REQUIRE(make_sandbox("contract-stop"));
    auto started = start("contract-stop", "main", 0, {"sleep", "3600"});
    BOOST_REQUIRE(started);
    // Until the runtime's own process has become the container's, a signal would end that one, with a code of its own.
    BOOST_REQUIRE(wait_([&] {
      auto r = call<ports::exec_result>([&](auto f) {
        runtime_.exec(started->id, {"sh", "-c", "grep -q sleep /proc/1/comm"}, 10'000, f);
      });
      return r && r->exit_code == 0;
    }));
    auto stop = [&] {
      return call<ports::container_state>([&](auto f) { runtime_.stop_container(started->id, 100, f); });
    };
    auto stopped = stop();
    BOOST_REQUIRE_MESSAGE(stopped, "stop_container: " << why(stopped));
    BOOST_TEST((stopped->phase == ports::container_phase::exited));
    BOOST_TEST(stopped->exit_code == 137);
    BOOST_REQUIRE(wait_([&] { return exits(started->id) == 1; }));
    auto again = stop();
    BOOST_REQUIRE(again);
    BOOST_TEST(again->exit_code == 137);
    for (int i = 0; i < 2; ++i) BOOST_TEST(!!call<void>([&](auto f) { runtime_.remove_container(started->id, f); }));
    BOOST_TEST(!list().second.contains(started->id));
    drop("contract-stop");
  }

  void exec_answers() {
    BOOST_REQUIRE(make_sandbox("contract-exec"));
    auto started = start("contract-exec", "main", 0, {"sleep", "3600"});
    BOOST_REQUIRE(started);
    auto exec = [&](std::vector<std::string> command, uint32_t timeout_ms) {
      return call<ports::exec_result>([&](auto f) { runtime_.exec(started->id, command, timeout_ms, f); });
    };
    auto yes = exec({"true"}, 10'000);
    BOOST_REQUIRE_MESSAGE(yes, "exec: " << why(yes));
    BOOST_TEST(yes->exit_code == 0);
    BOOST_TEST(!yes->timed_out);
    auto no = exec({"false"}, 10'000);
    BOOST_REQUIRE(no);
    BOOST_TEST(no->exit_code == 1);
    auto late = exec({"sleep", "3600"}, 500);
    BOOST_REQUIRE(late);
    BOOST_TEST(late->timed_out);
    drop("contract-exec");
    auto gone = exec({"true"}, 10'000);
    BOOST_REQUIRE(!gone);
    BOOST_TEST((code_of(gone.error()) == errc::not_found));
  }

  void refusals() {
    BOOST_REQUIRE(make_sandbox("contract-bad"));
    auto bad = start("contract-bad", "main", 0, {"/no/such/file"});
    BOOST_REQUIRE(!bad);
    BOOST_TEST((code_of(bad.error()) == errc::invalid));
    BOOST_TEST(message_of(bad.error()).find("/no/such/file") != std::string::npos);
    BOOST_TEST(list().second.empty());
    auto spec = container("contract-bad", "main", 0, {"true"});
    spec.image = "example.invalid/none:1";
    auto absent = call<ports::container_state>([&](auto f) { runtime_.start_container(spec, f); });
    BOOST_REQUIRE(!absent);
    BOOST_TEST((code_of(absent.error()) == errc::not_found));
    auto homeless = start("contract-no-such-pod", "main", 0, {"true"});
    BOOST_REQUIRE(!homeless);
    BOOST_TEST((code_of(homeless.error()) == errc::not_found));
    auto stop = call<ports::container_state>([&](auto f) { runtime_.stop_container(std::string(64, '0'), 0, f); });
    BOOST_REQUIRE(!stop);
    BOOST_TEST((code_of(stop.error()) == errc::not_found));
    drop("contract-bad");
  }

  void removing_a_sandbox_removes_its_containers() {
    BOOST_REQUIRE(make_sandbox("contract-rm"));
    auto a = start("contract-rm", "a", 0, {"sleep", "3600"});
    auto b = start("contract-rm", "b", 0, {"sleep", "3600"});
    BOOST_REQUIRE(a);
    BOOST_REQUIRE(b);
    drop("contract-rm");
    auto [sandboxes, containers] = list();
    BOOST_TEST(sandboxes.empty());
    BOOST_TEST(containers.empty());
    BOOST_TEST(wait_([&] { return exits(a->id) == 1 && exits(b->id) == 1; }));
  }

  // -- what the cases are made of
  // --------------------------------------------------------------------------------------
  template <class T, class F>
  caf::expected<T> call(F f) {
    struct slot {
      std::mutex mutex;
      std::optional<caf::expected<T>> value;
    };
    auto s = std::make_shared<slot>();
    f([s](caf::expected<T> v) {
      std::lock_guard guard{s->mutex};
      BOOST_CHECK_MESSAGE(!s->value, "answered twice");
      s->value.emplace(std::move(v));
    });
    bool there = wait_([s] {
      std::lock_guard guard{s->mutex};
      return s->value.has_value();
    });
    BOOST_REQUIRE_MESSAGE(there, "no answer within the deadline");
    std::lock_guard guard{s->mutex};
    return *s->value;
  }

  caf::expected<ports::sandbox_state> make_sandbox(const std::string& uid) {
    ports::sandbox_spec spec;
    spec.uid = uid;
    spec.ns = "default";
    spec.name = uid;
    spec.hostname = uid;
    spec.labels = {{"role", "test"}};
    return call<ports::sandbox_state>([&](auto f) { runtime_.make_sandbox(spec, f); });
  }

  ports::container_spec container(const std::string& uid, const std::string& name, uint32_t attempt,
                                  std::vector<std::string> command) {
    ports::container_spec spec;
    spec.pod_uid = uid;
    spec.name = name;
    spec.attempt = attempt;
    spec.image = image_;
    spec.command = std::move(command);
    spec.labels = {{"hash", "h1"}};
    return spec;
  }

  caf::expected<ports::container_state> start(const std::string& uid, const std::string& name, uint32_t attempt,
                                              std::vector<std::string> command) {
    auto spec = container(uid, name, attempt, std::move(command));
    return call<ports::container_state>([&](auto f) { runtime_.start_container(spec, f); });
  }

  void drop(const std::string& uid) {
    auto r = call<void>([&](auto f) { runtime_.remove_sandbox(uid, f); });
    BOOST_TEST(!!r, "remove_sandbox " << uid << ": " << why(r));
  }

  std::pair<std::map<std::string, ports::sandbox_state>, std::map<std::string, ports::container_state>> list() {
    using both = std::pair<std::vector<ports::sandbox_state>, std::vector<ports::container_state>>;
    auto r = call<both>([&](auto f) { runtime_.list(f); });
    BOOST_REQUIRE_MESSAGE(r, "list: " << why(r));
    std::pair<std::map<std::string, ports::sandbox_state>, std::map<std::string, ports::container_state>> out;
    for (auto& s : r->first) out.first[s.spec.uid] = s;
    for (auto& c : r->second) out.second[c.id] = c;
    return out;
  }

  int exits(const std::string& id) {
    std::lock_guard guard{exits_->mutex};
    return exits_->count[id];
  }

  ports::container_state last_exit(const std::string& id) {
    std::lock_guard guard{exits_->mutex};
    return exits_->last[id];
  }

  template <class T>
  static std::string why(const caf::expected<T>& e) {
    return e ? std::string{"ok"} : message_of(e.error());
  }

private:
  struct exit_record {
    std::mutex mutex;
    std::map<std::string, int> count;
    std::map<std::string, ports::container_state> last;
  };
  ports::runtime& runtime_;
  std::string image_;
  Wait wait_;
  std::shared_ptr<exit_record> exits_ = std::make_shared<exit_record>();
};

}  // namespace skerry::contract
