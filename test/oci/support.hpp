#pragma once
#include <actors/ports/clock.hpp>
#include <actors/ports/log.hpp>
#include <actors/ports/runtime.hpp>
#include <drivers/runtime/oci/oci.hpp>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <schema/error.hpp>
#include <string>
#include <vector>

/// A world of our own for real containers: data directory, run directory, bridge and addresses that no other skerry,
/// and no other run of these tests, uses. All that it made is gone when it goes; what is left over is an error of the
/// test.
namespace skerry::test {

class test_clock final : public ports::clock {
public:
  int64_t wall_ms() const override;
  int64_t steady_ms() const override;
};

class test_log final : public ports::log {
public:
  bool enabled(ports::severity) const override { return true; }
  void write(ports::severity s, std::string_view who, std::string_view text) override;
};

/// Runs a shell command; returns its exit code. For setting the stage, never for what is tested.
int shell(const std::string& command);
std::string shell_output(const std::string& command);

/// A file of a layer: content, or where a link points.
struct layer_file {
  std::string path, content, link_to;
  int mode = 0644;
};

/// Makes a docker archive (as `docker save` does) from layers; busybox-static is put into the first. `config` is the
/// JSON text of the image's "config" object.
void make_archive(const std::string& archive, const std::string& name,
                  const std::vector<std::vector<layer_file>>& layers, const std::string& config);

class world {
public:
  world();
  ~world();
  drivers::oci::options options;
  test_clock clock;
  test_log log;
  std::string directory;  ///< scratch of the test
  std::string image = "skerry.test/busybox:1";
  std::unique_ptr<ports::runtime> runtime;

  /// (Re)starts the driver.
  void start();
  /// Removes all pods.
  void clear();
  /// Imports `image`, with busybox and its applets, once.
  void import_busybox();
  /// Names of what is left in the kernel and on the disk of pods; empty when all is gone.
  std::vector<std::string> leftovers() const;
  /// Waits until `f` holds; false after `ms`.
  static bool wait(const std::function<bool()>& f, int ms = 30'000);

  caf::expected<ports::sandbox_state> make_pod(const std::string& uid, std::vector<ports::port_mapping> ports = {});
  ports::container_spec container(const std::string& uid, const std::string& name,
                                  std::vector<std::string> command) const;
  caf::expected<ports::container_state> run(const ports::container_spec& spec);
  caf::expected<ports::container_state> stop(const std::string& id, uint32_t grace_ms);
  caf::expected<ports::exec_result> exec(const std::string& id, std::vector<std::string> command,
                                         uint32_t timeout_ms = 10'000);
  caf::expected<void> remove_pod(const std::string& uid);
  /// The state with which a container ended, when on_exit has told it.
  caf::expected<ports::container_state> ended(const std::string& id);
  std::map<std::string, ports::sandbox_state> pods();
  std::map<std::string, ports::container_state> containers();

  template <class T, class F>
  static caf::expected<T> call(F f) {
    auto p = std::make_shared<std::promise<caf::expected<T>>>();
    auto answer = p->get_future();
    f([p](caf::expected<T> v) { p->set_value(std::move(v)); });
    if (answer.wait_for(std::chrono::seconds(60)) != std::future_status::ready)
      return make_error(errc::timed_out, "the driver did not answer within 60 s");
    return answer.get();
  }

private:
  std::mutex mutex_;
  std::map<std::string, ports::container_state> exits_;
};

/// The world that the test cases share; made at the first use, checked and removed at the end of all.
world& the_world();

/// Around each test case: what a failed case left is removed, so that the next one is judged for itself.
struct tidy {
  ~tidy();
};

template <class T>
std::string why(const caf::expected<T>& e) {
  return e ? std::string{"ok"} : message_of(e.error());
}

}  // namespace skerry::test
