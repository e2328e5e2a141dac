#pragma once
#include <boost/test/unit_test.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <condition_variable>
#include <mutex>

#include "actors/api/front.hpp"
#include "actors/api/sessions.hpp"
#include "actors/base/directory.hpp"
#include "actors/store/store.hpp"
#include "drivers/clock/system_clock.hpp"
#include "drivers/http/yaml.hpp"
#include "drivers/random/system_random.hpp"
#include "sim/ports/memory_kv.hpp"
#include "supervisors/pool.hpp"

namespace skerry::test {

struct quiet_log : ports::log {
  bool enabled(ports::severity) const override { return false; }
  void write(ports::severity, std::string_view, std::string_view) override {}
};

/// What came back from an exchange.
class fake_exchange final : public ports::http_exchange {
public:
  explicit fake_exchange(ports::http_request r) : request_(std::move(r)) {}
  const ports::http_request& request() const override { return request_; }
  void respond(int status, std::string_view type, ports::http_body body,
               std::vector<std::pair<std::string, std::string>> headers) override {
    std::lock_guard lock{mutex};
    code = status;
    content_type = type;
    for (const auto& p : body) text += p.view();
    for (auto& h : headers) header_lines += h.first + ": " + h.second + "\n";
    done = true;
    changed.notify_all();
  }
  void start_stream(int status, std::string_view type, std::function<void()> f) override {
    std::lock_guard lock{mutex};
    code = status;
    content_type = type;
    on_closed = std::move(f);
    changed.notify_all();
  }
  bool write(ports::http_body pieces) override {
    std::lock_guard lock{mutex};
    if (gone) return false;
    for (const auto& p : pieces) text += p.view();
    changed.notify_all();
    return true;
  }
  void end_stream() override {
    std::lock_guard lock{mutex};
    done = true;
    changed.notify_all();
  }
  template <class F>
  bool wait(F&& until) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, std::chrono::seconds{20}, until);
  }

  std::mutex mutex;
  std::condition_variable changed;
  int code = 0;
  std::string content_type, text, header_lines;
  std::function<void()> on_closed;
  bool done = false, gone = false;

private:
  ports::http_request request_;
};

struct answer {
  int code = 0;
  std::string text, headers, content_type;
  json::value value;
  std::string_view at(std::string_view path) const { return string_at(value, path); }
};

/// Store (memory), sessions, pool and front, wired as main wires them, on CAF's threads.
class api_world {
public:
  explicit api_world(store::history_options history = {}, api::front_options options = {})
      : parts{ctx,
              registry,
              *views,
              directory.finder("/cloud/store"),
              directory.finder("/cloud/api/sessions"),
              directory.finder("/cloud/api/watches"),
              http::yaml_to_json,
              std::move(options)},
        front(parts),
        history_(history) {
    start_store();
    directory.put("/cloud/api/sessions", sessions = system.spawn(api::sessions, &parts, "/cloud/api/sessions"));
    directory.put("/cloud/api/watches",
                  pool = system.spawn(supervisors::pool, supervisors::pool_args{services, "/cloud/api/watches"}));
    caf::scoped_actor self{system};
    std::vector<store::change> first(2);
    const char* names[] = {"default", "kube-system"};
    for (size_t i = 0; i < 2; ++i) {
      first[i].object.key = {"namespaces", "", names[i]};
      first[i].object.value = json::object{
          {"apiVersion", "v1"},
          {"kind", "Namespace"},
          {"metadata",
           json::object{{"name", names[i]}, {"uid", names[i]}, {"creationTimestamp", format_time(clock.wall_ms())}}},
          {"spec", json::object{{"finalizers", json::array{"kubernetes"}}}},
          {"status", json::object{{"phase", "Active"}}}};
    }
    self->request(store, std::chrono::seconds{20}, store::commit{std::move(first)})
        .receive([](const store::committed&) {}, [](const caf::error& e) { BOOST_FAIL(message_of(e)); });
  }
  ~api_world() {
    for (auto* a : {&pool, &sessions, &store}) stop(*a);
  }
  void start_store() {
    store = system.spawn<caf::detached>(store::store_actor,
                                        store::store_args{ctx, "/cloud/store", kv, views, caf::actor{}, history_});
    directory.put("/cloud/store", store);
  }
  void stop(caf::actor& a) {
    caf::scoped_actor self{system};
    caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
    self->wait_for(a);
    a = nullptr;
  }

  static ports::http_request request(std::string method, std::string target, std::string body = {},
                                     std::string type = "application/json") {
    ports::http_request r;
    r.method = std::move(method);
    r.target = std::move(target);
    r.body = std::move(body);
    r.content_type = std::move(type);
    r.peer.common_name = "admin";
    r.peer.organizations = {"system:masters"};
    return r;
  }
  answer call(ports::http_request r) {
    auto e = std::make_shared<fake_exchange>(std::move(r));
    front.serve(e);
    BOOST_REQUIRE(e->wait([&] { return e->done; }));
    answer a{e->code, e->text, e->header_lines, e->content_type, {}};
    std::string error;
    if (a.content_type.starts_with("application/json")) {
      a.value = parse_json(a.text, error);
      BOOST_TEST(error == "");
    }
    return a;
  }
  answer call(std::string method, std::string target, std::string body = {}, std::string type = "application/json") {
    return call(request(std::move(method), std::move(target), std::move(body), std::move(type)));
  }
  /// A call that must succeed with this code.
  answer must(int code, std::string method, std::string target, std::string body = {},
              std::string type = "application/json") {
    auto a = call(method, target, std::move(body), std::move(type));
    BOOST_TEST_CONTEXT(method << " " << target << ": " << a.text) BOOST_TEST(a.code == code);
    return a;
  }
  std::shared_ptr<fake_exchange> stream(std::string target) {
    auto e = std::make_shared<fake_exchange>(request("GET", std::move(target)));
    front.serve(e);
    return e;
  }

  caf::actor_system_config config;
  caf::actor_system system{config.set("scheduler.policy", caf::atom("sharing"))};
  drivers::system_clock clock;
  drivers::system_random random;
  quiet_log log;
  context ctx{clock, random, log};
  kube::registry registry;
  sim::memory_kv kv;
  std::shared_ptr<store::publisher> views = std::make_shared<store::publisher>();
  base::directory directory;
  supervisors::crash_log crashes;
  supervisors::services services{ctx, directory, crashes};
  api::parts parts;
  api::front front;
  caf::actor store, sessions, pool;

private:
  store::history_options history_;
};

}  // namespace skerry::test
