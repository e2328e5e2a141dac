#pragma once
#include <deque>
#include <map>

#include "actors/base/actor.hpp"
#include "actors/base/context.hpp"
#include "actors/base/line_limit.hpp"
#include "actors/link/messages.hpp"
#include "actors/node/event_recorder.hpp"
#include "actors/node/messages.hpp"
#include "actors/ports/kv.hpp"
#include "actors/twin/messages.hpp"

namespace skerry::twin {

struct host_args {
  const context& ctx;
  std::string path;        ///< "/node/<node>/devices"
  std::string node;        ///< the node's name
  std::string twins_path;  ///< "/node/<node>/twin"
  ports::kv& kv;
  std::vector<ports::device_driver*> drivers;
  std::function<caf::actor()> agent;      ///< has the Devices and DeviceModels of the node (node::get_devices)
  std::function<caf::actor()> link;       ///< takes what the cloud shall hear
  std::function<caf::actor()> twins;      ///< the pool at `twins_path`
  std::function<caf::actor()> samples{};  ///< telemetry::courier; empty: samples are not kept
  caf::actor supervisor{};                ///< gets base::ready; may be null
};

struct host_retry {};
struct host_flush {};
struct host_again {
  std::string id;
};

/// Internal state of the host; public only because CAF constructs it.
class host_state {
public:
  static inline const char* name = "devices";
  explicit host_state(base::actor* self) : self_(self) {}

  caf::behavior make(host_args args);

private:
  struct entry {
    std::string uid;
    uint64_t revision = 0, model_revision = 0;  ///< of the objects that `spec` was read from
    std::shared_ptr<const device_spec> spec;
    caf::actor who;  ///< null until it says hello
  };
  struct report {
    link::report_device_status what;
    uint64_t version = 0;
    bool in_flight = false;
  };

  void refresh();
  void apply(const node::device_objects& m);
  void take(const store::object& device, const node::device_objects& all);
  void start_twin(const std::string& id);
  void start_failed(const std::string& id, const caf::error& e);
  void drop(const std::string& id);
  void forget_strangers();
  void greet(const hello& m);
  void on_told(const told& m);
  void on_noted(const noted& m);
  void flush_soon();
  void flush();
  void hand_over();
  void hand_over_events();
  void try_later();
  void on_twins_down();
  std::shared_ptr<const letter<schema::TwinState>> kept(const std::string& id) const;

  base::actor* self_;
  std::unique_ptr<host_args> args_;
  std::map<std::string, entry> twins_;                        // by "<namespace>/<name>"
  std::map<std::string, report> reports_;                     // by uid, what the link has not got
  std::map<std::string, letter<schema::TwinState>> unsaved_;  // by id
  std::deque<std::string> events_;                            // JSON, what the link has not got
  std::unique_ptr<node::event_recorder> recorder_;
  caf::actor_addr pool_;
  base::line_limit lost_lines_;
  uint64_t versions_ = 0;
  int64_t flushed_ms_ = INT64_MIN / 2;  ///< steady
  bool flush_armed_ = false;
  bool asking_ = false, ask_again_ = false, retry_armed_ = false, first_ = true, event_in_flight_ = false;
};

/// The devices of a node: starts a twin for each Device placed on it, keeps what they say on disk, and hands it to the
/// link, the latest of each: the first at once, and what comes within 20 ms after that together, so that a hundred
/// devices that are read at one moment make a few synced writes and not a hundred. Costs two idle actors while there is
/// no device.
caf::behavior host(base::stateful<host_state>* self, host_args args);

}  // namespace skerry::twin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::twin::host_retry)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::twin::host_flush)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(skerry::twin::host_again)
