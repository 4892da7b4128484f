// Conversations whose histories are several times the device, one turn after the other without a
// pause: what fits into some memory is not computed again, and the nearest memory serves first.

import { assert, defined, Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import { Engine } from "../engine.ts";
import { HashRunner } from "../testing/hash-runner.ts";
import { testRequest } from "../testing/requests.ts";
import { TieredBench } from "../testing/tiered-bench.ts";
import { plainHasher } from "./block-hasher.ts";
import type { TierFacts } from "./block-mover.ts";

const blockTokens = 8;
const conversationCount = 32;
const turns = 6;
const messageTokens = 28;
const answerTokens = 6;
const historyBlocks = Math.ceil((turns * (messageTokens + answerTokens)) / blockTokens);
const allBlocks = conversationCount * historyBlocks;

interface Played {
  readonly computedToUnseen: number;
  readonly snapshot: ReturnType<TieredBench["engine"]["snapshot"]>;
}

/** Every conversation sends its next message as soon as it has its answer. */
function play(tiers: readonly TierFacts[], hostMs: number): Played {
  const bench = new TieredBench({
    runner: {
      blockTokens,
      blockCount: Math.floor(allBlocks / 3),
      contextTokensMax: 512,
      stepTokensMax: 256,
      stepSlicesMax: 64,
      costMs: [5, 1, 1e-4],
    },
    tiers,
    msPerBlock: { host: hostMs, disk: 4 * hostMs },
  });
  const random = new Random(11);
  const histories = Array.from({ length: conversationCount }, (): number[] => []);
  const talking = new Map<string, number[]>();
  let [unseen, ended] = [0, 0];
  const speak = (history: number[]): void => {
    const message = Array.from({ length: messageTokens }, () => random.integer(0, 299));
    history.push(...message);
    unseen += messageTokens;
    const request = testRequest({ prompt: history, maxTokens: answerTokens, ignoreEos: true });
    talking.set(request.id, history);
    bench.engine.submit(request, bench.nowMs);
  };
  histories.forEach(speak);
  while (ended < conversationCount * turns) {
    bench.step();
    for (const entry of bench.engine.takeEvents()) {
      const history = defined(talking.get(entry.requestId));
      if (!("event" in entry)) throw entry.error;
      if (entry.event.type === "token") history.push(entry.event.tokenId);
      if (entry.event.type !== "finished") continue;
      ended++;
      if (history.length < turns * (messageTokens + answerTokens)) speak(history);
    }
  }
  const snapshot = bench.engine.snapshot();
  // Of each answer the last token was never computed: the next turn does it.
  const uncomputed = conversationCount * (turns - 1);
  return { computedToUnseen: snapshot.computedPromptTokens / (unseen + uncomputed), snapshot };
}

const host: TierFacts = { name: "host", slotCount: allBlocks * 2, isDurable: false };
const disk: TierFacts = { name: "disk", slotCount: allBlocks * 2, isDurable: true };

describe("copies ahead of need under pressure", () => {
  it.each([
    ["fast host memory", [host], 0.02],
    ["slow host memory", [host], 0.5],
    ["a disk", [disk], 0.05],
    ["host memory and a disk", [host, disk], 0.05],
  ] as const)("%s keeps what the device cannot", (_, tiers, hostMs) => {
    const { computedToUnseen, snapshot } = play(tiers, hostMs);
    expect(computedToUnseen).toBeLessThanOrEqual(1.01);
    expect(snapshot.kvDevice?.droppedBlocks).toBeGreaterThan(allBlocks);
  });

  it("relieves the device by host memory, although the disk has everything", () => {
    const { snapshot } = play([host, disk], 0.05);
    const [near, far] = defined(snapshot.kvTiers);
    expect(near?.restoredTokens).toBeGreaterThan(4 * (far?.restoredTokens ?? 0));
    expect(far?.slotsUsed).toBeGreaterThan(allBlocks / 2);
  });

  it("passes on to the disk what host memory has no room for", () => {
    const small = { ...host, slotCount: Math.floor(allBlocks / 4) };
    const { computedToUnseen, snapshot } = play([small, disk], 0.05);
    expect(computedToUnseen).toBeLessThanOrEqual(1.01);
    const restored = defined(snapshot.kvTiers).map((tier) => tier.restoredTokens);
    expect(Math.min(...restored)).toBeGreaterThan(0);
  });
});

it("nobody waits for a memory that is stuck", () => {
  const runner = new HashRunner({ blockTokens: 4, blockCount: 16, costMs: [5, 1, 1e-4] });
  const tiers: readonly TierFacts[] = [{ name: "host", slotCount: 64, isDurable: false }];
  const engine = new Engine({
    limits: runner.limits,
    tokenText: runner,
    tiers: { tiers, hasher: plainHasher, blockBytes: 1000 },
  });
  // No order ever ends.
  const answered = new Set<string>();
  let nowMs = 0;
  for (let turn = 0; turn < 40; turn++) {
    const prompt = Array.from({ length: 24 }, (_, index) => 10 * turn + index);
    const request = testRequest({ prompt, maxTokens: 2, ignoreEos: true });
    engine.submit(request, nowMs);
    while (!answered.has(request.id)) {
      assert(nowMs < 200_000, "the request gets on");
      const batch = engine.schedule(nowMs);
      engine.takeOrders();
      if (batch === null) nowMs += 100;
      else {
        const result = runner.run(batch);
        nowMs += result.durationMs;
        engine.commit(result, nowMs);
      }
      for (const entry of engine.takeEvents()) {
        if ("event" in entry && entry.event.type === "finished") answered.add(entry.requestId);
      }
    }
  }
  engine.checkIntegrity();
  expect(answered.size).toBe(40);
});

it("a device with nothing to compute has all that rests copied", () => {
  const bench = new TieredBench({
    runner: { blockTokens: 4, blockCount: 64, contextTokensMax: 256 },
    tiers: [{ name: "host", slotCount: 64, isDurable: false }],
    msPerBlock: { host: 0.1, disk: 0.1 },
  });
  // Far below the share of the device at which copies are made under way.
  const prompt = Array.from({ length: 40 }, (_, index) => index);
  bench.engine.submit(testRequest({ prompt, maxTokens: 2, ignoreEos: true }), 0);
  for (let step = 0; step < 20; step++) bench.step();
  const { kvTiers, kvMovesUnderWay } = bench.engine.snapshot();
  expect(kvMovesUnderWay).toBe(0);
  expect(defined(kvTiers)[0]?.slotsUsed).toBe(11);
});
