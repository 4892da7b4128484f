// The mover of the server by the engine's conformance suite, natively and with Node alone.

import { systemClock } from "@loci/core";
import { blockMoverConformance } from "@loci/engine/block-mover.suite";
import type { BlockMoverFixture } from "@loci/engine/block-mover.suite";
import { openTiers } from "./open-tiers.ts";
import type { Tiers } from "./open-tiers.ts";
import { TierRig } from "./testing/tier-rig.ts";
import type { TransferMode } from "./testing/tier-rig.ts";

const modes: readonly TransferMode[] = ["auto", "portable", "staged"];

for (const mode of modes) blockMoverConformance(`TierMover (${mode})`, () => makeFixture(mode));

async function makeFixture(mode: TransferMode): Promise<BlockMoverFixture> {
  const rig = new TierRig({ mode });
  const open = (): Promise<Tiers> =>
    openTiers({
      pool: rig.pool,
      fingerprint: rig.shape.fingerprint,
      hostBytes: rig.pool.blockBytes * 8,
      disk: { path: rig.folder, bytesMax: 1024 ** 2, fsync: "never", freeBytesMin: 0 },
      clock: systemClock,
      transfer: mode === "portable" ? mode : "auto",
    });
  let tiers = await open();
  return {
    get mover() {
      return tiers.mover;
    },
    blockTokens: rig.pool.blockTokens,
    fill: (block, seed) => rig.fill(block, seed),
    holds: (block, seed) => rig.holds(block, seed),
    restart: async () => {
      await tiers.close();
      tiers = await open();
    },
    dispose: async () => {
      await tiers.close();
      rig[Symbol.dispose]();
    },
  };
}
