#pragma once
#include <set>

#include "actors/base/actor.hpp"
#include "actors/base/context.hpp"
#include "actors/node/desired_set.hpp"
#include "actors/node/event_recorder.hpp"
#include "actors/node/messages.hpp"
#include "actors/node/node_status.hpp"
#include "actors/node/reports.hpp"
#include "actors/pod/messages.hpp"
#include "actors/ports/files.hpp"
#include "actors/ports/prober.hpp"

namespace skerry::node {

struct agent_args {
  const context& ctx;
  std::string path;                           ///< "/node/<name>"; its pods are at "<path>/pod/<uid>"
  std::string node;                           ///< the node's name
  std::string version;                        ///< nodeInfo.kubeletVersion, such as "v1.36.0+skerry.0.1.0"
  std::map<std::string, std::string> labels;  ///< of the node, beside the usual ones
  std::string pods_directory;                 ///< "<data>/pods"
  ports::kv& kv;
  ports::runtime& runtime;
  ports::files& files;
  ports::prober& prober;
  ports::machine& machine;
  std::function<caf::actor()> link;       ///< takes the reports; may give a null handle for a while
  std::function<caf::actor()> pods;       ///< a pool of supervisors/ at "<path>/pod": takes base::start_child
  std::function<caf::actor()> devices{};  ///< the host of devices, told when they change; none: there is none
  caf::actor supervisor{};                ///< gets base::ready; may be null
};

/// Internal state of the agent; public only because CAF constructs it.
class agent_state {
public:
  static inline const char* name = "node_agent";
  explicit agent_state(base::actor* self) : self_(self) {}
  ~agent_state();

  caf::behavior make(agent_args args);

private:
  struct pod_entry {
    caf::actor who;                             ///< null until it says hello
    std::shared_ptr<const pod::pod_spec> spec;  ///< as last told to it
    bool dropped = false;                       ///< no longer desired: it ends, and nobody is told
    bool ended = false;                         ///< nothing of it is left here; waits for the cloud to drop it
    bool refused = false;                       ///< over limits::pods_per_node_max
    uint64_t starts = 0;                        ///< generation of its start, for retries
    std::string status;                         ///< last told
  };

  // node_agent.cpp
  void start();
  void handle(const internal::listed& m);
  void handle(const internal::exited& m);
  void handle(const internal::tick&);
  void handle(const internal::start_again& m);
  void handle(const internal::hand_over&);
  caf::result<void> change(const link::desired_changes& m);
  void take_in(const desired_set::effect& e);
  void report_node();
  void make_host();
  pods_summary summary() const;
  void tell_devices();
  caf::result<device_objects> devices() const;

  // node_agent_pods.cpp
  void ask_list();
  void adopt_all(const internal::listed& m);
  void want_pod(const std::string& uid);
  void drop_pod(const std::string& uid);
  void start_pod(const std::string& uid);
  void spawn_failed(const std::string& uid, const caf::error& e);
  void forget_pod(const std::string& uid);
  void greet(const pod::hello& m);
  void assign(const std::string& uid, const internal::listed& m);
  void refuse_pod(const std::string& uid, const pod::pod_spec& spec);
  void on_status(const pod::status_changed& m);
  void on_ended(const pod::ended& m);
  void on_event(const pod::event_recorded& m);
  void on_pool_down();

  // reports
  void tell(report r);
  void hand_over();

  base::actor* self_;
  std::unique_ptr<agent_args> args_;
  std::unique_ptr<desired_set> desired_;
  std::unique_ptr<node_status> node_status_;
  std::unique_ptr<event_recorder> recorder_;
  std::shared_ptr<const pod::host_facts> host_;
  std::map<std::string, pod_entry> pods_;  // by uid
  reports reports_;
  node_health health_;
  bool told_node_ = false;  ///< the cloud has been told what node_status_ said last
  bool adopted_ = false;    ///< the runtime has been listed once
  bool listing_ = false;
  std::set<std::string> greeters_, next_greeters_;  ///< who wait for the listing under way, and for the next
  bool retry_armed_ = false;
  caf::actor_addr pool_;  ///< the one that is monitored
};

/// The edge agent: keeps the desired set of its node on disk and its pods running, with or without a cloud. At start it
/// loads the set, lists the runtime, adopts what runs, ends what is no longer wanted and starts what is missing, all
/// pods at once. Its crash stops no pod's container: the next one adopts.
///
/// Answers link::get_inventory, link::desired_changes (after the synced write), get_pods. Blocks on kv for the time of
/// a write: give it a scheduler with a thread to spare.
caf::behavior node_agent(base::stateful<agent_state>* self, agent_args args);

}  // namespace skerry::node
