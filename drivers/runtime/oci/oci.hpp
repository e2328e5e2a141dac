#pragma once
#include <actors/ports/clock.hpp>
#include <actors/ports/log.hpp>
#include <actors/ports/runtime.hpp>
#include <caf/expected.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// Containers without a resident daemon: `conmon` holds each one, `crun` or `runc` makes it, CNI plugins give it a
/// network, overlayfs its root, `skopeo` fetches its image. Everything that is known is on the disk and in the kernel,
/// so that the agent may die at any instant: containers run on, and the next start adopts what is whole and collects
/// what is half made.
///
/// What lies where (all paths below are ours alone; one driver for each pair of directories):
///
///     <data_dir>/boot                           boot id of the kernel that the run directory belongs to
///     <data_dir>/pods/<uid>/sandbox.json        phase (making, ready, removing), specification, addresses, CNI result
///     <data_dir>/pods/<uid>/{hosts,hostname,resolv.conf}   bound into each container of the pod
///     <data_dir>/containers/<id>/container.json phase (making, running, exited, removing), specification, outcome
///     <data_dir>/containers/<id>/bundle/        OCI config.json; conmon's control files
///     <data_dir>/containers/<id>/{root,upper,work}   overlay mount, its writable layer
///     <data_dir>/containers/<id>/{conmon.pid,init.pid,termination-log,sub/<n>}
///     <data_dir>/exits/<id>                     exit code, written by conmon; its time is the time of the end
///     <data_dir>/logs/<ns>_<pod>_<uid>/<container>/<attempt>.log[.<n>]   CRI's log format; .1 is the newest rotated
///     <data_dir>/layers/<24 hex of diffID>/     one unpacked layer, whiteouts as overlayfs wants them; appears by
///     rename <data_dir>/blobs/sha256/<hex>             manifests and configurations; a layer's blob is a hole once it
///     is unpacked <data_dir>/images/<hash of name>.json     a name and what it stands for <data_dir>/tmp/ half-made
///     things; emptied at start <run_dir>/ns/<uid>/{net,ipc,uts,shm}      the pod's namespaces, held by bind mounts;
///     its /dev/shm <run_dir>/{runtime,ipam,sockets}          state of crun or runc, of host-local, conmon's sockets
///     cgroups: <cgroup_parent>/pod<uid>/<id>, and <cgroup_parent>/monitors for conmon
namespace skerry::drivers::oci {

struct options {
  std::string data_dir = "/var/lib/skerry/oci";
  std::string run_dir = "/run/skerry/oci";
  std::string pod_cidr = "10.42.0.0/24";  ///< IPv4; the bridge takes its first address
  std::string bridge = "skerry0";         ///< at most 15 bytes
  std::string cgroup_parent = "/skerry";
  std::string cni_dir = "/usr/lib/cni";
  std::vector<std::string> insecure_registries;  ///< "host:port" without TLS or with an unknown CA; loopback always is
  std::string auth_file;                         ///< containers-auth.json(5); empty: the system's
  uint32_t workers = 4;                          ///< threads for blocking steps, started when first needed
  uint32_t pullers = 2;                          ///< pulls at once; the others wait
  uint32_t queue_max = 4096;                     ///< operations that wait; beyond: errc::too_many
  uint32_t step_ms_max = 30'000;                 ///< one run of a tool
  uint32_t pull_ms_max = 15 * 60 * 1000;         ///< one run of skopeo, one layer unpacked
  uint64_t log_bytes_max = 10 * 1024 * 1024;  ///< of one log file before it is rotated (kubelet's containerLogMaxSize)
  uint32_t log_files_max = 5;                 ///< with the live one (kubelet's containerLogMaxFiles)
  uint32_t log_check_ms = 5'000;
  std::string crash_point;  ///< tests: the process kills itself there (see step() in driver.hpp)
};

/// Makes the driver: looks for the tools (an error names the missing program and its Debian package), makes the
/// directories, takes the lock (errc::locked if another driver holds it), reads what is there, and starts to collect
/// garbage; operations wait until that is done. `clock` and `log` outlive the driver. Its destructor ends its threads,
/// and no container.
caf::expected<std::unique_ptr<ports::runtime>> make_runtime(options o, ports::clock& clock, ports::log& log);

/// Removes all that a driver with these options made: containers, networks, bridge, packet filter rules, mounts,
/// cgroups and both directories. The driver must not run.
caf::expected<void> purge(const options& o, ports::clock& clock, ports::log& log);

}  // namespace skerry::drivers::oci
