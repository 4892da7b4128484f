// A step of attention for the check: a shape, ragged slices over scattered blocks, their plan as
// src/kernel/attention-plan.ts would write it (without shared walks), and its launches.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "../kernel-list.h"
#include "../tile-shape-host.h"
#include "driver.h"

namespace loci::check {

struct Shape {
    int headSize, kvHeads, group, blockTokens, blocks;
    std::string type;  // f16 or q8_0
    int window = 0;
    double softCap = 0;

    int queryHeads() const { return kvHeads * group; }
    double scale() const { return 1.0 / std::sqrt(double(headSize)); }
    int64_t partBytes() const {
        const int64_t elements = int64_t(headSize) * blockTokens;
        const int64_t scales = (headSize + 31) / 32 * blockTokens * 2;
        return ((type == "f16" ? elements * 2 : elements + scales) + 63) / 64 * 64;
    }
    int64_t blockBytes() const { return 2 * partBytes() * kvHeads; }
};

/** Query tokens `position` .. `position + tokens` of a sequence. */
struct Slice {
    int tokens, position;
    const std::vector<int32_t> * table;
};

struct PlanLimits {
    int rowsPerTile;
    /** A walk longer than this is cut into parts of about as many tokens. */
    int walkTokens;
};

class StepPlan {
public:
    std::vector<int32_t> ints;
    /** Items by the rows that their kernel takes: 16, 64, 128. */
    std::vector<int32_t> items[3];
    std::vector<int32_t> partialTiles;
    int tokens = 0, slotRows = 0;

    StepPlan(const Shape & shape, const std::vector<Slice> & slices, PlanLimits limits) : shape(shape) {
        std::vector<int32_t> rows, tables;
        for (const Slice & slice : slices) {
            addSlice(slice, int(tables.size()), limits);
            const int end = (slice.position + slice.tokens - 1) / shape.blockTokens + 1;
            tables.insert(tables.end(), slice.table->begin(), slice.table->begin() + end);
            for (int i = 0; i < slice.tokens; i++) {
                const int position = slice.position + i;
                rows.push_back((*slice.table)[size_t(position / shape.blockTokens)] * shape.blockTokens +
                               position % shape.blockTokens);
            }
            tokens += slice.tokens;
        }
        write(rows, tables);
    }

private:
    const Shape & shape;
    std::vector<int32_t> tileInts, itemInts, segmentInts, slots;

    void addSlice(const Slice & slice, int tableAt, PlanLimits limits) {
        const int rows = slice.tokens * shape.group;
        const int count = (rows + limits.rowsPerTile - 1) / limits.rowsPerTile;
        for (int i = 0; i < count; i++) {
            const int start = int(int64_t(rows) * i / count), end = int(int64_t(rows) * (i + 1) / count);
            const int last = slice.position + (end - 1) / shape.group;
            addTile(slice, {start, end - start, last / shape.blockTokens + 1, tableAt}, limits);
        }
    }

    struct TilePlace {
        int row, rows, blockEnd, tableAt;
    };

    void addTile(const Slice & slice, TilePlace place, PlanLimits limits) {
        const int tile = int(tileInts.size()) / 6;
        const int parts =
            std::max(1, std::min(place.blockEnd, place.blockEnd * shape.blockTokens / limits.walkTokens));
        const int slotsAt = parts > 1 ? int(slots.size()) : 0;
        if (parts > 1) partialTiles.push_back(tile);
        tileInts.insert(tileInts.end(), {tokens, slice.position, place.row, place.rows, slotsAt,
                                         parts > 1 ? parts : 0});
        for (int part = 0; part < parts; part++) {
            items[place.rows <= 16 ? 0 : place.rows <= 64 ? 1 : 2].push_back(int(itemInts.size()) / 6);
            const int start = place.blockEnd * part / parts, end = place.blockEnd * (part + 1) / parts;
            itemInts.insert(itemInts.end(), {int(segmentInts.size()) / 2, 1, place.tableAt, start, end, 0});
            segmentInts.insert(segmentInts.end(), {tile, parts > 1 ? slotRows : -1});
            if (parts > 1) {
                slots.push_back(slotRows);
                slotRows += place.rows;
            }
        }
    }

    void write(const std::vector<int32_t> & rows, const std::vector<int32_t> & tables) {
        const int tilesAt = 16 + int(rows.size()), itemsAt = tilesAt + int(tileInts.size());
        const int segmentsAt = itemsAt + int(itemInts.size());
        const int slotsAt = segmentsAt + int(segmentInts.size());
        const int tablesAt = slotsAt + int(slots.size());
        for (size_t at = 0; at < tileInts.size(); at += 6) tileInts[at + 4] += slotsAt;
        for (size_t at = 0; at < itemInts.size(); at += 6) itemInts[at + 2] += tablesAt;
        ints = {0x4c4f4331, tablesAt + int(tables.size()), tokens, shape.blockTokens, shape.group,
                int(tileInts.size()) / 6, int(itemInts.size()) / 6, int(segmentInts.size()) / 2,
                slotRows, 16, tilesAt, itemsAt, segmentsAt, 0, 0, 0};
        const auto append = [&](const std::vector<int32_t> & part) {
            ints.insert(ints.end(), part.begin(), part.end());
        };
        for (const auto & part : {rows, tileInts, itemInts, segmentInts, slots, tables}) append(part);
    }
};

/** A plan on the device, with its tensors, ready to be launched again and again. */
class Step {
public:
    DeviceArray<float> results;

    Step(Driver & driver, const Shape & shape, const StepPlan & plan, uint8_t * pool)
        : results(driver, size_t(plan.tokens) * shape.queryHeads() * shape.headSize), driver(driver),
          shape(shape), plan(plan), ints(driver, plan.ints), failure(driver, std::vector<int32_t>{0}),
          partials(driver, size_t(std::max(1, plan.slotRows)) * shape.kvHeads * shape.headSize),
          states(driver, size_t(std::max(1, plan.slotRows)) * shape.kvHeads * 2) {
        parameters.layer = pool;
        parameters.blockStride = shape.blockBytes();
        parameters.headStride = 2 * shape.partBytes();
        parameters.valueOffset = shape.partBytes();
        parameters.blockCount = shape.blocks;
        parameters.blockTokens = shape.blockTokens;
        parameters.kvHeads = shape.kvHeads;
        parameters.group = shape.group;
        parameters.slidingWindow = shape.window;
        parameters.scale = shape.scale();
        parameters.softCap = shape.softCap;
        parameters.plan = ints.get();
        parameters.planInts = int64_t(plan.ints.size());
        parameters.slotRows = plan.slotRows;
        parameters.queryTokenStride = parameters.resultTokenStride = shape.queryHeads() * shape.headSize;
        parameters.queryHeadStride = parameters.keyHeadStride = parameters.valueHeadStride = shape.headSize;
        parameters.keyTokenStride = parameters.valueTokenStride = shape.kvHeads * shape.headSize;
        parameters.results = results.get();
        parameters.partials = partials.get();
        parameters.states = states.get();
        parameters.failure = failure.get();
        for (int kind = 0; kind < 3; kind++) addWork(work[kind], plan.items[kind]);
        addWork(work[3], plan.partialTiles);
        driver.fill(results.get(), 0x7fc00000u, results.size());
    }

    void store(const float * keys, const float * values) {
        Parameters stored = parameters;
        stored.keys = keys;
        stored.values = values;
        const int warps = plan.tokens * shape.kvHeads;
        run("loci_store_" + std::to_string(shape.headSize) + "_" + shape.type, (warps + 3) / 4, 1, 128, 0,
            stored);
    }

    void attend(const float * queries) {
        Parameters attended = parameters;
        attended.queries = queries;
        const std::string size = std::to_string(shape.headSize);
        for (int kind = 2; kind >= 0; kind--) {
            if (plan.items[kind].empty()) continue;
            const int rows = kind == 0 ? 16 : kind * 64;
            const KernelSize kernel = kernelSize(shape.headSize, shape.type == "q8_0", rows);
            attended.work = work[kind]->get();
            run("loci_attend_" + size + "_" + shape.type + "_" + std::to_string(rows),
                int(plan.items[kind].size()), shape.kvHeads, kernel.threads, kernel.sharedBytes, attended);
        }
        if (plan.partialTiles.empty()) return;
        attended.work = work[3]->get();
        run("loci_join_" + size, int(plan.partialTiles.size()), shape.kvHeads, 128, 0, attended);
    }

    int failed() const { return failure.read()[0]; }

private:
    Driver & driver;
    const Shape & shape;
    const StepPlan & plan;
    DeviceArray<int32_t> ints, failure;
    DeviceArray<float> partials, states;
    std::unique_ptr<DeviceArray<int32_t>> work[4];
    Parameters parameters{};

    void addWork(std::unique_ptr<DeviceArray<int32_t>> & target, const std::vector<int32_t> & list) {
        if (!list.empty()) target = std::make_unique<DeviceArray<int32_t>>(driver, list);
    }
    void run(const std::string & kernel, int width, int height, int threads, int sharedBytes,
             const Parameters & with) {
        driver.launch(driver.function(kernel, sharedBytes), unsigned(width), unsigned(height),
                      unsigned(threads), unsigned(sharedBytes), with);
    }
};

}  // namespace loci::check
