import { viewLimits } from "@loci/core";
import type { ServiceView } from "@loci/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyStory, anyView } from "../testing/views.ts";
import { decodeStory, decodeView, shareOfView } from "./observation-bodies.ts";
import { WireError } from "./wire-error.ts";

const seeded = { seed: 6, numRuns: 100 };

/** As it comes over the wire. */
function sent(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function shown({ requests, sequences }: ServiceView): number {
  return requests.length + sequences.length;
}

function omitted({ requestsOmitted, sequencesOmitted }: ServiceView): number {
  return requestsOmitted + sequencesOmitted;
}

/** Null when it is read, else what was thrown. */
function refusalOf(value: unknown): unknown {
  try {
    decodeView(value);
    return null;
  } catch (error) {
    return error;
  }
}

/** Every place in `value` where something could be put: the path to it. */
function pathsIn(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [path];
  const below = Object.entries(value).flatMap(([name, part]) => pathsIn(part, [...path, name]));
  return path.length === 0 ? below : [path, ...below];
}

function replaced(value: unknown, path: readonly string[], by: unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined || typeof value !== "object" || value === null) return by;
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value)
    ? [...value]
    : { ...value };
  const part: unknown = Reflect.get(copy, name);
  Reflect.set(copy, name, replaced(part, rest, by));
  return copy;
}

describe("what a worker shows", () => {
  it("comes over the wire as it was", () => {
    fc.assert(
      fc.property(anyView, (view) => {
        expect(decodeView(sent(view))).toEqual(view);
      }),
      seeded,
    );
    fc.assert(
      fc.property(fc.option(anyStory), (story) => {
        expect(decodeStory(sent({ story }))).toEqual(story);
      }),
      seeded,
    );
  });

  it("is cut to its part of a page, and what is left out is counted", () => {
    fc.assert(
      fc.property(anyView, fc.integer({ min: 1, max: 300 }), (view, workers) => {
        const part = shareOfView(view, workers);
        const { requests, sequences, happenings } = part;
        expect(requests.length).toBeLessThanOrEqual(view.requests.length);
        expect(requests).toEqual(view.requests.slice(0, requests.length));
        expect(sequences).toEqual(view.sequences.slice(0, sequences.length));
        expect(happenings).toEqual(view.happenings.slice(-happenings.length || undefined));
        expect(shown(part) + omitted(part)).toBe(shown(view) + omitted(view));
        expect(shareOfView(view, 1)).toEqual(view);
        const most = Math.max(8, Math.ceil((2 * viewLimits.sequencesMax) / workers));
        expect(sequences.length).toBeLessThanOrEqual(most);
      }),
      seeded,
    );
  });

  it("is refused as soon as one thing in it is not what it should be", () => {
    const wrong = fc.constantFrom({}, [[]], -1, Number.MAX_VALUE, "x".repeat(2000), true);
    let refused = 0;
    fc.assert(
      fc.property(anyView, fc.nat(), wrong, (view, place, by) => {
        const paths = pathsIn(sent(view));
        const path = paths[place % paths.length] ?? [];
        const refusal = refusalOf(replaced(sent(view), path, by));
        expect(refusal === null || refusal instanceof WireError).toBe(true);
        if (refusal !== null) refused++;
      }),
      { ...seeded, numRuns: 400 },
    );
    expect(refused).toBeGreaterThan(200);
  });

  it("is refused when it is longer than it may be", () => {
    const many = Array.from({ length: viewLimits.requestsMax + 1 }, () => ({}));
    expect(() => decodeView({ requests: many })).toThrow(WireError);
    expect(() => decodeStory({ story: { phases: many } })).toThrow(WireError);
  });
});
