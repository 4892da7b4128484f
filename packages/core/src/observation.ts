// What may be seen of a service's work while it works: who runs and waits and what was predicted for
// them, where keys and values lie and what became of them lately, and the story of one request.
// Numbers and names only, never text. Every list has a bound, so that looking stays cheap.

import type { Awaitable } from "./cache-inspection.ts";
import type { FinishReason } from "./generation.ts";
import type { KvTierName } from "./kv-events.ts";

/** Bounds of what one look shows; what is left out is counted. */
export const viewLimits = {
  requestsMax: 256,
  sequencesMax: 64,
  stretchesMax: 64,
  happeningsMax: 256,
  forecastPointsMax: 32,
  phasesMax: 256,
  /** Ended requests whose stories are remembered. */
  storiesMax: 1024,
} as const;

/** Tokens of the whole answer: with 10, 50 and 90 % probability it is no longer than these. */
export interface LengthBand {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

export type RequestPhase = "waiting" | "restoring" | "prefill" | "decode";

export interface RequestView {
  readonly id: string;
  readonly tenant: string;
  /** Names its conversation within its tenant; null when it belongs to none. */
  readonly session: string | null;
  /** Where it is; null where one process computes everything. */
  readonly worker: string | null;
  readonly phase: RequestPhase;
  readonly ageSeconds: number;
  readonly promptTokens: number;
  /** Prompt tokens that were taken from the cache. */
  readonly cachedTokens: number;
  /** Tokens whose keys and values exist now. */
  readonly computedTokens: number;
  readonly generatedTokens: number;
  readonly maxTokens: number;
  /** As predicted now, given what is generated; null where nobody predicts. */
  readonly predicted: LengthBand | null;
  /** Answer tokens that memory is promised for; null where nothing is promised. */
  readonly promisedTokens: number | null;
  readonly blocksHeld: number;
  /** Times it gave way to others or waited for memory. */
  readonly rescues: number;
}

/** A stretch of a sequence whose blocks lie in the same place. */
export interface SequenceStretch {
  /** The fastest memory that holds them; `missing`: known but given up everywhere. */
  readonly place: KvTierName | "missing";
  readonly blocks: number;
  /** Other sequences continue from these blocks, too. */
  readonly shared: boolean;
}

export interface SequenceView {
  /** The same as long as the sequence lives. */
  readonly key: string;
  readonly tenant: string;
  readonly session: string | null;
  readonly worker: string | null;
  readonly tokens: number;
  readonly idleSeconds: number;
  /** A request uses it now. */
  readonly inUse: boolean;
  /** From its beginning; after the bound the rest is one stretch. */
  readonly stretches: readonly SequenceStretch[];
}

/** What became of blocks. `moved_in`: fetched from another worker. */
export type HappeningKind =
  | "copied"
  | "dropped"
  | "restored"
  | "recomputed"
  | "moved_in"
  | "outgrown"
  | "extended"
  | "borrowed"
  | "gave_way";

export interface Happening {
  /** Counts up within its worker's life. */
  readonly sequence: number;
  readonly worker: string | null;
  readonly agoSeconds: number;
  readonly kind: HappeningKind;
  /** Where to or from; null where no memory is meant. */
  readonly tier: KvTierName | null;
  readonly blocks: number;
  /** Why, in a few plain words with its price: "cheapest to have again (0.8 ms)". */
  readonly reason: string;
  readonly tenant: string | null;
  readonly requestId: string | null;
}

export interface MemoryPlace {
  readonly worker: string | null;
  readonly tier: KvTierName;
  readonly blocksTotal: number;
  readonly blocksUsed: number;
  /** Of these, in use by requests; 0 below the device. */
  readonly blocksHeld: number;
}

/** Device blocks that the running requests are expected to hold. */
export interface PeakForecast {
  readonly worker: string | null;
  readonly blocksTotal: number;
  /** First point: now. */
  readonly points: readonly {
    readonly secondsAhead: number;
    /** As expected, and what is not exceeded with 90 % probability. */
    readonly blocksMedian: number;
    readonly blocksHigh: number;
  }[];
}

export interface ServiceView {
  /** Running ones first, then those that wait, in their order. */
  readonly requests: readonly RequestView[];
  readonly requestsOmitted: number;
  readonly places: readonly MemoryPlace[];
  readonly blockTokens: number;
  readonly forecasts: readonly PeakForecast[];
  /** Most recently used first. */
  readonly sequences: readonly SequenceView[];
  readonly sequencesOmitted: number;
  /** Oldest first; a ring: what a slow reader missed is missing. */
  readonly happenings: readonly Happening[];
}

/** One stretch of a request's life. Times are seconds since it was submitted. */
export interface StoryPhase {
  readonly phase: RequestPhase | "rescued";
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** Tokens computed, restored or generated in it. */
  readonly tokens: number;
  readonly note: string | null;
}

export interface RequestStory {
  readonly id: string;
  readonly tenant: string;
  readonly session: string | null;
  readonly worker: string | null;
  /** Oldest first; at the bound, the last ones are merged. */
  readonly phases: readonly StoryPhase[];
  /** Prompt tokens by where they came from: each counted once. */
  readonly promptTokens: number;
  readonly fromDevice: number;
  readonly fromHost: number;
  readonly fromDisk: number;
  readonly fromPeer: number;
  /** Known before, dropped since, computed again. */
  readonly recomputedTokens: number;
  readonly generatedTokens: number;
  /** The prediction at admission; null where nobody predicts. */
  readonly predicted: LengthBand | null;
  readonly firstTokenSeconds: number | null;
  /** Null while it lives. */
  readonly endSeconds: number | null;
  readonly finishReason: FinishReason | "failed" | null;
  /** Its placement by terms, as the router explains it; null without a router. */
  readonly placement: object | null;
}

/** A beginning that many prompts have in common, as a router sees it. */
export interface HotPrefix {
  /** The same as long as it is remembered. */
  readonly key: string;
  readonly tokens: number;
  readonly blocks: number;
  /** Who holds all of it, in any memory. */
  readonly workers: readonly string[];
  /** Requests of the last minutes that began with it. */
  readonly hits: number;
}

/** What a router decided lately. */
export interface PlacementLog {
  /**
   * Decisions with their terms, as `ClusterAdmin.placement` gives them, and `agoSeconds`; newest
   * first.
   */
  recentPlacements(limit: number): readonly object[];
  /** Most used first. */
  hotPrefixes(limit: number): readonly HotPrefix[];
}

export interface Observable {
  /** A look at this moment. A local engine answers at once, a cluster after asking its workers. */
  view(): Awaitable<ServiceView>;
  /** The story of a live or recent request; null when it is not remembered. */
  story(requestId: string): Awaitable<RequestStory | null>;
}
