// Replays against naive ones, on small random traces.

import { Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import { computeSeconds, flatCost } from "./compute-cost.ts";
import { oracleHitShare, replay } from "./replay.ts";
import { parseTrace, scaleTrace } from "./trace-file.ts";
import type { Trace } from "./trace-file.ts";

/** Conversations that grow, some prompts that never return, one block shared by all. */
function randomTrace(seed: number, requests = 120): Trace {
  const random = new Random(seed);
  const conversations: number[][] = [];
  let next = 1;
  const lines: string[] = [];
  for (let index = 0; index < requests; index++) {
    const earlier = conversations[random.integer(0, conversations.length)] ?? [0];
    const ids = [...earlier, ...Array.from({ length: random.integer(1, 4) }, () => next++)];
    if (random.next() < 0.7 && ids.length < 12) conversations.push(ids);
    lines.push(line(index, ids));
  }
  return parseTrace("random", lines.join("\n"));
}

function line(second: number, ids: readonly number[]): string {
  const times = `"timestamp":${1000 * second},"output_length":9`;
  return `{${times},"input_length":${ids.length * 512 - 100},"hash_ids":[${ids.join()}]}`;
}

/** Least recently used, deepest first: a list sorted anew for each request. */
function naiveLru(trace: Trace, capacity: number): number {
  let kept: { block: number; request: number; depth: number }[] = [];
  let [hits, uses] = [0, 0];
  for (const [request, { blocks }] of trace.requests.entries()) {
    const before = new Set(kept.map(({ block }) => block));
    hits += blocks.filter((block) => before.has(block)).length;
    uses += blocks.length;
    kept = kept.filter(({ block }) => !blocks.includes(block));
    for (const [depth, block] of blocks.entries()) kept.push({ block, request, depth });
    kept = kept.toSorted((one, other) => other.request - one.request || one.depth - other.depth);
    kept = kept.slice(0, capacity);
  }
  return hits / uses;
}

/** Best of all choices of what to keep, by trying them all; what is not used again is not tried. */
function bestHits(trace: Trace, capacity: number): number {
  let states = new Map<string, number>([["", 0]]);
  for (const [index, { blocks }] of trace.requests.entries()) {
    const later = new Set(
      trace.requests.slice(index + 1).flatMap((each) => Array.from(each.blocks)),
    );
    const following = new Map<string, number>();
    for (const [state, hits] of states) {
      const kept = new Set(state === "" ? [] : state.split(",").map(Number));
      const total = hits + blocks.filter((block) => kept.has(block)).length;
      const wanted = [...new Set([...kept, ...blocks])].filter((each) => later.has(each));
      for (const subset of subsets(wanted, capacity)) {
        const key = subset.toSorted((one, other) => one - other).join();
        following.set(key, Math.max(following.get(key) ?? 0, total));
      }
    }
    states = following;
  }
  return Math.max(...states.values());
}

function subsets(items: readonly number[], size: number): readonly (readonly number[])[] {
  const [first, ...rest] = items;
  if (first === undefined || items.length <= size) return [items];
  const found = [...subsets(rest, size)];
  if (size > 0) for (const each of subsets(rest, size - 1)) found.push([first, ...each]);
  return found;
}

describe("replay", () => {
  it("counts what a naive LRU counts", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const trace = randomTrace(seed);
      for (const capacity of [1, 5, 20, 60, 1000]) {
        const { hitShare } = replay(trace, { policy: "lru", capacity, cost: flatCost });
        expect(hitShare).toBeCloseTo(naiveLru(trace, capacity), 10);
      }
    }
  });

  it("knows a best choice", () => {
    for (let seed = 1; seed <= 6; seed++) {
      const trace = randomTrace(seed, 8);
      const uses = trace.requests.reduce((sum, { blocks }) => sum + blocks.length, 0);
      for (const capacity of [1, 2, 3]) {
        expect(oracleHitShare(trace, capacity) * uses).toBeCloseTo(bestHits(trace, capacity), 8);
      }
    }
  });

  it.each(["retention", "pensieve"] as const)("%s keeps everything that fits", (policy) => {
    const trace = randomTrace(3);
    const cost = { name: "test", secondsPerToken: 0.001, doublingTokens: 5000 };
    const all = replay(trace, { policy, capacity: trace.distinctBlocks, cost });
    expect(all.againSeconds).toBe(0);
    expect(all.hitShare).toBeCloseTo(oracleHitShare(trace, trace.distinctBlocks), 10);
    const less = replay(trace, { policy, capacity: 20, cost });
    expect(less.firstSeconds).toBe(all.firstSeconds);
    expect(less.againSeconds).toBeGreaterThan(0);
    expect(less.hitShare).toBeLessThan(oracleHitShare(trace, 20) + 1e-12);
  });

  it("does not depend on how many tokens a block has", () => {
    const trace = randomTrace(8, 400);
    const options = { policy: "retention", capacity: 60, cost: flatCost } as const;
    const [large, small] = [replay(trace, options), replay(scaleTrace(trace, 32), options)];
    expect(small.hitShare / large.hitShare).toBeCloseTo(1, 1);
  });
});

describe("computeSeconds", () => {
  it("adds up over blocks to what the whole takes", () => {
    const cost = { name: "test", secondsPerToken: 0.004, doublingTokens: 10_000 };
    const parts = [0, 512, 1024].map((start) => computeSeconds(cost, start, 512));
    const sum = parts.reduce((total, part) => total + part, 0);
    expect(computeSeconds(cost, 0, 1536)).toBeCloseTo(sum, 10);
    expect(computeSeconds(cost, 10_000, 1) / computeSeconds(cost, 0, 1)).toBeCloseTo(2, 3);
  });
});
