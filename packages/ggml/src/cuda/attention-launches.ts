// From a step's plan to the kernels that carry it out: pure arithmetic, once a step for all layers. Items
// go to the smallest kernel that takes their rows, those with many rows first, as they take longest; tiles
// whose walks were cut are joined afterwards.

import { assert, defined } from "@loci/core";
import { itemInts, planHeader, segmentInts, tileInts } from "../kernel/plan-layout.ts";
import type { CudaLaunch } from "./cuda-driver.ts";
import {
  attentionKernel,
  type CudaHeads,
  joinKernel,
  kernelRowsFor,
  type KernelSize,
  storeKernel,
  storesPerBlock,
} from "./kernel-sizes.ts";

export interface LaunchShape extends CudaHeads {
  readonly kvHeads: number;
}

/** A launch over part of the step's work list. */
export interface PlannedLaunch extends CudaLaunch {
  /** Where its items, or tiles, start in `AttentionLaunches.work`. */
  readonly workStart: number;
}

export interface AttentionLaunches {
  /** Numbers of items of each attention kernel, then of tiles to join. */
  readonly work: Int32Array;
  readonly store: CudaLaunch;
  /** One after the other; the last joins, where there is something to join. */
  readonly attend: readonly PlannedLaunch[];
}

/** `plan` as `planAttention` wrote it. */
export function attentionLaunches(plan: Int32Array, shape: LaunchShape): AttentionLaunches {
  const work: number[] = [];
  const attend: PlannedLaunch[] = [];
  const add = (kernel: KernelSize, list: readonly number[]): void => {
    if (list.length === 0) return;
    attend.push({ ...kernel, workStart: work.length, gridX: list.length, gridY: shape.kvHeads });
    work.push(...list);
  };
  const items = itemsByRows(plan);
  for (const rows of [128, 64, 16] as const) {
    add(attentionKernel(shape, rows), items.get(rows) ?? []);
  }
  add(joinKernel(shape), tilesInParts(plan));
  const stores = header(plan, "tokens") * shape.kvHeads;
  const store = { ...storeKernel(shape), gridX: Math.ceil(stores / storesPerBlock), gridY: 1 };
  return { work: Int32Array.from(work), store, attend };
}

/** Items in the plan's order, which has the longest first, by the rows of their kernel. */
function itemsByRows(plan: Int32Array): ReadonlyMap<number, readonly number[]> {
  const lists = new Map<number, number[]>();
  for (let item = 0; item < header(plan, "items"); item++) {
    const kernelRows = kernelRowsFor(rowsOfItem(plan, item));
    const list = lists.get(kernelRows);
    if (list === undefined) lists.set(kernelRows, [item]);
    else list.push(item);
  }
  return lists;
}

function rowsOfItem(plan: Int32Array, item: number): number {
  const at = header(plan, "itemsAt") + item * itemInts;
  const [first, count] = [intAt(plan, at), intAt(plan, at + 1)];
  let rows = 0;
  for (let segment = first; segment < first + count; segment++) {
    const tile = intAt(plan, header(plan, "segmentsAt") + segment * segmentInts);
    rows += intAt(plan, header(plan, "tilesAt") + tile * tileInts + tileRowsField);
  }
  return rows;
}

function tilesInParts(plan: Int32Array): readonly number[] {
  return Array.from({ length: header(plan, "tiles") }, (_, tile) => tile).filter(
    (tile) => intAt(plan, header(plan, "tilesAt") + tile * tileInts + tileSlotsField) > 0,
  );
}

/** Fields of a tile; see plan-layout.ts. */
const tileRowsField = 3;
const tileSlotsField = 5;

function header(plan: Int32Array, field: keyof typeof planHeader): number {
  return intAt(plan, planHeader[field]);
}

function intAt(plan: Int32Array, index: number): number {
  assert(index < plan.length, "the plan is whole");
  return defined(plan[index]);
}
