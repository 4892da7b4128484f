// A streamed answer that is watched while it comes: how many tokens there are, and how long the
// client waited for the next one from a given moment on.

import { child, items } from "../load/json-value.ts";
import { openaiDialect, type Dialect } from "../load/dialect.ts";
import { complete, type StreamTarget } from "../load/stream-client.ts";

/** As POST /v1/completions takes it, but for what makes it a stream. */
export type CompletionBody = Readonly<Record<string, unknown>>;

export interface WatchedStream {
  readonly tokenIds: readonly number[];
  readonly text: string;
  /** Null while the stream goes on, and when it broke. */
  readonly finishReason: string | null;
  readonly promptTokens: number;
  readonly error: string | null;
  readonly sendMs: number;
  /** Arrival of each event with tokens. */
  readonly tokenTimesMs: readonly number[];
}

const streamMsMax = 180_000;

/** Resolves in every case. `onTokens`: so many have arrived. */
export async function watchStream(
  target: StreamTarget,
  body: CompletionBody,
  onTokens: (tokens: number) => void = () => undefined,
): Promise<WatchedStream> {
  let [text, tokens]: [string, number] = ["", 0];
  let finishReason: string | null = null;
  const dialect: Dialect = {
    ...openaiDialect,
    body: () => ({
      ...body,
      return_token_ids: true,
      stream: true,
      stream_options: { include_usage: true },
    }),
    read: (event) => {
      const delta = openaiDialect.read(event);
      const choice = items(child(event, "choices"))[0];
      const [piece, reason] = [child(choice, "text"), child(choice, "finish_reason")];
      if (typeof piece === "string") text += piece;
      if (typeof reason === "string") finishReason = reason;
      tokens += delta.tokenIds?.length ?? 0;
      if (delta.tokenIds !== null) onTokens(tokens);
      return delta;
    },
  };
  const ask = { model: "", promptTokens: [], answerTokens: 0 };
  const signal = AbortSignal.timeout(streamMsMax);
  const record = await complete({ ...target, dialect }, ask, signal);
  const { tokenIds, sendMs, tokenTimesMs, usage } = record;
  const promptTokens = usage?.promptTokens ?? 0;
  const error = record.error ?? (usage === null ? "the stream ended without usage" : null);
  return { tokenIds, text, finishReason, promptTokens, error, sendMs, tokenTimesMs };
}

/** The longest wait between two events, the later of which came after `sinceMs`. */
export function longestPauseMs({ tokenTimesMs }: WatchedStream, sinceMs: number): number {
  let longest = 0;
  for (const [index, time] of tokenTimesMs.entries()) {
    const before = tokenTimesMs[index - 1];
    if (before !== undefined && time >= sinceMs) longest = Math.max(longest, time - before);
  }
  return longest;
}
