// How a plan lies in its int32 tensor; native/plan.h reads it and must change with this file.
//
// header   16 ints, see `PlanHeader`
// tokens   pool row (block · blockTokens + index) of every token of the step
// tiles    6 ints each: query rows of one slice that end up together
//          [first token of the slice in the batch, position of that token, first row, rows,
//           offset of its partial slots, partial slots]        row = token · group + query head
// items    6 ints each: one walk over blocks, for the rows of one or several tiles
//          [first segment, segments, offset of the block table, first block, end block, 0]
// segments 2 ints each: [tile, slot of the tile's first row, or -1 when the item's result is final]
// slots    per tile: the slots its partial results start at, in the order of their blocks
// tables   block ids, one table per slice
// gates    gates of restores that every layer waits for before it writes (native/gates.h)

import { gatesMax } from "../transfer/restore-gates.ts";

/** Query rows that share one pass over the keys; `tileRowsMax` of native/kv-format.h. */
export const tileRowsMax = 96;

export const planMagic = 0x4c4f4331;
export const headerInts = 16;
export const tileInts = 6;
export const itemInts = 6;
export const segmentInts = 2;

/** Where each header field stands. */
export const planHeader = {
  magic: 0,
  size: 1,
  tokens: 2,
  blockTokens: 3,
  group: 4,
  tiles: 5,
  items: 6,
  segments: 7,
  slotRows: 8,
  tokensAt: 9,
  tilesAt: 10,
  itemsAt: 11,
  segmentsAt: 12,
  gates: 13,
  gatesAt: 14,
} as const;

/** The largest plan of a runner, for its tensor and its native workspace. */
export interface PlanCapacity {
  /** Length of the int32 tensor. */
  readonly ints: number;
  readonly tiles: number;
  /** (tile, item) pairs. */
  readonly segments: number;
  /** Rows of partial results, per kv head. */
  readonly slotRows: number;
}

export interface PlanLimits {
  readonly stepTokensMax: number;
  readonly stepSlicesMax: number;
  readonly contextTokensMax: number;
  readonly blockTokens: number;
  readonly queryHeadsPerKvHead: number;
  readonly threads: number;
  /** As in the plan's options. */
  readonly rowsPerTile?: number;
}

/** Parts that a plan may be split into beyond one per tile, for each thread. */
const extraPartsPerThread = 64;

/** What the largest step within `limits` can need. */
export function attentionPlanCapacity(limits: PlanLimits): PlanCapacity {
  const { stepTokensMax, stepSlicesMax, queryHeadsPerKvHead, rowsPerTile = tileRowsMax } = limits;
  const rows = stepTokensMax * queryHeadsPerKvHead;
  const tiles = Math.ceil(rows / rowsPerTile) + stepSlicesMax;
  const segments = tiles * 4 + limits.threads * extraPartsPerThread;
  const slotRows = Math.min(rows * 4, 4096) + limits.threads * tileRowsMax * 8;
  const tableBlocks = Math.ceil(limits.contextTokensMax / limits.blockTokens);
  const perSegment = itemInts + segmentInts + 1;
  const ints =
    headerInts +
    stepTokensMax +
    tiles * tileInts +
    segments * perSegment +
    stepSlicesMax * tableBlocks +
    gatesMax;
  return { ints, tiles, segments, slotRows };
}
