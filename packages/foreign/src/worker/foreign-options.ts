// How a foreign engine is reached and read.

import type { WorkerAddress } from "@loci/cluster";
import type { Clock, LociError } from "@loci/core";
import type { TokenCodec } from "../answer/engine-answer.ts";
import type { EngineKind } from "../dialect/engine-dialect.ts";
import type { EventSources } from "../events/event-subscriber.ts";

export interface ForeignWorkerOptions {
  readonly address: WorkerAddress;
  readonly clock: Clock;
  readonly engine: EngineKind | "auto";
  /**
   * The vocabulary of the engine's model. Null: text mode, in which a token stands for four bytes of
   * text and nothing is generated through the link; see the text proxy.
   */
  readonly codec: TokenCodec | null;
  /** Spreads the polling of many workers over time; another number for each. */
  readonly seed: number;
  /** The model's name in our API; the engine's own when absent. */
  readonly model?: string;
  /** Sent with every call, in lower case: `authorization` for engines with a key. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Where the engine publishes its cache events; SGLang says so itself. */
  readonly events?: EventSources;
  /** Default true: tenants share nothing in an engine that can keep them apart (vLLM, SGLang). */
  readonly isolatesTenants?: boolean;
  /** Between two signs of life, on average. */
  readonly pollMs?: number;
  /** Longest silence before and within an answer. */
  readonly headSecondsMax?: number;
  readonly gapSecondsMax?: number;
  /** Told why an engine cannot be used (it starts, another vocabulary); once for each reason. */
  readonly onProblem?: (url: string, error: LociError) => void;
  /** Tokens of the engine's context where it does not say. */
  readonly contextTokensMax?: number;
}

export interface ForeignDefaults {
  readonly pollMs: number;
  /** A poll that takes longer is silence. */
  readonly pollTimeoutMs: number;
  /** So many polls between two scrapes of all numbers. */
  readonly pollsPerScrape: number;
  /** The same for servers of which nothing but their answers is known. */
  readonly pollsPerQuestion: number;
  /** Requests that are passed through do not wait for an engine that is silent for so long. */
  readonly silentMs: number;
  readonly contextTokensMax: number;
  readonly sequencesMax: number;
  /** Our blocks hold at least so many tokens, whatever the engine's. */
  readonly blockTokensMin: number;
}

export const foreignDefaults: ForeignDefaults = {
  pollMs: 400,
  pollTimeoutMs: 2000,
  pollsPerScrape: 2,
  pollsPerQuestion: 8,
  silentMs: 5000,
  contextTokensMax: 32_768,
  sequencesMax: 256,
  blockTokensMin: 16,
};

/** Words of four bytes in a block of text. */
export const textBlockWords = 64;
/** More than any text has that this router takes. */
export const textContextWords = 1_073_741_824;
