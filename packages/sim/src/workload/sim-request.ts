// A request as the simulator knows it: when it comes, what it shares with others, how long its answer
// will be. Token ids are made when it is submitted, so a trace of an hour stays small.

/** Where token ids come from: equal block ids give equal tokens. */
export interface PromptSource {
  /** One id for every `blockTokens` tokens; the last block may be cut. */
  readonly blocks: ArrayLike<number>;
  readonly blockTokens: number;
  readonly tokens: number;
}

export interface SimRequest {
  /** Since the start of the run; in a closed loop, not before. */
  readonly arrivalMs: number;
  readonly prompt: PromptSource;
  /** Tokens that the model would answer before its end token; at least 1, the end included. */
  readonly answerTokens: number;
  /** The client's limit; null = as long as the context allows. */
  readonly maxTokens: number | null;
  /** The answer ends at its limit only, whatever the model would say. */
  readonly ignoresEnd: boolean;
  readonly tenant: string;
  /** What a text predictor may read. */
  readonly userText: string | null;
  /** The client leaves so long after it submitted; null = it stays. */
  readonly cancelAfterMs: number | null;
}

/** How requests come: at their times, or as many at once as there are clients. */
export interface Workload {
  readonly name: string;
  readonly requests: readonly SimRequest[];
  /** Clients of a closed loop: each submits its next request when its last one ended. */
  readonly clients: number | null;
}
