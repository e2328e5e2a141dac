#pragma once
#include "schema/limits.hpp"

/// The bounds of objects by letters (schema/objects.capnp), apart from the others for who changes them builds little.
namespace skerry::limits {

inline constexpr uint32_t feed_wait_ms = 10'000;            ///< a feed that has nothing new answers after so long
inline constexpr uint32_t feed_idle_ms = 120'000;           ///< a feed that nobody asks ends
inline constexpr size_t feed_batch_bytes_max = 512 * 1024;  ///< a batch of changes is closed before it is larger
inline constexpr size_t answer_bytes_max = 1400 * 1024;     ///< an object or a page of them, as an answer by letter

static_assert(2 * feed_batch_bytes_max < answer_bytes_max, "a batch of small objects always crosses");
static_assert(2 * answer_bytes_max < frame_bytes_max);
static_assert(feed_wait_ms < feed_idle_ms);

}  // namespace skerry::limits
