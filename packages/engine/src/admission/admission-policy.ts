// Who may start beside those who run: the rule about memory, and nothing else. Whoever starts has its
// cached blocks locked and finds memory for its prompt at once; a policy decides how much more is
// promised to it, and to those who run, for answers that grow.

import type { EngineRequest } from "../request.ts";

/** Every rule by name, for whoever offers or checks one. */
export const admissionNames = ["predicted", "s3", "paged", "worst-case", "oracle"] as const;

/**
 * `predicted`: the memory's peak over the predicted future fits, at a risk priced in seconds.
 * `oracle`: the same test; meant for a predictor that knows every length.
 * `s3`: reserves the predicted length, doubles it when outgrown (S³, digest 2.3 and 2.4).
 * `worst-case`: reserves the longest answer that was asked for (ORCA).
 * `paged`: promises nothing, preempts when memory runs out (vLLM).
 */
export type AdmissionName = (typeof admissionNames)[number];

/** A request that would start, as memory sees it. Blocks of it that are cached are locked. */
export interface Candidate {
  readonly request: EngineRequest;
  /** Blocks that it needs at once, beyond those it shares. */
  readonly blocksNeeded: number;
  /** Blocks that its table would have then. */
  readonly blocksHeld: number;
  /** Of these, blocks that nobody else runs on: free again when it ends. */
  readonly blocksOwned: number;
}

export interface AdmissionPolicy {
  readonly name: AdmissionName;
  /** Requests that do not fit are passed by, so that smaller ones start: first fit. */
  readonly passesBy: boolean;
  /** Whoever finds no block is helped in the cheapest way; else the newest simply gives way. */
  readonly climbsLadder: boolean;
  /** A new step is planned for those who run now. */
  beginPlan(running: readonly EngineRequest[]): void;
  /** Whether it may start when `blocksAvailable` can be had. */
  admits(candidate: Candidate, blocksAvailable: number): boolean;
  /** It started. */
  admitted(candidate: Candidate): void;
  /**
   * A running request needs memory beyond what it was promised. True: it may take what there is;
   * false: it has to go back to the queue, with a larger promise.
   */
  outgrown(request: EngineRequest): boolean;
  /** Whether what is promised to those who run fits into `blocksAvailable`. */
  fits(blocksAvailable: number): boolean;
}
