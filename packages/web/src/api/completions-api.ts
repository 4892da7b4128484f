// /v1/chat/completions as a stream: what every engine behind a router understands, also where nothing
// is kept.

import { ApiError } from "./api-error.ts";
import { openEvents } from "./api-client.ts";
import type { SamplingFields } from "./responses-api.ts";

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

export interface CompletionChunk {
  readonly id: string;
  readonly choices: readonly {
    readonly delta: { readonly content?: string | null };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly prompt_tokens_details?: { readonly cached_tokens?: number } | null;
  } | null;
}

export interface CompletionRequest {
  readonly messages: readonly ChatMessage[];
  readonly sampling: SamplingFields;
  readonly signal: AbortSignal;
  readonly onChunk: (chunk: CompletionChunk) => void;
}

/** Resolves at the stream's end. Throws ApiError, or AbortError. */
export function streamCompletion(request: CompletionRequest): Promise<void> {
  const { messages, sampling, signal, onChunk } = request;
  const { instructions, max_output_tokens, text, ...rest } = sampling;
  const format = text?.format;
  const system: readonly ChatMessage[] =
    instructions === undefined ? [] : [{ role: "system", content: instructions }];
  return openEvents("/v1/chat/completions", {
    method: "POST",
    body: {
      ...rest,
      messages: [...system, ...messages],
      ...(max_output_tokens === undefined ? {} : { max_tokens: max_output_tokens }),
      ...(format === undefined ? {} : { response_format: chatFormat(format) }),
      stream: true,
      stream_options: { include_usage: true },
    },
    signal,
    onEvent: ({ data }) => {
      if (data === "[DONE]") return;
      const chunk: CompletionChunk & { readonly error?: { message?: string; code?: string } } =
        JSON.parse(data);
      if (chunk.error !== undefined) throw streamError(chunk.error);
      onChunk(chunk);
    },
  });
}

/** The same format as chat completions name it. */
function chatFormat(format: NonNullable<SamplingFields["text"]>["format"]): object {
  if (format.type !== "json_schema") return format;
  const { type, ...schema } = format;
  return { type, json_schema: schema };
}

function streamError({ message, code }: { message?: string; code?: string }): ApiError {
  const words = message ?? "The answer failed.";
  return new ApiError(words, { kind: "server", status: 200, code: code ?? "server_error" });
}
