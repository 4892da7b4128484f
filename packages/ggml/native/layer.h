// The native objects behind the custom operators: one workspace per runner, one layer record per
// layer. Both are made by C calls, hold no references into JavaScript memory, and are freed by it.
#pragma once

#include <atomic>
#include <cstdint>

#include "kv-format.h"

namespace loci {

/** What `loci_layer_create` takes; mirrored by kernel-library.ts, all fields 8 bytes wide. */
struct LayerOptions {
    void * workspace;
    uint8_t * pool;
    int32_t * gates;  // null: no step waits
    int64_t blockCount;
    int64_t blockBytes;
    int64_t layerOffsetBytes;
    int64_t blockTokens;
    int64_t headSize;
    int64_t queryHeads;
    int64_t kvHeads;
    int64_t keyType;
    int64_t valueType;
    int64_t slidingWindow;
    int64_t index;
    double scale;
    double softCap;
};

/** Working memory that layers use one after the other. */
struct Workspace {
    int64_t threads;
    int64_t headSize;
    int64_t kvHeads;
    int64_t tiles;     // most tiles of a plan
    int64_t slotRows;  // most partial result rows of a plan, per kv head
    float * scratch;   // [thread][scratchStride]
    Row * rows;        // [thread][tileRowsMax]
    float * partials;  // [kv head][slot row][headSize + 2]: output, maximum, weight sum
    int64_t scratchStride;
    const float ** mergeOutputs;  // [thread][mergePartsMax]
    const float ** mergeStates;
    std::atomic<int32_t> * partsDone;  // [kv head][tile]
    // Handing out work: each on a cache line of its own.
    alignas(64) std::atomic<int64_t> next;
    alignas(64) std::atomic<int32_t> left;
    alignas(64) std::atomic<bool> failed;
};

constexpr int64_t mergePartsMax = 256;

struct Layer {
    const Isa * isa;
    Workspace * workspace;
    LayerShape shape;
    int32_t * gates;
    int64_t index;  // among the layers of a block
};

/** Remembers the first failure until it is asked for. `message` must be static. */
void reportFailure(const char * message);

}  // namespace loci
