// The machine as plain C++: what machine-cuda.h does with instructions, done by the fibres of block.h, lane by
// lane and with the same layout of registers. Made to find mistakes that a GPU would hide:
//
// - a copy beside the computation is done as late as allowed, when its group is waited for; until then its
//   target holds NaNs;
// - threads go on in another order after every barrier;
// - lanes of a warp must meet in the same instruction, and eight rows of a matrix in different banks.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "block.h"

#define LOCI_INLINE inline
#define LOCI_UNROLL
#define LOCI_UNROLL_TWICE

namespace loci {

constexpr int warpLanes = emulated::warpLanes;

inline int threadIndex() { return emulated::thread().index; }
inline int threadCount() { return emulated::block().threadCount; }
inline int blockX() { return emulated::block().x; }
inline int blockY() { return emulated::block().y; }
inline void syncBlock() { emulated::block().sync(); }
inline uint8_t * sharedMemory() { return emulated::block().shared; }

inline void copyAsync16(void * target, const void * source, bool valid) {
    emulated::block().copyLater(target, source, 16, valid);
}
inline void copyAsync4(void * target, const void * source, bool valid) {
    emulated::block().copyLater(target, source, 4, valid);
}
inline void commitCopies() { emulated::thread().commitCopies(); }
template <int left>
inline void waitCopies() {
    emulated::thread().waitCopies(left);
}

inline float halfToFloat(uint16_t half) {
    _Float16 value;
    std::memcpy(&value, &half, 2);
    return float(value);
}
inline uint16_t floatToHalf(float value) {
    const _Float16 half = _Float16(value);
    uint16_t bits;
    std::memcpy(&bits, &half, 2);
    return bits;
}
inline uint32_t packHalves(float low, float high) {
    return uint32_t(floatToHalf(low)) | uint32_t(floatToHalf(high)) << 16;
}
inline float lowHalf(uint32_t pair) { return halfToFloat(uint16_t(pair)); }
inline float highHalf(uint32_t pair) { return halfToFloat(uint16_t(pair >> 16)); }

inline float exp2Fast(float value) { return exp2f(value); }

inline float shuffleXor(float value, int mask) {
    struct Input {
        float value;
        int mask;
    };
    return emulated::together<float>(Input{value, mask}, [](auto & in, auto & out) {
        for (int lane = 0; lane < warpLanes; lane++) *out[lane] = in[lane ^ in[lane]->mask]->value;
    });
}

struct Matrix4 {
    uint32_t parts[4];
};

template <bool transposed>
inline Matrix4 loadMatrices(const void * row) {
    return emulated::together<Matrix4>(row, [](auto & in, auto & out) {
        for (int part = 0; part < 4; part++) {
            const uint16_t * rows[8];
            for (int i = 0; i < 8; i++) rows[i] = (const uint16_t *)*in[part * 8 + i];
            emulated::block().checkMatrixRows((const void * const *)rows);
            for (int lane = 0; lane < warpLanes; lane++) {
                const int a = lane / 4, b = lane % 4 * 2;
                const uint32_t low = transposed ? rows[b][a] : rows[a][b];
                const uint32_t high = transposed ? rows[b + 1][a] : rows[a][b + 1];
                out[lane]->parts[part] = low | high << 16;
            }
        }
    });
}

inline void loadMatrix4(uint32_t (&matrix)[4], const void * row) {
    const Matrix4 loaded = loadMatrices<false>(row);
    std::memcpy(matrix, loaded.parts, sizeof(matrix));
}
inline void loadMatrix4Transposed(uint32_t (&matrix)[4], const void * row) {
    const Matrix4 loaded = loadMatrices<true>(row);
    std::memcpy(matrix, loaded.parts, sizeof(matrix));
}

/** The 16 x 16, 16 x 8 and 16 x 8 elements that lanes hold, as mma.m16n8k16 defines them. */
inline void multiplyAdd(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    struct Input {
        float sum[4];
        uint32_t a[4], b[2];
    } input;
    std::memcpy(input.sum, sum, sizeof(sum));
    std::memcpy(input.a, a, sizeof(a));
    input.b[0] = b0;
    input.b[1] = b1;
    struct Output {
        float sum[4];
    };
    const Output output = emulated::together<Output>(input, [](auto & in, auto & out) {
        float left[16][16], right[16][8];
        for (int lane = 0; lane < warpLanes; lane++) {
            const int row = lane / 4, column = lane % 4 * 2;
            for (int i = 0; i < 4; i++) {
                float * const at = &left[row + i % 2 * 8][column + i / 2 * 8];
                at[0] = lowHalf(in[lane]->a[i]);
                at[1] = highHalf(in[lane]->a[i]);
            }
            for (int i = 0; i < 2; i++) {
                right[column + i * 8][row] = lowHalf(in[lane]->b[i]);
                right[column + i * 8 + 1][row] = highHalf(in[lane]->b[i]);
            }
        }
        for (int lane = 0; lane < warpLanes; lane++) {
            for (int i = 0; i < 4; i++) {
                const int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
                float total = in[lane]->sum[i];
                for (int k = 0; k < 16; k++) total += left[row][k] * right[k][column];
                out[lane]->sum[i] = total;
            }
        }
    });
    std::memcpy(sum, output.sum, sizeof(sum));
}

}  // namespace loci
