import { ValueHistogram } from "@loci/core";
import type { ServiceSnapshot } from "@loci/core";
import { expect, test } from "vitest";

import { addSnapshots } from "../service/add-snapshots.ts";
import { Fields } from "./fields.ts";
import { decodeSnapshot } from "./load-line.ts";
import { WireError } from "./wire-error.ts";

function counted(values: readonly number[]): ReturnType<ValueHistogram["counts"]> {
  const histogram = new ValueHistogram([0.5, 1, 2]);
  for (const value of values) histogram.observe(value);
  return histogram.counts();
}

const snapshot: ServiceSnapshot = {
  requestsRunning: 1,
  requestsWaiting: 0,
  kvBlocksTotal: 8,
  kvBlocksFree: 2,
  kvBlocksCached: 1,
  kvBlockTokens: 32,
  promptTokens: 9,
  cachedTokens: 3,
  computedPromptTokens: 6,
  generatedTokens: 4,
  preemptions: 0,
  steps: 7,
  waitSecondsExpected: 0.5,
  lengths: { coverage: 0.9, answers: 3, drifts: 0, errors: counted([0.4, 1, 3]) },
  kvDevice: {
    droppedBlocks: 2,
    droppedWithCopy: 1,
    givenUpLossSeconds: 0.1,
    givenUpLossPerSecond: 0.2,
    recomputedTokens: 64,
    recomputedWithCopy: 32,
    copiesAheadUsed: 0,
    copiesAheadWasted: 0,
    waitsForCopy: 0,
    lifetimeSeconds: counted([1]),
    idleSeconds: counted([0.1, 9]),
    reuseGapSeconds: counted([]),
  },
};

function sent(value: object): ServiceSnapshot {
  return decodeSnapshot(new Fields(JSON.parse(JSON.stringify(value))));
}

test("a worker's counters arrive as they were sent, histograms included", () => {
  expect(sent(snapshot)).toEqual(snapshot);
});

test("of two workers the histograms are added", () => {
  const both = addSnapshots([], [sent(snapshot), sent(snapshot)]);
  expect(both.lengths?.errors).toEqual(counted([0.4, 1, 3, 0.4, 1, 3]));
  expect(both.kvDevice?.idleSeconds).toEqual(counted([0.1, 9, 0.1, 9]));
  expect(both.kvDevice?.recomputedWithCopy).toBe(64);
});

test("a histogram that cannot be one is refused", () => {
  const wrong = { bounds: [1, 2], counts: [1, 2], sum: 3 };
  const lengths = { ...snapshot.lengths, errors: wrong };
  expect(() => sent({ ...snapshot, lengths })).toThrow(WireError);
});
