// Stores the step's keys and values in their blocks, rounded as the CPU's kernel rounds (../store.h). A
// warp stores one head's key and value of one token.
#pragma once

#include "plan-view.h"

namespace loci {

constexpr int storeThreads = 128;

LOCI_INLINE float bounded(float value, float limit) { return fminf(fmaxf(value, -limit), limit); }

/** Every lane gets the largest of all lanes. */
LOCI_INLINE float largestOfWarp(float value) {
    LOCI_UNROLL
    for (int mask = 16; mask > 0; mask /= 2) value = fmaxf(value, shuffleXor(value, mask));
    return value;
}

template <KvType type>
LOCI_INLINE void storeRow(const float * source, uint8_t * part, int64_t index, int headSize,
                          int64_t blockTokens) {
    const int lane = threadIndex() % warpLanes;
    if constexpr (type == KvType::f16) {
        uint16_t * const target = (uint16_t *)part + index * headSize;
        for (int dim = lane; dim < headSize; dim += warpLanes) {
            target[dim] = floatToHalf(bounded(source[dim], 65504.0f));
        }
    } else {
        const int groups = int(scaleGroups(headSize));
        int8_t * const target = (int8_t *)part + index * headSize;
        uint16_t * const scales = (uint16_t *)(part + headSize * blockTokens) + index * groups;
        for (int group = 0; group < groups; group++) {
            const int dim = group * int(scaleDims) + lane;
            const float value = dim < headSize ? bounded(source[dim], 65504.0f) : 0.0f;
            const uint16_t scale = floatToHalf(largestOfWarp(fabsf(value)) / 127.0f);
            const float rounded = halfToFloat(scale);
            const float inverse = rounded > 0 ? 1.0f / rounded : 0.0f;
            if (dim < headSize) target[dim] = int8_t(rintf(bounded(value * inverse, 127.0f)));
            if (lane == 0) scales[group] = scale;
        }
    }
}

template <KvType type>
LOCI_INLINE void storeTokens(const Parameters & parameters, int headSize) {
    PlanView plan;
    if (!plan.open(parameters)) return report(parameters, Failure::plan);
    const int warp = (blockX() * storeThreads + threadIndex()) / warpLanes;
    const int token = warp / int(parameters.kvHeads), head = warp % int(parameters.kvHeads);
    if (token >= plan.tokens) return;
    const int64_t row = plan.poolRow(token), blockTokens = parameters.blockTokens;
    if (row < 0 || row >= parameters.blockCount * blockTokens) {
        return report(parameters, Failure::token);
    }
    uint8_t * const keys = parameters.layer + row / blockTokens * parameters.blockStride +
                           head * parameters.headStride;
    storeRow<type>(parameters.keys + token * parameters.keyTokenStride + head * parameters.keyHeadStride,
                   keys, row % blockTokens, headSize, blockTokens);
    storeRow<type>(
        parameters.values + token * parameters.valueTokenStride + head * parameters.valueHeadStride,
        keys + parameters.valueOffset, row % blockTokens, headSize, blockTokens);
}

}  // namespace loci
