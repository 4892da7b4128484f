// The engine's settings, each with its default and reason in one place.

import type { AdmissionName } from "./admission/admission-policy.ts";
import type { SchedulingName } from "./order/waiting-order.ts";
import type { RetentionPolicyName } from "./retention/retention-queue.ts";

/** Limits and targets of one engine. */
export interface EngineOptions {
  /**
   * Requests that may wait at most; more are refused with `queue_full`. Other engines queue without
   * a bound; at 256 a client still learns within seconds that it should retry later.
   */
  readonly queueRequestsMax: number;
  /** Prompt tokens that may wait at most, over all waiting requests: 4 MiB of ids. */
  readonly queueTokensMax: number;
  /**
   * Requests that run at the same time at most. The KV memory is the usual bound; beyond 64 a CPU
   * gains no more from batching.
   */
  readonly sequencesMax: number;
  /** Query tokens in one step at most; null = what the runner takes. */
  readonly stepTokensMax: number | null;
  /**
   * How long a step that mixes prompts with decoding should take, in milliseconds; null = fitted:
   * see `stepTargetSeconds`.
   */
  readonly targetStepMs: number | null;
  /** How cached blocks are chosen that are given up: see `RetentionPolicyName`. */
  readonly eviction: RetentionPolicyName;
  /**
   * Copies to the tiers below are made ahead of need while less than this share of the device's
   * blocks is free or has such a copy. A quarter, as in Pensieve (digest 1.4).
   */
  readonly aheadShare: number;
  /** How memory is promised to requests that start: see `AdmissionName`. */
  readonly admission: AdmissionName;
  /** Who starts first: see `SchedulingName`. Equal to arrival while nobody has to wait. */
  readonly scheduling: SchedulingName;
  /** A request that is expected to wait longer is refused with `queue_full`; null = no limit. */
  readonly queueSecondsMax: number | null;
}

export const engineDefaults: EngineOptions = {
  queueRequestsMax: 256,
  queueTokensMax: 1_048_576,
  sequencesMax: 64,
  stepTokensMax: null,
  targetStepMs: null,
  eviction: "retention",
  aheadShare: 0.25,
  admission: "predicted",
  scheduling: "fair",
  queueSecondsMax: null,
};

/** Bounds on what one request may ask of the text stream. */
export const stopStringsMax = 4;
/** UTF-16 units of one stop string. */
export const stopStringLengthMax = 256;
export const stopTokenIdsMax = 128;
