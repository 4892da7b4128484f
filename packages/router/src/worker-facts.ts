// What is fixed for a worker's life, as a router needs to know it.

export interface WorkerFacts {
  /** Stable over restarts; unique in the cluster. */
  readonly id: string;
  /** New at every start: events and reports of another epoch are not this worker's. */
  readonly epoch: string;
  /** The model's name in the API. */
  readonly model: string;
  /**
   * Equal for workers whose blocks are interchangeable (weights, formats, layout); empty where that
   * is not known, and no block is moved then.
   */
  readonly fingerprint: string;
  readonly contextTokensMax: number;
  readonly blockTokens: number;
  readonly kvBlocksTotal: number;
  /** Sequences that it computes at once, at most. */
  readonly sequencesMax: number;
  /** A hit needs no unbroken prefix: missing blocks in between are computed again. */
  readonly toleratesGaps: boolean;
  /** False: it keeps no blocks that later requests could find, and so tells of none. */
  readonly sendsEvents: boolean;
  /** False: answers cannot go on elsewhere by tokens (a text proxy), so nothing is moved mid-stream. */
  readonly continuesAnswers: boolean;
  /** Kind of a foreign engine, such as `vllm`; absent for ours. */
  readonly engine?: string;
}
