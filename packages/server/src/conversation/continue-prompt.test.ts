import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { controlTokens } from "../testing/byte-codec.ts";
import { pairCodec, pairTokens, singleTokens } from "../testing/pair-codec.ts";
import { continuePrompt, type ContinuedPrompt } from "./continue-prompt.ts";

const { start, end } = controlTokens;

function next(stored: readonly number[], rendered: readonly number[]): Promise<ContinuedPrompt> {
  return continuePrompt(Int32Array.from(stored), Int32Array.from(rendered), pairCodec);
}

/** Symbols as the model sees the text: bytes, and control tokens beyond them. */
function symbols(tokens: Iterable<number>): number[] {
  return [...tokens].flatMap((token) => {
    const bytes = pairCodec.tokenBytes(token);
    return bytes.length === 0 ? [1000 + token] : Array.from(bytes);
  });
}

describe("a rendering that says the same keeps the stored ids", () => {
  test("when it is tokenised the same way", async () => {
    const stored = [start, ...pairTokens("hello"), end];
    const rendered = [...stored, start, ...pairTokens("more")];
    const { promptTokens, keptTokens, fork } = await next(stored, rendered);
    expect([...promptTokens]).toEqual(rendered);
    expect(keptTokens).toBe(stored.length);
    expect(fork).toBeNull();
  });

  test("when the answer was sampled in other pieces", async () => {
    const stored = [start, ...singleTokens("hello"), end];
    const rendered = [start, ...pairTokens("hello"), end, start, ...pairTokens("more")];
    const { promptTokens, fork } = await next(stored, rendered);
    expect([...promptTokens]).toEqual([...stored, start, ...pairTokens("more")]);
    expect(fork).toBeNull();
  });

  test("when the new text begins within a token", async () => {
    const stored = [start, ...singleTokens("abc")];
    const rendered = [start, ...pairTokens("abcdef"), end, start];
    const { promptTokens, keptTokens, fork } = await next(stored, rendered);
    expect([...promptTokens]).toEqual([...stored, ...pairTokens("def"), end, start]);
    expect(keptTokens).toBe(stored.length);
    expect(fork).toBeNull();
  });

  test("when only the end token is another one", async () => {
    const stored = [start, ...singleTokens("hi"), controlTokens.bos];
    const rendered = [start, ...pairTokens("hi"), end, start];
    const { promptTokens, fork } = await next(stored, rendered);
    expect([...promptTokens]).toEqual([start, ...singleTokens("hi"), end, start]);
    expect(fork).toBeNull();
  });
});

describe("a rendering that says something else forks", () => {
  test("at the first differing token, with both texts", async () => {
    const stored = [start, ...singleTokens("think. yes"), end];
    const rendered = [start, ...pairTokens("yes"), end, start];
    const { promptTokens, keptTokens, fork } = await next(stored, rendered);
    expect([...promptTokens]).toEqual(rendered);
    expect(keptTokens).toBe(1);
    expect(fork).toEqual({
      position: 1,
      firstDifferingToken: "t".charCodeAt(0),
      oldText: `think. yes<token ${end}>`,
      newText: `yes<token ${end}><token ${start}>`,
    });
  });

  test("keeping the stored ids before it, up to a common border", async () => {
    const stored = [start, ...singleTokens("abcx"), end];
    const rendered = [start, ...pairTokens("abcd"), end];
    const { promptTokens, fork } = await next(stored, rendered);
    expect([...promptTokens]).toEqual([start, ...singleTokens("ab"), ...pairTokens("cd"), end]);
    expect(fork).toMatchObject({ position: 4, oldText: `x<token ${end}>` });
  });

  test("when history was shortened", async () => {
    const stored = [start, ...singleTokens("abcd"), end];
    const { promptTokens, fork } = await next(stored, [start, ...pairTokens("ab")]);
    expect([...promptTokens]).toEqual([start, ...singleTokens("ab")]);
    expect(fork).toMatchObject({ position: 3, newText: "" });
  });

  test("never takes text for a control token", async () => {
    const stored = [start, end];
    const rendered = [start, ...singleTokens("<|end|>"), end];
    const { promptTokens } = await next(stored, rendered);
    expect([...promptTokens]).toEqual(rendered);
  });
});

test("a border within a character falls back to the last common one", async () => {
  const smiley = [...Buffer.from("😀")];
  const stored = [start, ...smiley.slice(0, 2)];
  const whole = 900;
  const codec = {
    ...pairCodec,
    tokenBytes: (token: number) =>
      token === whole ? Uint8Array.from(smiley) : pairCodec.tokenBytes(token),
  };
  const rendered = Int32Array.from([start, whole, end]);
  const { promptTokens, fork } = await continuePrompt(Int32Array.from(stored), rendered, codec);
  expect([...promptTokens]).toEqual([...rendered]);
  expect(fork).toBeNull();
});

const piece = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b", " ", "é"), maxLength: 6 }),
  fc.constantFrom(start, end),
);
/** A text with control tokens, tokenised at random. */
const tokenised = (pieces: readonly (string | number)[], coin: readonly boolean[]): number[] =>
  pieces.flatMap((one, index) => {
    if (typeof one === "number") return [one];
    return coin[index % coin.length] === true ? pairTokens(one) : singleTokens(one);
  });

test("whatever is stored, the prompt says what was rendered", async () => {
  const coins = fc.array(fc.boolean(), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { maxLength: 6 }),
      fc.array(piece, { maxLength: 4 }),
      fc.array(piece, { maxLength: 4 }),
      coins,
      async (shared, oldTail, newTail, coin) => {
        const stored = tokenised([...shared, ...oldTail], coin);
        const rendered = tokenised([...shared, ...newTail], [true]);
        const { promptTokens, keptTokens, fork } = await next(stored, rendered);
        expect(symbols(promptTokens)).toEqual(symbols(rendered));
        expect([...promptTokens].slice(0, keptTokens)).toEqual(stored.slice(0, keptTokens));
        const oldSymbols = symbols(stored);
        const continues =
          symbols(rendered).slice(0, oldSymbols.length).join() === oldSymbols.join();
        const isWhole = continues && isUtf8Border(rendered, oldSymbols.length);
        expect(continues && fork !== null).toBe(false);
        expect(isWhole ? keptTokens : stored.length).toBe(stored.length);
        expect(fork?.firstDifferingToken).toBe(fork === null ? undefined : stored[fork.position]);
      },
    ),
    { seed: 4, numRuns: 2000 },
  );
});

/** The symbol at `length` begins a character or is a control token. */
function isUtf8Border(rendered: readonly number[], length: number): boolean {
  const symbol = symbols(rendered)[length];
  return symbol === undefined || symbol >= 1000 || (symbol & 0xc0) !== 0x80;
}
