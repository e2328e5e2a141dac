#pragma once
#include <boost/test/unit_test.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/controllers/loop.hpp"
#include "actors/controllers/meta.hpp"

/// A store without disk or actors, and controllers' cores run against it in an order drawn from a seed, with events
/// that come late and views that are old: what a loop may see, without CAF.
namespace skerry::test {

class seeded final : public ports::random {
public:
  explicit seeded(uint64_t seed) : state_(seed) {}
  uint64_t next() override;
  uint64_t below(uint64_t n) { return next() % n; }

private:
  uint64_t state_;
};

class map_view final : public store::view {
public:
  using objects = std::map<store::object_key, store::object>;
  map_view(objects o, uint64_t revision) : objects_(std::move(o)), revision_(revision) {}
  uint64_t revision() const override { return revision_; }
  uint64_t compacted() const override { return 0; }
  store::object get(std::string_view resource, std::string_view ns, std::string_view name) const override;
  void scan(std::string_view resource, std::string_view ns, std::string_view after,
            const std::function<bool(const store::object&)>& visit) const override;
  size_t count(std::string_view resource) const override;
  std::vector<store::object> owned_by(std::string_view uid) const override;
  std::vector<store::object> pods_on(std::string_view node) const override;
  std::vector<store::object> devices_on(std::string_view node) const override;
  std::vector<std::string> resources() const override;

private:
  objects objects_;
  uint64_t revision_;
};

json::value parsed(std::string_view text);
/// The registry of the build, parsed once.
const kube::registry& registry();

class cluster {
public:
  explicit cluster(uint64_t seed = 1);

  // -- what a client does; fails the test on an error --
  store::object create(std::string_view resource, const char* text);
  store::object create(std::string_view resource, json::value value);
  void change(std::string_view resource, std::string_view ns, std::string_view name,
              const std::function<void(json::value&)>& edit);
  void erase(std::string_view resource, std::string_view ns, std::string_view name,
             const kube::deletion_request& how = {});
  json::value at(std::string_view resource, std::string_view ns, std::string_view name) const;
  std::vector<json::value> all(std::string_view resource) const;
  bool has(std::string_view resource, std::string_view ns, std::string_view name) const;

  /// Applies a commit as the store does; false on a conflict.
  bool apply(const store::commit& c);
  std::shared_ptr<const map_view> view() const;
  controllers::moment now() { return {now_ms_, random_}; }
  void advance(int64_t ms) { now_ms_ += ms; }
  seeded& random() { return random_; }

  // -- controllers --
  template <class Core>
  void run(Core& core, std::vector<std::string> resources) {
    add_spec(controllers::spec_for(core, "/test", std::move(resources)));
  }
  /// Marks a key with every controller.
  void mark(const store::object_key& key) {
    for (auto& r : runners_) r->dirty.insert(key);
  }
  /// Called after each commit that was applied.
  std::function<void()> invariant;
  /// Called when the controllers have nothing to do; returns true if it changed something. A fake kubelet, say.
  std::function<bool()> world;
  /// Runs controllers and world until nothing is to be done; fails the test after `steps_max`. Requeues within
  /// `patience_ms` are waited for in virtual time.
  bool step();
  void settle(size_t steps_max = 200'000, int64_t patience_ms = 0);

private:
  struct runner {
    controllers::loop_spec spec;
    std::deque<store::event> waiting;
    std::set<store::object_key> dirty;
    std::map<store::object_key, int64_t> due;
    uint64_t own = 0;
    uint64_t observed = 0;
  };
  void add_spec(controllers::loop_spec spec);

  void deliver(runner& r, size_t n);
  void work(runner& r);

  map_view::objects objects_;
  uint64_t revision_ = 0;
  int64_t now_ms_ = 1'750'000'000'000;
  seeded random_;
  mutable std::shared_ptr<const map_view> view_;
  std::vector<std::shared_ptr<const map_view>> views_;
  std::vector<std::unique_ptr<runner>> runners_;
};

/// Binds pods, makes them Running and Ready, and ends those that are told to; some pods each time, as chance has it.
class fake_kubelet {
public:
  explicit fake_kubelet(cluster& c) : cluster_(c) {}
  bool binds = true;         ///< plays the scheduler, too
  std::string broken_image;  ///< pods with this image never become ready
  bool operator()();

private:
  cluster& cluster_;
};

}  // namespace skerry::test
