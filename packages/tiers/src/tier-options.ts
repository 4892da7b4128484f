// What the tiers are opened with.

/** When a write to disk is made to survive a loss of power; a lost block is only a miss. */
export type DiskFsync = "never" | "segment" | "always";

export interface DiskTierOptions {
  /** Folder; made when it is not there. One process at a time may use it. */
  readonly path: string;
  /** All segment files together, those of other models in the folder included. */
  readonly bytesMax: number;
  readonly fsync: DiskFsync;
  /** Space that stays free on the file system; null = 5 % of it, at least 1 GiB. */
  readonly freeBytesMin: number | null;
}
