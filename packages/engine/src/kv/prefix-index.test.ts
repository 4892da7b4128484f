import { Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import { plainHasher } from "../tiers/block-hasher.ts";
import { PrefixIndex } from "./prefix-index.ts";
import type { TokenView } from "./prefix-index.ts";
import type { SequenceBlocks } from "./sequence-blocks.ts";

const blockTokens = 4;

function viewOf(...tokens: number[]): TokenView {
  return { tokens: Int32Array.from(tokens), end: tokens.length };
}

/** Starts a sequence of which all but the last token may be known, and computes it in one step. */
function compute(index: PrefixIndex, view: TokenView, tenant = "a"): SequenceBlocks {
  const known = { ...view, end: view.end - 1 };
  const sequence = index.acquire(tenant, known);
  expect(index.fill(sequence, known, { isAlone: true })).toBe(true);
  extend(index, sequence, view);
  return sequence;
}

/** Computes what the sequence lacks of `view` in the current step. */
function extend(index: PrefixIndex, sequence: SequenceBlocks, view: TokenView): void {
  expect(index.grow(sequence, view.end)).toBe(view.end);
  for (let gap = sequence.gaps[0]; gap !== undefined; gap = sequence.gaps[0]) {
    index.advance(sequence, view.tokens, { start: gap.start, end: gap.end });
  }
  if (view.end > sequence.tokensHeld) {
    index.advance(sequence, view.tokens, { start: sequence.tokensHeld, end: view.end });
  }
}

function makeIndex(blockCount = 16): PrefixIndex {
  return new PrefixIndex({ blockCount, blockTokens });
}

const prompt = viewOf(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);

describe("PrefixIndex", () => {
  it("shares full blocks within the step that computes them, but copies only what is there", () => {
    const index = makeIndex();
    const first = compute(index, prompt);
    const second = index.acquire("a", prompt);
    expect(second.tokensHeld).toBe(8);
    expect([...second.table]).toEqual([...first.table.subarray(0, 2)]);
    index.fill(second, prompt, { isAlone: true });
    expect([second.tokensHeld, index.copies]).toEqual([8, []]);
    index.settle();
    index.publishTail(first, prompt);
    const third = index.acquire("a", viewOf(1, 2, 3, 4, 5, 6, 7, 8, 9, 11));
    index.fill(third, viewOf(1, 2, 3, 4, 5, 6, 7, 8, 9, 11), { isAlone: true });
    expect(third.tokensHeld).toBe(9);
    const target = third.blockAt(2);
    expect(index.copies).toEqual([{ source: first.blockAt(2), target, tokens: 1 }]);
    index.checkIntegrity();
  });

  it("keeps tenants apart", () => {
    const index = makeIndex();
    compute(index, prompt, "a");
    index.settle();
    expect(index.matchedTokens("b", prompt)).toBe(0);
    expect(index.matchedTokens("a", prompt)).toBe(8);
  });

  it("serves the next turn of a conversation from its answer, tail included", () => {
    const index = makeIndex();
    const sequence = compute(index, prompt);
    index.settle();
    index.publishTail(sequence, prompt);
    const answer = viewOf(...prompt.tokens, 11, 12, 13, 14, 15);
    for (let end = 11; end <= 15; end++) {
      extend(index, sequence, { ...answer, end });
      index.settle();
    }
    index.close(sequence, answer, 1);
    index.checkIntegrity();
    expect(index.matchedTokens("a", viewOf(...answer.tokens, 16))).toBe(15);
    // The grown tail replaced the one that the prompt had left: nothing is held twice.
    expect([index.cachedCount, index.freeCount]).toEqual([4, 12]);
  });

  it("gives back a block that the tree already has, after the step", () => {
    const index = makeIndex();
    const [first, second] = [compute(index, prompt), compute(index, prompt)];
    const used = index.freeCount;
    index.settle();
    // The second sequence shared both full blocks at once, so only the tails differ.
    expect(index.freeCount).toBe(used);
    const [longer, same] = [viewOf(...prompt.tokens, 1, 1), viewOf(...prompt.tokens, 1, 1)];
    for (const [sequence, view] of [[first, longer] as const, [second, same] as const]) {
      extend(index, sequence, view);
    }
    expect(second.blockAt(2)).not.toBe(first.blockAt(2));
    index.settle();
    expect(second.blockAt(2)).toBe(first.blockAt(2));
    expect(index.freeCount).toBe(used + 1);
    index.checkIntegrity();
  });

  it("forgets everything that a failed step computed, and only that", () => {
    const index = makeIndex();
    const kept = compute(index, prompt);
    index.settle();
    index.publishTail(kept, prompt);
    const longer = viewOf(...prompt.tokens, 11, 12, 13, 14);
    extend(index, kept, longer);
    const other = compute(index, viewOf(7, 7, 7, 7, 7), "a");
    const sharer = index.acquire("a", longer);
    expect(sharer.tokensHeld).toBe(12);
    for (const sequence of [kept, other, sharer]) index.close(sequence, null, 1);
    index.revoke();
    index.checkIntegrity();
    expect(index.matchedTokens("a", longer)).toBe(8);
    expect(index.matchedTokens("a", viewOf(7, 7, 7, 7))).toBe(0);
    expect(index.freeCount + index.cachedCount).toBe(16);
  });

  it("evicts the least recently used leaf first and never what is in use", () => {
    const index = makeIndex(6);
    for (const [turn, token] of [1, 2].entries()) {
      const view = viewOf(token, token, token, token, token, token, token, token);
      const sequence = compute(index, view);
      index.settle();
      index.close(sequence, view, turn);
    }
    const running = compute(index, viewOf(1, 1, 1, 1, 3));
    index.settle();
    // Two blocks were free, one went to the sequence; growing by three evicts two cached ones.
    expect(index.grow(running, 20)).toBe(20);
    expect(index.evictions).toBe(2);
    expect(index.matchedTokens("a", viewOf(1, 1, 1, 1, 1, 1, 1, 1))).toBe(4);
    expect(index.matchedTokens("a", viewOf(2, 2, 2, 2, 2, 2, 2, 2))).toBe(4);
    expect(index.grow(running, 100)).toBe(24);
    expect(index.grow(running, 100)).toBe(24);
    index.checkIntegrity();
  });

  it("holds each block exactly as often as it should under random use", () => {
    const random = new Random(5);
    const tiers = { tiers: [], hasher: plainHasher, blockBytes: 1, aheadShare: 0 };
    const eviction = "pensieve";
    const index = new PrefixIndex({ blockCount: 24, blockTokens, tiers: { ...tiers, eviction } });
    let gaps = 0;
    const open: { sequence: SequenceBlocks; tokens: number[]; computed: number }[] = [];
    for (let step = 0; step < 3000; step++) {
      if (open.length < 5) {
        const tokens = Array.from({ length: random.integer(2, 12) }, () => random.integer(0, 1));
        const known = { tokens: Int32Array.from(tokens), end: tokens.length - 1 };
        const sequence = index.acquire("a", known);
        if (index.fill(sequence, known, { isAlone: true })) {
          open.push({ sequence, tokens, computed: sequence.tokensHeld });
        } else index.close(sequence, null, step);
      }
      for (const entry of open) {
        entry.tokens.push(random.integer(0, 1));
        const end = index.grow(entry.sequence, random.integer(entry.computed, entry.tokens.length));
        if (end < entry.computed) continue;
        gaps += entry.sequence.gaps.length;
        extend(index, entry.sequence, { tokens: Int32Array.from(entry.tokens), end });
        entry.computed = end;
      }
      const fails = random.integer(0, 19) === 0;
      if (fails) {
        for (const { sequence } of open.splice(0)) index.close(sequence, null, step);
        index.revoke();
      } else index.settle();
      const place = random.integer(0, 9);
      const [ended] = open.length > place ? open.splice(place, 1) : [];
      if (ended !== undefined) {
        const { tokens, computed: end } = ended;
        index.close(ended.sequence, { tokens: Int32Array.from(tokens), end }, step);
      }
      index.checkIntegrity();
    }
    for (const { sequence } of open) index.close(sequence, null, 0);
    expect(gaps).toBeGreaterThan(50);
    index.clear();
    expect(index.freeCount).toBe(24);
  });
});
