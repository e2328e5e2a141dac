#pragma once
#include <caf/response_promise.hpp>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>

#include "actors/link/mesh.hpp"
#include "supervisors/children.hpp"
#include "supervisors/supervisor.hpp"
#include "supervisors/survey.hpp"
#include "supervisors/tracer.hpp"

namespace skerry::supervisors {

/// What an island's inspector is made with. Built by main (or a simulated world); outlives all actors.
struct inspector_parts {
  const services& island;
  std::string root;  ///< path of the island, "/cloud" or "/node/<name>"
  link::mesh& mesh;
  tracer& trace;
  /// Sets what is logged from now on; returns what was before.
  std::function<ports::severity(ports::severity)> set_log_level;
};

struct inspector_args {
  const inspector_parts& parts;
  caf::weak_actor_ptr root;  ///< the root supervisor
};

/// What an answer holds at most, so that it always fits a letter (limits::letter_bytes_max).
namespace inspector_limits {
inline constexpr size_t actors_max = 2'000;
inline constexpr size_t names_max = 1'000;
inline constexpr size_t links_max = 2'000;
inline constexpr size_t followers_max = 64;  ///< traces at once
inline constexpr size_t tops_max = 4;        ///< counted at once
inline constexpr size_t top_actors_max = 200'000;
inline constexpr size_t traced_bytes_max = 64 * 1024;
inline constexpr uint32_t window_ms_max = 5'000;
inline constexpr uint32_t lease_ms_max = 60'000;
inline constexpr size_t entry_bytes_max = 700;  ///< a path, the name of a type, and numbers
static_assert(actors_max * entry_bytes_max < limits::letter_bytes_max);
static_assert(traced_bytes_max * 2 < limits::letter_bytes_max);
}  // namespace inspector_limits

struct inspector_tick {};
struct top_due {
  uint64_t number = 0;
};

/// Internal state of the inspector; public only because CAF constructs it.
class inspector_state {
public:
  static inline const char* name = "inspector";
  explicit inspector_state(base::actor* self) : self_(self) {}
  ~inspector_state();
  caf::behavior make(inspector_args args);

private:
  template <class T>
  using answer = caf::result<letter<T>>;

  // what stands where (inspector.cpp)
  answer<schema::Tree> on_tree(schema::AskTree::Reader m);
  answer<schema::Info> on_info(schema::AskInfo::Reader m);
  answer<schema::Names> on_list(schema::AskList::Reader m);
  answer<schema::Crashes> on_crashes(schema::AskCrashes::Reader m);
  answer<schema::Links> on_links();
  surveyed_tree tree() const;
  caf::error check(const std::string& path) const;
  std::string path_or_root(capnp::Text::Reader path) const;

  // acting (inspector_acts.cpp)
  answer<schema::Done> on_hold(std::string_view island, bool hold);
  answer<schema::Done> on_kill(schema::Kill::Reader m);
  answer<schema::Done> on_restart(schema::Restart::Reader m);
  answer<schema::LogLevel> on_log_level(schema::SetLogLevel::Reader m);

  // watching (inspector_watch.cpp)
  answer<schema::Top> on_top(schema::AskTop::Reader m);
  void on_top_due(uint64_t number);
  answer<schema::Done> on_trace(schema::TraceOn::Reader m);
  answer<schema::Done> on_trace_off(schema::TraceOff::Reader m);
  void on_seen(const message_seen& m);
  void on_tick();
  void forget_trace(const std::string& path);
  std::string name_of(const caf::strong_actor_ptr& who) const;

  struct follower {
    caf::actor who;
    int64_t until_ms = 0;  ///< steady
  };
  struct work_done {
    uint64_t handled = 0;
    int64_t busy_ns = 0;
  };
  using sample = std::unordered_map<caf::actor_id, work_done>;
  struct pending_top {
    caf::response_promise promise;
    std::string path;
    uint32_t limit = 0;
    int64_t since_ms = 0;
    sample before;
  };
  sample take_sample(const std::string& path) const;

  base::actor* self_;
  std::unique_ptr<inspector_args> args_;
  std::map<std::string, std::vector<follower>> followers_;
  bool ticking_ = false;
  std::map<uint64_t, pending_top> tops_;
  uint64_t tops_made_ = 0;
};

/// Stands at `<island>/admin` and answers the letters of schema/admin.capnp from what the island knows of itself:
/// directory and meters, supervisors, crash log, links. Never waits: what it must ask others for is answered later.
caf::behavior inspector(base::stateful<inspector_state>* self, inspector_args args);

/// The child that a root supervisor has for it.
child_spec inspector_worker(const inspector_parts& parts);

/// Adds the letters that it takes and gives.
void add_admin(vocabulary& words);

}  // namespace skerry::supervisors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::supervisors::inspector_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::supervisors::top_due)
