// What the server tells a page that looks on, as JSON: one `LiveView` a second over /loci/live, and
// the lists that go with it. A page shares these types with the server and nothing else.

import type { ServiceSnapshot } from "./generation.ts";
import type { RequestPhase, ServiceView } from "./observation.ts";

/** Over the last seconds, for as long as somebody looks on; 0 and null at the first look. */
export interface LiveRates {
  readonly generatedPerSecond: number;
  /** Prompt tokens that were computed, not those from the cache. */
  readonly promptPerSecond: number;
  /** Of the prompt tokens of these seconds, from 0 to 1; null when there were none. */
  readonly cachedShare: number | null;
}

export interface LiveView {
  readonly atMs: number;
  readonly uptimeSeconds: number;
  readonly version: string;
  readonly model: { readonly id: string; readonly contextTokens: number };
  /** Totals of everybody. An endless expectation is null in JSON. */
  readonly service: ServiceSnapshot;
  /** The caller's own; null where nothing can be observed, or nobody answered in time. */
  readonly view: ServiceView | null;
  readonly rates: LiveRates;
  /** The caller's conversations that sessions in `view` are known to be: session → id. */
  readonly conversations: Readonly<Record<string, string>>;
}

/** A recent request in a list. Seconds since it was submitted. */
export interface RequestHead {
  readonly id: string;
  readonly session: string | null;
  /** The conversation that its session is known to be. */
  readonly conversation: string | null;
  readonly worker: string | null;
  /** Null once it has ended. */
  readonly phase: RequestPhase | null;
  /** As it ended, or the code of the error that ended it; null while it lives. */
  readonly finishReason: string | null;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly generatedTokens: number;
  readonly firstTokenSeconds: number | null;
  readonly endSeconds: number | null;
  /** When it was submitted: seconds since 1970. */
  readonly submittedUnixSeconds: number;
}
