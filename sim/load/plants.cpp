#include "sim/load/plants.hpp"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>
#include <functional>

#include "schema/probe.capnp.h"
#include "sim/fleet/fleet.hpp"

namespace skerry::sim {
namespace {

/// Does something wrong, once all runs.
class plant final : public part {
public:
  explicit plant(std::function<void(fleet&)> wrong) : wrong_(std::move(wrong)) {}
  void start(fleet& f) override { wrong_(f); }

private:
  std::function<void(fleet&)> wrong_;
};

void lie(fleet& f) { f.w.cloud.disk.ignore_syncs(true); }

void again_and_again(fleet& f, std::function<bool(fleet&)> what) {
  f.after(1'000, [&f, what] {
    if (!what(f)) again_and_again(f, what);
  });
}

/// A node without a line loses a container.
bool stop_a_pod(fleet& f) {
  for (auto& n : f.nodes) {
    if (n.must_run.empty()) continue;
    n.machine->runtime.stop_container(n.must_run.front(), 0, [](auto&&) {});
    return true;
  }
  return false;
}

/// A container runs on a second node, too.
bool copy_a_pod(fleet& f) {
  if (f.nodes.size() < 2) return true;
  auto started = f.nodes[0].machine->runtime.last_started();
  if (!started) return false;
  auto& other = f.nodes[1].machine->runtime;
  ports::sandbox_spec home;
  home.uid = started->pod_uid;
  other.make_sandbox(home, [](auto&&) {});
  other.start_container(*started, [](auto&&) {});
  return true;
}

bool leave_a_stranger(fleet& f) {
  auto started = f.nodes[0].machine->runtime.last_started();
  if (!started) return false;
  auto spec = *started;
  spec.pod_uid = "nobody";
  ports::sandbox_spec home;
  home.uid = spec.pod_uid;
  auto& there = f.nodes[0].machine->runtime;
  there.make_sandbox(home, [](auto&&) {});
  there.start_container(spec, [](auto&&) {});
  return true;
}

bool crash_an_actor(fleet& f) {
  auto who = f.nodes[0].machine->directory.find(f.nodes[0].machine->path + "/agent");
  if (!who) return false;
  caf::anon_send_exit(who, caf::exit_reason::kill);
  return true;
}

/// Somebody who knows no bounds: bytes for a node whose line is held.
bool send_without_end(fleet& f) {
  auto& n = f.nodes[0];
  f.w.net.hold(n.machine->line());
  auto to = f.w.cloud.mesh->bind(n.machine->path + "/agent");
  if (!to) return false;
  for (int i = 0; i < 100'000; ++i)
    caf::anon_send(*to, letter<schema::Probe>::build([](schema::Probe::Builder b) { b.initBody(200); }));
  return true;
}

}  // namespace

const std::vector<planted_bug>& planted_bugs() {
  static const std::vector<planted_bug> all{
      {planted::lying_disk, "acknowledged-kept"},  {planted::forgotten_receipt, "effects-once"},
      {planted::older_state, "latest-last"},       {planted::stopped_pod, "offline-pods-kept"},
      {planted::second_instance, "one-instance"},  {planted::stranger, "no-stranger"},
      {planted::repeated_event, "revisions-rise"}, {planted::dropped_event, "watchers-complete"},
      {planted::crashing_actor, "nobody-crashed"}, {planted::endless_queue, "queues-bounded"}};
  return all;
}

std::shared_ptr<part> make_plant(const std::string& name) {
  auto of = [](std::function<bool(fleet&)> what) {
    return std::make_shared<plant>([what](fleet& f) { again_and_again(f, what); });
  };
  if (name == planted::lying_disk) return std::make_shared<plant>(lie);
  if (name == planted::stopped_pod) return of(stop_a_pod);
  if (name == planted::second_instance) return of(copy_a_pod);
  if (name == planted::stranger) return of(leave_a_stranger);
  if (name == planted::crashing_actor) return of(crash_an_actor);
  if (name == planted::endless_queue) return of(send_without_end);
  return nullptr;  // the others are part of what they are planted in
}

}  // namespace skerry::sim
