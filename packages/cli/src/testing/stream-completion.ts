// A streamed completion with its token ids and pauses, for tests of streams that are interrupted.

import { systemClock } from "@loci/core";
import { createParser } from "eventsource-parser";

/** As POST /v1/completions takes it, but for what makes it a stream. */
export type CompletionBody = Readonly<Record<string, unknown>>;

export interface StreamedCompletion {
  readonly tokenIds: readonly number[];
  readonly text: string;
  readonly finishReason: string | null;
  /** Between two events. */
  readonly longestPauseMs: number;
}

interface Chunk {
  readonly choices?: readonly {
    readonly text?: string;
    readonly token_ids?: readonly number[];
    readonly finish_reason?: string | null;
  }[];
  readonly error?: { readonly message: string };
}

/** Throws what the server answered instead of a whole stream. `onTokens`: tokens so far. */
export async function streamCompletion(
  url: string,
  body: CompletionBody,
  onTokens: (tokens: number) => void = () => undefined,
): Promise<StreamedCompletion> {
  const response = await fetch(`${url}/v1/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...body, model: "loci-demo", stream: true, return_token_ids: true }),
  });
  if (!response.ok || response.body === null) throw new Error(await response.text());
  const tokenIds: number[] = [];
  let [text, finishReason, isWhole]: [string, string | null, boolean] = ["", null, false];
  let [lastMs, longestPauseMs] = [systemClock.nowMs(), 0];
  const parser = createParser({
    onEvent: ({ data }) => {
      longestPauseMs = Math.max(longestPauseMs, systemClock.nowMs() - lastMs);
      lastMs = systemClock.nowMs();
      if (data === "[DONE]") {
        isWhole = true;
        return;
      }
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what our own server sends
      const { choices = [], error } = JSON.parse(data) as Chunk;
      if (error !== undefined) throw new Error(error.message);
      for (const choice of choices) {
        tokenIds.push(...(choice.token_ids ?? []));
        text += choice.text ?? "";
        finishReason = choice.finish_reason ?? finishReason;
      }
      onTokens(tokenIds.length);
    },
  });
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) parser.feed(piece);
  if (!isWhole) throw new Error(`The stream ended after ${tokenIds.length} tokens.`);
  return { tokenIds, text, finishReason, longestPauseMs };
}
