// What erasing leaves in the files.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TierRig, identityOf } from "../testing/tier-rig.ts";

function filesOf(folder: string): Buffer {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile());
  return Buffer.concat(files.map(({ parentPath, name }) => readFileSync(join(parentPath, name))));
}

test("neither tokens nor keys of an erased block are left in the files", async () => {
  using rig = new TierRig();
  const tier = rig.diskTier();
  for (const seed of [1, 2]) {
    rig.fill(seed, seed);
    const source = rig.address(seed);
    const identity = identityOf(seed * 13);
    await tier.write({ slot: seed, identity, source, checksumsKnown: null });
  }
  const tokens = [13, 26].map((seed) => Buffer.from(identityOf(seed).tokens.buffer));
  const keys = [13, 26].map((seed) => Buffer.from(identityOf(seed).key, "hex"));
  const before = filesOf(rig.folder);
  expect([...tokens, ...keys].map((bytes) => before.includes(bytes))).toEqual(
    Array.from({ length: 4 }, () => true),
  );
  expect(await tier.erase([1])).toEqual([]);
  const after = filesOf(rig.folder);
  expect(tokens.map((bytes) => after.includes(bytes))).toEqual([false, true]);
  expect(keys.map((bytes) => after.includes(bytes))).toEqual([false, true]);
  await tier.close();
});
