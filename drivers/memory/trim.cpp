#include "drivers/memory/trim.hpp"

#include <malloc.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

namespace skerry::memory {
namespace {

struct mapping {
  uintptr_t first = 0, last = 0;
  bool droppable = false;
};

/// The mappings of files that are not writable and of which no page was changed, relocated or copied.
std::vector<mapping> clean_mappings() {
  std::vector<mapping> out;
  std::unique_ptr<FILE, int (*)(FILE*)> in{std::fopen("/proc/self/smaps", "re"), &std::fclose};
  if (!in) return out;
  char line[512];
  while (std::fgets(line, sizeof line, in.get()) != nullptr) {
    unsigned long first = 0, last = 0, kib = 0, inode = 0;
    char rights[8] = {};
    if (std::sscanf(line, "%lx-%lx %7s %*x %*s %lu", &first, &last, rights, &inode) == 4) {
      out.push_back({first, last, inode != 0 && rights[0] == 'r' && rights[1] == '-' && rights[3] == 'p'});
    } else if (!out.empty() &&
               (std::sscanf(line, "Anonymous: %lu", &kib) == 1 || std::sscanf(line, "Private_Dirty: %lu", &kib) == 1 ||
                std::sscanf(line, "Locked: %lu", &kib) == 1)) {
      if (kib != 0) out.back().droppable = false;
    }
  }
  std::erase_if(out, [](const mapping& m) { return !m.droppable; });
  return out;
}

}  // namespace

size_t trim() {
  ::malloc_trim(0);
  size_t dropped = 0;
  for (const auto& m : clean_mappings()) {
    auto size = m.last - m.first;
    if (::madvise(reinterpret_cast<void*>(m.first), size, MADV_DONTNEED) == 0) dropped += size;
  }
  return dropped;
}

}  // namespace skerry::memory
