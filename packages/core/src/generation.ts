// The one small interface between whoever serves HTTP and whoever computes: submit a request,
// receive a stream of events, cancel by signal. A local engine implements it, a router later.

import type { ClusterSnapshot } from "./cluster-snapshot.ts";
import type { HistogramCounts } from "./histogram.ts";
import type { LatencyCoefficients } from "./latency-model.ts";

/** How the next token is chosen. Neutral values switch a step off. */
export interface SamplingParams {
  /** 0 = greedy. */
  readonly temperature: number;
  /** 0 = off. */
  readonly topK: number;
  /** 1 = off. */
  readonly topP: number;
  /** 0 = off. */
  readonly minP: number;
  /** 1 = off; over prompt and answer, as in llama.cpp and vLLM. */
  readonly repetitionPenalty: number;
  /** 0 = off; over the answer, as in OpenAI's API. */
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  /** Token id → addition to its logit. */
  readonly logitBias: ReadonlyMap<number, number>;
  /** Unsigned 32-bit. The draw for position p is a pure function of (seed, p). */
  readonly seed: number;
  /** Alternatives to report with each token; null = no log-probabilities at all. */
  readonly logprobsTop: number | null;
  /** GBNF text whose root rule the answer must match; null = free text. */
  readonly grammar: string | null;
}

export const greedySampling: SamplingParams = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  logitBias: new Map(),
  seed: 0,
  logprobsTop: null,
  grammar: null,
};

export interface GenerationRequest {
  /** Unique among live requests. */
  readonly id: string;
  /** Whose cache it may share: part of every block's identity. */
  readonly tenant: string;
  /** Whose turn it takes and whose habits it teaches; the tenant when absent. */
  readonly payer?: string;
  readonly promptTokens: Int32Array;
  /** Most tokens to generate; the context length bounds it too. */
  readonly maxTokens: number;
  /** End of generation is not sampled before this many tokens. */
  readonly minTokens: number;
  /** End-of-generation tokens are treated as ordinary ones. */
  readonly ignoreEos: boolean;
  /** Strings that end the answer and are not part of it. */
  readonly stop: readonly string[];
  readonly stopTokenIds: readonly number[];
  readonly sampling: SamplingParams;
  /** Lower comes first, among those who wait; 0 when absent. */
  readonly priority?: number;
  /** The client gives up on the request if its first token is expected later than so. */
  readonly firstTokenSecondsMax?: number;
  /** Names the conversation it belongs to, within its tenant; a hint for what to keep. */
  readonly sessionKey?: string;
  /** The last user message: a hint for how long the answer will be. Bounded by who gives it. */
  readonly userText?: string;
  /** The client asks to keep the prompt's cache for so long after the answer. */
  readonly retainSeconds?: number;
  /**
   * Tokens of the answer that another worker has generated already, and that were delivered: the
   * answer goes on after them. They count towards `maxTokens` and `minTokens`, are penalised, matched
   * against the grammar and stop strings like any answer token, and give no events.
   */
  readonly deliveredTokens?: Int32Array;
  /** W3C trace context of whoever sent it: whose span this work belongs to. */
  readonly traceparent?: string;
}

export interface TokenLogprob {
  readonly tokenId: number;
  /** The token's text bytes. */
  readonly bytes: Uint8Array;
  /** Natural logarithm of the probability before temperature and filters. */
  readonly logprob: number;
}

export interface SampledLogprobs extends TokenLogprob {
  /** Most likely first; as many as `logprobsTop`. */
  readonly top: readonly TokenLogprob[];
}

/** `stop`: end token or stop string; `length`: maxTokens or context reached. */
export type FinishReason = "stop" | "length" | "cancelled";

export interface Usage {
  readonly promptTokens: number;
  /** Prompt tokens whose keys and values came from the cache. */
  readonly cachedTokens: number;
  readonly completionTokens: number;
}

export type GenerationEvent =
  /** The request left the queue; the cached share of its prompt is known. */
  | { readonly type: "started"; readonly promptTokens: number; readonly cachedTokens: number }
  /**
   * One sampled token. `text` is what became certain with it: it may be empty (half a character,
   * or a possible start of a stop string) and may hold text of earlier tokens.
   */
  | {
      readonly type: "token";
      readonly tokenId: number;
      readonly text: string;
      readonly logprobs: SampledLogprobs | null;
    }
  /** Last event. `text` is what was still held back. */
  | {
      readonly type: "finished";
      readonly reason: FinishReason;
      readonly text: string;
      /** The stop string or stop token that ended it, if one did. */
      readonly stoppedBy: string | number | null;
      readonly usage: Usage;
    };

/** Numbers of the moment, for /metrics, /health and `Retry-After`. */
export interface ServiceSnapshot {
  /** What computes, e.g. `CPU` or `CUDA0`; of several workers all there are; absent where none says. */
  readonly device?: string;
  readonly requestsRunning: number;
  readonly requestsWaiting: number;
  readonly kvBlocksTotal: number;
  readonly kvBlocksFree: number;
  /** Held by no request but still useful as cache. */
  readonly kvBlocksCached: number;
  readonly kvBlockTokens: number;
  /** Bytes of a block; absent where nobody moves blocks. */
  readonly kvBlockBytes?: number;
  /** Since start. */
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly computedPromptTokens: number;
  readonly generatedTokens: number;
  readonly preemptions: number;
  readonly steps: number;
  /** Expected seconds until a new request would start. */
  readonly waitSecondsExpected: number;
  /** What a step costs, as learned; absent where nobody learns it. */
  readonly latency?: LatencyCoefficients;
  /** How well answer lengths are predicted; absent where nobody judges. */
  readonly lengths?: LengthSnapshot;
  /** What became of answers that outgrew the memory promised to them; absent where nobody counts. */
  readonly rescues?: RescueSnapshot;
  /** What became of the device's cached blocks, since start; absent where nobody keeps count. */
  readonly kvDevice?: KvDeviceCounts;
  /** Memories below the device. */
  readonly kvTiers?: readonly KvTierSnapshot[];
  /** Moves between memories that have not ended. */
  readonly kvMovesUnderWay?: number;
  /** Absent where one process computes everything. */
  readonly cluster?: ClusterSnapshot;
}

export interface LengthSnapshot {
  /** Share of recent answers within their 90 % interval; null before the first. */
  readonly coverage: number | null;
  /** Answers learned from, and changes of traffic noticed, since the start. */
  readonly answers: number;
  readonly drifts: number;
  /** Tokens of answers as multiples of the median that was predicted; absent where nobody counts. */
  readonly errors?: HistogramCounts;
}

export interface RescueSnapshot {
  /** Answers that grew beyond their promise; of these, how memory was found. */
  readonly outgrown: number;
  readonly extended: number;
  readonly borrowed: number;
  /** Steps that requests sat out because somebody was about to end. */
  readonly waited: number;
  /** Requests that gave way: to come back from a memory below, or to be computed again. */
  readonly moved: number;
  readonly recomputed: number;
  /** Of these, requests that were nearly done. */
  readonly late: number;
}

export interface KvDeviceCounts {
  /** Device copies given up, and how many of them had a copy in a memory below. */
  readonly droppedBlocks: number;
  readonly droppedWithCopy: number;
  /** What they were worth: seconds to have them again, each by the cheaper way. */
  readonly givenUpLossSeconds: number;
  /** Seconds lost to expect for each second without them, as retention saw it; 0 with `lru`. */
  readonly givenUpLossPerSecond: number;
  /** Tokens of dropped blocks that were computed again. */
  readonly recomputedTokens: number;
  /** Of these, of blocks with a copy below, which would have come back later; absent: not counted. */
  readonly recomputedWithCopy?: number;
  /** From when a block was first known until the device gave it up; absent where nobody counts. */
  readonly lifetimeSeconds?: HistogramCounts;
  /** From a block's last use until the device gave it up. */
  readonly idleSeconds?: HistogramCounts;
  /** Between two uses of a cached block. */
  readonly reuseGapSeconds?: HistogramCounts;
  /** Copies made ahead of need that were brought back; those given up without. */
  readonly copiesAheadUsed: number;
  readonly copiesAheadWasted: number;
  /** Times that someone waited for a copy rather than take a block that will be needed. */
  readonly waitsForCopy: number;
}

export interface KvTierSnapshot {
  readonly name: string;
  readonly slotsTotal: number;
  readonly slotsUsed: number;
  /** What one block more adds to a restore, as measured. */
  readonly secondsPerBlock: number;
  /** Since start. */
  readonly restoredTokens: number;
  readonly restoredBlocks: number;
  readonly storedBlocks: number;
  readonly failedStores: number;
  readonly failedRestores: number;
  /** Copies given up for others, and their worth: see `KvDeviceCounts`. */
  readonly evictedBlocks: number;
  readonly givenUpLossSeconds: number;
  readonly givenUpLossPerSecond: number;
}

export interface GenerationService {
  /**
   * Starts `request`. Throws LociError from the first `next()` when it is refused (queue_full,
   * context_length_exceeded, invalid_request), later when it fails. Aborting `signal`, or
   * leaving the loop, cancels it in every phase.
   */
  generate(request: GenerationRequest, signal: AbortSignal): AsyncIterable<GenerationEvent>;
  snapshot(): ServiceSnapshot;
}
