import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { blocksToCompute } from "./restore-plan.ts";
import type { RestorableBlock, RestorePlanFacts } from "./restore-plan.ts";

const blockArbitrary = fc.record({
  recomputeSeconds: fc.double({ min: 1e-4, max: 1, noNaN: true }),
  restoreSeconds: fc.double({ min: 1e-5, max: 1, noNaN: true }),
});
const factsArbitrary = fc.record({
  restoreDelaySeconds: fc.double({ min: 0, max: 1, noNaN: true }),
  computeSeconds: fc.double({ min: 0, max: 1, noNaN: true }),
  mayMeet: fc.boolean(),
});

/** Seconds until all is there when the first `computed` blocks are computed, the others loaded. */
function secondsOf(
  blocks: readonly RestorableBlock[],
  facts: RestorePlanFacts,
  computed: number,
): number {
  const compute = blocks
    .slice(0, computed)
    .reduce((sum, block) => sum + block.recomputeSeconds, facts.computeSeconds);
  if (computed === blocks.length) return compute;
  const load = blocks
    .slice(computed)
    .reduce((sum, block) => sum + block.restoreSeconds, facts.restoreDelaySeconds);
  return Math.max(compute, load);
}

describe("blocksToCompute", () => {
  it("is never slower than computing everything", () => {
    fc.assert(
      fc.property(fc.array(blockArbitrary, { maxLength: 20 }), factsArbitrary, (blocks, facts) => {
        const count = blocksToCompute(blocks, facts);
        const planned = secondsOf(blocks, facts, count);
        return planned <= secondsOf(blocks, facts, blocks.length) + 1e-9;
      }),
    );
  });

  it("restores all or nothing while others wait for the device", () => {
    fc.assert(
      fc.property(fc.array(blockArbitrary, { maxLength: 20 }), factsArbitrary, (blocks, facts) => {
        const count = blocksToCompute(blocks, { ...facts, mayMeet: false });
        return count === 0 || count === blocks.length;
      }),
    );
  });

  it("meets in the middle where a slow disk and an idle device take about as long", () => {
    const blocks = Array.from({ length: 10 }, () => ({ recomputeSeconds: 1, restoreSeconds: 0.5 }));
    const facts = { restoreDelaySeconds: 0, computeSeconds: 0, mayMeet: true };
    // Three blocks computed take 3 s, seven loaded 3.5 s; all loaded would take 5 s.
    expect(blocksToCompute(blocks, facts)).toBe(3);
    expect(blocksToCompute(blocks, { ...facts, mayMeet: false })).toBe(0);
    expect(blocksToCompute(blocks, { ...facts, restoreDelaySeconds: 6 })).toBe(10);
  });
});
