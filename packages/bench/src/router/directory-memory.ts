// What the directory takes per block, and per pair of a block and a worker that holds it: where
// prompts come and go as a whole, as they do, and where every block has holders of its own, as they
// could at worst.

import { blockNames, Random } from "@loci/core";
import { BlockDirectory } from "@loci/router";
import { blockTokens, PromptSource, tenant } from "./router-load.ts";

export type MemoryCell = {
  readonly holders: "prompts" | "independent";
  readonly workers: number;
  readonly blocks: number;
  /** Blocks times workers that hold them. */
  readonly pairs: number;
  readonly bytesPerBlock: number;
  readonly bytesPerPair: number;
};

/** A prompt is at so many workers at most. */
const holdersMax = 3;

export function directoryMemory(
  workers: number,
  blocks: number,
  holders: MemoryCell["holders"],
): MemoryCell {
  const directory = new BlockDirectory({ blocksMax: blocks, workersMax: workers });
  for (let slot = 0; slot < workers; slot++) directory.addWorker(slot);
  const random = new Random(1);
  const prompts = new PromptSource(256, random);
  let known = 0;
  while (directory.blockCount < blocks) {
    const room = (blocks - directory.blockCount) * blockTokens;
    const length = Math.min(room, random.integer(1000, 20_000));
    const names = blockNames(tenant, prompts.prompt(length, 0.25), blockTokens);
    const size = holders === "prompts" ? names.length : 1;
    for (let start = 0; start < names.length; start += size) {
      const run = names.subarray(start, start + size);
      known += tellHolders(directory, run, random);
    }
  }
  const { bytes, blockCount } = directory;
  return {
    holders,
    workers,
    blocks: blockCount,
    pairs: known,
    bytesPerBlock: bytes / blockCount,
    bytesPerPair: bytes / known,
  };
}

/** Says that one to three workers have the blocks; returns how many pairs that makes new. */
function tellHolders(directory: BlockDirectory, names: Float64Array, random: Random): number {
  const blocks = Array.from(names);
  let pairs = 0;
  for (let count = random.integer(1, holdersMax); count > 0; count--) {
    const slot = random.integer(0, directory.workersMax - 1);
    for (const name of blocks) if (!directory.holders(name).includes(slot)) pairs++;
    const tier = random.integer(0, 1) === 0 ? "device" : "host";
    directory.apply(slot, { type: "stored", tier, blocks });
  }
  return pairs;
}
