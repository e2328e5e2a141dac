#pragma once
#include "actors/ports/machine.hpp"

namespace skerry::sim {

/// A machine of 4 cores and 8 GiB, or whatever the test makes of it.
class sim_machine : public ports::machine {
public:
  sim_machine() {
    facts_.hostname = "sim";
    facts_.ips = {"192.168.1.5"};
    facts_.cpu_milli = 4000;
    facts_.memory_bytes = 8LL << 30;
    facts_.disk_bytes = 100LL << 30;
    facts_.architecture = "amd64";
    facts_.os_image = "Simulated Linux";
    facts_.kernel_version = "6.1.0-sim";
    facts_.machine_id = facts_.system_uuid = facts_.boot_id = "51";
    load_ = {4LL << 30, 50LL << 30, 100LL << 30, 1000, 1000, 100, 30000};
  }
  ports::machine_facts facts() const override { return facts_; }
  ports::machine_load load() const override { return load_; }

  ports::machine_facts facts_;
  ports::machine_load load_;
};

}  // namespace skerry::sim
