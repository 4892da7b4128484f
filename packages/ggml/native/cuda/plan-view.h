// The plan (../plan.h) as the kernels read it. Nothing in it is trusted: what does not fit is reported and
// left out.
#pragma once

#include "../kv-format.h"
#include "machine.h"
#include "parameters.h"

namespace loci {

/** Where the plan's header has its fields; as in ../plan.h. */
constexpr int32_t planMagicNumber = 0x4c4f4331;
constexpr int planHeaderInts = 16, planTileInts = 6, planItemInts = 6, planSegmentInts = 2;

struct TileView {
    int token, position, row, rows, slots, slotCount;
};

struct ItemView {
    int segment, segmentCount, table, blockStart, blockEnd;
};

class PlanView {
public:
    int tokens, tiles, items;

    /** False when the header does not fit the parameters or itself. */
    LOCI_INLINE bool open(const Parameters & parameters) {
        ints = parameters.plan;
        if (parameters.planInts < planHeaderInts || ints[0] != planMagicNumber) return false;
        size = ints[1];
        tokens = ints[2];
        group = ints[4];
        tiles = ints[5];
        items = ints[6];
        segments = ints[7];
        slotRows = ints[8];
        tokensAt = ints[9];
        tilesAt = ints[10];
        itemsAt = ints[11];
        segmentsAt = ints[12];
        return size >= planHeaderInts && size <= parameters.planInts &&
               ints[3] == parameters.blockTokens && group == parameters.group && group > 0 &&
               slotRows >= 0 && slotRows <= parameters.slotRows && holds(tokensAt, tokens, 1) &&
               holds(tilesAt, tiles, planTileInts) && holds(itemsAt, items, planItemInts) &&
               holds(segmentsAt, segments, planSegmentInts);
    }

    LOCI_INLINE int64_t poolRow(int token) const { return ints[tokensAt + token]; }

    LOCI_INLINE bool tile(int index, TileView & tile) const {
        if (index < 0 || index >= tiles) return false;
        const int32_t * at = ints + tilesAt + index * planTileInts;
        tile = {at[0], at[1], at[2], at[3], at[4], at[5]};
        if (tile.token < 0 || tile.position < 0 || tile.row < 0 || tile.rows < 1) return false;
        if (tile.token + (tile.row + tile.rows - 1) / group >= tokens) return false;
        return tile.slotCount == 0 || (tile.slotCount > 1 && holds(tile.slots, tile.slotCount, 1));
    }

    LOCI_INLINE bool item(int index, ItemView & item) const {
        if (index < 0 || index >= items) return false;
        const int32_t * at = ints + itemsAt + index * planItemInts;
        item = {at[0], at[1], at[2], at[3], at[4]};
        if (item.segment < 0 || item.segmentCount < 1 || item.table < 0) return false;
        if (item.segment + item.segmentCount > segments) return false;
        if (item.blockStart < 0 || item.blockStart >= item.blockEnd) return false;
        return holds(item.table + item.blockStart, item.blockEnd - item.blockStart, 1);
    }

    /** The tile of a segment; its first slot is -1 when the item's result is final. */
    LOCI_INLINE bool segment(int index, TileView & found, int & slot) const {
        const int32_t * at = ints + segmentsAt + index * planSegmentInts;
        slot = at[1];
        if (!tile(at[0], found) || (slot != -1) != (found.slotCount > 0)) return false;
        return slot == -1 || slotInRange(slot, found);
    }

    /** The slot where part `index` of `tile` starts; -1 when corrupt. */
    LOCI_INLINE int slot(const TileView & tile, int index) const {
        const int slot = ints[tile.slots + index];
        return slotInRange(slot, tile) ? slot : -1;
    }

    LOCI_INLINE const int32_t * table(const ItemView & item) const { return ints + item.table; }

    /** Token of the batch that a row of `tile` belongs to. */
    LOCI_INLINE int token(const TileView & tile, int row) const {
        return tile.token + (tile.row + row) / group;
    }
    LOCI_INLINE int position(const TileView & tile, int row) const {
        return tile.position + (tile.row + row) / group;
    }
    LOCI_INLINE int queryHead(const TileView & tile, int row, int head) const {
        return head * group + (tile.row + row) % group;
    }

private:
    const int32_t * ints;
    int size, group, segments, slotRows, tokensAt, tilesAt, itemsAt, segmentsAt;

    LOCI_INLINE bool holds(int64_t offset, int64_t count, int64_t width) const {
        return offset >= planHeaderInts && count >= 0 && offset + count * width <= size;
    }
    LOCI_INLINE bool slotInRange(int slot, const TileView & tile) const {
        return slot >= 0 && slot + tile.rows <= slotRows;
    }
};

LOCI_INLINE void report(const Parameters & parameters, Failure failure) {
    *parameters.failure = int32_t(failure);
}

}  // namespace loci
