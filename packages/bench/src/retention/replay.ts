// A trace against a set of blocks of fixed size. A request uses its blocks; those in the set are
// hits, the others enter. Then the policy gives blocks up until the set fits again, but none that
// this request uses, unless the request alone is larger than the set. Nothing of the future is
// known, nothing is kept from one replay to the next; the model learns within the one pass.

import { assert, defined } from "@loci/core";
import {
  RetentionEntry,
  RetentionQueue,
  ReturnModel,
  type RetentionPolicyName,
} from "@loci/engine";
import { computeSeconds, type ComputeCost } from "./compute-cost.ts";
import type { Trace, TraceRequest } from "./trace-file.ts";

export interface ReplayOptions {
  readonly policy: RetentionPolicyName;
  /** Blocks that fit. */
  readonly capacity: number;
  /** In which a loss is priced and what is computed is counted. */
  readonly cost: ComputeCost;
}

export interface ReplayResult {
  /** Share of the blocks used that were in the set. */
  readonly hitShare: number;
  /** Seconds spent on blocks that had been computed before. */
  readonly againSeconds: number;
  /** Seconds spent on blocks never seen before: the same for every policy. */
  readonly firstSeconds: number;
}

class TraceBlock extends RetentionEntry {
  isKept = false;
  request = -1;
}

export function replay(trace: Trace, { policy, capacity, cost }: ReplayOptions): ReplayResult {
  assert(capacity >= 1, "a block fits");
  const returns = new ReturnModel();
  const lossSeconds = (block: TraceBlock): number =>
    computeSeconds(cost, block.positionStart, block.tokens);
  const queue = new RetentionQueue<TraceBlock>({ policy, returns, lossSeconds });
  const blocks: (TraceBlock | undefined)[] = [];
  let [hits, uses, againSeconds, firstSeconds] = [0, 0, 0, 0];
  for (const [index, request] of trace.requests.entries()) {
    const used: TraceBlock[] = [];
    for (const [depth, number] of request.blocks.entries()) {
      const known = blocks[number];
      const block = known ?? newBlock(trace, request, depth);
      blocks[number] = block;
      if (block.isKept) {
        hits++;
        queue.remove(block);
      } else if (known === undefined) firstSeconds += lossSeconds(block);
      else againSeconds += lossSeconds(block);
      block.request = index;
      used.push(block);
    }
    uses += used.length;
    returns.used(used, request.timestampMs, request.outputTokens);
    for (const block of used) {
      block.isKept = true;
      queue.add(block, request.timestampMs);
    }
    evict(queue, capacity, request.timestampMs, index);
  }
  queue.checkIntegrity();
  returns.checkIntegrity();
  return { hitShare: hits / uses, againSeconds, firstSeconds };
}

function evict(
  queue: RetentionQueue<TraceBlock>,
  capacity: number,
  nowMs: number,
  request: number,
): void {
  while (queue.size > capacity) {
    const surplus = queue.size - capacity;
    let victims = queue.lowest(surplus, nowMs, (block) => block.request !== request);
    if (victims.length === 0) victims = queue.lowest(surplus, nowMs);
    for (const block of victims) {
      block.isKept = false;
      queue.remove(block);
    }
  }
}

function newBlock(trace: Trace, request: TraceRequest, depth: number): TraceBlock {
  const start = depth * trace.blockTokens;
  const rest = Math.max(1, request.inputTokens - start);
  return new TraceBlock(start, Math.min(trace.blockTokens, rest));
}

/**
 * Share of hits of a policy that knows when each block is used next, and gives up what is needed
 * last, of the request that was just served, too: the most that any policy can reach (Belady).
 */
export function oracleHitShare(trace: Trace, capacity: number): number {
  const never = trace.requests.length;
  const following = nextUses(trace);
  // Blocks kept, by the request that uses them next; those of `furthest` and later go first.
  const keptByNext: number[][] = Array.from({ length: never + 1 }, () => []);
  const isKept = new Uint8Array(trace.distinctBlocks);
  let [hits, uses, kept, furthest] = [0, 0, 0, 0];
  for (const [index, { blocks }] of trace.requests.entries()) {
    for (const [depth, block] of blocks.entries()) {
      const next = defined(following[index]?.[depth]);
      if (isKept[block] === 1) hits++;
      else kept++;
      isKept[block] = 1;
      defined(keptByNext[next]).push(block);
      furthest = Math.max(furthest, next);
    }
    uses += blocks.length;
    // All that was kept for this request is filed anew by now.
    keptByNext[index] = [];
    while (kept > capacity) {
      const block = defined(keptByNext[furthest]).pop();
      if (block === undefined) furthest--;
      else {
        isKept[block] = 0;
        kept--;
      }
    }
  }
  return hits / uses;
}

/** For each request and depth, the request that uses the block next; the number of requests = none. */
function nextUses(trace: Trace): readonly Int32Array[] {
  const never = trace.requests.length;
  const next = new Int32Array(trace.distinctBlocks).fill(never);
  const following: Int32Array[] = [];
  for (let index = never - 1; index >= 0; index--) {
    const { blocks } = defined(trace.requests[index]);
    following[index] = blocks.map((block) => defined(next[block]));
    for (const block of blocks) next[block] = index;
  }
  return following;
}
