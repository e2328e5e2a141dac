#pragma once
#include <memory>
#include <optional>

#include "actors/ports/device.hpp"
#include "actors/telemetry/messages.hpp"
#include "actors/twin/device_spec.hpp"
#include "schema/letter.hpp"
#include "schema/twin.capnp.h"

namespace skerry::twin {

struct moment {
  int64_t steady_ms = 0;  ///< for spans
  int64_t wall_ms = 0;    ///< for stamps, Unix
};

/// Something that people should know of, for core/v1 Events.
struct note {
  bool warning = false;
  std::string reason, message;
};

/// What the twin wants done.
struct actions {
  std::vector<uint32_t> read;                    ///< points, in one request
  std::vector<telemetry::point_sample> samples;  ///< of properties that the cloud shall know of, in order
  struct order {
    uint32_t point = 0;
    device::raw_value value;
  };
  std::optional<order> write;
  bool tell = false;  ///< the cloud should hear status()
  std::vector<note> notes;
  int64_t wake_ms = 0;  ///< call step() again then, by the steady clock
};

/// The twin of one device: what is desired, what the device has taken of that, and what it reports, each with its time
/// and its quality. Decides when to read (collectCycle), to write (a desired value that the device has not taken) and
/// to tell (reportCycle, dead band). Pure: it is told what happened, and step() says what to do next. At most one read
/// and one write are under way; one that is not answered within limits::device_read_ms_max is given up, and a late
/// answer is ignored by its number.
class core {
public:
  /// Goes on where `prior` (may be null) ended: its values are uncertain until they are read again.
  void start(std::shared_ptr<const device_spec> spec, const letter<schema::TwinState>* prior, const moment& now);
  /// The device or its model has changed; values of properties that are still there stay. `connected_anew`: the driver
  /// is told of the device again, as same_connection() said; answers to what was asked before are ignored.
  void change(std::shared_ptr<const device_spec> spec, bool connected_anew, const moment& now);

  void on_health(const ports::device_health& h, const moment& now);
  /// The driver says that reading is worth it now.
  void on_news(const moment& now);
  void on_readings(uint64_t number, const std::vector<ports::point_reading>& readings, const moment& now);
  void on_written(uint64_t number, const caf::error& e, const moment& now);
  /// The driver cannot take the device on.
  void on_refused(const std::string& why, const moment& now);

  actions step(const moment& now);

  /// Numbers of the read and the write that step() asked for last.
  uint64_t read_number() const { return read_.number; }
  uint64_t write_number() const { return write_.number; }
  /// devices.kubeedge.io/v1beta1 DeviceStatus.status.
  json::object status() const;
  letter<schema::TwinState> state() const;
  const device_spec& spec() const { return *spec_; }

private:
  struct property {
    std::string reported, why;
    ports::quality state = ports::quality::uncertain;
    int64_t reported_ms = 0;  ///< wall; 0: never
    uint64_t said = 0;        ///< point_reading::said of it
    std::string observed, observed_stamp;
    int64_t observed_ms = 0;  ///< wall; 0: never
    std::string write_error;
    std::string sent_value, sent_stamp;  ///< what was written last, or is on its way
    bool refused = false;                ///< no use in trying that again
    uint32_t pause_ms = 0;
    int64_t write_due = 0, read_due = 0;  ///< steady
    // As the cloud was told:
    bool told = false;
    std::string told_value, told_why, told_observed, told_error;
    ports::quality told_state = ports::quality::uncertain;
    int64_t told_ms = 0;  ///< steady
  };
  struct request {
    uint64_t number = 0;
    bool open = false;
    int64_t give_up_ms = 0;
    std::vector<uint32_t> points;
    int64_t begun_ms = 0;
  };

  void take(std::shared_ptr<const device_spec> spec, const moment& now);
  void turned_bad(uint32_t point, std::string why, const moment& now);
  void read_value(uint32_t point, const ports::point_reading& r, const moment& now);
  bool pending(size_t i) const;
  void write_failed(uint32_t point, const caf::error& e, const moment& now);
  bool differs(size_t i) const;
  void mark_told(const moment& now);
  void give_up(actions& out, const moment& now);
  void plan_write(actions& out, const moment& now);
  void plan_reads(actions& out, const moment& now);
  void plan_tell(actions& out, const moment& now);
  static void earliest(actions& out, int64_t at) { out.wake_ms = std::min(out.wake_ms, at); }
  json::object twin_of(size_t i) const;

  std::shared_ptr<const device_spec> spec_;
  std::vector<property> properties_;  // as spec_->properties
  request read_, write_;
  std::optional<ports::device_health> health_;
  std::string refused_;  ///< by the driver
  int64_t last_online_ms_ = 0;
  bool news_ = false;    ///< state or reason changed since the cloud was told
  int64_t told_ms_ = 0;  ///< steady
  bool told_once_ = false;
  std::vector<note> notes_;
  std::vector<telemetry::point_sample> samples_;
};

/// Does a driver that was told of `a` need to hear nothing new for `b`?
bool same_connection(const device_spec& a, const device_spec& b);

}  // namespace skerry::twin
