// The sizes of a kernel's launch, for programs of the host. src/cuda/kernel-sizes.ts computes the same.
#pragma once

#include "kernel-list.h"
#include "tile-shape.h"

namespace loci {

struct KernelSize {
    int threads = 0, sharedBytes = 0;
};

inline KernelSize kernelSize(int headSize, bool quantized, int rows) {
#define LOCI_ATTEND(size, of, count)                                                               \
    if (headSize == size && quantized == (KvType::of == KvType::q8_0) && rows == count) {          \
        return {TileShape<size, KvType::of, count>::threads,                                       \
                TileShape<size, KvType::of, count>::sharedBytes};                                  \
    }
#define LOCI_STORE(size, type)
#define LOCI_JOIN(size)
    LOCI_KERNELS
#undef LOCI_ATTEND
#undef LOCI_STORE
#undef LOCI_JOIN
    return {};
}

}  // namespace loci
