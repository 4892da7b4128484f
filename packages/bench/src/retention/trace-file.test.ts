import { LociError, Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import { parseTrace, readTrace, scaleTrace } from "./trace-file.ts";

const good = '{"timestamp": 5, "input_length": 700, "output_length": 3, "hash_ids": [9, 4]}';

describe("parseTrace", () => {
  it("reads requests and numbers their blocks by first appearance", () => {
    const second = good.replace("[9, 4]", "[9, 7]").replace("700", "1024");
    const trace = parseTrace("t", `${good}\n\n${second}\n`);
    expect(trace.requests.map(({ blocks }) => [...blocks])).toEqual([
      [0, 1],
      [0, 2],
    ]);
    expect([trace.distinctBlocks, trace.blockTokens]).toEqual([3, 512]);
    const scaled = scaleTrace(trace, 32);
    expect([scaled.blockTokens, scaled.requests[0]?.inputTokens]).toEqual([16, 22]);
    expect(scaleTrace(trace, 1)).toBe(trace);
  });

  it.each([
    ["", "no request"],
    ["{", "no JSON"],
    ["3", "no object"],
    [good.replace("700", "-1"), "input_length"],
    [good.replace("[9, 4]", "[]"), "hash_ids"],
    [good.replace("[9, 4]", "[9, null]"), "hash_ids"],
    [good.replace("[9, 4]", "[9, 9]"), "twice"],
    [good.replace("700", "1"), "more blocks than tokens"],
    [`${good}\n${good.replace("5", "4")}`, "t:2: time steps back"],
  ])("refuses %j", (text, reason) => {
    expect(() => parseTrace("t", text)).toThrow(reason);
  });

  it("answers anything with a trace or an error of its own", () => {
    const random = new Random(4);
    let refusals = 0;
    for (let round = 0; round < 3000; round++) {
      const bytes = good.split("");
      for (let edit = random.integer(1, 3); edit > 0; edit--) {
        const place = random.integer(0, bytes.length - 1);
        const replacement = good[random.integer(0, good.length - 1)] ?? "";
        bytes.splice(place, random.integer(0, 3), replacement);
      }
      try {
        expect(parseTrace("t", bytes.join("")).requests).toHaveLength(1);
      } catch (error) {
        if (!(error instanceof LociError)) throw error;
        refusals++;
      }
    }
    expect(refusals).toBeGreaterThan(1000);
  });

  it("says which file cannot be read, without its folder", () => {
    expect(() => readTrace("/no/such/file.jsonl")).toThrow(/^file\.jsonl cannot be read/);
  });
});
