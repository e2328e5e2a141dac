#pragma once
#include <optional>
#include <string>
#include <vector>

#include "actors/controllers/deployment_status.hpp"
#include "actors/controllers/events.hpp"
#include "actors/controllers/meta.hpp"
#include "actors/controllers/rollout.hpp"

namespace skerry::controllers {

/// The template without the label that tells sets apart, without nulls and empty members: two templates that mean the
/// same have the same normal form, whichever client wrote them.
json::value normal_template(const json::value& pod_template);

/// One look at one deployment: what it has, what is to be done, all in one commit. Used once.
class deployment_pass {
public:
  deployment_pass(const store::view& v, const kube::registry& registry, const recorder& events, const moment& now,
                  const store::object& deployment, json::value value, const std::vector<store::object>& replicasets);

  effects run();

private:
  struct set {
    store::object stored;
    json::value value;
    bool touched = false;
  };

  void load(const std::vector<store::object>& replicasets);
  int64_t revision_of_set(const set& s) const;
  int64_t max_old_revision() const;
  bool active(size_t i) const { return sizes_[i].spec > 0; }
  bool scaling_event() const;
  bool old_pods_running() const;

  void note_pause();
  bool sync_new(bool create);
  void create_new();
  bool copy_annotations(json::value& to, int64_t new_revision, bool existed) const;
  void adopt_revision();
  void resize_set(size_t i, int64_t replicas);
  void scale();
  bool roll();
  bool recreate();
  void clean_up();
  void sync_status(bool rolling);
  effects finish();

  const store::view& view_;
  const kube::registry& registry_;
  const recorder& events_;
  moment now_;
  store::object before_;
  json::value deployment_;
  json::value original_status_;
  bool deployment_touched_ = false;
  rollout_limits limits_;
  std::vector<set> sets_;
  std::vector<replicaset_size> sizes_;  ///< of sets_, same order
  std::optional<size_t> newest_;
  std::vector<store::change> changes_;  ///< beyond updates of sets and deployment
  std::vector<store::change> event_changes_;
  effects out_;
};

}  // namespace skerry::controllers
