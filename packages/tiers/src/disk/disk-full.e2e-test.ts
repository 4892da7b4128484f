// A full disk: stores fail and say so, what is there is served, and stores work again once there is
// space, without a restart.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Clock, systemClock } from "@loci/core";
import { expect, test } from "vitest";
import type { DiskTier } from "./disk-tier.ts";
import { TierRig, type TransferMode, identityOf } from "../testing/tier-rig.ts";

/** Time that passes when the test says so. */
class ManualClock implements Clock {
  ms = 0;
  nowMs(): number {
    return this.ms;
  }
  unixSeconds(): number {
    return 0;
  }
  after(delayMs: number, action: () => void): () => void {
    return systemClock.after(delayMs, action);
  }
}

function store(rig: TierRig, tier: DiskTier, slot: number): Promise<string> {
  rig.fill(0, slot);
  const source = rig.address(0);
  return tier.write({ slot, identity: identityOf(slot), source, checksumsKnown: null });
}

async function isThere(rig: TierRig, tier: DiskTier, slot: number): Promise<boolean> {
  const wanted = [{ slot, identity: identityOf(slot), target: rig.address(1) }];
  const [result] = await tier.read(wanted, null);
  return result === "moved" && rig.holds(1, slot);
}

const canMount = process.platform === "linux" && process.getuid?.() === 0;

test.runIf(canMount).each(["auto", "portable"] satisfies TransferMode[])(
  "a file system of 3 MiB, filled by others and freed again (%s; needs the right to mount)",
  async (mode) => {
    using rig = new TierRig({ mode, layerBytes: 16_384 });
    const mounted = join(rig.folder, "small");
    mkdirSync(mounted);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=3m", "tmpfs", mounted]);
    try {
      const clock = new ManualClock();
      const path = join(mounted, "kv");
      // Segments of 1 MiB, as an earlier run with a smaller bound made them.
      const first = rig.diskTier({ path, bytesMax: 1024 ** 2 }, clock);
      expect(await store(rig, first, 0)).toBe("moved");
      await first.close();
      const ballast = join(mounted, "ballast");
      writeFileSync(ballast, Buffer.alloc(1.5 * 1024 ** 2));
      const tier = rig.diskTier({ path, bytesMax: 1024 ** 3 }, clock);
      for await (const _ of tier.recover());
      const perSegment = 20;
      const results = new Map<number, string>();
      for (let slot = 0; slot < perSegment * 3; slot++) {
        results.set(slot, await store(rig, tier, slot));
        clock.ms += 1;
      }
      const words = [...results.values()];
      expect(words).toContain("moved");
      expect(words.at(-1)).toBe("no_space");
      for (const [slot, result] of results) {
        expect(await isThere(rig, tier, slot), `slot ${slot}`).toBe(result === "moved");
      }
      // Not tried again before the pause is over, however much space there is.
      rmSync(ballast);
      expect(await store(rig, tier, perSegment)).toBe("no_space");
      clock.ms += 60_000;
      expect(await store(rig, tier, perSegment)).toBe("moved");
      expect(await isThere(rig, tier, perSegment)).toBe(true);
      await tier.close();
    } finally {
      execFileSync("umount", [mounted]);
    }
  },
);

test.skipIf(process.platform === "win32")("a process that may not write large files", () => {
  using rig = new TierRig();
  const script = fileURLToPath(new URL("../testing/store-forever.ts", import.meta.url));
  const command = `ulimit -f 64; exec "$0" "$@" | head -n 4`;
  const args = [process.execPath, script, rig.folder, "auto", "1"];
  const { stdout } = spawnSync("sh", ["-c", command, ...args], { encoding: "utf8" });
  expect(stdout).toBe("begin 7 1\nno_space 7 1\nbegin 14 2\nno_space 14 2\n");
  expect(existsSync(join(rig.folder, `kv-${rig.shape.fingerprint}`, "00000000.kv"))).toBe(false);
});
