// Against an engine that keeps sequences of blocks: whatever it stores and gives up, the names held
// are those that a router computes from the same tokens.

import { blockNames, defined, Random } from "@loci/core";
import type { KvEvent } from "@loci/core";
import { describe, expect, it, test } from "vitest";
import { BlockNamer } from "./block-namer.ts";
import type { EngineEvent } from "./engine-events.ts";

/** Applies what was told, as a router would. */
class Told {
  /** News that were none. */
  saidTwice = 0;
  readonly #held = new Map<string, Set<number>>();

  apply(events: readonly KvEvent[]): void {
    for (const event of events) {
      if (event.type === "cleared") this.#held.clear();
      else {
        const names = this.#held.get(event.tier) ?? new Set();
        this.#held.set(event.tier, names);
        for (const name of event.blocks) {
          if (names.has(name) !== (event.type === "removed")) this.saidTwice++;
          if (event.type === "stored") names.add(name);
          else names.delete(name);
        }
      }
    }
  }

  names(tier: string): readonly number[] {
    return [...(this.#held.get(tier) ?? [])].toSorted((left, right) => left - right);
  }
}

/** A radix cache of blocks by content; hashes are arbitrary numbers. */
class NaiveEngine {
  readonly blocks = new Map<string, { readonly hash: bigint; tiers: Set<"device" | "host"> }>();
  readonly #hashes = new Map<string, bigint>();

  hashOf(prefix: readonly number[]): bigint {
    const key = prefix.join(",");
    const hash = this.#hashes.get(key) ?? BigInt(this.#hashes.size + 1) * 7919n;
    this.#hashes.set(key, hash);
    return hash;
  }

  expected(tier: "device" | "host", ourTokens: number): readonly number[] {
    const names: number[] = [];
    for (const [key, { tiers }] of this.blocks) {
      const prefix = key.split(",").map(Number);
      if (!tiers.has(tier) || prefix.length % ourTokens !== 0) continue;
      names.push(defined(blockNames("t", Int32Array.from(prefix), ourTokens).at(-1)));
    }
    return names.toSorted((left, right) => left - right);
  }
}

const sizes = [
  { engineTokens: 4, ourTokens: 4 },
  { engineTokens: 1, ourTokens: 4 },
  { engineTokens: 2, ourTokens: 4 },
];

describe.each(sizes)(
  "blocks of $engineTokens named by $ourTokens",
  ({ engineTokens, ourTokens }) => {
    test("names held are those of the engine's blocks", () => {
      const random = new Random(engineTokens);
      const engine = new NaiveEngine();
      const told = new Told();
      const namer = new BlockNamer({
        blockTokens: ourTokens,
        blocksMax: 10_000,
        saltOf: () => "t",
      });
      for (let step = 0; step < 600; step++) {
        for (const event of nextEvents(engine, random, engineTokens))
          told.apply(namer.apply(event));
        if (step % 10 !== 0) continue;
        namer.checkIntegrity();
        for (const tier of ["device", "host"] as const) {
          const expected = engine.expected(tier, ourTokens);
          expect(told.names(tier)).toEqual(expected);
          const held = namer.held().find((one) => one.tier === tier)?.blocks ?? [];
          expect([...held].toSorted((left, right) => left - right)).toEqual(expected);
        }
      }
      expect(namer.unnamed).toBe(0);
      expect(told.saidTwice).toBe(0);
    });
  },
);

function nextEvents(engine: NaiveEngine, random: Random, size: number): readonly EngineEvent[] {
  const choice = random.next();
  if (choice < 0.02) {
    engine.blocks.clear();
    return [{ type: "cleared" }];
  }
  return choice < 0.6 ? [storeOne(engine, random, size)] : removeOne(engine, random, size);
}

/** A random continuation of something known, or a new beginning. */
function storeOne(engine: NaiveEngine, random: Random, size: number): EngineEvent {
  const tier = random.next() < 0.7 ? "device" : "host";
  const known = [...engine.blocks.keys()];
  const chosen = random.next() < 0.3 ? "" : (known[random.integer(0, known.length)] ?? "");
  const prefix = chosen === "" ? [] : chosen.split(",").map(Number);
  const parent = prefix.length === 0 ? null : engine.hashOf(prefix);
  const tokens = Array.from({ length: size * random.integer(1, 3) }, () => random.integer(0, 1));
  const hashes: bigint[] = [];
  for (let end = size; end <= tokens.length; end += size) {
    const sequence = [...prefix, ...tokens.slice(0, end)];
    hashes.push(engine.hashOf(sequence));
    const block = engine.blocks.get(sequence.join(","));
    if (block === undefined) {
      const hash = engine.hashOf(sequence);
      engine.blocks.set(sequence.join(","), { hash, tiers: new Set([tier]) });
    } else block.tiers.add(tier);
  }
  const common = { type: "stored", tier, parent, hashes, salt: null, blockTokens: size } as const;
  return { ...common, tokens: Int32Array.from(tokens) };
}

function removeOne(engine: NaiveEngine, random: Random, size: number): readonly EngineEvent[] {
  const keys = [...engine.blocks.keys()];
  const key = keys[random.integer(0, keys.length - 1)];
  if (key === undefined) return [];
  const block = defined(engine.blocks.get(key));
  // Engines with small pages give up the ends of sequences first.
  const hasMore = keys.some((other) => other.startsWith(`${key},`));
  if (size < 4 && hasMore) return [];
  const tier = random.next() < 0.5 ? null : ([...block.tiers][0] ?? null);
  if (tier === null) engine.blocks.delete(key);
  else block.tiers.delete(tier);
  if (block.tiers.size === 0) engine.blocks.delete(key);
  return [{ type: "removed", hashes: [block.hash], tier }];
}

function stored(hash: bigint, parent: bigint | null, tokens: readonly number[]): EngineEvent {
  return {
    type: "stored",
    tier: "device",
    salt: null,
    blockTokens: 2,
    hashes: [hash],
    parent,
    tokens: Int32Array.from(tokens),
  };
}

function namesOf(...tokens: readonly number[]): Float64Array {
  return blockNames("t", Int32Array.from(tokens), 2);
}

describe("BlockNamer", () => {
  it("forgets the oldest beyond its bound, and says so", () => {
    const namer = new BlockNamer({ blockTokens: 2, blocksMax: 2, saltOf: () => "" });
    const told = new Told();
    for (let hash = 1; hash <= 5; hash++) {
      told.apply(namer.apply(stored(BigInt(hash), null, [hash, hash])));
      namer.checkIntegrity();
    }
    expect(namer.size).toBe(2);
    expect(told.names("device")).toHaveLength(2);
  });

  it("leaves out what follows an unknown block", () => {
    const namer = new BlockNamer({ blockTokens: 2, blocksMax: 10, saltOf: () => "" });
    expect(namer.apply(stored(2n, 1n, [1, 2]))).toEqual([]);
    expect(namer.unnamed).toBe(1);
  });

  it("counts what a prompt would find", () => {
    const namer = new BlockNamer({ blockTokens: 2, blocksMax: 10, saltOf: () => "t" });
    namer.apply(stored(1n, null, [1, 2]));
    namer.apply(stored(2n, 1n, [3, 4]));
    expect(namer.heldOf(namesOf(1, 2, 3, 4, 5, 6))).toBe(2);
    expect(namer.heldOf(namesOf(1, 2))).toBe(1);
    expect(namer.heldOf(namesOf(9, 9, 3, 4))).toBe(0);
  });
});
