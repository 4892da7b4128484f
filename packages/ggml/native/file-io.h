// Whole reads and writes at a place in a file, with the failure as a number: 0, or errno, or
// `ioShort` when the file ends before.
#pragma once

#include <cstdint>

namespace loci {

constexpr int32_t ioShort = -1;

int32_t readFully(int64_t file, void * target, int64_t bytes, int64_t offset);
int32_t writeFully(int64_t file, const void * source, int64_t bytes, int64_t offset);
/** Waits until what was written is on the device, as far as it can be known. */
int32_t syncFile(int64_t file);
/** Tells the system that a range is wanted soon. */
void adviseWanted(int64_t file, int64_t offset, int64_t bytes);

}  // namespace loci
