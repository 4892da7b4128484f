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

test("every conversation ends within the time that the load says, one pause before each turn", () => {
  for (const own of pauses(2)) {
    expect(own).toHaveLength(shape.turns);
    expect(own.reduce((sum, pause) => sum + pause, 0)).toBeLessThan(4 * (5 / 2) * 1000);
  }
});

test("turns come at an even rate from the first to the last moment", () => {
  const many = { ...shape, conversations: 1000 };
  const endMs = (1000 * many.turns * many.conversations) / 2;
  const perTenth = Array.from({ length: 10 }, () => 0);
  for (const { startMs, thinkMsOfTurn = [] } of interleavedPlan(many, 2)) {
    let atMs = startMs;
    for (const pause of [0, ...thinkMsOfTurn]) {
      atMs += pause;
      const tenth = Math.floor((10 * atMs) / endMs);
      perTenth[tenth] = (perTenth[tenth] ?? 0) + 1;
    }
  }
  for (const turns of perTenth) {
    expect(turns).toBeGreaterThan(350);
    expect(turns).toBeLessThan(450);
  }
});

test("another load stretches the same pattern", () => {
  const slow = pauses(1).flat();
  const fast = pauses(4).flat();
  for (const [index, pause] of slow.entries()) expect(fast[index]).toBeCloseTo(pause / 4, 6);
  expect(pauses(Infinity).flat()).toEqual(slow.map(() => 0));
  expect(messages(1)).toEqual(messages(4));
});
