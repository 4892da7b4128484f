// Every kernel by name: what is compiled, and what src/cuda/kernel-names.ts may ask for.
//
//   LOCI_ATTEND(head size, type, rows)   loci_attend_128_f16_64: items of at most 64 rows
//   LOCI_STORE(head size, type)          loci_store_128_f16
//   LOCI_JOIN(head size)                 loci_join_128
//
// Two blocks of 16 rows for each warp (128 rows) need more registers than there are beyond 128 dims.
#pragma once

#define LOCI_KERNELS_OF_TYPE(size, type) \
    LOCI_STORE(size, type)               \
    LOCI_ATTEND(size, type, 16)          \
    LOCI_ATTEND(size, type, 64)

#define LOCI_KERNELS_SMALL(size)            \
    LOCI_JOIN(size)                         \
    LOCI_KERNELS_OF_TYPE(size, f16)         \
    LOCI_KERNELS_OF_TYPE(size, q8_0)        \
    LOCI_ATTEND(size, f16, 128)             \
    LOCI_ATTEND(size, q8_0, 128)

#define LOCI_KERNELS_LARGE(size)     \
    LOCI_JOIN(size)                  \
    LOCI_KERNELS_OF_TYPE(size, f16)  \
    LOCI_KERNELS_OF_TYPE(size, q8_0)

#define LOCI_KERNELS       \
    LOCI_KERNELS_SMALL(64)  \
    LOCI_KERNELS_SMALL(80)  \
    LOCI_KERNELS_SMALL(96)  \
    LOCI_KERNELS_SMALL(128) \
    LOCI_KERNELS_LARGE(192) \
    LOCI_KERNELS_LARGE(256)
