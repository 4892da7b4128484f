#include "memory.h"

#include <cstdlib>
#include <cstring>

#include "exports.h"

#if !defined(_WIN32)
#include <sys/mman.h>
#endif

namespace loci {

void * allocateMemory(int64_t bytes) {
    if (bytes <= 0) return nullptr;
#if defined(_WIN32)
    return std::calloc(size_t(bytes), 1);
#else
    void * address = mmap(nullptr, size_t(bytes), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED) return nullptr;
#if defined(MADV_HUGEPAGE)
    madvise(address, size_t(bytes), MADV_HUGEPAGE);
#endif
    return address;
#endif
}

void freeMemory(void * address, int64_t bytes) {
    if (address == nullptr) return;
#if defined(_WIN32)
    std::free(address);
#else
    munmap(address, size_t(bytes));
#endif
}

LOCI_EXPORT void * loci_memory_allocate(int64_t bytes) { return allocateMemory(bytes); }
LOCI_EXPORT void loci_memory_free(void * address, int64_t bytes) { freeMemory(address, bytes); }

}  // namespace loci
