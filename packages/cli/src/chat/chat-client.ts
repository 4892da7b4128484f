// The client side of one conversation: messages in, the answer's text and what it took out.

import { LociError } from "@loci/core";

import type { ApiClient } from "../api/api-client.ts";
import { listMember, member, numberMember, parseJson, textMember } from "../api/json-value.ts";

export interface ChatTurn {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

export interface ChatSampling {
  /** Null = the server's default. */
  readonly maxTokens: number | null;
  readonly temperature: number | null;
}

/** As the server counts. */
export interface AnswerUsage {
  readonly promptTokens: number;
  /** Of these, taken from the cache; null where the server does not say. */
  readonly cachedTokens: number | null;
  readonly answerTokens: number;
}

export type AnswerEvent =
  | { readonly type: "text"; readonly text: string }
  | {
      readonly type: "end";
      /** `stop`, `length`, …; null where the server does not say. */
      readonly finishReason: string | null;
      readonly usage: AnswerUsage | null;
    };

const modelTimeoutMs = 10_000;

export class ChatClient {
  readonly #api: ApiClient;
  #model: string | null;

  /** @param model null = the server's first */
  constructor(api: ApiClient, model: string | null = null) {
    this.#api = api;
    this.#model = model;
  }

  /** The model's name, asked for once. Throws LociError when the server cannot be reached. */
  async model(): Promise<string> {
    this.#model ??= await this.#firstModel();
    return this.#model;
  }

  /** The answer to `turns`, piece by piece. Aborting `signal` ends it and cancels it there. */
  async *answer(
    turns: readonly ChatTurn[],
    { maxTokens, temperature }: ChatSampling,
    signal: AbortSignal,
  ): AsyncGenerator<AnswerEvent> {
    const body = {
      model: await this.model(),
      messages: turns,
      stream: true,
      stream_options: { include_usage: true },
      ...(maxTokens === null ? {} : { max_tokens: maxTokens }),
      ...(temperature === null ? {} : { temperature }),
    };
    let finishReason: string | null = null;
    let usage: AnswerUsage | null = null;
    const request = { method: "POST", path: "/v1/chat/completions", body, signal } as const;
    for await (const data of this.#api.events(request)) {
      if (data === "[DONE]") {
        yield { type: "end", finishReason, usage };
        return;
      }
      const chunk = parseJson(data);
      const text = textOf(chunk);
      if (text !== "") yield { type: "text", text };
      const [choice] = listMember(chunk, "choices");
      finishReason = textMember(choice, "finish_reason") ?? finishReason;
      usage = usageOf(chunk) ?? usage;
    }
    throw new LociError("unavailable", "The server ended the answer before it was complete.");
  }

  async #firstModel(): Promise<string> {
    const signal = AbortSignal.timeout(modelTimeoutMs);
    const body = await this.#api.json({ method: "GET", path: "/v1/models", signal });
    const id = textMember(listMember(body, "data")[0], "id");
    if (id !== null) return id;
    throw new LociError("unavailable", `${this.#api.root} does not name a model.`);
  }
}

/** The text one chunk adds; throws when the chunk is an error. */
function textOf(chunk: unknown): string {
  const error = member(chunk, "error");
  if (error !== undefined) {
    const message = textMember(error, "message") ?? JSON.stringify(error);
    throw new LociError("unavailable", `The server stopped: ${message}`);
  }
  return textMember(listMember(chunk, "choices")[0], "delta", "content") ?? "";
}

function usageOf(chunk: unknown): AnswerUsage | null {
  const promptTokens = numberMember(chunk, "usage", "prompt_tokens");
  const answerTokens = numberMember(chunk, "usage", "completion_tokens");
  if (promptTokens === null || answerTokens === null) return null;
  const cachedTokens = numberMember(chunk, "usage", "prompt_tokens_details", "cached_tokens");
  return { promptTokens, cachedTokens, answerTokens };
}
