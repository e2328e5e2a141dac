#include "pods.hpp"

#include "schema/error.hpp"
#include "schema/letter.hpp"
#include "schema/path.hpp"
#include "schema/pods.capnp.h"

namespace node_aggregate {
namespace {

using skerry::letter;
using skerry::schema::AskPod;
using skerry::schema::PodView;
namespace store = skerry::store;

std::string key_of(const skerry::sdk::object& pod) {
  return std::string{store::namespace_of(pod)} + "." + std::string{store::name_of(pod)};
}

}  // namespace

pods::pods(caf::event_based_actor* self, const skerry::context& ctx, skerry::sdk::resolver resolve)
    : self_(self),
      resolve_(resolve),
      informer_(self, ctx, std::move(resolve), {.resource = "pods", .label_selector = "sample=yes"}) {}

void pods::start() {
  skerry::sdk::informer_handlers h;
  h.deleted = [this](const skerry::sdk::object& pod) { states_.erase(key_of(pod)); };
  informer_.start(std::move(h));
}

void pods::ask() {
  for (const auto& pod : informer_.cache().list())
    if (!store::node_of(pod).empty()) ask_one(pod);
}

/// The answer may come in ten seconds only: "suspended", if the node is cut off.
void pods::ask_one(const skerry::sdk::object& pod) {
  std::string uid{store::uid_of(pod)};
  auto to = resolve_(skerry::paths::node(store::node_of(pod)) + "/pod/" + uid);
  if (!to || !asked_.insert(uid).second) return;
  auto answered = [this, uid, key = key_of(pod)](std::string state) {
    asked_.erase(uid);
    auto [ns, name] = std::pair{key.substr(0, key.find('.')), key.substr(key.find('.') + 1)};
    if (informer_.cache().get(ns, name)) states_[key] = std::move(state);
  };
  self_->request(to, caf::infinite, letter<AskPod>::build([](AskPod::Builder) {}))
      .then([answered](const letter<PodView>& v) { answered((*v).getPhase().cStr()); },
            [answered](const caf::error& e) { answered(skerry::to_string(skerry::code_of(e))); });
}

}  // namespace node_aggregate
