// How fast a restart finds its blocks: many small blocks with headers of a real model's size are
// stored, and the folder is opened again.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Clock, assert } from "@loci/core";
import { type KvPool, NativeMemory, RestoreGates, hostBlockAt } from "@loci/ggml";
import { type Tiers, openTiers } from "@loci/tiers";
import { chain, forgetFiles } from "./tier-rates.ts";

/** A cache line: payload is not read by a restart, so it may be small. */
const layerBytes = 64;
const ordersOf = 1000;

export interface RecoveryTimes {
  readonly blocks: number;
  readonly secondsCached: number;
  readonly secondsUncached: number;
}

export async function measureRecovery(
  options: { blocks: number; layers: number; blockTokens: number; folder: string },
  clock: Clock,
): Promise<RecoveryTimes> {
  const { blocks, layers, blockTokens, folder } = options;
  const blockBytes = layers * layerBytes;
  using memory = new NativeMemory(blockBytes);
  using gates = new RestoreGates();
  const size = { blockCount: 1, blockBytes };
  const blockAt = hostBlockAt(memory.address, size);
  const pool: KvPool = { ...size, layers, blockTokens, gates, blockAt, allocateHost: null };
  const path = join(folder, "recovery");
  mkdirSync(path, { recursive: true });
  const open = (): Promise<Tiers> =>
    openTiers({
      pool,
      fingerprint: "0".repeat(32),
      hostBytes: 0,
      disk: { path, bytesMax: blocks * blockBytes * 4, fsync: "never", freeBytesMin: 0 },
      clock,
    });
  const filled = await open();
  await recover(filled, 0, clock);
  await fill(filled, blocks, blockTokens);
  await filled.close();
  const timed = async (): Promise<number> => {
    const tiers = await open();
    const seconds = await recover(tiers, blocks, clock);
    await tiers.close();
    return seconds;
  };
  await timed();
  const secondsCached = await timed();
  await forgetFiles(path);
  return { blocks, secondsCached, secondsUncached: await timed() };
}

async function fill(tiers: Tiers, blocks: number, blockTokens: number): Promise<void> {
  const identities = chain(blocks, blockTokens);
  for (let first = 0; first < blocks; first += ordersOf) {
    const part = identities.slice(first, first + ordersOf);
    const { failed } = await tiers.mover.execute({
      kind: "store",
      id: first,
      tier: "disk",
      blocks: part.map((identity, index) => ({ block: 0, slot: first + index, identity })),
    });
    assert(failed.length === 0, "every block was stored");
  }
}

/** Seconds until all `expected` blocks were told. */
async function recover(tiers: Tiers, expected: number, clock: Clock): Promise<number> {
  const startedMs = clock.nowMs();
  let count = 0;
  for await (const batch of tiers.mover.recover()) count += batch.length;
  assert(count === expected, `all blocks are found: ${count} of ${expected}`);
  return (clock.nowMs() - startedMs) / 1000;
}
