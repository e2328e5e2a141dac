#pragma once
#include <deque>

#include "actors/base/actor.hpp"
#include "actors/base/context.hpp"
#include "actors/pod/messages.hpp"
#include "actors/pod/pod_status.hpp"
#include "actors/ports/files.hpp"
#include "actors/ports/prober.hpp"
#include "actors/ports/runtime.hpp"
#include "schema/letter.hpp"
#include "schema/pods.capnp.h"

namespace skerry::pod {

struct pod_args {
  const context& ctx;
  std::string path;  ///< "/node/<name>/pod/<uid>"
  std::string uid;
  ports::runtime& runtime;
  ports::files& files;
  ports::prober& prober;
  caf::actor agent;  ///< when it ends, this actor ends too, and the next agent starts it anew
};

/// Internal state of the pod actor; public only because CAF constructs it.
class pod_state {
public:
  static inline const char* name = "pod";
  explicit pod_state(base::actor* self) : self_(self) {}

  caf::behavior make(pod_args args);

private:
  void greet();
  void assign(const assignment& a);
  void take(pod_event e);
  void drain();
  void act(pod_effect& e);
  void act_on_runtime(pod_effect& e);
  void probe(pod_effect& e);
  instant now() const;
  void tell_status();
  caf::result<letter<schema::PodView>> view() const;

  base::actor* self_;
  std::unique_ptr<pod_args> args_;
  std::unique_ptr<pod_machine> machine_;
  std::unique_ptr<pod_status> status_;
  std::deque<pod_event> queue_;  ///< before the assignment: the ends of containers, bounded
  std::string told_;             ///< the last status
  bool draining_ = false;
};

/// The life of one pod around its pod_machine: carries out its effects by the ports, feeds their answers back, tells
/// the agent its status when it has changed; whoever sends AskPod (schema/pods.capnp) gets it too. A new one adopts
/// what is there: its own end stops no container.
caf::behavior pod_actor(base::stateful<pod_state>* self, pod_args args);

}  // namespace skerry::pod
