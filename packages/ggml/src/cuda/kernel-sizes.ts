// Which kernels there are, and what a launch of each needs: native/cuda/kernel-list.h and tile-shape.h say the
// same to the compiler, and must change with this file. A kernel takes so many query rows at a time: 16 for
// decoding, 64 or 128 for prompts, more where the card has the shared memory.

import { LociError, assert } from "@loci/core";
import type { PlanCuts } from "../kernel/attention-plan.ts";
import { kvScaleDims, kvUnitTokens } from "../kernel/kv-layout.ts";

export type CudaKvType = "f16" | "q8_0";

export interface CudaHeads {
  readonly headSize: number;
  readonly type: CudaKvType;
}

export interface KernelSize {
  readonly kernel: string;
  readonly threads: number;
  /** Dynamic shared memory of a block of threads. */
  readonly sharedBytes: number;
}

const headSizes: ReadonlySet<number> = new Set([64, 80, 96, 128, 192, 256]);
/** Beyond this, 128 rows would need more registers than there are. */
const headSizeMaxOfWidest = 128;
const rowCounts = [16, 64, 128] as const;
export type KernelRows = (typeof rowCounts)[number];

const warpLanes = 32;
/** A longer row in shared memory puts eight rows into different banks. */
const rowPaddingBytes = 16;
const smallKernelThreads = 128;

/** Most query rows of a tile on a card with so much shared memory per block of threads. */
export function rowsPerTile(heads: CudaHeads, sharedBytesMax: number): KernelRows {
  if (!headSizes.has(heads.headSize)) {
    throw new LociError("not_supported", `The CUDA kernel has no heads of ${heads.headSize}.`, {
      remedy: "Use --attention portable.",
    });
  }
  const rows = rowCounts.findLast(
    (count) =>
      (count < 128 || heads.headSize <= headSizeMaxOfWidest) &&
      attentionKernel(heads, count).sharedBytes <= sharedBytesMax,
  );
  if (rows !== undefined) return rows;
  throw new LociError("not_supported", "The card has too little shared memory for the kernel.", {
    remedy: "Use --attention portable.",
  });
}

/** The smallest kernel that takes `rows` rows. */
export function kernelRowsFor(rows: number): KernelRows {
  const found = rowCounts.find((count) => rows <= count);
  assert(found !== undefined, "an item has at most 128 rows");
  return found;
}

export function attentionKernel({ headSize, type }: CudaHeads, rows: KernelRows): KernelSize {
  const tileTokens = headSize <= 128 ? 64 : 32;
  const units = tileTokens / kvUnitTokens;
  const warps = rows === 16 ? units : 4;
  const rowBytes = headSize * 2 + rowPaddingBytes;
  const tileBytes = tileTokens * rowBytes;
  const quantizedBytes = tileTokens * (headSize + Math.ceil(headSize / kvScaleDims) * 2);
  // Keys and values, each twice: one tile is computed while the next arrives.
  const stages = type === "f16" ? 4 * tileBytes : 4 * quantizedBytes + 2 * tileBytes;
  const blockIds = 2 * units * 4;
  const rowTargets = rows * 8;
  const positions = rows * 4;
  return {
    kernel: `loci_attend_${headSize}_${type}_${rows}`,
    threads: warps * warpLanes,
    sharedBytes: rows * rowBytes + stages + blockIds + rowTargets + positions,
  };
}

/** Joins the parts of one tile. */
export function joinKernel({ headSize }: CudaHeads): KernelSize {
  return { kernel: `loci_join_${headSize}`, threads: smallKernelThreads, sharedBytes: 0 };
}

/** Stores keys and values; a warp for each token and kv head. */
export function storeKernel({ headSize, type }: CudaHeads): KernelSize {
  return { kernel: `loci_store_${headSize}_${type}`, threads: smallKernelThreads, sharedBytes: 0 };
}

export const storesPerBlock: number = smallKernelThreads / warpLanes;

/**
 * How plans for a card cut walks: one sequence alone should fill a hundred processors. To be measured on
 * a card.
 */
export const cudaCuts: PlanCuts = { partsPerSlice: 32, walkTokensMin: 256 };
