// The machine as an NVIDIA GPU from compute capability 8.0 on.
#pragma once

#include <cuda_fp16.h>

#define LOCI_INLINE __device__ __forceinline__
#define LOCI_UNROLL _Pragma("unroll")
#define LOCI_UNROLL_TWICE _Pragma("unroll 2")

namespace loci {

constexpr int warpLanes = 32;

LOCI_INLINE int threadIndex() { return int(threadIdx.x); }
LOCI_INLINE int threadCount() { return int(blockDim.x); }
LOCI_INLINE int blockX() { return int(blockIdx.x); }
LOCI_INLINE int blockY() { return int(blockIdx.y); }
LOCI_INLINE void syncBlock() { __syncthreads(); }
LOCI_INLINE void syncWarp() { __syncwarp(); }

LOCI_INLINE uint8_t * sharedMemory() {
    extern __shared__ __align__(16) uint8_t memory[];
    return memory;
}

LOCI_INLINE float shuffleXor(float value, int mask) {
    return __shfl_xor_sync(0xffffffffu, value, mask);
}

LOCI_INLINE uint32_t sharedAddress(const void * pointer) {
    return uint32_t(__cvta_generic_to_shared(pointer));
}

LOCI_INLINE void copyAsync16(void * target, const void * source, bool valid) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(sharedAddress(target)),
                 "l"(source), "r"(valid ? 16 : 0)
                 : "memory");
}

LOCI_INLINE void copyAsync4(void * target, const void * source, bool valid) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(sharedAddress(target)),
                 "l"(source), "r"(valid ? 4 : 0)
                 : "memory");
}

LOCI_INLINE void commitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

template <int left>
LOCI_INLINE void waitCopies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(left) : "memory");
}

LOCI_INLINE void loadMatrix4(uint32_t (&matrix)[4], const void * row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(matrix[0]), "=r"(matrix[1]), "=r"(matrix[2]), "=r"(matrix[3])
                 : "r"(sharedAddress(row)));
}

LOCI_INLINE void loadMatrix4Transposed(uint32_t (&matrix)[4], const void * row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(matrix[0]), "=r"(matrix[1]), "=r"(matrix[2]), "=r"(matrix[3])
                 : "r"(sharedAddress(row)));
}

LOCI_INLINE void multiplyAdd(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

LOCI_INLINE float exp2Fast(float value) {
    float result;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(value));
    return result;
}

/** `low` in the lower 16 bits. */
LOCI_INLINE uint32_t packHalves(float low, float high) {
    uint32_t result;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(result) : "f"(high), "f"(low));
    return result;
}

LOCI_INLINE float halfToFloat(uint16_t half) { return __half2float(__ushort_as_half(half)); }
LOCI_INLINE uint16_t floatToHalf(float value) { return __half_as_ushort(__float2half_rn(value)); }

}  // namespace loci
