// What a launch is given, by value: one struct for every kernel. All fields are 8 bytes wide, so that
// src/cuda/launch-parameters.ts can write them one after the other; it must change with this file.
#pragma once

#include <cstdint>

namespace loci {

struct Parameters {
    // The pool as one layer sees it. A head's keys and values are rows [token][dim]; q8_0 is int8 in the
    // same order, followed by one f16 scale per 32 dims: [token][dim / 32].
    uint8_t * layer;      // this layer's bytes of block 0
    int64_t blockStride;  // bytes
    int64_t headStride;   // bytes, from a head's keys to the next head's
    int64_t valueOffset;  // bytes, from a head's keys to its values
    int64_t blockCount;
    int64_t blockTokens;  // a power of two, 16 at least
    int64_t kvHeads;
    int64_t group;          // query heads per kv head
    int64_t slidingWindow;  // positions seen, the own included; 0 = all
    double scale;
    double softCap;  // scores become cap · tanh(score / cap); 0 = off

    // The step: the plan that the CPU's kernel takes (../plan.h), and which part of it this launch does.
    const int32_t * plan;
    int64_t planInts;
    const int32_t * work;  // items that are attended to, or tiles whose parts are joined
    int64_t slotRows;      // rows of partial results there is room for, per kv head

    // Tensors of f32. Strides in elements; dims lie side by side.
    const float * queries;  // [token][query head][dim]
    int64_t queryTokenStride, queryHeadStride;
    const float * keys;  // [token][kv head][dim], to be stored
    int64_t keyTokenStride, keyHeadStride;
    const float * values;
    int64_t valueTokenStride, valueHeadStride;
    float * results;  // [token][query head · head size]
    int64_t resultTokenStride;

    float * partials;  // [kv head][slot row][dim]: outputs that are not divided yet
    float * states;    // [kv head][slot row][2]: maximum (an exponent of 2) and weight sum
    int32_t * failure;  // becomes a `Failure`; 0 before
};

/** What a kernel found wrong with the plan; mirrored by src/cuda/launch-parameters.ts. */
enum class Failure : int32_t { none = 0, plan = 1, item = 2, tile = 3, block = 4, token = 5 };

}  // namespace loci
