// Writes a finished plan as int32s, in the layout of plan-layout.ts.

import { assert, defined } from "@loci/core";
import type { PlanOptions, PlanSlice } from "./attention-plan.ts";
import {
  headerInts,
  itemInts,
  planHeader,
  planMagic,
  segmentInts,
  tileInts,
} from "./plan-layout.ts";

/** Query rows of one slice that end up together. */
export interface PlanTile {
  readonly index: number;
  readonly slice: number;
  /** The slice's first token in the batch. */
  readonly token: number;
  readonly rowStart: number;
  readonly rows: number;
  /** Where its partial results lie, in block order; empty when one item finishes it. */
  readonly slots: number[];
}

/** One walk over blocks [blockStart, blockEnd) of the table that its tiles share there. */
export interface PlanItem {
  readonly tiles: readonly PlanTile[];
  /** Slot row per tile, or -1. */
  readonly slots: readonly number[];
  readonly blockStart: number;
  readonly blockEnd: number;
  readonly cost: number;
}

export interface PlanParts {
  readonly slices: readonly PlanSlice[];
  readonly tiles: readonly PlanTile[];
  readonly items: readonly PlanItem[];
  readonly slotRows: number;
  readonly options: PlanOptions;
}

/** Returns the ints used. */
export function writePlan(parts: PlanParts, target: Int32Array): number {
  const { slices, tiles, items, options } = parts;
  const { blockTokens } = options;
  const tokens = slices.reduce((sum, slice) => sum + slice.tokenCount, 0);
  const segments = items.reduce((sum, item) => sum + item.tiles.length, 0);
  assert(segments <= options.capacity.segments, "segments within capacity");
  const tokensAt = headerInts;
  const tilesAt = tokensAt + tokens;
  const itemsAt = tilesAt + tiles.length * tileInts;
  const segmentsAt = itemsAt + items.length * itemInts;
  const slotsAt = segmentsAt + segments * segmentInts;
  const tablesAt = slotsAt + tiles.reduce((sum, tile) => sum + tile.slots.length, 0);
  const tables: number[] = [];
  let size = tablesAt;
  for (const { blockTable, positionStart, tokenCount } of slices) {
    tables.push(size);
    size += Math.floor((positionStart + tokenCount - 1) / blockTokens) + 1;
    assert(size <= target.length, "the plan fits its tensor");
    target.set(blockTable.subarray(0, size - defined(tables.at(-1))), tables.at(-1));
  }
  const gatesAt = size;
  const gates = options.gates ?? [];
  size += gates.length;
  assert(size <= target.length, "the plan fits its tensor");
  target.set(gates, gatesAt);
  writeTokens(slices, blockTokens, target.subarray(tokensAt, tilesAt));
  writeTiles(parts, target.subarray(tilesAt, itemsAt), { slotsAt, target });
  writeItems(items, tables, {
    items: target.subarray(itemsAt, segmentsAt),
    segments: target.subarray(segmentsAt, slotsAt),
  });
  const group = options.queryHeadsPerKvHead;
  const counts = { tiles: tiles.length, items: items.length, segments, slotRows: parts.slotRows };
  const offsets = { tokensAt, tilesAt, itemsAt, segmentsAt, gates: gates.length, gatesAt };
  writeHeader({ size, tokens, blockTokens, group, ...counts, ...offsets }, target);
  return size;
}

function writeHeader(
  header: Readonly<Record<Exclude<keyof typeof planHeader, "magic">, number>>,
  target: Int32Array,
): void {
  target.fill(0, 0, headerInts);
  target[planHeader.magic] = planMagic;
  target[planHeader.size] = header.size;
  target[planHeader.tokens] = header.tokens;
  target[planHeader.blockTokens] = header.blockTokens;
  target[planHeader.group] = header.group;
  target[planHeader.tiles] = header.tiles;
  target[planHeader.items] = header.items;
  target[planHeader.segments] = header.segments;
  target[planHeader.slotRows] = header.slotRows;
  target[planHeader.tokensAt] = header.tokensAt;
  target[planHeader.tilesAt] = header.tilesAt;
  target[planHeader.itemsAt] = header.itemsAt;
  target[planHeader.segmentsAt] = header.segmentsAt;
  target[planHeader.gates] = header.gates;
  target[planHeader.gatesAt] = header.gatesAt;
}

function writeTokens(slices: readonly PlanSlice[], blockTokens: number, target: Int32Array): void {
  let at = 0;
  for (const { blockTable, positionStart, tokenCount } of slices) {
    for (let position = positionStart; position < positionStart + tokenCount; position++) {
      const block = defined(blockTable[Math.floor(position / blockTokens)]);
      target[at++] = block * blockTokens + (position % blockTokens);
    }
  }
}

interface SlotTarget {
  readonly slotsAt: number;
  readonly target: Int32Array;
}

function writeTiles(parts: PlanParts, tilesTarget: Int32Array, slots: SlotTarget): void {
  let { slotsAt } = slots;
  for (const tile of parts.tiles) {
    const { positionStart } = defined(parts.slices[tile.slice]);
    const count = tile.slots.length;
    tilesTarget.set(
      [tile.token, positionStart, tile.rowStart, tile.rows, slotsAt, count],
      tile.index * tileInts,
    );
    slots.target.set(tile.slots, slotsAt);
    slotsAt += count;
  }
}

interface ItemTarget {
  readonly items: Int32Array;
  readonly segments: Int32Array;
}

function writeItems(
  items: readonly PlanItem[],
  tables: readonly number[],
  target: ItemTarget,
): void {
  let segment = 0;
  for (const [index, item] of items.entries()) {
    const table = defined(tables[defined(item.tiles[0]).slice]);
    target.items.set(
      [segment, item.tiles.length, table, item.blockStart, item.blockEnd, 0],
      index * itemInts,
    );
    for (const [place, tile] of item.tiles.entries()) {
      target.segments.set([tile.index, defined(item.slots[place])], segment * segmentInts);
      segment++;
    }
  }
}
