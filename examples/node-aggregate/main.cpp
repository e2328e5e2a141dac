// All of skerry, with two actors more: a sampler on every node and an aggregate in the cloud. See README.md beside
// this.
#include "aggregate.hpp"
#include "sampler.hpp"
#include "samples.capnp.h"
#include "supervisors/supervisor.hpp"
#include "tools/skerry/extensions.hpp"

namespace {
namespace tools = skerry::tools;
namespace supervisors = skerry::supervisors;

/// A supervisor of our own, so that what belongs together restarts together, with a window of its own.
caf::actor samples_tree(caf::event_based_actor* parent, const tools::app& app) {
  std::vector<supervisors::child_spec> children;
  children.push_back(supervisors::worker("sampler", [&app](caf::event_based_actor* self) {
    return self->spawn<caf::detached>(node_aggregate::sampler, std::cref(app), app.path + "/samples/sampler");
  }));
  return parent->spawn(supervisors::supervisor,
                       supervisors::supervisor_args{.parts = app.island,
                                                    .path = app.path + "/samples",
                                                    .rules = {.window = {.intensity = 5, .period_ms = 10'000}},
                                                    .children = std::move(children)});
}

}  // namespace

int main(int argc, char** argv) {
  tools::extensions with;
  with.messages = [](skerry::vocabulary& words) {
    words.add<samples::Reading>();
    words.add<samples::Tally>();
    words.add<samples::AskTotals>();
    words.add<samples::Totals>();
  };
  with.node = [](const tools::app& app) {
    return std::vector<tools::app_child>{
        {"samples", [&app](caf::event_based_actor* parent) { return samples_tree(parent, app); }}};
  };
  with.cloud = [](const tools::app& app) {
    return std::vector<tools::app_child>{{"aggregate", [&app](caf::event_based_actor* parent) {
                                            return parent->spawn<caf::detached>(
                                                node_aggregate::aggregate, std::cref(app), app.path + "/aggregate");
                                          }}};
  };
  return tools::run(argc, argv, with);
}
