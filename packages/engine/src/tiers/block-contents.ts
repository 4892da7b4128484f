// The bytes of the device's blocks, for whoever carries them between workers.

export interface BlockContents {
  readonly blockBytes: number;
  /** A copy of what a block holds; nobody writes to the block meanwhile. */
  read(block: number): Promise<Uint8Array>;
  /** Replaces what a block holds, `blockBytes` of it; nobody else uses the block meanwhile. */
  write(block: number, bytes: Uint8Array): Promise<void>;
}
