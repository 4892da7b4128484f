// Where keys and values lie in the pool, and what the attention code is asked to do with them.
//
// pool:   [block][layer][kv head][ keys | values ]
// keys:   [token / 16][dim][token % 16]   so scores vectorise over tokens without horizontal sums
// values: [token][dim]                    so outputs vectorise over dims
// q8_0:   the same with int8, followed by one f16 scale per 32 dims:
//         keys [token / 16][dim / 32][token % 16], values [token][dim / 32]
#pragma once

#include <cstddef>
#include <cstdint>

namespace loci {

enum class KvType : int32_t { f32 = 0, f16 = 1, q8_0 = 2 };

constexpr int64_t unitTokens = 16;    // tokens side by side in one key panel; a vector multiple
constexpr int64_t scaleDims = 32;     // dims that share a q8_0 scale
constexpr int64_t tileRowsMax = 96;   // query rows that share one pass over the keys
constexpr int64_t tileTokens = 64;    // cached tokens handled at a time
constexpr int64_t headSizeMax = 256;

constexpr int64_t scaleGroups(int64_t headSize) { return (headSize + scaleDims - 1) / scaleDims; }

/** Bytes that one head's keys (or values) of `tokens` tokens take; whole cache lines. */
constexpr int64_t partBytes(KvType type, int64_t headSize, int64_t tokens) {
    const int64_t elements = headSize * tokens;
    const int64_t bytes = type == KvType::f32   ? elements * 4
                          : type == KvType::f16 ? elements * 2
                                                : elements + scaleGroups(headSize) * tokens * 2;
    return (bytes + 63) / 64 * 64;
}

/** One layer's share of the pool. */
struct LayerShape {
    uint8_t * layer0;  // this layer's bytes of block 0
    int64_t blockBytes;
    int64_t blockCount;
    int64_t blockTokens;
    int64_t headSize;
    int64_t queryHeads;
    int64_t kvHeads;
    KvType keyType;
    KvType valueType;
    int64_t keyBytes;   // of one head in one block
    int64_t headBytes;  // keys and values
    float scale;
    float softCap;         // 0 = off
    int64_t slidingWindow;  // 0 = off

    uint8_t * keys(int64_t block, int64_t head) const {
        return layer0 + block * blockBytes + head * headBytes;
    }
    uint8_t * values(int64_t block, int64_t head) const { return keys(block, head) + keyBytes; }
};

/** What one query row reads and where its result goes. */
struct Row {
    int64_t position;
    const float * query;
    float * output;
    float * state;  // null: `output` is final; else [maximum, weight sum] of a partial result
};

/** Per-thread working memory, in floats; see `scratchFloats`. */
struct Scratch {
    Row * rows;
    float * queries;  // [row][dim], scaled
    float * outputs;  // [row][dim], not yet divided by the weight sum
    float * scores;   // [row][tileTokens]
    float * keys;     // [token / 16][dim][16]
    float * values;   // [dim / 16][token][16]
    float * maxima;   // [row]
    float * sums;     // [row][16], one lane per vector element
};

constexpr int64_t scratchFloats(int64_t headSize) {
    return 2 * tileRowsMax * headSize + tileRowsMax * tileTokens + 2 * tileTokens * headSize +
           tileRowsMax + tileRowsMax * 16;
}

/** Rows of one kv head that attend to positions [tokenStart, tokenEnd) through a block table. */
struct AttendJob {
    const LayerShape * shape;
    const Scratch * scratch;
    const int32_t * table;  // block of position p: table[p / blockTokens]
    int64_t head;
    int64_t rowCount;
    int64_t tokenStart;  // a multiple of blockTokens
    int64_t tokenEnd;
};

/** Several partial results of `rowCount` rows, to be joined. */
struct MergeJob {
    int64_t headSize;
    int64_t partCount;
    const float * const * outputs;  // per part, of one row
    const float * const * states;
    float * target;
};

/** The code that depends on the instruction set; one table per translation unit. */
struct Isa {
    const char * name;
    void (*attend)(const AttendJob &);
    void (*merge)(const MergeJob &);
    /** Stores one head's key and value of one token as token `index` of a block. */
    void (*store)(const LayerShape &, const float * key, const float * value, uint8_t * keys,
                  uint8_t * values, int64_t index);
    /** Multiply-adds at the register file's speed: the peak that figures are compared with. */
    float (*probe)(int64_t rounds);
    int64_t probeFlop;  // per round
};

}  // namespace loci
