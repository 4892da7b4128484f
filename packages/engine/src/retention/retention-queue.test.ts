import { AssertionError, defined, Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import { RetentionEntry } from "./retention-entry.ts";
import { RetentionQueue } from "./retention-queue.ts";
import type { RetentionPolicyName } from "./retention-queue.ts";
import { ReturnModel } from "./return-model.ts";

const policies: readonly RetentionPolicyName[] = ["retention", "pensieve", "lru"];

/** Deeper blocks cost more. */
function lossSeconds(entry: RetentionEntry): number {
  return entry.tokens * (1 + entry.positionStart / 1000);
}

function setup(policy: RetentionPolicyName): {
  readonly returns: ReturnModel;
  readonly queue: RetentionQueue<RetentionEntry>;
} {
  const returns = new ReturnModel();
  return { returns, queue: new RetentionQueue({ policy, returns, lossSeconds }) };
}

function sequence(count: number): RetentionEntry[] {
  return Array.from({ length: count }, (_, index) => new RetentionEntry(index * 32, 32));
}

const deep = (entry: RetentionEntry): boolean => entry.positionStart >= 160;
const rare = (entry: RetentionEntry): boolean => entry.positionStart % (32 * 2500) === 0;

describe.each(policies)("RetentionQueue with %s", (policy) => {
  it("gives the lowest value first, as a sort does, while there are few", () => {
    const { returns, queue } = setup(policy);
    const random = new Random(1);
    const all: RetentionEntry[] = [];
    for (let request = 0; request < 20; request++) {
      const entries = sequence(random.integer(1, 12));
      returns.used(entries, request * 7000);
      for (const entry of entries) queue.add(entry, request * 7000);
      all.push(...entries);
    }
    const nowMs = 200_000;
    const value = (entry: RetentionEntry): number => queue.value(entry, nowMs);
    const sorted = all.toSorted((one, other) => value(one) - value(other)).map(value);
    for (const count of [0, 1, 5, 100, all.length, all.length + 5]) {
      expect(queue.lowest(count, nowMs).map(value)).toEqual(sorted.slice(0, count));
    }
    expect(queue.lowest(all.length, nowMs, deep)).toHaveLength(all.filter(deep).length);
    expect(queue.size).toBe(all.length);
    queue.checkIntegrity();
  });

  it("says what giving up a block costs, and what it expects if it expects anything", () => {
    const { returns, queue } = setup(policy);
    const entries = sequence(2);
    returns.used(entries, 0);
    for (const entry of entries) queue.add(entry, 0);
    const entry = defined(entries[1]);
    const { lossSeconds: loss, expectedLossPerSecond } = queue.givenUp(entry, 5000);
    expect(loss).toBe(lossSeconds(entry));
    const expected = policy === "lru" ? 0 : queue.value(entry, 5000) * entry.tokens;
    expect(expectedLossPerSecond).toBe(expected);
    expect(expectedLossPerSecond > 0).toBe(policy !== "lru");
  });

  it("honours pins until they end", () => {
    const { returns, queue } = setup(policy);
    const entries = sequence(3);
    returns.used(entries, 0);
    for (const entry of entries) queue.add(entry, 0);
    defined(entries[1]).pinnedUntilMs = 500;
    expect(queue.lowest(3, 499)).toHaveLength(2);
    expect(queue.lowest(3, 500)).toHaveLength(3);
  });

  it("finds what is acceptable among many that are not", () => {
    const { returns, queue } = setup(policy);
    const entries = sequence(5000);
    returns.used(entries, 0);
    for (const entry of entries) queue.add(entry, 0);
    expect(queue.lowest(8, 10, rare)).toHaveLength(2);
  });

  it("refuses what would lose track", () => {
    const { queue } = setup(policy);
    const [entry] = sequence(1);
    const one = defined(entry);
    queue.add(one, 0);
    expect(queue.has(one)).toBe(true);
    expect(() => queue.add(one, 0)).toThrow(AssertionError);
    queue.remove(one);
    expect(() => queue.remove(one)).toThrow(AssertionError);
    expect(() => queue.update(one)).toThrow(AssertionError);
    expect([queue.size, queue.has(one), queue.lowest(1, 0)]).toEqual([0, false, []]);
  });
});

describe("the policies", () => {
  it("lru: oldest request first, deepest block of it first", () => {
    const { returns, queue } = setup("lru");
    const [first, second] = [sequence(3), sequence(2)];
    returns.used(first, 0);
    returns.used(second, 0);
    for (const entry of [...second, ...first]) queue.add(entry, 0);
    const order = (): number[] => queue.lowest(9, 5).map((entry) => entry.positionStart);
    expect(order()).toEqual([64, 32, 0, 32, 0]);
    // A use while it lies in the queue counts even if nobody says so.
    returns.used(first, 1);
    expect(order()).toEqual([32, 0, 64, 32, 0]);
    queue.checkIntegrity();
  });

  it.each(["pensieve", "retention"] as const)(
    "%s: the front of a private stretch first",
    (policy) => {
      const { returns, queue } = setup(policy);
      const entries = sequence(6);
      returns.used(entries, 0);
      for (const entry of entries) queue.add(entry, 0);
      const order = queue.lowest(5, 1000).map((entry) => entry.positionStart);
      expect(order).toEqual([0, 32, 64, 96, 128]);
    },
  );

  it("retention: what a waiting request will use goes last", () => {
    const { returns, queue } = setup("retention");
    const entries = sequence(6);
    returns.used(entries, 0);
    for (const entry of entries) queue.add(entry, 0);
    const front = defined(entries[0]);
    front.queuedUses = 1;
    queue.update(front);
    expect(queue.lowest(6, 1000).at(-1)).toBe(front);
    front.queuedUses = 0;
    queue.update(front);
    expect(queue.lowest(6, 1000)[0]).toBe(front);
  });

  it("retention: keeps what many share although it was used no later", () => {
    const { returns, queue } = setup("retention");
    const trunk = sequence(2);
    const known: RetentionEntry[] = [];
    for (let request = 0; request < 300; request++) {
      const own = sequence(8).slice(2);
      returns.used([...trunk, ...own], request * 3000);
      if (request >= 290) known.push(...own);
    }
    for (const entry of [...trunk, ...known]) queue.add(entry, 900_000);
    const kept = queue.lowest(known.length + 2, 930_000).slice(-2);
    expect(new Set(kept)).toEqual(new Set(trunk));
  });

  it("takes what was found after a restart as used at that moment", () => {
    const { queue } = setup("retention");
    const [older, newer] = sequence(2);
    queue.add(defined(older), 1000);
    queue.add(defined(newer), 60_000);
    expect(queue.lowest(1, 120_000)).toEqual([older]);
  });
});
