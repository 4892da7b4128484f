import type { Clock } from "@loci/core";
import type { Runner, RunnerLimits, StepBatch } from "@loci/engine";
import { expect, test } from "vitest";
import { LociArm } from "./loci-arm.ts";

const limits: RunnerLimits = {
  blockTokens: 32,
  blockCount: 64,
  contextTokensMax: 2048,
  vocabularySize: 1000,
  stepTokensMax: 256,
  stepSlicesMax: 16,
};

/** A device that takes one second for a step and writes every step down. */
class RecordingRunner implements Runner {
  readonly limits: RunnerLimits = limits;
  readonly steps: StepBatch[] = [];
  readonly clock: Clock = {
    nowMs: () => 1000 * this.steps.length,
    unixSeconds: () => 0,
    after: () => () => {},
  };

  execute(batch: StepBatch): ReturnType<Runner["execute"]> {
    this.steps.push(batch);
    const sampled = batch.slices.filter((slice) => slice.sample !== null);
    const samples = sampled.map(() => ({ tokenId: 1, logprobs: null, grammarEnded: false }));
    return Promise.resolve({ samples, durationMs: 1000 });
  }

  release(): void {}
}

function start(sequences: number): { readonly runner: RecordingRunner; readonly arm: LociArm } {
  const runner = new RecordingRunner();
  const options = {
    modelPath: "none",
    threads: 1,
    room: { sequences, contextTokens: 700 / sequences },
    tokenIds: { low: 10, high: 20 },
  };
  const owned = { runner, [Symbol.dispose]: () => {} };
  return { runner, arm: new LociArm(owned, options, runner.clock) };
}

/** [first position, tokens, sampled] of every slice. */
function shapesOf(steps: readonly StepBatch[]): readonly unknown[] {
  return steps.map(({ slices }) =>
    slices.map((slice) => [slice.positionStart, slice.tokens.length, slice.sample !== null]),
  );
}

test("prefill fills the context unmeasured and samples after the last chunk only", async () => {
  const { runner, arm } = start(1);
  expect(await arm.prefill(300, 260)).toBe(2);
  expect(shapesOf(runner.steps)).toEqual([
    [[0, 256, false]],
    [[256, 44, false]],
    [[300, 256, false]],
    [[556, 4, true]],
  ]);
  // The context is kept: a second measurement computes its own tokens only.
  runner.steps.length = 0;
  expect(await arm.prefill(300, 100)).toBe(1);
  expect(shapesOf(runner.steps)).toEqual([[[300, 100, true]]]);
});

test("decode copies the context once, then gives every sequence a token per step", async () => {
  const { runner, arm } = start(3);
  expect(await arm.decode(3, 100, 4)).toBe(4);
  const [fill, warmUp, ...timed] = runner.steps;
  expect(shapesOf(fill === undefined ? [] : [fill])).toEqual([[[0, 100, false]]]);
  // 4 blocks for each of the other two sequences; the last holds 4 tokens.
  expect(warmUp?.copies.map((copy) => copy.tokens)).toEqual([32, 32, 32, 4, 32, 32, 32, 4]);
  expect(timed.every((step) => step.copies.length === 0)).toBe(true);
  expect(shapesOf(timed)).toEqual(
    [101, 102, 103, 104].map((position) => Array.from({ length: 3 }, () => [position, 1, true])),
  );
  const blocks = timed[0]?.slices.flatMap((slice) => Array.from(slice.blockTable)) ?? [];
  expect(new Set(blocks).size).toBe(blocks.length);
  expect(blocks.every((block) => block >= 0 && block < limits.blockCount)).toBe(true);
  expect(await arm.decode(3, 100, 2)).toBe(2);
  expect(runner.steps.at(-3)?.copies).toEqual([]);
});

test("room beyond the pool is refused", () => {
  const runner = new RecordingRunner();
  const options = {
    modelPath: "none",
    threads: 1,
    room: { sequences: 3, contextTokens: 2048 },
    tokenIds: { low: 10, high: 20 },
  };
  const owned = { runner, [Symbol.dispose]: () => {} };
  expect(() => new LociArm(owned, options, runner.clock)).toThrow("holds every sequence");
});
