// Attention of an item's query rows over a walk of cached tokens, through the matrix units. A block of
// threads does one item for one kv head: scores = Q·K in f32, an online softmax, outputs += P·V.
//
// A thread's part of a 16 x 8 result of the matrix instruction is the rows lane / 4 and lane / 4 + 8, columns
// 2 · (lane % 4) and the next: [row][row][row + 8][row + 8]. Four neighbouring lanes share a row.
#pragma once

#include "tile-loader.h"

namespace loci {

constexpr float maximumStart = -1e30f;  // below every score, yet finite
constexpr float logE2 = 1.442695041f;
constexpr float halfLargest = 65504.0f;

/** What the rows of an item see: every row sees positions up to `lowest`, none beyond `highest`. */
struct RowRange {
    int rows, lowest, highest;
};

/** Where a row's result goes: an element of the results, or -1 - slot row. */
typedef int64_t RowTarget;

LOCI_INLINE float clampHalf(float value) { return fminf(fmaxf(value, -halfLargest), halfLargest); }

/** Finds the item's rows, writes their positions and targets, and their queries as f16. */
template <typename Shape>
LOCI_INLINE bool openRows(const Parameters & parameters, const PlanView & plan, const ItemView & item,
                          int head, RowRange & range) {
    uint8_t * const shared = sharedMemory();
    int * const positions = (int *)(shared + Shape::positionsAt);
    RowTarget * const targets = (RowTarget *)(shared + Shape::rowTargetsAt);
    range = {0, INT32_MAX, 0};
    for (int s = 0; s < item.segmentCount; s++) {
        TileView tile;
        int slot;
        if (!plan.segment(item.segment + s, tile, slot)) return false;
        if (range.rows + tile.rows > Shape::rowsMax) return false;
        const int first = plan.position(tile, 0), last = plan.position(tile, tile.rows - 1);
        range.lowest = first < range.lowest ? first : range.lowest;
        range.highest = last > range.highest ? last : range.highest;
        for (int row = threadIndex(); row < tile.rows; row += Shape::threads) {
            const int token = plan.token(tile, row);
            positions[range.rows + row] = plan.position(tile, row);
            targets[range.rows + row] =
                slot != -1 ? -1 - (head * parameters.slotRows + slot + row)
                           : token * parameters.resultTokenStride +
                                 int64_t(plan.queryHead(tile, row, head)) * Shape::headSize;
        }
        constexpr int pairs = Shape::headSize / 2;
        for (int at = threadIndex(); at < tile.rows * pairs; at += Shape::threads) {
            const int row = at / pairs, dim = at % pairs * 2;
            const float * const query = parameters.queries +
                                        plan.token(tile, row) * parameters.queryTokenStride +
                                        plan.queryHead(tile, row, head) * parameters.queryHeadStride + dim;
            uint8_t * const target = shared + Shape::queriesAt + (range.rows + row) * Shape::rowBytes;
            *(uint32_t *)(target + dim * 2) = packHalves(clampHalf(query[0]), clampHalf(query[1]));
        }
        range.rows += tile.rows;
    }
    const int blank = (Shape::rowsMax - range.rows) * (Shape::rowBytes / 4);
    uint32_t * const rest = (uint32_t *)(shared + Shape::queriesAt + range.rows * Shape::rowBytes);
    for (int at = threadIndex(); at < blank; at += Shape::threads) rest[at] = 0;
    for (int row = range.rows + threadIndex(); row < Shape::rowsMax; row += Shape::threads) {
        positions[row] = -1;
    }
    return true;
}

/** One warp's rows: their outputs, maxima and weight sums, in registers. */
template <typename Shape>
class WarpRows {
public:
    static constexpr int rowBlocks = Shape::rowBlocks;
    static constexpr int tokenBlocks = Shape::warpTokens / 8, dimBlocks = Shape::headSize / 8;

    float outputs[rowBlocks][dimBlocks][4];
    float maxima[rowBlocks][2], sums[rowBlocks][2];
    float scores[rowBlocks][tokenBlocks][4];
    int rowStart, tokenStart;

    LOCI_INLINE WarpRows() {
        const int warp = threadIndex() / warpLanes;
        rowStart = Shape::narrow ? 0 : warp * rowBlocks * 16;
        tokenStart = Shape::narrow ? warp * int(unitTokens) : 0;
        LOCI_UNROLL
        for (int block = 0; block < rowBlocks; block++) {
            LOCI_UNROLL
            for (int half = 0; half < 2; half++) {
                maxima[block][half] = maximumStart;
                sums[block][half] = 0;
            }
            LOCI_UNROLL
            for (int dim = 0; dim < dimBlocks; dim++) {
                LOCI_UNROLL
                for (int i = 0; i < 4; i++) outputs[block][dim][i] = 0;
            }
        }
    }

    LOCI_INLINE int row(int block, int half) const {
        return rowStart + block * 16 + half * 8 + threadIndex() % warpLanes / 4;
    }

    /** scores = Q·K */
    LOCI_INLINE void multiplyKeys(const uint8_t * keys) {
        const int lane = threadIndex() % warpLanes;
        const uint8_t * const queries = sharedMemory() + Shape::queriesAt +
                                        (rowStart + lane % 16) * Shape::rowBytes + lane / 16 * 16;
        const uint8_t * const from = keys + (tokenStart + lane / 16 * 8 + lane % 8) * Shape::rowBytes +
                                     lane / 8 % 2 * 16;
        LOCI_UNROLL
        for (int block = 0; block < rowBlocks; block++) {
            LOCI_UNROLL
            for (int token = 0; token < tokenBlocks; token++) {
                LOCI_UNROLL
                for (int i = 0; i < 4; i++) scores[block][token][i] = 0;
            }
        }
        LOCI_UNROLL
        for (int dim = 0; dim < Shape::headSize; dim += 16) {
            uint32_t query[rowBlocks][4];
            LOCI_UNROLL
            for (int block = 0; block < rowBlocks; block++) {
                loadMatrix4(query[block], queries + block * 16 * Shape::rowBytes + dim * 2);
            }
            LOCI_UNROLL
            for (int token = 0; token < tokenBlocks; token += 2) {
                uint32_t key[4];
                loadMatrix4(key, from + token * 8 * Shape::rowBytes + dim * 2);
                LOCI_UNROLL
                for (int block = 0; block < rowBlocks; block++) {
                    multiplyAdd(scores[block][token], query[block], key[0], key[1]);
                    multiplyAdd(scores[block][token + 1], query[block], key[2], key[3]);
                }
            }
        }
    }

    /** outputs += weights · V, the weights rounded to f16. */
    LOCI_INLINE void multiplyValues(const uint8_t * values) {
        const int lane = threadIndex() % warpLanes;
        const uint8_t * const from =
            values + (tokenStart + lane % 16) * Shape::rowBytes + lane / 16 * 16;
        LOCI_UNROLL
        for (int token = 0; token < tokenBlocks; token += 2) {
            uint32_t weights[rowBlocks][4];
            LOCI_UNROLL
            for (int block = 0; block < rowBlocks; block++) {
                LOCI_UNROLL
                for (int i = 0; i < 4; i++) {
                    const float * const pair = scores[block][token + i / 2] + i % 2 * 2;
                    weights[block][i] = packHalves(pair[0], pair[1]);
                }
            }
            LOCI_UNROLL
            for (int dim = 0; dim < dimBlocks; dim += 2) {
                uint32_t value[4];
                loadMatrix4Transposed(value, from + token * 8 * Shape::rowBytes + dim * 16);
                LOCI_UNROLL
                for (int block = 0; block < rowBlocks; block++) {
                    multiplyAdd(outputs[block][dim], weights[block], value[0], value[1]);
                    multiplyAdd(outputs[block][dim + 1], weights[block], value[2], value[3]);
                }
            }
        }
    }

    LOCI_INLINE void capScores(float factor, float cap) {
        LOCI_UNROLL
        for (int block = 0; block < rowBlocks; block++) {
            LOCI_UNROLL
            for (int token = 0; token < tokenBlocks; token++) {
                LOCI_UNROLL
                for (int i = 0; i < 4; i++) {
                    // tanh(x) = 1 - 2 / (e^2x + 1)
                    const float power = exp2Fast(scores[block][token][i] * factor * (2 * logE2));
                    scores[block][token][i] = cap * (1.0f - 2.0f / (power + 1.0f));
                }
            }
        }
    }

    /** Hides the tokens of a tile that a row does not see; `token` is the tile's first position. */
    LOCI_INLINE void maskScores(int token, int tokenEnd, int window) {
        const int * const positions = (const int *)(sharedMemory() + Shape::positionsAt);
        const int first = token + tokenStart + threadIndex() % 4 * 2;
        LOCI_UNROLL
        for (int block = 0; block < rowBlocks; block++) {
            LOCI_UNROLL
            for (int i = 0; i < 4; i++) {
                const int position = positions[row(block, i / 2)];
                const int high = position < tokenEnd ? position + 1 : tokenEnd;
                const int low = window > 0 ? position + 1 - window : 0;
                LOCI_UNROLL
                for (int column = 0; column < tokenBlocks; column++) {
                    const int at = first + column * 8 + i % 2;
                    if (at < low || at >= high) scores[block][column][i] = -INFINITY;
                }
            }
        }
    }

    /** Turns scores into weights 2^(score · factor - maximum), and moves maxima up where needed. */
    LOCI_INLINE void weighScores(float factor) {
        LOCI_UNROLL
        for (int block = 0; block < rowBlocks; block++) {
            LOCI_UNROLL
            for (int half = 0; half < 2; half++) {
                float top = -INFINITY;
                LOCI_UNROLL
                for (int token = 0; token < tokenBlocks; token++) {
                    const float * const pair = scores[block][token] + half * 2;
                    top = fmaxf(top, fmaxf(pair[0], pair[1]));
                }
                top = fmaxf(top, shuffleXor(top, 1));
                top = fmaxf(top, shuffleXor(top, 2));
                const float maximum = fmaxf(maxima[block][half], top * factor);
                const float correction = exp2Fast(maxima[block][half] - maximum);
                maxima[block][half] = maximum;
                sums[block][half] *= correction;
                LOCI_UNROLL
                for (int token = 0; token < tokenBlocks; token++) {
                    float * const pair = scores[block][token] + half * 2;
                    pair[0] = exp2Fast(fmaf(pair[0], factor, -maximum));
                    pair[1] = exp2Fast(fmaf(pair[1], factor, -maximum));
                    sums[block][half] += pair[0] + pair[1];
                }
                LOCI_UNROLL
                for (int dim = 0; dim < dimBlocks; dim++) {
                    outputs[block][dim][half * 2] *= correction;
                    outputs[block][dim][half * 2 + 1] *= correction;
                }
            }
        }
    }

    /** Adds up what the four lanes of a row have seen. */
    LOCI_INLINE void closeSums() {
        LOCI_UNROLL
        for (int block = 0; block < rowBlocks; block++) {
            LOCI_UNROLL
            for (int half = 0; half < 2; half++) {
                sums[block][half] += shuffleXor(sums[block][half], 1);
                sums[block][half] += shuffleXor(sums[block][half], 2);
            }
        }
    }
};

}  // namespace loci
