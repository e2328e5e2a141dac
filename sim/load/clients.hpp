#pragma once
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "schema/json.hpp"
#include "sim/world/request.hpp"

namespace skerry::sim {

/// What failed is tried again a little later: time stands still as long as somebody has work, and who tries again
/// without a pause would stop it.
class retry {
public:
  void later(int64_t now_ms) { at_ms_ = now_ms + 20; }
  bool waits() const { return at_ms_ != 0; }
  /// True once its time has come; then it waits no more.
  bool due(int64_t now_ms) { return now_ms >= at_ms_ && std::exchange(at_ms_, 0) != 0; }

private:
  int64_t at_ms_ = 0;
};

/// A client that keeps objects of one kind written: it sends each change until the API acknowledges it, one at a time.
/// What was acknowledged must be there in the end.
class writer {
public:
  /// Writes `keys` ConfigMaps named "<name>-<i>" in namespace default.
  writer(api::front& front, std::string name, int keys) : front_(front), name_(std::move(name)), keys_(keys) {}
  /// Looks at the answer of the last request and sends the next one, if `more` changes are wanted.
  void work(bool more, int64_t now_ms);
  bool idle() const { return !pending_; }
  /// The name that is being written; empty: none.
  std::string_view pending() const { return pending_ ? std::string_view{key_} : std::string_view{}; }
  /// Name -> value of what was acknowledged.
  const std::map<std::string, std::string>& acknowledged() const { return acknowledged_; }
  uint64_t writes() const { return writes_; }

private:
  void submit();
  api::front& front_;
  std::string name_;
  int keys_;
  std::map<std::string, std::string> acknowledged_;
  call_ptr pending_;
  retry retry_;
  std::string key_, value_;
  uint64_t writes_ = 0;
};

/// A client that creates pods up to a number and deletes old ones, each request sent until it is acknowledged.
class pod_maker {
public:
  pod_maker(api::front& front, size_t alive) : front_(front), alive_max_(alive) {}
  void work(bool more, int64_t now_ms);
  bool idle() const { return !pending_; }
  /// Names of pods whose creation was acknowledged, and whose deletion was not asked for.
  const std::set<std::string>& alive() const { return alive_; }
  uint64_t created() const { return number_; }

private:
  void submit();
  api::front& front_;
  size_t alive_max_;
  std::set<std::string> alive_;
  call_ptr pending_;
  retry retry_;
  bool deleting_ = false;
  std::string name_;
  uint64_t number_ = 0;
};

/// A client that changes the number of replicas of Deployment "web" in namespace default, and the template of its pods,
/// each change sent until it is acknowledged.
class scaler {
public:
  explicit scaler(api::front& front) : front_(front) {}
  /// As its newest acknowledged change says; `draw` makes the next one.
  void work(bool more, int64_t now_ms, ports::random& draw);
  bool idle() const { return !pending_; }
  int64_t replicas() const { return replicas_; }
  uint64_t changes() const { return changes_; }

private:
  void submit();
  api::front& front_;
  call_ptr pending_;
  retry retry_;
  std::string patch_;
  int64_t replicas_ = 4;
  uint64_t changes_ = 0;
};

/// A client that lists a resource and watches it from there on, as client-go's reflector does: a watch that ends is
/// opened again from the last revision seen, a revision that is gone makes it list again.
class reflector {
public:
  reflector(api::front& front, std::string target) : front_(front), target_(std::move(target)) {}
  void work(int64_t now_ms);
  /// "name" -> resourceVersion of all objects that it knows.
  const std::map<std::string, std::string>& objects() const { return objects_; }
  /// True if it knows what `other`, a fresh list, says.
  bool agrees_with(const json::value& list) const;
  uint64_t lists() const { return lists_; }
  uint64_t watches() const { return watches_; }

private:
  void take_list();
  void take_events();
  api::front& front_;
  std::string target_, version_;
  call_ptr call_;
  retry retry_;
  bool watching_ = false;
  size_t read_ = 0;
  std::map<std::string, std::string> objects_;
  uint64_t lists_ = 0, watches_ = 0;
};

}  // namespace skerry::sim
