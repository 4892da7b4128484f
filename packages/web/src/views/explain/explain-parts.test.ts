import type { RequestStory } from "@loci/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cachedShareOf, promptOrigin } from "./prompt-origin.ts";
import { decodeStory } from "./story.ts";
import { timelineOf } from "./timeline.ts";

const story: RequestStory = {
  id: "r1",
  tenant: "public",
  session: null,
  worker: null,
  phases: [
    { phase: "waiting", startSeconds: 0, endSeconds: 1, tokens: 0, note: null },
    { phase: "prefill", startSeconds: 1, endSeconds: 2, tokens: 30, note: null },
    { phase: "decode", startSeconds: 2, endSeconds: 4, tokens: 20, note: null },
  ],
  promptTokens: 100,
  fromDevice: 40,
  fromHost: 20,
  fromDisk: 10,
  fromPeer: 0,
  recomputedTokens: 10,
  generatedTokens: 20,
  predicted: null,
  firstTokenSeconds: 2,
  endSeconds: 4,
  finishReason: "stop",
  placement: null,
};

describe("timelineOf", () => {
  it("lays phases side by side on one scale", () => {
    const { pieces, seconds, firstToken, ticks } = timelineOf(story);
    expect(pieces.map(({ left, width }) => [left, width])).toEqual([
      [0, 0.25],
      [0.25, 0.25],
      [0.5, 0.5],
    ]);
    expect(seconds).toBe(4);
    expect(firstToken).toBe(0.5);
    expect(ticks.map((tick) => tick.seconds)).toEqual([0, 1, 2, 3, 4]);
  });

  it("has no length before anything happened", () => {
    const { pieces, ticks } = timelineOf({
      ...story,
      phases: [],
      endSeconds: null,
      firstTokenSeconds: null,
    });
    expect([pieces, ticks]).toEqual([[], []]);
  });

  it("stays within its line and keeps few ticks", () => {
    const phase = fc.record({
      startSeconds: fc.double({ min: 0, max: 1e5, noNaN: true }),
      endSeconds: fc.double({ min: 0, max: 1e5, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(phase, { maxLength: 20 }), (list) => {
        const phases = list.map((times) => ({
          ...times,
          phase: "decode" as const,
          tokens: 1,
          note: null,
        }));
        const { pieces, ticks } = timelineOf({ ...story, phases, endSeconds: null });
        expect(pieces.every(({ left, width }) => left >= 0 && left + width <= 1 + 1e-9)).toBe(true);
        expect(ticks.length).toBeLessThanOrEqual(6);
        expect(ticks.every(({ at }) => at >= 0 && at <= 1)).toBe(true);
      }),
      { seed: 12 },
    );
  });
});

describe("promptOrigin", () => {
  it("counts each token once", () => {
    expect(promptOrigin(story).map(({ origin, tokens }) => [origin, tokens])).toEqual([
      ["device", 40],
      ["host", 20],
      ["disk", 10],
      ["recomputed", 10],
      ["computed", 20],
    ]);
    expect(cachedShareOf(story)).toBeCloseTo(0.7);
    expect(cachedShareOf({ ...story, promptTokens: 0 })).toBeNull();
  });
});

describe("decodeStory", () => {
  it("takes a story and nothing else", () => {
    expect(decodeStory({ ...story, conversation: null })).toMatchObject(story);
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(() => decodeStory(value)).toThrow(TypeError);
      }),
      { seed: 13 },
    );
  });
});
