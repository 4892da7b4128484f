// How fast blocks move between the memories: orders are given to a mover as the engine gives them, on a
// pool of a real model's shape, one phase after the other.

import { closeSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { type Clock, assert, defined } from "@loci/core";
import type { BlockIdentity, BlockMover, MoveOrder, MoveOutcome, TierName } from "@loci/engine";
import { type KvPool, RestoreGates, hostBlockAt, loadKernelLibrary, memoryView } from "@loci/ggml";
import { blockKey, openTiers, tenantKey } from "@loci/tiers";

export interface RateOptions {
  readonly layers: number;
  readonly layerBytes: number;
  readonly blocks: number;
  readonly blockTokens: number;
  readonly transfer: "auto" | "portable";
  readonly folder: string;
}

/** Times of one phase over all blocks. */
export interface PhaseTimes {
  readonly name: string;
  readonly seconds: number;
  /** Until a step could have computed its first layer; null where nothing is restored. */
  readonly firstLayerSeconds: number | null;
}

/** Moves all blocks once through every phase. */
export async function measureRates(options: RateOptions, clock: Clock): Promise<PhaseTimes[]> {
  const { blocks, layers, layerBytes, blockTokens, transfer, folder } = options;
  const kernel = defined(loadKernelLibrary(), "the kernel library was built");
  const blockBytes = layers * layerBytes;
  // The second half receives what is restored.
  const memory = kernel.allocate(blocks * 2 * blockBytes);
  const bytes = memoryView(memory.address, memory.bytes);
  for (let at = 0; at < bytes.length; at += 61) bytes[at] = at % 251;
  using gates = new RestoreGates();
  const size = { blockCount: blocks * 2, blockBytes };
  const blockAt = hostBlockAt(memory.address, size);
  const pool: KvPool = { ...size, layers, blockTokens, gates, blockAt, allocateHost: null };
  const path = join(folder, "cache");
  mkdirSync(path, { recursive: true });
  const tiers = await openTiers({
    pool,
    fingerprint: "0".repeat(32),
    hostBytes: blocks * blockBytes,
    disk: { path, bytesMax: blocks * blockBytes * 3, fsync: "never", freeBytesMin: 0 },
    clock,
    transfer,
  });
  for await (const _ of tiers.mover.recover());
  const rig = new Rig(tiers.mover, pool, clock);
  const times = [
    await rig.store("device to host, first use of its memory", "host"),
    await rig.store("device to host", "host"),
    await rig.restore("host to device", "host"),
    await rig.store("device to disk, new segments", "disk"),
    await rig.store("device to disk, page cache", "disk"),
    await rig.restore("disk to device, page cache", "disk"),
  ];
  await forgetFiles(path);
  times.push(await rig.restore("disk to device, not cached", "disk"));
  await tiers.close();
  times.push(rig.copy("plain copy within the pool", bytes));
  memory.free();
  return times;
}

class Rig {
  readonly #mover: BlockMover;
  readonly #pool: KvPool;
  readonly #clock: Clock;
  readonly #identities: readonly BlockIdentity[];
  #orders = 0;

  constructor(mover: BlockMover, pool: KvPool, clock: Clock) {
    this.#mover = mover;
    this.#pool = pool;
    this.#clock = clock;
    this.#identities = chain(pool.blockCount / 2, pool.blockTokens);
  }

  store(name: string, tier: TierName): Promise<PhaseTimes> {
    const blocks = this.#identities.map((identity, slot) => ({ block: slot, slot, identity }));
    return this.#time(name, null, { kind: "store", id: this.#orders++, tier, blocks });
  }

  restore(name: string, tier: TierName): Promise<PhaseTimes> {
    const first = this.#identities.length;
    const blocks = this.#identities.map((identity, slot) => ({
      slot,
      block: first + slot,
      identity,
    }));
    return this.#time(name, 0, { kind: "restore", id: this.#orders++, tier, gate: 0, blocks });
  }

  copy(name: string, bytes: Uint8Array): PhaseTimes {
    const startedMs = this.#clock.nowMs();
    bytes.copyWithin(bytes.length / 2, 0, bytes.length / 2);
    return { name, seconds: (this.#clock.nowMs() - startedMs) / 1000, firstLayerSeconds: null };
  }

  async #time(name: string, gate: number | null, order: MoveOrder): Promise<PhaseTimes> {
    const startedMs = this.#clock.nowMs();
    const seconds = (): number => (this.#clock.nowMs() - startedMs) / 1000;
    const moved: Promise<MoveOutcome> = this.#mover.execute(order);
    let firstLayerSeconds: number | null = null;
    if (gate !== null) {
      while (this.#pool.gates.layersArrived(gate) === 0) await setImmediate();
      firstLayerSeconds = seconds();
    }
    const { failed } = await moved;
    assert(failed.length === 0, `${name}: every block was moved`);
    return { name, seconds: seconds(), firstLayerSeconds };
  }
}

/** Identities of consecutive full blocks of one sequence. */
export function chain(count: number, blockTokens: number): BlockIdentity[] {
  const tenant = tenantKey("bench");
  const identities: BlockIdentity[] = [];
  let parentKey = tenant;
  for (let depth = 0; depth < count; depth++) {
    const tokens = Int32Array.from({ length: blockTokens }, (_, index) => depth * 7 + index);
    const key = blockKey(parentKey, tokens);
    identities.push({ key, parentKey, tenantKey: tenant, depth, tokens });
    parentKey = key;
  }
  return identities;
}

/** Lets the page cache forget every segment file under `path`. */
export async function forgetFiles(path: string): Promise<void> {
  const kernel = defined(loadKernelLibrary(), "the kernel library was built");
  for (const name of readdirSync(path, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".kv")) continue;
    const file = openSync(join(path, name), "r+");
    await kernel.forgetFile(file);
    closeSync(file);
  }
}
