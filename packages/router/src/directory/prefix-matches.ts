// What each worker holds of one prompt, counted in blocks. Reused from decision to decision, so that
// a decision allocates nothing for it.

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

  constructor(workersMax: number) {
    this.device = new Int32Array(workersMax);
    this.host = new Int32Array(workersMax);
    this.disk = new Int32Array(workersMax);
    this.devicePrefix = new Int32Array(workersMax);
    this.hostPrefix = new Int32Array(workersMax);
    this.diskPrefix = new Int32Array(workersMax);
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
  }
}
