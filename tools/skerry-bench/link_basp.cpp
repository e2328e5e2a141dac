#include "tools/skerry-bench/link_basp.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>
#include <stdexcept>

#include "tools/skerry-bench/bench.hpp"
#include "tools/skerry-bench/child.hpp"
#include "tools/skerry-bench/link_load.hpp"

namespace skerry::bench {

/// As many bytes as the letter of the link's own figures has: a number and filler, 104 in all.
struct basp_message {
  uint64_t number = 0;
  std::string filler;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, basp_message& x) {
  return f(caf::meta::type_name("basp_message"), x.number, x.filler);
}

namespace {

struct basp_codec {
  using message = basp_message;
  using told = basp_message;
  message make(uint64_t number) const { return {number, std::string(96, 'f')}; }
  told tell(uint64_t number) const { return make(number); }
  uint64_t number(const message& m) const { return m.number; }
};

struct config : caf::actor_system_config {
  explicit config(const std::string& policy) {
    add_message_type<basp_message>("basp_message");
    load<caf::io::middleman>();
    set("scheduler.policy", caf::atom_from_string(policy));
    set("scheduler.max-threads", 2);
  }
};

constexpr uint64_t letters = 400 * load::tell_each;
constexpr uint64_t requests = 5'000;

}  // namespace

int basp_receiver(const std::string& policy) {
  config cfg{policy};
  caf::actor_system system{cfg};
  auto sink = system.spawn(load::sink<basp_codec>, basp_codec{});
  auto echo = system.spawn(load::echo<basp_codec>, basp_codec{});
  auto first = system.middleman().publish(sink, 0, "127.0.0.1");
  auto second = system.middleman().publish(echo, 0, "127.0.0.1");
  if (!first || !second) return 1;
  tell_parent("sink " + std::to_string(*first) + " echo " + std::to_string(*second));
  hear_parent();
  for (auto& a : {sink, echo}) caf::anon_send_exit(a, caf::exit_reason::kill);
  return 0;
}

basp_figures measure_basp(const std::string& policy) {
  child receiver{{"link-helper", "basp", policy}};
  auto ports = receiver.figures(10'000);
  config cfg{policy};
  caf::actor_system system{cfg};
  auto sink = system.middleman().remote_actor("127.0.0.1", static_cast<uint16_t>(ports["sink"]));
  auto echo = system.middleman().remote_actor("127.0.0.1", static_cast<uint16_t>(ports["echo"]));
  if (!sink || !echo) throw std::runtime_error("caf::io does not connect on loopback");
  basp_codec codec;
  load::run(system, codec, *sink, load::flood{20 * load::tell_each}, 60);
  load::run(system, codec, *echo, load::ping_pong{requests / 5}, 60);
  basp_figures out;
  out.per_second = letters / load::run(system, codec, *sink, load::flood{letters}, 60).seconds;
  out.round_trip_us = quantile(load::run(system, codec, *echo, load::ping_pong{requests}, 60).each_us, 0.5);
  return out;
}

}  // namespace skerry::bench
