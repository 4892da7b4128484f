// What each worker holds of one prompt, counted in blocks. Reused from decision to decision, so that
// a decision allocates nothing for it.

import { groupWordsOf, type HolderSets } from "./holder-sets.ts";

const entriesFirst = 1024;

/** Blocks of a prompt by worker slot and memory; each block counted in the fastest that has it. */
export class PrefixMatches {
  /** By slot: blocks held in the device memory, or expected there soon; anywhere in the prompt. */
  readonly device: Int32Array;
  readonly host: Int32Array;
  readonly disk: Int32Array;
  /** By slot: of those, the ones that nothing is missing before. */
  readonly devicePrefix: Int32Array;
  readonly hostPrefix: Int32Array;
  readonly diskPrefix: Int32Array;
  /**
   * Where the directory found each of the prompt's blocks, 0 for nowhere: spares whoever goes through
   * the same names next the search. Only a hint; blocks come and go.
   */
  entries: Int32Array = new Int32Array(entriesFirst);
  /** Bits of those that have held all blocks so far. */
  readonly #unbroken: Int32Array;

  constructor(workersMax: number) {
    this.device = new Int32Array(workersMax);
    this.host = new Int32Array(workersMax);
    this.disk = new Int32Array(workersMax);
    this.devicePrefix = new Int32Array(workersMax);
    this.hostPrefix = new Int32Array(workersMax);
    this.diskPrefix = new Int32Array(workersMax);
    this.#unbroken = new Int32Array(groupWordsOf(workersMax));
  }

  /** Blocks from the prompt's start that the slot holds in any memory, none missing between. */
  prefix(slot: number): number {
    return (
      (this.devicePrefix[slot] ?? 0) + (this.hostPrefix[slot] ?? 0) + (this.diskPrefix[slot] ?? 0)
    );
  }

  /** For the next prompt, of so many blocks. */
  reset(blocks: number): void {
    if (this.entries.length < blocks) this.entries = new Int32Array(2 * blocks);
    this.device.fill(0);
    this.host.fill(0);
    this.disk.fill(0);
    this.devicePrefix.fill(0);
    this.hostPrefix.fill(0);
    this.diskPrefix.fill(0);
    this.#unbroken.fill(-1);
  }

  /** Counts the prompt's next blocks, `run` of them with these holders. */
  add({ words, setWords, groupWords }: HolderSets, set: number, run: number): void {
    if (run === 0) return;
    if (set === 0) {
      this.#unbroken.fill(0);
      return;
    }
    for (let word = 0; word < groupWords; word++) {
      const at = set * setWords + word;
      const device = (words[at] ?? 0) | (words[at + 3 * groupWords] ?? 0);
      const host = (words[at + groupWords] ?? 0) & ~device;
      const disk = (words[at + 2 * groupWords] ?? 0) & ~(device | host);
      const unbroken = (this.#unbroken[word] ?? 0) & (device | host | disk);
      this.#unbroken[word] = unbroken;
      const slot = 32 * word;
      addToBits(this.device, device, slot, run);
      addToBits(this.devicePrefix, device & unbroken, slot, run);
      addToBits(this.host, host, slot, run);
      addToBits(this.hostPrefix, host & unbroken, slot, run);
      addToBits(this.disk, disk, slot, run);
      addToBits(this.diskPrefix, disk & unbroken, slot, run);
    }
  }
}

/** Adds `run` to the counts of the slots whose bits are set; `slot` is the lowest bit's. */
function addToBits(counts: Int32Array, bits: number, slot: number, run: number): void {
  for (let rest = bits; rest !== 0; rest &= rest - 1) {
    const of = slot + 31 - Math.clz32(rest & -rest);
    counts[of] = (counts[of] ?? 0) + run;
  }
}
