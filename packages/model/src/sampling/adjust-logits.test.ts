import { expect, test } from "vitest";
import { greedySampling, type SamplingParams } from "@loci/core";
import { adjustLogits, needsAdjustment } from "./adjust-logits.ts";
import { largest, tokenLogprobs } from "./logprobs.ts";
import { TokenCounts } from "./token-counts.ts";

/** Prompt 0 1, answer 2 2 3. */
const history = [0, 1, 2, 2, 3];

function adjusted(params: Partial<SamplingParams>, eosBanned = false): number[] {
  const spec = { params: { ...greedySampling, ...params }, history, promptLength: 2, eosBanned };
  const logits = Float32Array.of(2, -2, 4, 4, 1, 1);
  const counts = new TokenCounts();
  counts.update(spec);
  adjustLogits(logits, spec, counts, [5]);
  expect(needsAdjustment(spec)).toBe(true);
  return [...logits];
}

test("the repetition penalty divides or multiplies what prompt and answer hold", () => {
  expect(adjusted({ repetitionPenalty: 2 })).toEqual([1, -4, 2, 2, 1, 1]);
});

test("presence and frequency penalties count the answer alone", () => {
  expect(adjusted({ presencePenalty: 1, frequencyPenalty: 0.5 })).toEqual([2, -2, 2, 2.5, 1, 1]);
});

test("bias is added, beyond the vocabulary ignored; the end can be banned", () => {
  const logitBias = new Map([
    [4, -3],
    [99, 5],
  ]);
  expect(adjusted({ logitBias })).toEqual([2, -2, 4, 4, -2, 1]);
  expect(adjusted({}, true)).toEqual([2, -2, 4, 4, 1, -Infinity]);
});

test("counts grow with the history and count nothing twice", () => {
  const counts = new TokenCounts();
  const spec = { params: greedySampling, promptLength: 2, eosBanned: false };
  counts.update({ ...spec, history: [0, 1, 2] });
  counts.update({ ...spec, history });
  counts.update({ ...spec, history });
  expect([...counts.answered]).toEqual([
    [2, 2],
    [3, 1],
  ]);
  expect([...counts.seen]).toEqual([0, 1, 2, 3]);
});

test("log-probabilities are of the model's own distribution", () => {
  const logits = Float32Array.of(1, 2, 3, 0);
  const total = Math.log(Math.E + Math.E ** 2 + Math.E ** 3 + 1);
  const found = tokenLogprobs(logits, 0, 2, (token) => Uint8Array.of(token));
  expect(found.logprob).toBeCloseTo(1 - total, 5);
  expect(found.bytes).toEqual(Uint8Array.of(0));
  expect(found.top.map(({ tokenId }) => tokenId)).toEqual([2, 1]);
  expect(found.top[0]?.logprob).toBeCloseTo(3 - total, 5);
});

test("the largest come largest first, the earlier of equals first", () => {
  expect(largest(Float32Array.of(1, 5, 5, 9), 3)).toEqual([3, 1, 2]);
  expect(largest(Float32Array.of(1), 0)).toEqual([]);
  expect(largest(Float32Array.of(1, 2), 20)).toEqual([1, 0]);
});
