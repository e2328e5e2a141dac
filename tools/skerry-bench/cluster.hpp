#pragma once
#include <string>

#include "schema/json.hpp"
#include "tools/skerry-bench/process.hpp"

namespace skerry::bench {

/// A cloud and one edge as a user starts them: processes of the `skerry` beside this binary, in a folder and on ports
/// of their own, with an image "bench:1" made of Debian's busybox-static. Everything is stopped and removed at the end.
/// Members throw std::runtime_error with the reason.
class cluster {
public:
  /// `with_image` false: no edge will be started.
  explicit cluster(bool with_image = true);
  ~cluster();
  void start_cloud();
  void start_edge();
  void stop_cloud() { cloud_.stop(); }
  void stop_edge() { edge_.stop(); }
  /// Ends every container of this edge with SIGKILL, as a power cut would, and takes their networks away.
  void kill_containers();
  const std::string& server() const { return server_; }            ///< "127.0.0.1:PORT"
  std::string pki_folder() const { return dir_ + "/cloud/pki/"; }  ///< ca.crt, admin.crt, admin.key
  pid_t cloud_pid() const { return cloud_.pid(); }
  pid_t edge_pid() const { return edge_.pid(); }

  /// One API call as the administrator; throws on a status of 400 and more.
  json::value call(const std::string& method, const std::string& target, const std::string& body = {});
  /// Creates a pod that sleeps.
  void create_pod(const std::string& name);
  void delete_pod(const std::string& name);
  /// Number of pods in the namespace default whose phase is Running.
  int running();
  /// Waits until `n` pods run, or throws after `deadline_ms`.
  void await_running(int n, double deadline_ms);
  void await_gone(double deadline_ms);
  /// Containers that run now, counted by their monitors: needs no cloud.
  std::vector<pid_t> monitors() const;

  static std::string skerry_binary();

private:
  void make_image();
  void await_node();
  std::string dir_, server_, token_;
  process cloud_, edge_;
};

}  // namespace skerry::bench
