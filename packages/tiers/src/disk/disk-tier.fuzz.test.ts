// Whatever happens to the files, a read gives the right bytes or a miss.

import {
  closeSync,
  openSync,
  readFileSync,
  readdirSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Random, assert, defined } from "@loci/core";
import { describe, expect, test } from "vitest";
import { TierRig, type TransferMode, identityOf } from "../testing/tier-rig.ts";
import { sameIdentity } from "../tier.ts";
import type { DiskTier } from "./disk-tier.ts";

const slotsPerSegment = 5;
const segmentCount = 3;
const slotCount = slotsPerSegment * segmentCount;
const headerBytes = 192;
const layerBytes = 512;

type Files = Map<string, Buffer>;
type Mutation = (files: Files, random: Random) => void;

function pick(files: Files, random: Random): Buffer {
  return defined([...files.values()][random.integer(0, files.size - 1)]);
}

function replace(files: Files, random: Random, change: (bytes: Buffer) => Buffer): void {
  const name = defined([...files.keys()][random.integer(0, files.size - 1)]);
  files.set(name, change(defined(files.get(name))));
}

function flip(bytes: Buffer, position: number, random: Random): void {
  bytes[position] = defined(bytes[position]) ^ (1 << random.integer(0, 7));
}

const mutations: Readonly<Record<string, Mutation>> = {
  "flip a bit anywhere": (files, random) => {
    const bytes = pick(files, random);
    flip(bytes, random.integer(0, bytes.length - 1), random);
  },
  "flip a bit of a slot's header": (files, random) => {
    const bytes = pick(files, random);
    flip(bytes, 4096 + random.integer(0, slotsPerSegment * headerBytes - 1), random);
  },
  "flip a bit of the segment's header": (files, random) => {
    flip(pick(files, random), random.integer(0, 64), random);
  },
  "flip many bits": (files, random) => {
    const bytes = pick(files, random);
    for (let count = 0; count < 40; count++)
      flip(bytes, random.integer(0, bytes.length - 1), random);
  },
  "cut the file off": (files, random) => {
    replace(files, random, (bytes) => bytes.subarray(0, random.integer(0, bytes.length)));
  },
  "zero a part": (files, random) => {
    const bytes = pick(files, random);
    const start = random.integer(0, bytes.length - 1);
    bytes.fill(0, start, Math.min(bytes.length, start + random.integer(1, 4096)));
  },
  "append bytes": (files, random) => {
    const more = Buffer.alloc(random.integer(1, 9000), 7);
    replace(files, random, (bytes) => Buffer.concat([bytes, more]));
  },
  "swap two segments": (files, random) => {
    const [left, right] = [...files.keys()].slice(random.integer(0, 1));
    const kept = defined(files.get(defined(left)));
    files.set(defined(left), defined(files.get(defined(right))));
    files.set(defined(right), kept);
  },
  "put one slot's header at another": (files, random) => {
    const source = pick(files, random);
    const target = pick(files, random);
    const place = (): number => 4096 + random.integer(0, slotsPerSegment - 1) * headerBytes;
    const from = place();
    source.copy(target, place(), from, from + headerBytes);
  },
  "move bytes": (files, random) => {
    const bytes = pick(files, random);
    const from = random.integer(0, bytes.length - 1);
    bytes.copy(bytes, random.integer(0, bytes.length - 1), from, from + random.integer(1, 3000));
  },
};

class FuzzRig extends TierRig {
  readonly pristine: Files;
  readonly older: Files;

  private constructor(mode: TransferMode, pristine: Files, older: Files) {
    super({ mode, layerBytes, blockCount: slotCount + 1 });
    this.pristine = pristine;
    this.older = older;
  }

  /** `older` are the files before their slots were filled again by what `pristine` has. */
  static async open(mode: TransferMode): Promise<FuzzRig> {
    using maker = new TierRig({ mode, layerBytes });
    const bytesMax = segmentBytes(maker);
    await maker.diskTier({ bytesMax }).close();
    let tier = maker.diskTier({ bytesMax });
    await fillSlot(maker, tier, 0, 0);
    await tier.close();
    tier = maker.diskTier({ bytesMax: bytesMax * segmentCount });
    for await (const _ of tier.recover());
    assert(tier.facts.slotCount === slotCount, "segments are as large as meant");
    for (let slot = 0; slot < slotCount; slot++) await fillSlot(maker, tier, slot, 100 + slot);
    const older = readFiles(maker);
    for (let slot = 0; slot < slotCount; slot++) await fillSlot(maker, tier, slot, slot);
    await tier.close();
    return new FuzzRig(mode, readFiles(maker), older);
  }

  tier(): DiskTier {
    return this.diskTier({ bytesMax: segmentBytes(this) * segmentCount });
  }

  put(files: Files): void {
    for (const [name, bytes] of files) {
      const path = join(this.folder, `kv-${this.shape.fingerprint}`, name);
      // Written in place, so that an open tier sees it.
      closeSync(openSync(path, "a", 0o600));
      truncateSync(path, bytes.length);
      writeFileSync(path, bytes, { flag: "r+" });
    }
  }

  /** Reads slots that should hold these seeds: how many do, and how many gave other bytes. */
  async readAll(
    tier: DiskTier,
    seeds: ReadonlyMap<number, number>,
  ): Promise<{ right: number; wrong: number }> {
    const wanted = [...seeds].map(([slot, seed]) => {
      this.bytes(slot).fill(0);
      return { slot, identity: identityOf(seed), target: this.address(slot) };
    });
    const results = await tier.read(wanted, null);
    const moved = [...seeds].filter((_, index) => results[index] === "moved");
    const right = moved.filter(([slot, seed]) => this.holds(slot, seed)).length;
    return { right, wrong: moved.length - right };
  }
}

function segmentBytes(rig: TierRig): number {
  return 3 * 4096 + slotsPerSegment * (rig.pool.blockBytes + rig.layout.headerBytes) - 4096;
}

async function fillSlot(rig: TierRig, tier: DiskTier, slot: number, seed: number): Promise<void> {
  rig.fill(0, seed);
  const source = rig.address(0);
  const block = { slot, identity: identityOf(seed), source, checksumsKnown: null };
  expect(await tier.write(block)).toBe("moved");
}

function readFiles(rig: TierRig): Files {
  const folder = join(rig.folder, `kv-${rig.shape.fingerprint}`);
  const names = readdirSync(folder).toSorted();
  return new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
}

function copyOf(files: Files): Files {
  return new Map([...files].map(([name, bytes]) => [name, Buffer.from(bytes)]));
}

const allSeeds = new Map(Array.from({ length: slotCount }, (_, slot) => [slot, slot]));
const seedsByKey = new Map(
  Array.from({ length: slotCount }, (_, slot) => [slot, slot + 100])
    .flat()
    .map((seed) => [identityOf(seed).key, seed]),
);

/** The seeds of what a tier recovers, by slot. Everything recovered was once stored. */
async function recoverSeeds(tier: DiskTier): Promise<Map<number, number>> {
  const seeds = new Map<number, number>();
  for await (const batch of tier.recover()) {
    for (const { slot, identity } of batch) {
      const seed = defined(seedsByKey.get(identity.key), "a block that was stored");
      assert(sameIdentity(identity, identityOf(seed)), "its identity is whole");
      seeds.set(slot, seed);
    }
  }
  return seeds;
}

describe.each([
  ["auto", 110],
  ["portable", 15],
] as const)("files of the disk tier, %s", (mode, rounds) => {
  test.each(Object.entries(mutations))("%s: right bytes or a miss", async (name, mutate) => {
    using rig = await FuzzRig.open(mode);
    const random = new Random(name.length * 7919);
    let misses = 0;
    for (let round = 0; round < rounds; round++) {
      const damaged = copyOf(rig.pristine);
      mutate(damaged, random);
      // Every other time the tier is open already when it happens.
      const isLive = round % 2 === 1;
      await rig.tier().close();
      rig.put(isLive ? rig.pristine : damaged);
      const tier = rig.tier();
      const found = await recoverSeeds(tier);
      if (isLive) rig.put(damaged);
      const { right, wrong } = await rig.readAll(tier, found);
      expect(wrong).toBe(0);
      tier.checkIntegrity();
      misses += slotCount - right;
      expect((await rig.readAll(tier, allSeeds)).wrong).toBe(0);
      await tier.close();
    }
    // Bytes after the end of a file hurt nobody; everything else was noticed.
    expect(misses > 0).toBe(name !== "append bytes");
  });

  test("an older state of the files under an open tier is stale", async () => {
    using rig = await FuzzRig.open(mode);
    await rig.tier().close();
    rig.put(rig.pristine);
    const tier = rig.tier();
    expect(await recoverSeeds(tier)).toEqual(allSeeds);
    expect(await rig.readAll(tier, allSeeds)).toEqual({ right: slotCount, wrong: 0 });
    rig.put(rig.older);
    const wanted = [{ slot: 1, identity: identityOf(101), target: rig.address(1) }];
    expect(await tier.read(wanted, null)).toEqual(["stale"]);
    expect(await rig.readAll(tier, allSeeds)).toEqual({ right: 0, wrong: 0 });
    await tier.close();
  });
});
