// The attention plan of a step, as TypeScript writes it into one int32 tensor
// (src/kernel/attention-plan.ts has the same picture and must change with this file).
//
// header   16 ints, see Header
// tokens   pool row (block · blockTokens + index) of every token of the step
// tiles    6 ints each: query rows of one slice that end up together
//          [first token of the slice in the batch, position of that token, first row, rows,
//           offset of its partial slots, partial slots]        row = token · group + query head
// items    6 ints each: one walk over blocks, for the rows of one or several tiles
//          [first segment, segments, offset of the block table, first block, end block, 0]
// segments 2 ints each: [tile, slot of the tile's first row, or -1 when the item's result is final]
// slots    per tile: the slots its partial results start at, in the order of their blocks
// tables   block ids
// gates    gates of restores that every layer waits for before it writes (gates.h)
//
// The same plan serves every layer and every kv head. Nothing in it is trusted: each part is
// checked by the thread that uses it, before it is used.
#pragma once

#include <cstdint>

#include "kv-format.h"

namespace loci {

constexpr int32_t planMagic = 0x4c4f4331;  // "LOC1"
constexpr int64_t headerInts = 16, tileInts = 6, itemInts = 6, segmentInts = 2;

struct PlanTile {
    int64_t token, position, row, rows, slots, slotCount;
};

struct PlanItem {
    int64_t segment, segmentCount, table, blockStart, blockEnd;
};

class Plan {
public:
    int64_t tokens = 0, blockTokens = 0, group = 0, tiles = 0, items = 0, slotRows = 0, gates = 0;

    /** False when the header does not fit `capacity` ints or itself. */
    bool open(const int32_t * source, int64_t capacity) {
        ints = source;
        if (capacity < headerInts || ints[0] != planMagic) return false;
        size = ints[1];
        if (size < headerInts || size > capacity) return false;
        tokens = ints[2];
        blockTokens = ints[3];
        group = ints[4];
        tiles = ints[5];
        items = ints[6];
        segments = ints[7];
        slotRows = ints[8];
        tokensAt = ints[9];
        tilesAt = ints[10];
        itemsAt = ints[11];
        segmentsAt = ints[12];
        gates = ints[13];
        gatesAt = ints[14];
        return blockTokens > 0 && blockTokens % unitTokens == 0 && group > 0 && slotRows >= 0 &&
               holds(tokensAt, tokens, 1) && holds(tilesAt, tiles, tileInts) &&
               holds(itemsAt, items, itemInts) && holds(segmentsAt, segments, segmentInts) &&
               (gates == 0 || holds(gatesAt, gates, 1));
    }

    int32_t gate(int64_t index) const { return ints[gatesAt + index]; }

    int64_t poolRow(int64_t token) const { return ints[tokensAt + token]; }

    bool tile(int64_t index, PlanTile & tile) const {
        if (index < 0 || index >= tiles) return false;
        const int32_t * at = ints + tilesAt + index * tileInts;
        tile = {at[0], at[1], at[2], at[3], at[4], at[5]};
        if (tile.token < 0 || tile.position < 0 || tile.row < 0) return false;
        if (tile.rows < 1 || tile.rows > tileRowsMax) return false;
        if (tile.token + (tile.row + tile.rows - 1) / group >= tokens) return false;
        return tile.slotCount == 0 || (tile.slotCount > 1 && holds(tile.slots, tile.slotCount, 1));
    }

    /** Row number in the workspace where a partial result of `tile` starts; -1 when corrupt. */
    int64_t slot(const PlanTile & tile, int64_t index) const {
        return slotInRange(ints[tile.slots + index], tile) ? ints[tile.slots + index] : -1;
    }

    bool slotInRange(int64_t slot, const PlanTile & tile) const {
        return slot >= 0 && slot + tile.rows <= slotRows;
    }

    bool item(int64_t index, PlanItem & item) const {
        const int32_t * at = ints + itemsAt + index * itemInts;
        item = {at[0], at[1], at[2], at[3], at[4]};
        if (item.segment < 0 || item.segmentCount < 1) return false;
        if (item.segment + item.segmentCount > segments) return false;
        if (item.blockStart < 0 || item.blockStart >= item.blockEnd) return false;
        return holds(item.table + item.blockStart, item.blockEnd - item.blockStart, 1) &&
               item.table >= 0;
    }

    void segment(int64_t index, int64_t & tile, int64_t & slot) const {
        const int32_t * at = ints + segmentsAt + index * segmentInts;
        tile = at[0];
        slot = at[1];
    }

    const int32_t * table(const PlanItem & item) const { return ints + item.table; }

private:
    const int32_t * ints = nullptr;
    int64_t size = 0, segments = 0, tokensAt = 0, tilesAt = 0, itemsAt = 0, segmentsAt = 0,
            gatesAt = 0;

    bool holds(int64_t offset, int64_t count, int64_t width) const {
        return offset >= headerInts && count >= 0 && offset + count * width <= size;
    }
};

}  // namespace loci
