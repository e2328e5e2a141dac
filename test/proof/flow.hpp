#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/link/mesh.hpp"
#include "test/proof/app.hpp"
#include "test/proof/said.hpp"

/// One direction of one link in the two-process proof: what is sent, and what it does at the other end.
namespace skerry::test::proof {

inline constexpr uint32_t keys_of_flow = 4;

/// Where a flow is after its process died: numbers go on from here.
struct resume_point {
  uint64_t next_fact = 1;
  uint64_t state[keys_of_flow] = {};  ///< last said
};
/// One line for each flow: "NEXT STATE STATE STATE STATE".
void save(const std::vector<resume_point>& points, const std::string& file);
std::vector<resume_point> load_points(const std::string& file);

/// What is shared by all senders of a process.
struct sending {
  teller_pipe& pipe;
  std::atomic<bool> finish{false};    ///< no new letters
  std::atomic<uint64_t> requests{0};  ///< without an end
};

struct sender_args {
  const context& ctx;
  link::mesh& links;
  std::string neighbour;  ///< island of the receiver
  std::string path, name;
  uint32_t flow = 0;
  resume_point at;
  sending& all;
};
/// Sends facts, states and requests to the receivers of `name` on the neighbour, a few every 20 ms, and tells the
/// parent; watches the link.
caf::behavior sender(base::actor* self, sender_args args);

/// The receivers of a flow: "<island>/proof/<name>/ledger", ".../board" and ".../echo".
struct receiver_args {
  const context& ctx;
  ports::kv& kv;
  std::string island, name;
  uint32_t flow = 0;
  teller_pipe& pipe;
};
std::string receiver_path(const std::string& island, const std::string& name, const char* kind);
std::map<std::string, std::function<caf::actor()>> receivers(caf::actor_system& sys, const receiver_args& args);

}  // namespace skerry::test::proof
