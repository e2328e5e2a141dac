#pragma once
#include "actors/ports/machine.hpp"

namespace skerry::machine {

/// The machine as Linux tells it: /proc, /sys, /etc, statvfs, getifaddrs.
class linux_machine : public ports::machine {
public:
  /// `data_directory` must exist: its file system is the node's disk.
  explicit linux_machine(std::string data_directory) : data_directory_(std::move(data_directory)) {}
  ports::machine_facts facts() const override;
  ports::machine_load load() const override;

private:
  std::string data_directory_;
};

}  // namespace skerry::machine
