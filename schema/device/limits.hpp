#pragma once
#include <cstddef>
#include <cstdint>

/// Bounds of devices and their twins.
namespace skerry::limits {

inline constexpr size_t devices_per_node_max = 1'000;
inline constexpr size_t device_properties_max = 256;    ///< of one device
inline constexpr size_t device_text_bytes_max = 4'096;  ///< of a value, a reason; longer ones are cut
inline constexpr int64_t device_cycle_ms_min = 10;
inline constexpr int64_t device_cycle_ms_max = 7LL * 24 * 3600 * 1000;  ///< more than that was meant in nanoseconds
inline constexpr int64_t collect_cycle_ms_default = 1'000;
inline constexpr int64_t report_cycle_ms_default = 1'000;
inline constexpr int64_t device_alive_ms = 60'000;  ///< lastOnlineTime of a quiet device is told this often
inline constexpr uint32_t device_read_ms_max =
    5'000;  ///< a read or write that a driver has not answered by then is bad
inline constexpr uint32_t device_retry_ms_min = 1'000;  ///< between two tries to open a device or to write a value
inline constexpr uint32_t device_retry_ms_max = 30'000;

// -- samples
// -----------------------------------------------------------------------------------------------------------------
inline constexpr size_t column_samples_max = 65'536;
inline constexpr size_t column_text_bytes_max = 16 * 1024 * 1024;  ///< of a column, unpacked
inline constexpr size_t sample_frame_bytes_max = 1024 * 1024;      ///< one that is larger is refused by the cloud
inline constexpr size_t sample_frame_bytes = 64 * 1024;            ///< a node closes a frame beyond this
inline constexpr size_t sample_backlog_bytes_max =
    128 * 1024 * 1024;                                ///< of a node; then the oldest frames are dropped
inline constexpr size_t sample_window = 4;            ///< frames sent and not acknowledged
inline constexpr size_t twin_samples_max = 8'192;     ///< that wait in a twin for the journal; then the oldest go
inline constexpr size_t query_samples_max = 100'000;  ///< in one answer
inline constexpr size_t query_scan_max = 50'000'000;  ///< looked at for one answer
inline constexpr size_t queries_waiting_max = 64;

}  // namespace skerry::limits
