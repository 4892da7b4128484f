// Where a request goes, and what was known when that was decided.

import type { KvTierName } from "@loci/core";

/** What a router needs to know of a request. */
export interface RouteRequest {
  /** Unique among live requests. */
  readonly id: string;
  /** Whose cache it may share: the salt of its blocks' names. */
  readonly tenant: string;
  /** Whose limits it counts against; the tenant when absent. */
  readonly payer?: string;
  /** The model's name in the API; absent: any. */
  readonly model?: string;
  readonly promptTokens: Int32Array;
  /** Most tokens to generate. */
  readonly maxTokens: number;
  readonly minTokens?: number;
  readonly ignoreEos?: boolean;
  readonly temperature?: number;
  readonly isConstrained?: boolean;
  /** Names the conversation it belongs to, within its tenant. */
  readonly sessionKey?: string;
  readonly userText?: string;
  /** Lower comes first. */
  readonly priority?: number;
  /** It must go to this worker (a conversation that lives there); null or absent: anywhere. */
  readonly onlyWorkerId?: string | null;
}

/** Seconds that a placement is expected to cost, by cause; their sum is what is compared. */
export interface CostTerms {
  /** Until a step takes it up. */
  readonly queue: number;
  /** Computing what no memory holds, bringing back or fetching what one does; the cheaper of both. */
  readonly prefill: number;
  /** What everyone there is slowed down by, over the expected answer. */
  readonly slowdown: number;
  /** Worth of what would be given up for it. */
  readonly eviction: number;
  /** Convex in the expected peak of memory. */
  readonly memory: number;
  /** What another copy of a hot prefix is worth; subtracted. */
  readonly replica: number;
  /** For leaving the session's home. */
  readonly move: number;
}

export interface CandidateCost {
  readonly workerId: string;
  /** What the policy compares; lower is better. Seconds for policies that know seconds. */
  readonly score: number;
  /** Null for policies without terms. */
  readonly terms: CostTerms | null;
  /** Prompt tokens of the request that the worker holds, each counted in its fastest memory. */
  readonly cachedTokens: Readonly<Record<KvTierName, number>>;
}

/** Blocks that the chosen worker should fetch from another before it starts. */
export interface FetchAdvice {
  readonly fromWorkerId: string;
  /** Blocks of the prompt, from its start: [blockStart, blockEnd). */
  readonly blockStart: number;
  readonly blockEnd: number;
}

export interface Placement {
  readonly requestId: string;
  readonly workerId: string;
  readonly policy: string;
  readonly fetch: FetchAdvice | null;
  /** Why, in a word: for explanations and metrics. */
  readonly reason:
    | "cheapest"
    | "only_choice"
    | "session_home"
    | "rebalanced"
    | "replicated"
    | "retried";
  /** The chosen one first, then the best others; at most 8. */
  readonly candidates: readonly CandidateCost[];
}
