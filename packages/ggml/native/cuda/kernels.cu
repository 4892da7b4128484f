// The kernels under their names, for nvcc.

#include "attention-kernel.h"
#include "join-kernel.h"
#include "kernel-list.h"
#include "store-kernel.h"

using namespace loci;

#define LOCI_ATTEND(size, type, rows)                                                              \
    extern "C" __global__ void __launch_bounds__(TileShape<size, KvType::type, rows>::threads)     \
        loci_attend_##size##_##type##_##rows(const __grid_constant__ Parameters parameters) {      \
        attendItem<TileShape<size, KvType::type, rows>>(parameters);                               \
    }
#define LOCI_STORE(size, type)                                                                     \
    extern "C" __global__ void __launch_bounds__(storeThreads)                                     \
        loci_store_##size##_##type(const __grid_constant__ Parameters parameters) {                \
        storeTokens<KvType::type>(parameters, size);                                               \
    }
#define LOCI_JOIN(size)                                                                            \
    extern "C" __global__ void __launch_bounds__(joinThreads)                                      \
        loci_join_##size(const __grid_constant__ Parameters parameters) {                          \
        joinTile(parameters, size);                                                                \
    }

LOCI_KERNELS
