// What a restart finds: the blocks whose stores had ended, and nothing else, whatever became of the
// folder meanwhile.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { LociError } from "@loci/core";
import { expect, test } from "vitest";
import type { Tier } from "../tier.ts";
import { TierRig, identityOf } from "../testing/tier-rig.ts";

async function store(rig: TierRig, tier: Tier, seeds: readonly number[]): Promise<void> {
  for (const seed of seeds) {
    rig.fill(0, seed);
    const source = rig.address(0);
    const block = { slot: seed, identity: identityOf(seed), source, checksumsKnown: null };
    expect(await tier.write(block)).toBe("moved");
  }
}

/** Slots that a tier recovers, in order. */
async function recover(tier: Tier): Promise<number[]> {
  const slots: number[] = [];
  for await (const batch of tier.recover()) {
    for (const { slot, identity } of batch) {
      expect(identity).toEqual(identityOf(slot));
      slots.push(slot);
    }
  }
  return slots;
}

function own(rig: TierRig): string {
  return join(rig.folder, `kv-${rig.shape.fingerprint}`);
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

/** An error's code, or the value itself when nothing is thrown. */
function codeOf(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error instanceof LociError ? error.code : error;
  }
}

test("a folder is used by one process at a time, and free again afterwards", async () => {
  using rig = new TierRig();
  const first = rig.diskTier();
  expect(codeOf(() => rig.diskTier())).toBe("unavailable");
  await first.close();
  await rig.diskTier().close();
});

test("a lock file left behind is taken over", async () => {
  using rig = new TierRig();
  writeFileSync(join(rig.folder, "lock"), "999999\n");
  const tier = rig.diskTier();
  expect(readFileSync(join(rig.folder, "lock"), "utf8")).toBe(`${process.pid}\n`);
  await tier.close();
});

test("files and folders are ours alone", async () => {
  using rig = new TierRig();
  chmodSync(rig.folder, 0o755);
  const tier = rig.diskTier();
  await store(rig, tier, [1]);
  expect(modeOf(rig.folder)).toBe(0o700);
  expect(modeOf(own(rig))).toBe(0o700);
  expect(modeOf(join(rig.folder, "lock"))).toBe(0o600);
  expect(readdirSync(own(rig)).map((name) => modeOf(join(own(rig), name)))).toEqual([0o600]);
  await tier.close();
});

test("symbolic links are not followed", async () => {
  using rig = new TierRig();
  const outside = join(rig.folder, "outside");
  writeFileSync(outside, "precious");
  mkdirSync(own(rig));
  symlinkSync(outside, join(own(rig), "00000000.kv"));
  const tier = rig.diskTier();
  expect(await recover(tier)).toEqual([]);
  await store(rig, tier, [1]);
  await tier.close();
  expect(readFileSync(outside, "utf8")).toBe("precious");
  using other = new TierRig();
  symlinkSync(outside, join(other.folder, "lock"));
  expect(codeOf(() => other.diskTier())).toBe("config_invalid");
});

test("blocks survive a larger and a smaller bound", async () => {
  using rig = new TierRig();
  const small = 16_384 + rig.pool.blockBytes * 8;
  let tier = rig.diskTier({ bytesMax: small });
  const first = tier.facts.slotCount;
  await store(rig, tier, [0, 1]);
  await tier.close();
  tier = rig.diskTier({ bytesMax: small * 4 });
  expect(tier.facts.slotCount).toBeGreaterThanOrEqual(first * 3);
  expect(await recover(tier)).toEqual([0, 1]);
  await store(rig, tier, [first * 2]);
  await tier.close();
  tier = rig.diskTier({ bytesMax: small * 2 });
  expect(await recover(tier)).toEqual([0, 1]);
  await tier.close();
  expect(readdirSync(own(rig))).toEqual(["00000000.kv"]);
});

test.each([
  ["another fingerprint", { fingerprint: "0".repeat(32) }],
  ["other layers", { layers: 1, layerBytes: 3072 }],
  ["other block sizes", { layerBytes: 2048 }],
  ["other token counts", { blockTokens: 32 }],
])("blocks of %s are nothing to us", async (_, change) => {
  using rig = new TierRig();
  using other = new TierRig(change);
  let tier = rig.diskTier();
  await store(rig, tier, [1, 2]);
  await tier.close();
  tier = other.diskTier({ path: rig.folder });
  expect(await recover(tier)).toEqual([]);
  await store(other, tier, [1]);
  await tier.close();
});

test("folders of other fingerprints make room, the longest unused first", async () => {
  using rig = new TierRig();
  const segment = 64 * 1024;
  await rig.diskTier({ bytesMax: segment }).close();
  let tier = rig.diskTier({ bytesMax: segment });
  const perSegment = tier.facts.slotCount;
  await store(rig, tier, [0]);
  await tier.close();
  const others = ["a", "b", "c"].map((letter) => join(rig.folder, `kv-${letter.repeat(32)}`));
  for (const [index, path] of others.entries()) {
    mkdirSync(path);
    writeFileSync(join(path, "00000000.kv"), Buffer.alloc(segment - 4096));
    const seconds = [300, 100, 200][index] ?? 0;
    utimesSync(join(path, "00000000.kv"), seconds, seconds);
    utimesSync(path, seconds, seconds);
  }
  tier = rig.diskTier({ bytesMax: segment * 4 });
  expect(await recover(tier)).toEqual([0]);
  await store(rig, tier, [perSegment]);
  expect(others.map((path) => existsSync(path))).toEqual([true, false, true]);
  await store(rig, tier, [perSegment * 3]);
  expect(others.map((path) => existsSync(path))).toEqual([true, false, false]);
  await tier.close();
});

test("below the floor of free space nothing new is stored, and what is there is served", async () => {
  using rig = new TierRig();
  let tier = rig.diskTier();
  await store(rig, tier, [1]);
  await tier.close();
  tier = rig.diskTier({ freeBytesMin: 2 ** 60 });
  expect(await recover(tier)).toEqual([1]);
  // The segment's space is its own already; a second segment would need more.
  await store(rig, tier, [2]);
  expect(await tier.erase([2])).toEqual([]);
  const wanted = [{ slot: 1, identity: identityOf(1), target: rig.address(5) }];
  expect(await tier.read(wanted, null)).toEqual(["moved"]);
  await tier.close();
  using empty = new TierRig();
  tier = empty.diskTier({ freeBytesMin: 2 ** 60 });
  const block = { slot: 0, identity: identityOf(1), source: empty.address(0) };
  expect(await tier.write({ ...block, checksumsKnown: null })).toBe("no_space");
  await tier.close();
});

test("a bound below one block is refused", () => {
  using rig = new TierRig();
  expect(codeOf(() => rig.diskTier({ bytesMax: 4096 }))).toBe("config_invalid");
  // The folder is free again.
  expect(codeOf(() => rig.diskTier({ bytesMax: 4096 }))).toBe("config_invalid");
});

test("the native and the portable way leave the same files and read each other's", async () => {
  using native = new TierRig({ mode: "auto" });
  using portable = new TierRig({ mode: "portable" });
  const files: Buffer[] = [];
  for (const rig of [native, portable]) {
    const tier = rig.diskTier();
    await store(rig, tier, [1, 2, 3]);
    await tier.erase([2]);
    await store(rig, tier, [3]);
    await tier.close();
    files.push(readFileSync(join(own(rig), "00000000.kv")));
  }
  expect(files[0]?.equals(files[1] ?? Buffer.alloc(0))).toBe(true);
  for (const [reader, writer] of [
    [native, portable],
    [portable, native],
  ] as const) {
    const tier = reader.diskTier({ path: writer.folder });
    expect(await recover(tier)).toEqual([1, 3]);
    const wanted = [{ slot: 3, identity: identityOf(3), target: reader.address(5) }];
    expect(await tier.read(wanted, null)).toEqual(["moved"]);
    expect(reader.holds(5, 3)).toBe(true);
    await tier.close();
  }
});
