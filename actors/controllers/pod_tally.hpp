#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/store/messages.hpp"
#include "actors/store/view.hpp"
#include "schema/kube/selector.hpp"

namespace skerry::controllers {

/// The pods of one ReplicaSet, counted.
struct pod_counts {
  int64_t have = 0;  ///< owned, selected and active
  int64_t labeled = 0, ready = 0, available = 0;
  int64_t strays = 0;                        ///< owned and active, but not selected: to be released
  std::optional<int64_t> next_available_ms;  ///< until the next pod has been ready for long enough
};

/// The pods of each ReplicaSet, counted once and kept right by events: what a status says costs one look at the pod
/// that changed, and none at the others, so that a set of N pods costs N looks to start and not N * N. As late as the
/// events are: good for a status, which the next event mends; who creates or deletes counts in a view. Pure.
class pod_tally {
public:
  /// Takes one change of a pod.
  void observe(const store::event& e);
  /// The set was deleted.
  void forget(const store::object& set) { sets_.erase(std::string{store::uid_of(set)}); }
  void clear() { sets_.clear(); }

  /// The counts of a set whose JSON is `value`; all of its pods in the view are looked at if it, or this generation of
  /// it, was not counted before.
  pod_counts of(const store::view& v, const store::object& set, const json::value& value,
                const kube::label_selector& selector, int64_t now_ms);
  /// As `of`, and all of its pods in the view are looked at: exact as of the view.
  pod_counts recount(const store::view& v, const store::object& set, const json::value& value,
                     const kube::label_selector& selector, int64_t now_ms);

private:
  struct entry {
    bool selected = false, labeled = false, ready = false;
    int64_t ready_since_ms = 0;
  };
  struct counted {
    uint64_t revision = 0;  ///< of the view that all pods were counted in: events up to it are in the counts
    int64_t generation = 0;
    kube::label_selector selector;
    json::object labels;  ///< of the template
    int64_t min_ready_ms = 0;
    std::unordered_map<std::string, entry> pods;  ///< by uid, the active ones
    int64_t strays = 0, labeled = 0, ready = 0;
  };
  static void put(counted& c, const store::object& pod);
  static void erase(counted& c, const store::object& pod);
  static void add(counted& c, const entry& e, int64_t sign);
  counted* of(const store::object& pod);
  static pod_counts sum(const counted& c, int64_t now_ms);

  std::unordered_map<std::string, counted> sets_;  ///< by uid
};

}  // namespace skerry::controllers
