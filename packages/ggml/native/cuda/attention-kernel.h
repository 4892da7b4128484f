// The attention kernel: one block of threads for each item of the work list (x) and kv head (y).
#pragma once

#include "attend.h"

namespace loci {

/** Walks the item's tiles. Keys and values of the next tile arrive while this one is computed. */
template <typename Shape>
LOCI_INLINE void walkTiles(const Parameters & parameters, const Walk & walk, int head,
                           const RowRange & range, WarpRows<Shape> & rows) {
    TileLoader<Shape> loader(parameters, walk, head);
    const int window = int(parameters.slidingWindow);
    const float scale = float(parameters.scale), cap = float(parameters.softCap);
    const bool busy = rows.rowStart < range.rows;
    const int tiles = (walk.tokenEnd - walk.tokenStart + Shape::tileTokens - 1) / Shape::tileTokens;
    loader.fetchIds(0);
    loader.fetchIds(1);
    commitCopies();
    waitCopies<0>();
    syncBlock();
    loader.fetchKeys(0);
    commitCopies();
    loader.fetchValues(0);
    commitCopies();
    for (int index = 0; index < tiles; index++) {
        const int token = loader.tokenOf(index);
        waitCopies<1>();
        syncBlock();
        loader.fetchIds(index + 2);
        if (index + 1 < tiles) loader.fetchKeys(index + 1);
        commitCopies();
        const uint8_t * const keys = loader.keys(index);
        if (busy) {
            rows.multiplyKeys(keys);
            if (cap > 0) rows.capScores(scale / cap, cap);
            if (token + Shape::tileTokens > walk.tokenEnd ||
                token + Shape::tileTokens - 1 > range.lowest ||
                (window > 0 && token < range.highest + 1 - window)) {
                rows.maskScores(token, walk.tokenEnd, window);
            }
            rows.weighScores((cap > 0 ? 1.0f : scale) * logE2);
        }
        waitCopies<1>();
        syncBlock();
        if (index + 1 < tiles) loader.fetchValues(index + 1);
        commitCopies();
        const uint8_t * const values = loader.values(index);
        if (busy) rows.multiplyValues(values);
    }
    waitCopies<0>();
    rows.closeSums();
}

/** Writes two neighbouring dims of a row: final ones, or undivided ones of a part. */
LOCI_INLINE void writePair(const Parameters & parameters, int headSize, RowTarget target, int dim,
                           float first, float second) {
    float * const row = target >= 0 ? parameters.results + target
                                    : parameters.partials + (-1 - target) * headSize;
    row[dim] = first;
    row[dim + 1] = second;
}

LOCI_INLINE void writeState(const Parameters & parameters, RowTarget target, float maximum, float sum) {
    if (target >= 0) return;
    float * const state = parameters.states + (-1 - target) * 2;
    state[0] = maximum;
    state[1] = sum;
}

/** What a row's outputs are multiplied by: divided by the weight sum, unless parts are to be joined. */
LOCI_INLINE float finalFactor(RowTarget target, float sum) {
    if (target < 0) return 1.0f;
    return sum > 0 ? 1.0f / sum : 0.0f;
}

/** Wide kernels: every warp writes its own rows. */
template <typename Shape>
LOCI_INLINE void writeRows(const Parameters & parameters, const RowRange & range,
                           const WarpRows<Shape> & rows) {
    const RowTarget * const targets = (const RowTarget *)(sharedMemory() + Shape::rowTargetsAt);
    const int column = threadIndex() % 4 * 2;
    LOCI_UNROLL
    for (int block = 0; block < Shape::rowBlocks; block++) {
        LOCI_UNROLL
        for (int half = 0; half < 2; half++) {
            const int row = rows.row(block, half);
            if (row >= range.rows) continue;
            const float sum = rows.sums[block][half], factor = finalFactor(targets[row], sum);
            LOCI_UNROLL
            for (int dim = 0; dim < Shape::headSize / 8; dim++) {
                const float * const pair = rows.outputs[block][dim] + half * 2;
                writePair(parameters, Shape::headSize, targets[row], dim * 8 + column,
                          pair[0] * factor, pair[1] * factor);
            }
            if (column == 0) writeState(parameters, targets[row], rows.maxima[block][half], sum);
        }
    }
}

/** Narrow kernels: the warps saw different tokens of the same rows; joins them through shared memory. */
template <typename Shape>
LOCI_INLINE void joinWarps(const Parameters & parameters, const RowRange & range,
                           const WarpRows<Shape> & rows) {
    const RowTarget * const targets = (const RowTarget *)(sharedMemory() + Shape::rowTargetsAt);
    float * const states = (float *)(sharedMemory() + Shape::warpStatesAt);
    float * const joined = (float *)(sharedMemory() + Shape::joinedAt);
    const int warp = threadIndex() / warpLanes, column = threadIndex() % 4 * 2;
    syncBlock();  // the tiles are read no more
    LOCI_UNROLL
    for (int half = 0; half < 2; half++) {
        const int row = rows.row(0, half);
        if (column == 0) {
            states[(warp * 16 + row) * 2] = rows.maxima[0][half];
            states[(warp * 16 + row) * 2 + 1] = rows.sums[0][half];
        }
        LOCI_UNROLL
        for (int dim = 0; dim < Shape::headSize / 8; dim++) {
            float * const target = joined + (warp * 16 + row) * Shape::headSize + dim * 8 + column;
            target[0] = rows.outputs[0][dim][half * 2];
            target[1] = rows.outputs[0][dim][half * 2 + 1];
        }
    }
    syncBlock();
    constexpr int pairs = Shape::headSize / 2;
    for (int at = threadIndex(); at < range.rows * pairs; at += Shape::threads) {
        const int row = at / pairs, dim = at % pairs * 2;
        float maximum = maximumStart, sum = 0, first = 0, second = 0;
        LOCI_UNROLL
        for (int w = 0; w < Shape::warps; w++) {
            maximum = fmaxf(maximum, states[(w * 16 + row) * 2]);
        }
        LOCI_UNROLL
        for (int w = 0; w < Shape::warps; w++) {
            const float factor = exp2Fast(states[(w * 16 + row) * 2] - maximum);
            const float * const part = joined + (w * 16 + row) * Shape::headSize + dim;
            sum += states[(w * 16 + row) * 2 + 1] * factor;
            first += part[0] * factor;
            second += part[1] * factor;
        }
        const float factor = finalFactor(targets[row], sum);
        writePair(parameters, Shape::headSize, targets[row], dim, first * factor, second * factor);
        if (dim == 0) writeState(parameters, targets[row], maximum, sum);
    }
}

template <typename Shape>
LOCI_INLINE void attendItem(const Parameters & parameters) {
    PlanView plan;
    ItemView item;
    RowRange range;
    const int head = blockY();
    if (!plan.open(parameters)) return report(parameters, Failure::plan);
    if (!plan.item(parameters.work[blockX()], item)) return report(parameters, Failure::item);
    if (!openRows<Shape>(parameters, plan, item, head, range)) return report(parameters, Failure::tile);
    syncBlock();
    const int blockTokens = int(parameters.blockTokens), window = int(parameters.slidingWindow);
    Walk walk = {plan.table(item), item.blockEnd, item.blockStart * blockTokens,
                 item.blockEnd * blockTokens};
    if (walk.tokenEnd > range.highest + 1) walk.tokenEnd = range.highest + 1;
    const int low = window > 0 ? (range.lowest + 1 - window) & -int(unitTokens) : 0;
    if (low > walk.tokenStart) walk.tokenStart = low;
    WarpRows<Shape> rows;
    walkTiles<Shape>(parameters, walk, head, range, rows);
    if constexpr (Shape::narrow) {
        joinWarps<Shape>(parameters, range, rows);
    } else {
        writeRows<Shape>(parameters, range, rows);
    }
}

}  // namespace loci
