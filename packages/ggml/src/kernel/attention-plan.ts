// The plan of a step's attention, made once for all layers. The ragged batch becomes tiles (query
// rows of one slice that share each key they read) and items (one tile, or several over blocks
// they share, walking one range of blocks). Items are the unit of work: long walks are cut so that
// every thread has a few, and the largest start first. A tile with several items has partial
// results, which whoever finishes last joins. Where a walk is cut depends on its own slice and not on
// what else the step computes: sums are added in the same order whoever else is there.
//
//   row of a slice = token · (query heads per kv head) + query head; the kv head is not part of
//   the plan: every item is done once for each.

import { assert, defined } from "@loci/core";
import { type PlanCapacity, tileRowsMax } from "./plan-layout.ts";
import { type PlanItem, type PlanTile, writePlan } from "./plan-writer.ts";
import { findSharedRanges } from "./shared-blocks.ts";

/** Consecutive query tokens of one sequence, over any list of blocks. */
export interface PlanSlice {
  readonly tokenCount: number;
  /** Position of its first token. */
  readonly positionStart: number;
  /** Block i holds positions [i·blockTokens, (i+1)·blockTokens). */
  readonly blockTable: Int32Array;
}

export interface PlanOptions {
  readonly blockTokens: number;
  readonly queryHeadsPerKvHead: number;
  readonly kvHeads: number;
  readonly threads: number;
  /** Of the target and of the native workspace; see `attentionPlanCapacity`. */
  readonly capacity: PlanCapacity;
  /** Query rows that share a pass over the keys; default 96, the most that the CPU's kernel takes. */
  readonly rowsPerTile?: number;
  /** Other devices than the CPU cut walks in other ways. */
  readonly cuts?: PlanCuts;
  /** Gates that every layer waits for before it writes; none when absent. */
  readonly gates?: readonly number[];
}

export interface PlanCuts {
  /**
   * Parts that the walks of a slice are cut into together, so that even alone they keep threads busy.
   * With the depth of sharing, the parts of a tile stay below the CPU kernel's limit of 256.
   */
  readonly partsPerSlice: number;
  /** Tokens below which a walk is not cut. */
  readonly walkTokensMin: number;
}

const cpuCuts: PlanCuts = { partsPerSlice: 8, walkTokensMin: 256 };
/** What any device's kernel takes. */
const rowsPerTileMax = 128;
/** Shared tokens from which reading them once outweighs joining one more partial result. */
const sharedTokensMin = 64;
/** What widening a token's keys and values costs, in rows of arithmetic. */
const widenRows = 4;

interface Tile extends PlanTile {
  readonly blockEnd: number;
  /** Blocks before this one are read by shared items. */
  sharedEnd: number;
  parts: number;
}

/** A walk over blocks before it is cut. */
interface Walk {
  readonly tiles: readonly Tile[];
  readonly rows: number;
  readonly blockStart: number;
  readonly blockEnd: number;
  /** Walks of the same slice, or of the same shared range, this one included. */
  readonly siblings: number;
}

/** An item whose tiles still count their parts. */
interface Cut extends Omit<PlanItem, "slots"> {
  readonly tiles: readonly Tile[];
}

/**
 * Writes the plan of a step into `target` and returns the ints used. Slices are non-empty, and
 * their tables reach their last token; what does not fit the capacity is an assertion.
 */
export function planAttention(
  slices: readonly PlanSlice[],
  options: PlanOptions,
  target: Int32Array,
): number {
  const { capacity } = options;
  assert(target.length >= capacity.ints, "the target holds the capacity");
  const tiles = cutTiles(slices, options);
  assert(tiles.length <= capacity.tiles, "tiles within capacity");
  const walks = [...shareWalks(slices, tiles, options), ...ownWalks(tiles)];
  const items = assignSlots(cutWalks(walks, options));
  assert(items.slotRows <= capacity.slotRows, "partial results within capacity");
  items.list.sort((left, right) => right.cost - left.cost);
  return writePlan({ slices, tiles, items: items.list, slotRows: items.slotRows, options }, target);
}

function cutTiles(slices: readonly PlanSlice[], options: PlanOptions): Tile[] {
  const { blockTokens, queryHeadsPerKvHead: group, rowsPerTile = tileRowsMax } = options;
  assert(rowsPerTile >= 1 && rowsPerTile <= rowsPerTileMax, "a tile has 1 to 128 rows");
  const tiles: Tile[] = [];
  let token = 0;
  for (const [index, slice] of slices.entries()) {
    assert(slice.tokenCount > 0 && slice.positionStart >= 0, "a slice has tokens");
    const rows = slice.tokenCount * group;
    const count = Math.ceil(rows / rowsPerTile);
    for (let i = 0; i < count; i++) {
      const rowStart = Math.floor((rows * i) / count);
      const rowEnd = Math.floor((rows * (i + 1)) / count);
      const position = slice.positionStart + Math.floor((rowEnd - 1) / group);
      const blockEnd = Math.floor(position / blockTokens) + 1;
      assert(blockEnd <= slice.blockTable.length, "the block table reaches the last token");
      const place = { index: tiles.length, slice: index, token, rowStart, rows: rowEnd - rowStart };
      tiles.push({ ...place, slots: [], blockEnd, sharedEnd: 0, parts: 0 });
    }
    token += slice.tokenCount;
  }
  return tiles;
}

/** Walks over blocks that several small tiles share; moves those tiles' `sharedEnd`. */
function shareWalks(
  slices: readonly PlanSlice[],
  tiles: readonly Tile[],
  options: PlanOptions,
): Walk[] {
  const { blockTokens, capacity } = options;
  const rowsMax = options.rowsPerTile ?? tileRowsMax;
  const small = tiles.filter((tile) => tile.rows * 2 <= rowsMax);
  const readers = small.map((tile) => {
    const { blockTable, positionStart } = defined(slices[tile.slice]);
    const position = positionStart + Math.floor(tile.rowStart / options.queryHeadsPerKvHead);
    return { blockTable, blocksWhole: Math.floor((position + 1) / blockTokens) };
  });
  const walks: Walk[] = [];
  // Sharing may take half of what the capacity has beyond one part a tile.
  let segmentsFree = (capacity.segments - tiles.length) / 2;
  let slotRowsFree = capacity.slotRows / 2;
  for (const range of findSharedRanges(readers, Math.ceil(sharedTokensMin / blockTokens))) {
    const members = range.readers.map((reader) => defined(small[reader]));
    const rows = rowsOf(members);
    segmentsFree -= members.length;
    slotRowsFree -= rows * 2;
    if (segmentsFree < 0 || slotRowsFree < 0) break;
    for (const tile of members) tile.sharedEnd = range.blockEnd;
    const { blockStart, blockEnd } = range;
    const batches = batchByRows(members, rowsMax);
    const siblings = batches.length;
    for (const batch of batches) {
      walks.push({ tiles: batch, rows: rowsOf(batch), blockStart, blockEnd, siblings });
    }
  }
  return walks;
}

function rowsOf(tiles: readonly Tile[]): number {
  return tiles.reduce((sum, tile) => sum + tile.rows, 0);
}

/** Splits `members` so that no batch has more rows than share one pass. */
function batchByRows(members: readonly Tile[], rowsMax: number): Tile[][] {
  const batches: Tile[][] = [];
  const count = Math.ceil(rowsOf(members) / rowsMax);
  const rowsEach = rowsOf(members) / count;
  let rows = 0;
  for (const tile of members) {
    const batch = batches.at(-1);
    // A batch closes at its even share, or before it would overflow.
    if (batch === undefined || rows >= rowsEach || rows + tile.rows > rowsMax) {
      batches.push([tile]);
      rows = tile.rows;
    } else {
      batch.push(tile);
      rows += tile.rows;
    }
  }
  return batches;
}

function ownWalks(tiles: readonly Tile[]): Walk[] {
  const siblings = new Map<number, number>();
  for (const { slice } of tiles) siblings.set(slice, (siblings.get(slice) ?? 0) + 1);
  return tiles
    .filter((tile) => tile.sharedEnd < tile.blockEnd)
    .map((tile) => ({
      tiles: [tile],
      rows: tile.rows,
      blockStart: tile.sharedEnd,
      blockEnd: tile.blockEnd,
      siblings: defined(siblings.get(tile.slice)),
    }));
}

/** Cuts long walks, those of slices with few tiles most; counts the parts of every tile. */
function cutWalks(walks: readonly Walk[], options: PlanOptions): Cut[] {
  const { capacity, threads, blockTokens } = options;
  const { partsPerSlice, walkTokensMin } = options.cuts ?? cpuCuts;
  let segmentsFree = capacity.segments - walks.reduce((sum, walk) => sum + walk.tiles.length, 0);
  let slotRowsFree = capacity.slotRows - walks.reduce((sum, walk) => sum + sharedRows(walk), 0);
  return walks.flatMap((walk) => {
    const blocks = walk.blockEnd - walk.blockStart;
    const cost = (walk.rows + widenRows) * blockTokens * blocks;
    const wanted = Math.min(
      Math.ceil(partsPerSlice / walk.siblings),
      Math.floor((blocks * blockTokens) / walkTokensMin),
    );
    const affordable =
      wanted * walk.tiles.length <= segmentsFree && wanted * walk.rows <= slotRowsFree;
    const parts = threads > 1 && affordable ? Math.max(1, wanted) : 1;
    if (parts > 1) {
      segmentsFree -= parts * walk.tiles.length;
      slotRowsFree -= parts * walk.rows;
    }
    for (const tile of walk.tiles) tile.parts += parts;
    return Array.from({ length: parts }, (_, part) => ({
      tiles: walk.tiles,
      blockStart: walk.blockStart + Math.floor((blocks * part) / parts),
      blockEnd: walk.blockStart + Math.floor((blocks * (part + 1)) / parts),
      cost: cost / parts,
    }));
  });
}

/** Slot rows that a walk needs even uncut: those of tiles that have several walks. */
function sharedRows(walk: Walk): number {
  return rowsOf(walk.tiles.filter((tile) => tile.sharedEnd > 0));
}

/** Gives every part of a tile with several parts a place for its result, in block order. */
function assignSlots(items: readonly Cut[]): {
  readonly list: PlanItem[];
  readonly slotRows: number;
} {
  let slotRows = 0;
  const take = (tile: Tile): number => {
    if (tile.parts === 1) return -1;
    const slot = slotRows;
    slotRows += tile.rows;
    tile.slots.push(slot);
    return slot;
  };
  const list = items.map((item) => ({ ...item, slots: item.tiles.map(take) }));
  return { list, slotRows };
}
