// An answer as it comes, and as a whole. Every event has a `text`, so that those who want nothing
// else can join them.

import { LociError } from "@loci/core";
import type { FinishReason, GenerationEvent, SampledLogprobs, Usage } from "@loci/core";

/** The request left the queue; how much of its prompt was in the cache is known. */
export interface AnswerStarted {
  readonly type: "started";
  readonly text: "";
  readonly promptTokens: number;
  readonly cachedTokens: number;
}

/**
 * One token. `text` is what became certain with it: nothing for half a character, and perhaps text of
 * earlier tokens.
 */
export interface AnswerToken {
  readonly type: "token";
  readonly text: string;
  readonly tokenId: number;
  /** Null unless `logprobs` asked for them. */
  readonly logprobs: SampledLogprobs | null;
}

/** The last event. `text` is what was still held back. */
export interface AnswerFinished {
  readonly type: "finished";
  readonly text: string;
  /** `stop`: the model, a stop string or token ended it; `length`: it was cut. */
  readonly reason: Exclude<FinishReason, "cancelled">;
  /** The stop string or stop token that ended it; null when none did. */
  readonly stoppedBy: string | number | null;
  readonly usage: Usage;
}

export type AnswerEvent = AnswerStarted | AnswerToken | AnswerFinished;

/** A whole answer. */
export interface Answer {
  readonly text: string;
  readonly tokens: Int32Array;
  readonly reason: AnswerFinished["reason"];
  readonly stoppedBy: string | number | null;
  readonly usage: Usage;
  /** One for each token when `logprobs` asked for them, else empty. */
  readonly logprobs: readonly SampledLogprobs[];
}

/** The engine's event in the library's words. Throws `cancelled` for the end of an aborted one. */
export function answerEvent(event: GenerationEvent, signal: AbortSignal): AnswerEvent {
  switch (event.type) {
    case "started": {
      const { promptTokens, cachedTokens } = event;
      return { type: "started", text: "", promptTokens, cachedTokens };
    }
    case "token": {
      const { text, tokenId, logprobs } = event;
      return { type: "token", text, tokenId, logprobs };
    }
    case "finished":
    default: {
      const { text, reason, stoppedBy, usage } = event;
      if (reason === "cancelled") throw cancelled(signal);
      return { type: "finished", text, reason, stoppedBy, usage };
    }
  }
}

/** Why: the signal knows. */
export function cancelled(signal: AbortSignal): LociError {
  const reason: unknown = signal.reason;
  if (reason instanceof LociError) return reason;
  return new LociError("cancelled", "The request was cancelled.", { cause: reason });
}

/** Joins the events of an answer that came to its end. */
export async function wholeAnswer(events: AsyncIterable<AnswerEvent>): Promise<Answer> {
  const texts: string[] = [];
  const tokens: number[] = [];
  const logprobs: SampledLogprobs[] = [];
  for await (const event of events) {
    texts.push(event.text);
    if (event.type === "token") {
      tokens.push(event.tokenId);
      if (event.logprobs !== null) logprobs.push(event.logprobs);
    }
    if (event.type !== "finished") continue;
    const { reason, stoppedBy, usage } = event;
    const text = texts.join("");
    return { text, tokens: Int32Array.from(tokens), reason, stoppedBy, usage, logprobs };
  }
  throw new LociError("internal", "An answer ended without its last event.");
}
