// The one question that policies differ in: what each worker is worth for a request.
//
//   eligible workers (a filter that all share) ──▶ score, lower is better ──▶ pick, near ties drawn
//
// A policy that wants fewer workers gives the others Infinity. What it remembers of requests it is
// told by the optional verbs; all of it is bounded by live requests, workers, or a named bound.

import type { BlockName } from "@loci/core";
import type { PromptHits } from "../choice/prompt-hits.ts";
import type { RoutedWorker } from "../members/routed-worker.ts";
import type { LiveRequest } from "../requests/live-request.ts";
import type { CostTerms, FetchAdvice, Placement } from "../placement.ts";

/** All that a policy sees for one decision. */
export interface PlacementView {
  readonly live: LiveRequest;
  /** The prompt, and after a failure the answer so far. */
  readonly tokens: Int32Array;
  /** What each worker holds of `tokens`. */
  readonly hits: PromptHits;
  readonly nowMs: number;
  /** Eligible ones, in order of joining; at least one. */
  readonly workers: readonly RoutedWorker[];
  /** To be filled: by index in `workers`; lower is better, Infinity for never. */
  readonly scores: Float64Array;
}

export interface PlacementPolicy {
  readonly name: string;
  /** Scores within this much of the best are as good; one of them is drawn. */
  readonly tieWidth: number;
  /** A request for whose prompt there is no room may wait in the router; absent: it never does. */
  readonly holdsRequests?: boolean;
  /** Fills `view.scores`; at least one is finite. */
  score(view: PlacementView): void;
  /** Terms behind the score of the last decision's worker `index`. */
  terms?(index: number): CostTerms;
  /** What the last decision's worker `index` should fetch first. */
  fetch?(index: number): FetchAdvice | null;
  /** Why the last decision's worker `index`, unless it was simply the best. */
  reason?(index: number, view: PlacementView): Placement["reason"] | null;
  /** It was sent to `live.worker`. */
  placed?(view: PlacementView): void;
  /** The first token came. */
  answered?(live: LiveRequest, nowMs: number): void;
  /** It left `live.worker`: finished, or failed there. */
  ended?(live: LiveRequest, nowMs: number): void;
  /** The worker holds these blocks in no memory any more. */
  removed?(worker: RoutedWorker, names: Iterable<BlockName>): void;
  /** The worker holds nothing any more. */
  cleared?(worker: RoutedWorker): void;
  /** The worker itself is gone, with what it held. */
  workerGone?(worker: RoutedWorker): void;
  tick?(nowMs: number): void;
  checkIntegrity?(): void;
}
