#pragma once
#include <actors/ports/log.hpp>
#include <actors/ports/runtime.hpp>
#include <mutex>

#include "oci.hpp"

namespace skerry::drivers::oci {

/// A pod's network, by CNI plugins (CNI specification 0.4.0): bridge with host-local, then portmap if a port of the
/// host is asked for. What is the same for all pods (masquerade, forwarding) is one set of packet filter rules for the
/// bridge, made once, not by each ADD: that halves its time.
class network {
public:
  network(const options& o, ports::log& log) : o_{o}, log_{log} {}

  struct attachment {
    std::vector<std::string> ips;
    std::string result;  ///< CNI's, for DEL
  };
  /// ADD. Errors carry the plugin's message.
  caf::expected<attachment> attach(const std::string& uid, const std::string& netns,
                                   const std::vector<ports::port_mapping>& ports);
  /// DEL. No error for what is gone. `result` may be empty, if it was not known; `ports` says if portmap was used.
  caf::expected<void> detach(const std::string& uid, const std::string& netns,
                             const std::vector<ports::port_mapping>& ports, const std::string& result);
  /// Pod uids that hold an address (host-local's files).
  std::vector<std::string> holders() const;
  /// Removes the bridge and its packet filter rules.
  void remove_all();
  /// The address by which this machine speaks to others; 127.0.0.1 if it speaks to none.
  static std::string host_address();

private:
  std::string bridge_configuration() const;
  std::string portmap_configuration(const std::vector<ports::port_mapping>& ports, const std::string& result) const;
  caf::expected<std::string> plugin(const std::string& type, const char* verb, const std::string& uid,
                                    const std::string& netns, std::string configuration);
  caf::expected<void> prepare();
  bool rule(const char* verb, const std::vector<std::string>& rule);
  std::vector<std::vector<std::string>> rules() const;

  const options& o_;
  ports::log& log_;
  std::mutex mutex_;
  bool prepared_ = false;
};

}  // namespace skerry::drivers::oci
