import * as fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { AnswerText } from "./answer-text.ts";

interface Read {
  readonly text: string;
  readonly stoppedBy: string | null;
  readonly tokens: number;
}

function read(tokens: readonly Uint8Array[], stop: readonly string[], minTokens = 0): Read {
  const answer = new AnswerText({ stop, minTokens });
  let text = "";
  for (const [index, bytes] of tokens.entries()) {
    const step = answer.push(bytes);
    text += step.text;
    if (step.stoppedBy !== null) return { text, stoppedBy: step.stoppedBy, tokens: index + 1 };
  }
  return { text: text + answer.flush(), stoppedBy: null, tokens: tokens.length };
}

function cut(text: string, sizes: readonly number[]): readonly Uint8Array[] {
  const bytes = new TextEncoder().encode(text);
  const tokens: Uint8Array[] = [];
  let start = 0;
  for (const size of [...sizes, bytes.length]) {
    if (start >= bytes.length) break;
    tokens.push(bytes.subarray(start, start + Math.max(1, size)));
    start += Math.max(1, size);
  }
  return tokens;
}

/** The stop string that is complete first in the whole text; the longest of several. */
function naive(text: string, stops: readonly string[]): { text: string; stoppedBy: string | null } {
  for (let end = 1; end <= text.length; end++) {
    const matches = stops.filter((stop) => text.slice(0, end).endsWith(stop));
    const longest = matches.toSorted((left, right) => right.length - left.length)[0];
    if (longest !== undefined)
      return { text: text.slice(0, end - longest.length), stoppedBy: longest };
  }
  return { text, stoppedBy: null };
}

test("text and stop strings are those of the whole text, however tokens cut it", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "ä", "🙂"), maxLength: 24 });
  const stop = fc.string({
    unit: fc.constantFrom("a", "b", "ä", "🙂"),
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(
      letters,
      fc.array(stop, { maxLength: 3 }),
      fc.array(fc.nat(5), { maxLength: 24 }),
      (text, stops, sizes) => {
        const { text: found, stoppedBy } = read(cut(text, sizes), stops);
        expect({ text: found, stoppedBy }).toEqual(naive(text, stops));
      },
    ),
    { numRuns: 2000, seed: 9 },
  );
});

describe("AnswerText", () => {
  it("holds half a character back until it is whole", () => {
    const answer = new AnswerText({ stop: [], minTokens: 0 });
    const [first, second] = cut("🙂", [2]);
    expect(answer.push(first ?? new Uint8Array()).text).toBe("");
    expect(answer.push(second ?? new Uint8Array()).text).toBe("🙂");
    expect(answer.flush()).toBe("");
  });

  it("ends a character that never came as U+FFFD", () => {
    expect(read(cut("a🙂", [1, 2]).slice(0, 2), []).text).toBe("a�");
  });

  it("passes over stop strings before the least number of tokens", () => {
    expect(read(cut("xstopystop", [5, 5]), ["stop"], 1)).toMatchObject({ text: "xstopy" });
    expect(read(cut("xstopystop", [5, 5]), ["stop"], 2)).toMatchObject({ stoppedBy: null });
  });

  it("begins a stop string in what was delivered elsewhere", () => {
    const answer = new AnswerText({ stop: ["stop"], minTokens: 0 });
    expect(answer.push(new TextEncoder().encode("ends st")).text).toBe("ends ");
    expect(answer.push(new TextEncoder().encode("op now"))).toEqual({
      text: "",
      stoppedBy: "stop",
    });
  });
});
