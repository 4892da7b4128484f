// Why something became of blocks, in a few plain words with its price. Said when somebody looks: what
// is noted while the engine works are numbers only.

import type { Happening } from "@loci/core";

export type HappeningCause =
  | "cheapest"
  | "longest_unused"
  | "has_copy"
  | "worth_least"
  | "deleted"
  | "ahead_of_need"
  | "passed_on"
  | "brought_back"
  | "held_nowhere"
  | "cheaper_to_compute"
  | "fetched"
  | "longer_than_promised"
  | "peak_fits"
  | "others_spare"
  | "to_others";

/** What a reason is told with. */
export interface HappeningPrice {
  /** Seconds that it took, or that it takes to have the blocks again. */
  readonly seconds: number;
  /** Seconds of the other way. */
  readonly otherSeconds: number;
  readonly tier: Happening["tier"];
}

const reasons: Readonly<Record<HappeningCause, (price: HappeningPrice) => string>> = {
  cheapest: ({ seconds }) => `cheapest to have again (${duration(seconds)})`,
  longest_unused: ({ seconds }) => `unused for longest (${duration(seconds)} to compute)`,
  has_copy: ({ seconds }) => `a copy lies below (${duration(seconds)} to bring back)`,
  worth_least: ({ seconds }) => `worth less than what came (${duration(seconds)} to have again)`,
  deleted: () => "deleted",
  ahead_of_need: ({ seconds }) => `copied ahead of need (in ${duration(seconds)})`,
  passed_on: ({ seconds }) => `host memory runs full (in ${duration(seconds)})`,
  brought_back: ({ seconds, otherSeconds }) =>
    `in ${duration(seconds)}; computing takes ${duration(otherSeconds)}`,
  held_nowhere: ({ seconds }) => `no memory holds them any more (${duration(seconds)})`,
  cheaper_to_compute: ({ seconds }) => `cheaper than bringing them back (${duration(seconds)})`,
  fetched: () => "fetched from another worker",
  longer_than_promised: () => "the answer is longer than memory was promised for",
  peak_fits: () => "a larger promise: the expected peak still fits",
  others_spare: () => "lives on what others leave of their promises",
  to_others: ({ seconds, tier }) =>
    tier === null
      ? `gave way; computed again later (${duration(seconds)})`
      : `gave way; its blocks go to ${tier} and back (${duration(seconds)})`,
};

export function reasonOf(cause: HappeningCause, price: HappeningPrice): string {
  return reasons[cause](price);
}

/** Two digits that mean something. */
export function duration(seconds: number): string {
  if (seconds < 1e-6) return "under 1 µs";
  if (seconds >= 1) return `${digits(seconds)} s`;
  return seconds >= 0.001 ? `${digits(seconds * 1000)} ms` : `${digits(seconds * 1e6)} µs`;
}

function digits(value: number): string {
  return value >= 10 ? String(Math.round(value)) : String(Number(value.toPrecision(2)));
}
