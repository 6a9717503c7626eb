#include "base/memory.hpp"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

namespace sockward {
namespace {

/// The code of one library, or of the program.
int give_back_code(dl_phdr_info* library, std::size_t, void*) {
  if (std::strstr(library->dlpi_name, "vdso") != nullptr) return 0;  // the kernel's, not from a file
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  for (int i = 0; i < library->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = library->dlpi_phdr[i];
    const bool code =
        segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0 && (segment.p_flags & PF_W) == 0;
    if (!code) continue;
    const std::uintptr_t begin = (library->dlpi_addr + segment.p_vaddr) & ~(page - 1);
    const std::uintptr_t end =
        (library->dlpi_addr + segment.p_vaddr + segment.p_memsz + page - 1) & ~(page - 1);
    // NOLINTNEXTLINE(performance-no-int-to-ptr): addresses of segments are numbers in ELF
    madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void use_one_heap() {
  // NOLINTBEGIN(concurrency-mt-unsafe): there is one thread yet
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, 4 << 20);  // fixed: glibc raises it up to 32 MiB, and keeps what is smaller
  mallopt(M_TRIM_THRESHOLD, 4 << 20);
  // NOLINTEND(concurrency-mt-unsafe)
}

void release_startup_memory() {
  malloc_trim(0);
  dl_iterate_phdr(give_back_code, nullptr);
}

}  // namespace sockward
