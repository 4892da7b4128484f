// A complete chat answer as the chunks of a stream, for a request that comes again under its key:
// each choice in one piece.

import type { ChatBody } from "../schemas/chat-body.ts";

/** A body of /v1/chat/completions, as it was kept. */
export interface ChatWhole extends Readonly<Record<string, unknown>> {
  readonly choices: readonly WholeChoice[];
}

interface WholeChoice {
  readonly index: number;
  readonly message: {
    readonly content: string | null;
    readonly tool_calls?: readonly Readonly<Record<string, unknown>>[];
  };
  readonly logprobs: unknown;
  readonly finish_reason: string;
  readonly token_ids?: readonly number[];
}

/** Chunks with the same sum as `whole`. */
export function wholeAsChunks(whole: ChatWhole, body: ChatBody): readonly object[] {
  const { choices, usage, timings, prompt_token_ids: promptIds, ...rest } = whole;
  const head = { ...rest, object: "chat.completion.chunk" };
  const withUsage = body.stream_options?.include_usage === true;
  const late = timings === undefined ? {} : { timings };
  const prompt = promptIds === undefined ? {} : { prompt_token_ids: promptIds };
  const each = { ...head, ...(withUsage ? { usage: null } : {}), ...prompt };
  const chunks = choices
    .flatMap((choice) => choiceChunks(choice))
    .map((choice): object => Object.assign({ choices: [choice] }, each));
  return withUsage ? [...chunks, { ...head, choices: [], usage, ...late }] : chunks;
}

function choiceChunks(choice: WholeChoice): readonly object[] {
  const { index, message, logprobs, finish_reason, token_ids } = choice;
  const calls = message.tool_calls?.map((call, at) => ({ index: at, ...call }));
  const delta = {
    role: "assistant",
    content: message.content ?? "",
    ...(calls === undefined ? {} : { tool_calls: calls }),
  };
  const ids = token_ids === undefined ? {} : { token_ids };
  return [
    { index, delta, logprobs, finish_reason: null, ...ids },
    { index, delta: {}, logprobs: null, finish_reason },
  ];
}
