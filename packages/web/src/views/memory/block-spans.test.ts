import type { SequenceStretch } from "@loci/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sequenceView } from "../../testing/live-views.ts";
import { blocksOf, blockSpans, type BlockSpan, type SpanMove } from "./block-spans.ts";

const stretch: fc.Arbitrary<SequenceStretch> = fc.record({
  place: fc.constantFrom("device", "host", "disk", "missing"),
  blocks: fc.integer({ min: 1, max: 6 }),
  shared: fc.boolean(),
});
const stretches = fc.array(stretch, { maxLength: 12 });

/** One entry for each block. */
function spread(spans: readonly BlockSpan[]): readonly Omit<BlockSpan, "start" | "end">[] {
  return spans.flatMap(({ start, end, ...rest }) =>
    Array.from({ length: end - start }, () => rest),
  );
}

function placesOf(list: readonly SequenceStretch[]): readonly SequenceStretch["place"][] {
  return list.flatMap(({ place, blocks }) => Array.from({ length: blocks }, () => place));
}

const speed = { device: 3, host: 2, disk: 1, missing: 0 };

function naiveMove(
  was: SequenceStretch["place"] | undefined,
  is: SequenceStretch["place"],
): SpanMove | null {
  if (was === is) return null;
  if (was === undefined) return is === "missing" ? null : "came";
  if (is === "missing") return "lost";
  return speed[is] > speed[was] ? "rose" : "sank";
}

describe("blockSpans", () => {
  it("cuts a stretch where only a part of it has moved", () => {
    const before = sequenceView([{ place: "host", blocks: 4, shared: false }]);
    const now = sequenceView([
      { place: "device", blocks: 2, shared: false },
      { place: "host", blocks: 2, shared: false },
      { place: "device", blocks: 1, shared: false },
    ]);
    expect(blockSpans(now, before)).toEqual([
      { start: 0, end: 2, place: "device", shared: false, move: "rose" },
      { start: 2, end: 4, place: "host", shared: false, move: null },
      { start: 4, end: 5, place: "device", shared: false, move: "came" },
    ]);
  });

  it("agrees block by block with a naive comparison", () => {
    fc.assert(
      fc.property(stretches, fc.option(stretches, { nil: undefined }), (now, before) => {
        const sequence = sequenceView(now);
        const old = before === undefined ? undefined : sequenceView(before);
        const spans = blockSpans(sequence, old);
        const was = before === undefined ? null : placesOf(before);
        const expected = placesOf(now).map((place, block) => ({
          place,
          move: was === null ? null : naiveMove(was[block], place),
        }));
        expect(spread(spans).map(({ place, move }) => ({ place, move }))).toEqual(expected);
        expect(spans.at(-1)?.end ?? 0).toBe(blocksOf(sequence));
        for (const [index, span] of spans.entries()) {
          expect(span.start).toBe(spans[index - 1]?.end ?? 0);
        }
      }),
      { seed: 21, numRuns: 500 },
    );
  });
});
