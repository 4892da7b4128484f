// A process that stores blocks until it is killed, and says on standard output what it is about to
// store and what is stored: "begin <slot> <seed>", "done <slot> <seed>", one line each.
//
//   node store-forever.ts <folder> <transfer mode> <first seed>

import { writeSync } from "node:fs";
import { defined } from "@loci/core";
import { TierRig, identityOf } from "./tier-rig.ts";

const [path, mode, firstSeed] = process.argv.slice(2);
const rig = new TierRig({ mode: mode === "portable" ? "portable" : "auto", layerBytes: 16_384 });
const tier = rig.diskTier({ path: defined(path), bytesMax: 4 * 1024 ** 2 });
const recovering = tier.recover()[Symbol.asyncIterator]();
while (!(await recovering.next()).done);
for (let seed = Number(firstSeed); ; seed++) {
  const slot = (seed * 7) % tier.facts.slotCount;
  rig.fill(0, seed);
  writeSync(1, `begin ${slot} ${seed}\n`);
  const block = { slot, identity: identityOf(seed), source: rig.address(0), checksumsKnown: null };
  const result = await tier.write(block);
  writeSync(1, `${result === "moved" ? "done" : result} ${slot} ${seed}\n`);
}
