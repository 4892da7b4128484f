import { expect, test } from "vitest";
import { interleavedPlan } from "./interleaved-plan.ts";

const shape = {
  conversations: 5,
  turns: 4,
  systemTokens: 0,
  messageTokens: 3,
  answerTokens: 2,
  startsPerSecond: 1,
  thinkSeconds: 0,
  tokenIds: { low: 10, high: 90 },
  seed: 3,
};

function pauses(requestsPerSecond: number): number[][] {
  return interleavedPlan(shape, requestsPerSecond).map(({ startMs, thinkMsOfTurn = [] }) =>
    [startMs].concat(thinkMsOfTurn),
  );
}

function messages(requestsPerSecond: number): unknown {
  return interleavedPlan(shape, requestsPerSecond).map((plan) => plan.messages);
}

test("every conversation pauses for the same time in all, one pause before each turn", () => {
  for (const own of pauses(2)) {
    expect(own).toHaveLength(shape.turns);
    expect(own.reduce((sum, pause) => sum + pause, 0)).toBeCloseTo(4 * (5 / 2) * 1000, 6);
  }
});

test("another load stretches the same pattern", () => {
  const slow = pauses(1).flat();
  const fast = pauses(4).flat();
  for (const [index, pause] of slow.entries()) expect(fast[index]).toBeCloseTo(pause / 4, 6);
  expect(pauses(Infinity).flat()).toEqual(slow.map(() => 0));
  expect(messages(1)).toEqual(messages(4));
});
