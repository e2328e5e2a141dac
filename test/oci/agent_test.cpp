#include <signal.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scoped_actor.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "actors/node/node_agent.hpp"
#include "drivers/files/posix_files.hpp"
#include "drivers/kv/leveldb.hpp"
#include "drivers/machine/linux_machine.hpp"
#include "drivers/net/io_loop.hpp"
#include "drivers/prober/asio_prober.hpp"
#include "drivers/random/system_random.hpp"
#include "supervisors/pool.hpp"
#include "support.hpp"

/// The node agent on what it stands on for real: containers, mounts, LevelDB, sockets. The cloud alone is played.
namespace {

using namespace skerry;
namespace fs = std::filesystem;

struct cloud {
  std::mutex mutex;
  std::map<std::string, std::string> pods;
  std::set<std::string> gone;
};

caf::behavior play_link(caf::event_based_actor*, std::shared_ptr<cloud> c) {
  return {
      [c](const link::report_pod_status& r) {
        std::lock_guard guard{c->mutex};
        c->pods[r.pod.name] = r.json;
      },
      [c](const link::report_pod_gone& r) {
        std::lock_guard guard{c->mutex};
        c->gone.insert(r.pod.name);
      },
      [](const link::report_node_status&) {},
      [](const link::report_event&) {},
  };
}

/// One run of the agent's process, as far as this process can be it.
struct live_node {
  static caf::actor_system_config configured() {
    caf::actor_system_config c;
    c.set("scheduler.policy", caf::atom("sharing"));
    c.set("scheduler.max-threads", size_t{4});
    return c;
  }
  explicit live_node(test::world& w, std::shared_ptr<cloud> c) : world(w), seen(std::move(c)) {
    auto opened = drivers::open_leveldb(drivers::leveldb_options::small(w.directory + "/agent-kv"));
    BOOST_REQUIRE(opened);
    store = std::move(*opened);
    link_actor = sys.spawn(play_link, seen);
    pool = sys.spawn(supervisors::pool, supervisors::pool_args{parts, "/node/n1/pod"});
    agent = sys.spawn(node::node_agent, node::agent_args{ctx,
                                                         "/node/n1",
                                                         "n1",
                                                         "v1.36.0+skerry.test",
                                                         {},
                                                         w.directory + "/pods",
                                                         *store,
                                                         *w.runtime,
                                                         files,
                                                         prober,
                                                         machine,
                                                         [this] { return link_actor; },
                                                         [this] { return pool; }});
  }
  ~live_node() {
    for (auto* a : {&agent, &pool, &link_actor}) {
      caf::scoped_actor self{sys};
      self->send_exit(*a, caf::exit_reason::user_shutdown);
      self->wait_for(*a);
      *a = nullptr;
    }
  }

  void change(link::desired_changes m) {
    static uint64_t revision = 0;
    m.revision = ++revision;
    caf::scoped_actor self{sys};
    self->request(agent, std::chrono::seconds{10}, m)
        .receive([] {}, [](const caf::error& e) { BOOST_FAIL("change: " << message_of(e)); });
  }
  static store::object object(const std::string& resource, const std::string& text) {
    static uint64_t revision = 0;
    store::draft d;
    d.value = json::parse(text);
    d.key = {resource, std::string{string_at(d.value, "metadata.namespace")},
             std::string{string_at(d.value, "metadata.name")}};
    return store::freeze(d, ++revision);
  }
  void put(const std::string& resource, const std::string& text) {
    link::desired_changes m;
    m.put.push_back(object(resource, text));
    change(std::move(m));
  }
  void drop(const std::string& resource, const std::string& name) {
    link::desired_changes m;
    m.drop.push_back({{resource, "shop", name}, "", 0});
    change(std::move(m));
  }

  test::world& world;
  std::shared_ptr<cloud> seen;
  drivers::system_random random;
  context ctx{world.clock, random, world.log};
  base::directory directory;
  supervisors::crash_log crashes;
  supervisors::services parts{ctx, directory, crashes};
  std::unique_ptr<ports::kv> store;
  net::io_loop loop{1};
  files::posix_files files;
  prober::asio_prober prober{loop.context()};
  machine::linux_machine machine{world.directory};
  caf::actor_system_config config = configured();
  caf::actor_system sys{config};
  caf::actor link_actor, pool, agent;
};

json::value status(cloud& c, const std::string& name) {
  std::lock_guard guard{c.mutex};
  auto i = c.pods.find(name);
  return i == c.pods.end() ? json::value(json::object{}) : json::parse(i->second);
}
bool ready(cloud& c, const std::string& name) {
  auto s = status(c, name);
  for (auto& x : array_at(s, "conditions"))
    if (string_at(x, "type") == "Ready") return string_at(x, "status") == "True";
  return false;
}
std::string read(const std::string& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}
std::map<std::string, int64_t> pids(test::world& w) {
  std::map<std::string, int64_t> out;
  for (auto& [id, c] : w.containers())
    if (c.phase == ports::container_phase::running) out[c.pod_uid + "/" + c.name] = c.pid;
  return out;
}

std::string pod_text(const std::string& image, const std::string& name, const std::string& metadata = "") {
  return R"({"metadata":{"name":")" + name + R"(","namespace":"shop","uid":"agent-)" + name + "\"" + metadata +
         R"(},"spec":{
    "terminationGracePeriodSeconds":1,
    "initContainers":[{"name":"init","image":")" +
         image + R"(","command":["sh","-c","echo ready > /site/index.html"],
                       "volumeMounts":[{"name":"work","mountPath":"/site"}]}],
    "containers":[
      {"name":"web","image":")" +
         image + R"(","command":["httpd","-f","-p","8080","-h","/site"],
       "env":[{"name":"IP","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}}],
       "ports":[{"name":"http","containerPort":8080}],
       "readinessProbe":{"httpGet":{"path":"/index.html","port":"http"},"periodSeconds":1},
       "livenessProbe":{"exec":{"command":["true"]},"periodSeconds":1,"timeoutSeconds":5},
       "volumeMounts":[{"name":"work","mountPath":"/site"},{"name":"cfg","mountPath":"/cfg"},{"name":"sec","mountPath":"/sec"}]},
      {"name":"side","image":")" +
         image + R"(","command":["sh","-c","trap 'exit 0' TERM; while :; do sleep 1; done"]}],
    "volumes":[{"name":"work","emptyDir":{}},{"name":"cfg","configMap":{"name":"cm"}},{"name":"sec","secret":{"secretName":"s"}}]}})";
}

std::string config(const std::string& value) {
  return R"({"metadata":{"name":"cm","namespace":"shop","uid":"cm1"},"data":{"key":")" + value + R"("}})";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(agent_on_real_containers)

BOOST_AUTO_TEST_CASE(a_pod_from_apply_to_delete) {
  auto& w = test::the_world();
  w.import_busybox();
  auto seen = std::make_shared<cloud>();
  auto wait = [](auto f) { return test::world::wait(f); };
  std::map<std::string, int64_t> running;
  {
    live_node node{w, seen};
    node.put("configmaps", config("one"));
    node.put("secrets", R"({"metadata":{"name":"s","namespace":"shop","uid":"s1"},"data":{"k":"c2VjcmV0"}})");
    node.put("pods", pod_text(w.image, "p"));
    BOOST_REQUIRE_MESSAGE(wait([&] { return ready(*seen, "p"); }), json::serialize(status(*seen, "p")));
    running = pids(w);
    BOOST_TEST(running.size() == 2u);
    auto web = "/proc/" + std::to_string(running["agent-p/web"]);
    BOOST_TEST(read(web + "/root/cfg/key") == "one");
    BOOST_TEST(read(web + "/root/sec/k") == "secret");
    auto ip = std::string{string_at(status(*seen, "p"), "podIP")};
    BOOST_TEST(read(web + "/environ").find("IP=" + ip) != std::string::npos);
    node.put("configmaps", config("two"));
    BOOST_TEST(wait([&] { return read(web + "/root/cfg/key") == "two"; }));
    BOOST_TEST(pids(w) == running);

    ::kill(static_cast<pid_t>(running["agent-p/side"]), SIGKILL);
    BOOST_TEST(wait([&] {
      auto now = pids(w);
      return now.contains("agent-p/side") && now["agent-p/side"] != running["agent-p/side"];
    }));
    BOOST_TEST(wait([&] { return ready(*seen, "p"); }));
    running = pids(w);
    BOOST_TEST(running.size() == 2u);
  }
  w.start();  // the whole process: a new driver, a new agent
  BOOST_TEST((pids(w) == running));
  {
    live_node node{w, seen};
    BOOST_TEST(wait([&] {
      std::lock_guard guard{seen->mutex};
      return seen->pods.contains("p");
    }));
    ::kill(static_cast<pid_t>(running["agent-p/web"]), SIGKILL);  // adopted, so its end is seen
    BOOST_TEST(wait([&] {
      auto now = pids(w);
      return now.contains("agent-p/web") && now["agent-p/web"] != running["agent-p/web"];
    }));
    BOOST_TEST(pids(w)["agent-p/side"] == running["agent-p/side"]);
    BOOST_TEST(wait([&] { return ready(*seen, "p"); }));
    node.put("pods",
             pod_text(w.image, "p", R"(,"deletionTimestamp":"2026-01-01T00:00:00Z","deletionGracePeriodSeconds":1)"));
    BOOST_TEST(wait([&] {
      std::lock_guard guard{seen->mutex};
      return seen->gone.contains("p");
    }));
    BOOST_TEST(pids(w).empty());
    BOOST_TEST(!fs::exists(w.directory + "/pods/agent-p"));
    node.drop("pods", "p");
  }
  w.start();
  for (auto& l : w.leftovers()) BOOST_ERROR("left over: " << l);
}

BOOST_AUTO_TEST_CASE(twenty_pods_at_once_and_again_after_all_was_killed) {
  auto& w = test::the_world();
  w.import_busybox();
  auto seen = std::make_shared<cloud>();
  auto wait = [](auto f) { return test::world::wait(f, 60'000); };
  auto all_run = [&] { return pids(w).size() == 20; };
  auto measure = [&](const char* what, auto f) {
    auto start = std::chrono::steady_clock::now();
    f();
    BOOST_TEST(wait(all_run));
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    BOOST_TEST_MESSAGE(what << ": " << took.count() << " s");
  };
  auto simple = [&](const std::string& name) {
    return R"({"metadata":{"name":")" + name + R"(","namespace":"shop","uid":"agent-)" + name +
           R"("},"spec":{"terminationGracePeriodSeconds":1,"containers":[{"name":"a","image":")" + w.image +
           R"(","command":["sleep","3600"]}]}})";
  };
  {
    live_node node{w, seen};
    link::desired_changes m;
    for (int i = 0; i < 20; ++i) m.put.push_back(live_node::object("pods", simple("m" + std::to_string(i))));
    measure("20 pods created at once", [&] { node.change(std::move(m)); });
  }
  auto before = pids(w);
  for (auto& [name, pid] : before) ::kill(static_cast<pid_t>(pid), SIGKILL);
  w.start();
  {
    auto start = std::chrono::steady_clock::now();
    live_node node{w, seen};
    BOOST_TEST(wait(all_run));
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    BOOST_TEST_MESSAGE("agent started with 20 pods known and none running: " << took.count() << " s");
    link::desired_changes m;
    for (int i = 0; i < 20; ++i) m.drop.push_back({{"pods", "shop", "m" + std::to_string(i)}, "", 0});
    node.change(std::move(m));
    BOOST_TEST(wait([&] { return w.pods().empty(); }));
  }
  w.start();
  for (auto& l : w.leftovers()) BOOST_ERROR("left over: " << l);
}

BOOST_AUTO_TEST_SUITE_END()
