import * as fc from "fast-check";
import { LociError } from "@loci/core";
import { describe, expect, it } from "vitest";
import { newRecord } from "../run/request-record.ts";
import type { RequestRecord } from "../run/request-record.ts";
import { compareRuns, simulateRun } from "./compare-runs.ts";
import { formatRun, parseRun } from "./run-file.ts";
import type { RecordedRun } from "./run-file.ts";

function record(index: number): RequestRecord {
  return {
    ...newRecord(index, index / 2, 20),
    startedMs: 1,
    firstTokenMs: 12,
    endedMs: 100,
    answerTokens: 9,
    end: "length",
  };
}

const base: RecordedRun = {
  name: "test",
  limits: {
    blockTokens: 16,
    blockCount: 100,
    contextTokensMax: 500,
    vocabularySize: 100,
    stepTokensMax: 64,
    stepSlicesMax: 16,
  },
  options: { sequencesMax: 8, admission: "paged", scheduling: "fcfs" },
  coefficients: {
    secondsPerStep: 0.01,
    secondsPerToken: 0.0001,
    secondsPerAttended: 0,
    secondsPerSequence: 0,
    secondsBetweenSteps: 0.001,
  },
  records: [record(0), record(1), record(2)],
};

describe("a recorded run", () => {
  it("comes back from its file as it was", () => {
    expect(parseRun(formatRun(base))).toEqual(base);
  });

  it.each([
    ["{", "not JSON"],
    ["[]", "no object"],
    [formatRun(base).replace('"blockTokens":16', '"blockTokens":0'), "blockTokens"],
    [formatRun(base).replace('"paged"', '"pages"'), "admission is none of"],
    [formatRun(base).replace('"endedMs":100', '"endedMs":3'), "out of order"],
    [formatRun(base).replace('"endedMs":100', '"endedMs":null'), "endedMs"],
    [formatRun({ ...base, records: [] }), "no list"],
  ])("is refused when it cannot be one: %#", (text, problem) => {
    expect(() => parseRun(text)).toThrow(problem);
  });

  it("is read or refused, whatever is in it", () => {
    const text = formatRun(base);
    const put = fc.constantFrom("", "-", "9", '"', "{", "null", "e9");
    fc.assert(
      fc.property(fc.nat({ max: text.length }), put, (place, words) => {
        try {
          parseRun(text.slice(0, place) + words + text.slice(place + 1));
        } catch (error) {
          if (!(error instanceof LociError)) throw error;
        }
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  it("is simulated with its own costs, and compared figure by figure", () => {
    const simulated = simulateRun(base);
    expect(simulated.map(({ answerTokens }) => answerTokens)).toEqual([9, 9, 9]);
    const same = compareRuns(simulated, simulated);
    expect(same.map(({ ratio }) => ratio)).toEqual(same.map(() => 1));
    const figures = compareRuns(base.records, simulated);
    expect(figures.map(({ name }) => name)).toHaveLength(7);
    // Eight steps of one or three tokens each, in a server that has nothing else to do.
    const [, , , perToken] = figures;
    expect(perToken?.simulated).toBeCloseTo(11.3, 0);
  });
});
