// The two ggml custom operators: write keys and values, then attend. ggml calls each on all of
// its threads; work is handed out one item at a time by an atomic counter, so a slow thread takes
// less of it. Whoever finishes the last part of a tile joins the parts; whoever leaves last winds
// the counters back. No exception, allocation or lock anywhere.

#include <cstring>

#include "exports.h"
#include "gates.h"
#include "ggml-tensor.h"
#include "layer.h"
#include "plan.h"

namespace loci {
namespace {

/** A tensor of f32 [head size, heads, tokens] with any strides but the first. */
struct HeadsView {
    const char * data;
    size_t headStride, tokenStride;

    const float * at(int64_t token, int64_t head) const {
        return (const float *)(data + token * tokenStride + head * headStride);
    }
};

bool viewHeads(const GgmlTensor * tensor, const LayerShape & shape, int64_t heads, HeadsView & view) {
    if (tensor == nullptr || tensor->data == nullptr || tensor->type != ggmlTypeF32) return false;
    if (tensor->ne[0] != shape.headSize || tensor->ne[1] != heads || tensor->nb[0] != 4) return false;
    view = {(const char *)tensor->data, tensor->nb[1], tensor->nb[2]};
    return true;
}

bool openPlan(const GgmlTensor * meta, const LayerShape & shape, Plan & plan) {
    if (meta == nullptr || meta->data == nullptr || meta->type != ggmlTypeI32) return false;
    return plan.open((const int32_t *)meta->data, meta->ne[0]) &&
           plan.blockTokens == shape.blockTokens &&
           plan.group * shape.kvHeads == shape.queryHeads;
}

// Writing. A restore may still be filling blocks that this step reads, and the rest of a block that
// it writes to: every thread waits here until the layer has arrived, so that none waits elsewhere.

/** False when a gate does not exist. */
bool awaitRestores(const Plan & plan, const Layer & layer) {
    if (plan.gates > 0 && layer.gates == nullptr) return false;
    for (int64_t i = 0; i < plan.gates; i++) {
        const int32_t gate = plan.gate(i);
        if (gate < 0 || gate >= gatesMax) return false;
        awaitGate(layer.gates, gate, int32_t(layer.index));
    }
    return true;
}

const char * writeTokens(const GgmlTensor * dst, int64_t thread, int64_t threads,
                         const Layer & layer) {
    const LayerShape & shape = layer.shape;
    Plan plan;
    HeadsView keys, values;
    if (!openPlan(dst->src[2], shape, plan)) return "the plan does not fit the layer";
    if (!viewHeads(dst->src[0], shape, shape.kvHeads, keys) ||
        !viewHeads(dst->src[1], shape, shape.kvHeads, values)) {
        return "keys or values have the wrong shape";
    }
    if (plan.tokens > dst->src[0]->ne[2] || plan.tokens > dst->src[1]->ne[2]) {
        return "the plan has more tokens than the keys";
    }
    if (!awaitRestores(plan, layer)) return "a gate of the plan does not exist";
    const int64_t work = plan.tokens * shape.kvHeads;
    for (int64_t i = work * thread / threads; i < work * (thread + 1) / threads; i++) {
        const int64_t token = i / shape.kvHeads, head = i % shape.kvHeads;
        const int64_t row = plan.poolRow(token);
        if (row < 0 || row >= shape.blockCount * shape.blockTokens) {
            return "a token lies outside of the pool";
        }
        const int64_t block = row / shape.blockTokens;
        layer.isa->store(shape, keys.at(token, head), values.at(token, head),
                         shape.keys(block, head), shape.values(block, head),
                         row % shape.blockTokens);
    }
    return nullptr;
}

constexpr int64_t probeRounds = 200000;

// Attending.

class Attention {
public:
    Attention(GgmlTensor * dst, int64_t thread, const Layer & layer)
        : dst(dst), thread(thread), layer(layer), shape(layer.shape), space(*layer.workspace) {}

    const char * open() {
        if (!openPlan(dst->src[2], shape, plan)) return "the plan does not fit the layer";
        if (!viewHeads(dst->src[0], shape, shape.queryHeads, queries)) {
            return "queries have the wrong shape";
        }
        if (dst->type != ggmlTypeF32 || dst->ne[0] != shape.headSize * shape.queryHeads) {
            return "the result has the wrong shape";
        }
        if (plan.tokens > dst->ne[1] || plan.tokens > dst->src[0]->ne[2]) {
            return "the plan has more tokens than the queries";
        }
        if (plan.tiles > space.tiles || plan.slotRows > space.slotRows) {
            return "the plan is larger than the workspace";
        }
        float * const floats = space.scratch + thread * space.scratchStride;
        const int64_t headSize = shape.headSize;
        scratch.rows = space.rows + thread * tileRowsMax;
        scratch.queries = floats;
        scratch.outputs = scratch.queries + tileRowsMax * headSize;
        scratch.scores = scratch.outputs + tileRowsMax * headSize;
        scratch.keys = scratch.scores + tileRowsMax * tileTokens;
        scratch.values = scratch.keys + tileTokens * headSize;
        scratch.sums = scratch.values + tileTokens * headSize;
        scratch.maxima = scratch.sums + tileRowsMax * 16;
        return nullptr;
    }

    const char * run() {
        if (thread == 0) blankRest();
        const int64_t work = plan.items * shape.kvHeads;
        const char * failure = nullptr;
        while (failure == nullptr) {
            const int64_t index = space.next.fetch_add(1, std::memory_order_relaxed);
            if (index >= work) break;
            failure = runItem(index / shape.kvHeads, index % shape.kvHeads);
        }
        return failure;
    }

private:
    GgmlTensor * dst;
    int64_t thread;
    const Layer & layer;
    const LayerShape & shape;
    Workspace & space;
    Plan plan;
    HeadsView queries;
    Scratch scratch;

    void blankRest() {
        const size_t rest = size_t(dst->ne[1] - plan.tokens);
        std::memset((char *)dst->data + plan.tokens * dst->nb[1], 0, rest * dst->nb[1]);
    }

    const char * runItem(int64_t index, int64_t head) {
        PlanItem item;
        if (!plan.item(index, item)) return "an item of the plan is corrupt";
        for (int64_t block = item.blockStart; block < item.blockEnd; block++) {
            const int64_t id = plan.table(item)[block];
            if (id < 0 || id >= shape.blockCount) return "a block lies outside of the pool";
        }
        int64_t rows = 0;
        for (int64_t s = 0; s < item.segmentCount; s++) {
            if (!addRows(item.segment + s, head, rows)) return "a tile of the plan is corrupt";
        }
        layer.isa->attend({&shape, &scratch, plan.table(item), head, rows,
                           item.blockStart * shape.blockTokens, item.blockEnd * shape.blockTokens});
        for (int64_t s = 0; s < item.segmentCount; s++) {
            if (!finishPart(item.segment + s, head)) return "a tile of the plan is corrupt";
        }
        return nullptr;
    }

    bool addRows(int64_t segment, int64_t head, int64_t & rows) {
        int64_t tileIndex, slot;
        PlanTile tile;
        plan.segment(segment, tileIndex, slot);
        if (!plan.tile(tileIndex, tile) || rows + tile.rows > tileRowsMax) return false;
        const bool partial = slot != -1;
        if (partial != (tile.slotCount > 0)) return false;
        if (partial && !plan.slotInRange(slot, tile)) return false;
        for (int64_t i = 0; i < tile.rows; i++, rows++) {
            const int64_t token = (tile.row + i) / plan.group;
            Row & row = scratch.rows[rows];
            row.position = tile.position + token;
            row.query = queries.at(tile.token + token, queryHead(tile, i, head));
            row.output = partial ? partialRow(head, slot + i) : resultRow(tile, i, head);
            row.state = partial ? row.output + shape.headSize : nullptr;
        }
        return true;
    }

    int64_t queryHead(const PlanTile & tile, int64_t row, int64_t head) const {
        return head * plan.group + (tile.row + row) % plan.group;
    }

    float * resultRow(const PlanTile & tile, int64_t row, int64_t head) const {
        const int64_t token = tile.token + (tile.row + row) / plan.group;
        return (float *)((char *)dst->data + token * dst->nb[1]) +
               queryHead(tile, row, head) * shape.headSize;
    }

    float * partialRow(int64_t head, int64_t slot) const {
        return space.partials + (head * space.slotRows + slot) * (space.headSize + 2);
    }

    /** Counts a part of a tile as done; the last one joins them. */
    bool finishPart(int64_t segment, int64_t head) {
        int64_t tileIndex, slot;
        PlanTile tile;
        plan.segment(segment, tileIndex, slot);
        if (!plan.tile(tileIndex, tile)) return false;
        std::atomic<int32_t> & done = space.partsDone[head * space.tiles + tileIndex];
        const bool last = done.fetch_add(1, std::memory_order_acq_rel) + 1 == tile.slotCount;
        return !last || mergeTile(tile, head);
    }

    bool mergeTile(const PlanTile & tile, int64_t head) {
        if (tile.slotCount > mergePartsMax) return false;
        const float ** const outputs = space.mergeOutputs + thread * mergePartsMax;
        const float ** const states = space.mergeStates + thread * mergePartsMax;
        for (int64_t row = 0; row < tile.rows; row++) {
            for (int64_t part = 0; part < tile.slotCount; part++) {
                const int64_t slot = plan.slot(tile, part);
                if (slot < 0) return false;
                outputs[part] = partialRow(head, slot + row);
                states[part] = outputs[part] + shape.headSize;
            }
            layer.isa->merge({shape.headSize, tile.slotCount, outputs, states,
                              resultRow(tile, row, head)});
        }
        return true;
    }
};

/** True when every row of the result was computed; winds the tiles' counters back. */
bool takeComplete(const Plan & plan, const LayerShape & shape, Workspace & space) {
    bool complete = true;
    int64_t rows = 0;
    for (int64_t i = 0; i < plan.tiles; i++) {
        PlanTile tile;
        if (!plan.tile(i, tile)) return false;
        rows += tile.rows;
        const int64_t parts = tile.slotCount > 0 ? tile.slotCount : 1;
        for (int64_t head = 0; head < shape.kvHeads; head++) {
            std::atomic<int32_t> & done = space.partsDone[head * space.tiles + i];
            complete = done.exchange(0, std::memory_order_relaxed) == parts && complete;
        }
    }
    return complete && rows == plan.tokens * plan.group;
}

/** What the last thread to leave does: check, wind back and, after a failure, blank the result. */
void finish(GgmlTensor * dst, const Layer & layer) {
    Workspace & space = *layer.workspace;
    Plan plan;
    bool failed = space.failed.exchange(false);
    if (!failed && !(openPlan(dst->src[2], layer.shape, plan) &&
                     takeComplete(plan, layer.shape, space))) {
        reportFailure("the plan does not cover the queries");
        failed = true;
    }
    if (failed) {
        std::memset(dst->data, 0, size_t(dst->ne[1]) * dst->nb[1]);
        for (int64_t i = 0; i < space.kvHeads * space.tiles; i++) space.partsDone[i].store(0);
    }
    space.next.store(0);
    space.left.store(0, std::memory_order_release);
}

}  // namespace

/** Inputs: keys, values, plan. The result carries nothing: it orders attention after writing. */
LOCI_EXPORT void loci_kv_write(GgmlTensor * dst, int thread, int threads, void * userdata) {
    const char * failure = writeTokens(dst, thread, threads, *(const Layer *)userdata);
    if (failure != nullptr) reportFailure(failure);
}

/** Inputs: queries, the result of loci_kv_write, plan. Rows beyond the plan's tokens become 0. */
LOCI_EXPORT void loci_paged_attention(GgmlTensor * dst, int thread, int threads, void * userdata) {
    const Layer & layer = *(const Layer *)userdata;
    const char * failure = nullptr;
    if (thread < layer.workspace->threads) {  // others have no scratch: they only leave
        Attention attention(dst, thread, layer);
        failure = attention.open();
        if (failure == nullptr) failure = attention.run();
    }
    if (failure != nullptr) {
        reportFailure(failure);
        layer.workspace->failed.store(true);
    }
    const int32_t left = layer.workspace->left.fetch_add(1, std::memory_order_acq_rel) + 1;
    if (left == threads) finish(dst, layer);
}

/** Every thread does `loci_probe_flop` operations; for measuring the machine's peak. */
LOCI_EXPORT void loci_probe(GgmlTensor * dst, int thread, int, void * userdata) {
    const float sum = ((const Layer *)userdata)->isa->probe(probeRounds);
    if (thread == 0) *(float *)dst->data = sum;
}

LOCI_EXPORT double loci_probe_flop(const Layer * layer) {
    return double(probeRounds) * double(layer->isa->probeFlop);
}

}  // namespace loci
