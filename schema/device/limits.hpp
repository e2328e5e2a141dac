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

}  // namespace skerry::limits
