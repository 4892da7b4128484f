// Large zeroed memory, on huge pages where the system offers them: the pool is read at random
// block by block, and every 4 KiB page would cost a walk through the page tables.
#pragma once

#include <cstdint>

namespace loci {

/** Null when there is no memory. */
void * allocateMemory(int64_t bytes);
void freeMemory(void * address, int64_t bytes);

}  // namespace loci
