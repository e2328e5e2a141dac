#pragma once
#include <cstddef>

namespace skerry::memory {

/// Gives back what the process holds and does not use: free heap pages (malloc_trim), and the pages of its program and
/// libraries that were mapped for code that ran once. Only mappings of files without a single changed page are
/// dropped (MADV_DONTNEED): what is used again is mapped again from the page cache, a minor fault for 64 KiB.
/// On a machine of 64 MB it is what start-up leaves behind that counts. Returns the bytes of the mappings dropped.
/// Takes about a millisecond. Callable from any thread.
size_t trim();

}  // namespace skerry::memory
