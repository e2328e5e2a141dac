#pragma once
#include <caf/response_promise.hpp>
#include <deque>
#include <map>
#include <memory>
#include <unordered_map>

#include "actors/base/actor.hpp"
#include "actors/base/line_limit.hpp"
#include "actors/controllers/args.hpp"
#include "actors/link/fact.hpp"
#include "actors/link/messages.hpp"

namespace skerry::controllers {

struct status_writer_args {
  controller_args base;
  std::string path;   ///< "/cloud/controllers/status_writer"
  caf::actor parent;  ///< gets base::ready; may be null
};

/// Internal state of status_writer; public only because CAF constructs it.
class status_writer_state {
public:
  static inline const char* name = "status_writer";
  explicit status_writer_state(base::actor* self) : self_(self) {}
  caf::behavior make(status_writer_args args);

private:
  /// One frame of facts on its way: answered when all that came before it, and it, is committed.
  struct ticket {
    std::string node, journal;
    uint64_t last = 0;  ///< sequence of its last fact
    size_t open = 0;    ///< facts that are not committed
    caf::error failed;
    caf::response_promise promise;
  };
  using ticket_ptr = std::shared_ptr<ticket>;
  /// Facts about one object: one in flight, and the newest that came meanwhile.
  struct job {
    std::string node;
    link::fact_data running, next;
    std::vector<ticket_ptr> running_tickets, next_tickets;
    int tries = 0;
    bool has_next = false;
  };
  struct node_state {
    std::string journal;
    uint64_t acked = 0;
    std::deque<ticket_ptr> queue;
    caf::actor_addr session{};  ///< whose frames count: it began after the last failure, and knows `acked`
  };

  uint64_t begin(const link::get_facts_acked& m);
  caf::result<uint64_t> on_facts(const link::facts_arrived& m);
  void add(const std::string& node, link::fact_data fact, const ticket_ptr& t);
  void work();
  void run(const std::string& key);
  void finish(const std::string& key, const caf::error& e);
  void settle(const std::string& node);
  void forget_idle();

  base::actor* self_;
  std::unique_ptr<status_writer_args> args_;
  std::unordered_map<std::string, node_state> nodes_;
  std::unordered_map<std::string, job> jobs_;
  std::deque<std::string> runnable_;  ///< keys of jobs that wait for their turn
  size_t in_flight_ = 0;
  base::line_limit dropped_lines_, failed_lines_;
  bool working_ = false;
};

/// Writes what nodes state into the store, one commit for each fact (the store folds what comes together into one
/// synced write), of one object one after the other, of several at once. Answers a frame of facts when it is committed,
/// in the order of arrival for each node. Facts that a node may not state are dropped, logged, and count as done. A
/// fact that was committed before and is sent again changes nothing. Takes link::facts_arrived and
/// link::get_facts_acked, with which a session begins; frames of one that did not, or of which one failed, are refused:
/// an acknowledgement means all facts up to it, and those before may be lost.
caf::behavior status_writer(base::stateful<status_writer_state>* self, status_writer_args args);

}  // namespace skerry::controllers
