// Joins the parts of tiles whose walks were cut: each is weighted by 2^(its maximum - the largest). One
// block of threads for each tile of the work list (x) and kv head (y); a warp takes a row at a time.
#pragma once

#include "plan-view.h"

namespace loci {

constexpr int joinThreads = 128;

struct PartState {
    float maximum, sum;
};

LOCI_INLINE PartState partState(const Parameters & parameters, int64_t slotRow) {
    return {parameters.states[slotRow * 2], parameters.states[slotRow * 2 + 1]};
}

LOCI_INLINE void joinRow(const Parameters & parameters, const PlanView & plan, const TileView & tile,
                         int row, int headSize) {
    const int head = blockY();
    const int64_t rowsBefore = head * parameters.slotRows + row;
    float maximum = -1e30f, sum = 0;
    for (int part = 0; part < tile.slotCount; part++) {
        maximum = fmaxf(maximum, partState(parameters, rowsBefore + plan.slot(tile, part)).maximum);
    }
    for (int part = 0; part < tile.slotCount; part++) {
        const PartState state = partState(parameters, rowsBefore + plan.slot(tile, part));
        sum += state.sum * exp2Fast(state.maximum - maximum);
    }
    const float last = sum > 0 ? 1.0f / sum : 0.0f;
    float * const result = parameters.results +
                           plan.token(tile, row) * parameters.resultTokenStride +
                           int64_t(plan.queryHead(tile, row, head)) * headSize;
    for (int dim = threadIndex() % warpLanes; dim < headSize; dim += warpLanes) {
        float output = 0;
        for (int part = 0; part < tile.slotCount; part++) {
            const int64_t slotRow = rowsBefore + plan.slot(tile, part);
            output += parameters.partials[slotRow * headSize + dim] *
                      exp2Fast(partState(parameters, slotRow).maximum - maximum);
        }
        result[dim] = output * last;
    }
}

LOCI_INLINE void joinTile(const Parameters & parameters, int headSize) {
    PlanView plan;
    TileView tile;
    if (!plan.open(parameters)) return report(parameters, Failure::plan);
    if (!plan.tile(parameters.work[blockX()], tile)) return report(parameters, Failure::tile);
    for (int part = 0; part < tile.slotCount; part++) {
        if (plan.slot(tile, part) < 0) return report(parameters, Failure::tile);
    }
    for (int row = threadIndex() / warpLanes; row < tile.rows; row += joinThreads / warpLanes) {
        joinRow(parameters, plan, tile, row, headSize);
    }
}

}  // namespace loci
