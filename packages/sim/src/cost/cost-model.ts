// What work costs, in seconds: the only thing about a device that the simulator makes up. Everything
// that decides stays the real engine.

import type { StepLoad } from "@loci/core";
import type { TierName } from "@loci/engine";

/** What one step asks of the device. */
export interface StepWork extends StepLoad {
  /** Cached tokens that attention reads, each once per slice: positions before a slice's end. */
  readonly kvTokens: number;
}

/** A transfer between the device or the host and a tier. */
export interface MoveWork {
  readonly kind: "store" | "restore" | "demote" | "erase";
  readonly tier: TierName;
  readonly blocks: number;
  readonly blockBytes: number;
}

export interface CostModel {
  /** As in reports. */
  readonly name: string;
  /** Seconds of one step; positive and finite. */
  stepSeconds(work: StepWork): number;
  /** Seconds of one transfer, without waiting for its turn; not negative. */
  moveSeconds(work: MoveWork): number;
}

/** Seconds that transfers take: a fixed part, then bytes at a rate. */
export interface MoveRates {
  readonly hostBytesPerSecond: number;
  readonly diskBytesPerSecond: number;
  readonly secondsPerMove: number;
}

/** Seconds of a transfer at these rates. Erasing moves nothing. */
export function secondsOfMove(work: MoveWork, rates: MoveRates): number {
  if (work.kind === "erase") return rates.secondsPerMove;
  const isDisk = work.tier === "disk" || work.kind === "demote";
  const rate = isDisk ? rates.diskBytesPerSecond : rates.hostBytesPerSecond;
  return rates.secondsPerMove + (work.blocks * work.blockBytes) / rate;
}
