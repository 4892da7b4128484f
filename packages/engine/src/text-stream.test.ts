import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AssertionError } from "@loci/core";
import type { TokenText } from "./runner.ts";
import { TextStream } from "./text-stream.ts";
import type { TextEnd, TextStreamOptions } from "./text-stream.ts";

const end = 0;
const encoder = new TextEncoder();

/** Token 0 ends; token i stands for the bytes of `pieces[i - 1]`. */
function vocabulary(pieces: readonly Uint8Array[]): TokenText {
  return {
    tokenBytes: (tokenId) => pieces[tokenId - 1] ?? new Uint8Array(),
    isEndOfGeneration: (tokenId) => tokenId === end,
  };
}

const open: TextStreamOptions = {
  stop: [],
  stopTokenIds: [],
  minTokens: 0,
  maxTokens: Infinity,
  ignoreEos: false,
};

interface Read {
  readonly texts: string[];
  readonly end: TextEnd | null;
}

function readAll(pieces: readonly Uint8Array[], options: Partial<TextStreamOptions>): Read {
  const stream = new TextStream(vocabulary(pieces), { ...open, ...options });
  const read: string[] = [];
  for (let tokenId = 1; tokenId <= pieces.length; tokenId++) {
    const step = stream.push(tokenId, false);
    read.push(step.text);
    if (step.end !== null) return { texts: read, end: step.end };
  }
  return { texts: [...read, stream.flush()], end: null };
}

function texts(...pieces: string[]): Uint8Array[] {
  return pieces.map((piece) => encoder.encode(piece));
}

/** The whole text at once: cut before the stop string that is complete first. */
function naiveCut(text: string, stops: readonly string[]): { text: string; stop: string | null } {
  for (let length = 1; length <= text.length; length++) {
    const ending = stops.filter((stop) => text.slice(0, length).endsWith(stop));
    const [longest] = ending.toSorted((one, other) => other.length - one.length);
    if (longest !== undefined) {
      return { text: text.slice(0, length - longest.length), stop: longest };
    }
  }
  return { text, stop: null };
}

describe("TextStream", () => {
  it("never splits a character, and replaces what is none", () => {
    const bytes = encoder.encode("aé😀b");
    const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
    expect(readAll(single, {}).texts).toEqual(["a", "", "é", "", "", "", "😀", "b", ""]);
    const broken = [Uint8Array.of(0xf0, 0x9f), Uint8Array.of(0x41), Uint8Array.of(0xe2, 0x82)];
    expect(readAll(broken, {}).texts.join("")).toBe("\ufffdA\ufffd");
    expect(readAll(texts("\ufeffx"), {}).texts.join("")).toBe("\ufeffx");
  });

  it("holds back what may be a stop string and gives it up when it is none", () => {
    const read = readAll(texts("on", "e ST", "O", "nd ", "S", "TOP", " more"), { stop: ["STOP"] });
    expect(read.texts).toEqual(["on", "e ", "", "STOnd ", "", ""]);
    expect(read.end).toEqual({ reason: "stop", stoppedBy: "STOP", text: "" });
    const left = readAll(texts("a", "ST"), { stop: ["STOP"] });
    expect(left.texts).toEqual(["a", "", "ST"]);
  });

  it("releases what was held back when the answer ends for another reason", () => {
    const read = readAll(texts("a", "ST"), { stop: ["STOP"], maxTokens: 2 });
    expect(read.end).toEqual({ reason: "length", stoppedBy: null, text: "ST" });
    const stream = new TextStream(vocabulary(texts("aST")), { ...open, stop: ["STOP"] });
    expect(stream.push(1, false).text).toBe("a");
    expect(stream.push(end, false)).toEqual({
      text: "",
      end: { reason: "stop", stoppedBy: null, text: "ST" },
    });
    expect(() => stream.push(1, false)).toThrow(AssertionError);
  });

  it("ends at stop tokens without their text, and at the end of a grammar with it", () => {
    const stopped = readAll(texts("a", "b"), { stopTokenIds: [2] });
    expect([stopped.texts, stopped.end?.stoppedBy]).toEqual([["a", ""], 2]);
    const stream = new TextStream(vocabulary(texts("{}")), open);
    expect(stream.push(1, true)).toMatchObject({ text: "{}", end: { reason: "stop" } });
  });

  it("does not stop before minTokens", () => {
    const options = { stop: ["b"], stopTokenIds: [1], minTokens: 2 };
    expect(readAll(texts("a", "b", "c", "b", "d"), options)).toEqual({
      texts: ["a", "b", "c", ""],
      end: { reason: "stop", stoppedBy: "b", text: "" },
    });
    // A match that was passed over can be the start of the next one.
    const overlapping = readAll(texts("a", "b", "a", "b", "a"), { stop: ["aba"], minTokens: 3 });
    expect(overlapping.texts).toEqual(["", "", "ab", "", ""]);
    expect(overlapping.end?.stoppedBy).toBe("aba");
    const stream = new TextStream(vocabulary(texts("a")), { ...open, minTokens: 1 });
    expect(stream.eosBanned).toBe(true);
    stream.push(1, false);
    expect(stream.eosBanned).toBe(false);
  });

  it("treats the end of generation as text when told so", () => {
    const stream = new TextStream(vocabulary([]), { ...open, ignoreEos: true, minTokens: 5 });
    expect(stream.eosBanned).toBe(false);
    expect(stream.push(end, false)).toEqual({ text: "", end: null });
  });

  it("equals a search of the whole text, whatever the tokens and stop strings", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "ab", "é", "😀", "\ufffd") });
    const stop = fc.string({
      unit: fc.constantFrom("a", "b", "é", "😀", "\ud83d"),
      minLength: 1,
      maxLength: 5,
    });
    const cuts = fc.array(fc.nat(40), { maxLength: 12 });
    fc.assert(
      fc.property(text, fc.array(stop, { maxLength: 4 }), cuts, (whole, stops, places) => {
        const bytes = encoder.encode(whole);
        const sorted = [0, ...places.filter((place) => place < bytes.length), bytes.length];
        sorted.sort((one, other) => one - other);
        const pieces = sorted.slice(1).map((place, index) => bytes.slice(sorted[index], place));
        const read = readAll(pieces, { stop: stops });
        const expected = naiveCut(
          whole,
          stops.map((string) => string.toWellFormed()),
        );
        expect(read.texts.join("")).toBe(expected.text);
        expect(read.end?.stoppedBy ?? null).toBe(expected.stop);
        expect(read.texts.every((piece) => piece.isWellFormed())).toBe(true);
      }),
      { numRuns: 3000, seed: 1 },
    );
  });
});
