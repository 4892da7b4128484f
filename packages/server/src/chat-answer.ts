// The answer of /v1/chat/completions, streamed or whole.

import { defined } from "@loci/core";
import type { ChatMessage, GenerationEvent, GenerationRequest } from "@loci/core";
import type { TurnTokens } from "@loci/store";
import type { Answer } from "./answer.ts";
import type { AnswerHead } from "./answer-head.ts";
import { ChatChoice, type ChatChoiceOptions, type ChatDelta } from "./chat-choice.ts";
import type { RunEvent } from "./generation-run.ts";
import type { ChatBody } from "./schemas/chat-body.ts";
import { timingsBody, UsageCount, type TimingsBody } from "./usage.ts";

export interface AnsweredTurn {
  readonly message: ChatMessage;
  readonly tokens: TurnTokens;
}

export class ChatAnswer implements Answer {
  readonly #head: AnswerHead;
  readonly #body: ChatBody;
  readonly #requests: readonly GenerationRequest[];
  readonly #choices: readonly ChatChoice[];
  readonly #usage: UsageCount;
  #timings: TimingsBody | null = null;

  constructor(
    head: AnswerHead,
    body: ChatBody,
    requests: readonly GenerationRequest[],
    choiceOptions: () => ChatChoiceOptions,
  ) {
    this.#head = head;
    this.#body = body;
    this.#requests = requests;
    this.#choices = requests.map(() => new ChatChoice(choiceOptions()));
    this.#usage = new UsageCount(requests.length);
  }

  accept({ index, event, times }: RunEvent): readonly unknown[] {
    const choice = defined(this.#choices[index]);
    switch (event.type) {
      case "started":
        this.#usage.started(index, event.promptTokens, event.cachedTokens);
        return [this.#firstChunk(index)];
      case "token":
        this.#usage.token(index);
        return this.#tokenChunk(index, choice.token(event), event);
      case "finished":
      default: {
        const delta = choice.finish(event);
        this.#usage.finished(index, event.usage);
        this.#timings = timingsBody(event.usage, times);
        return this.#finalChunks(index, delta);
      }
    }
  }

  /** Each complete answer as a message, with its exact tokens. */
  turns(): readonly AnsweredTurn[] {
    return this.#choices.flatMap((choice, index) => {
      if (choice.finishReason === null) return [];
      const { promptTokens } = defined(this.#requests[index]);
      const tokens = { promptTokens, answerTokens: Int32Array.from(choice.tokenIds) };
      return [{ message: choice.chatMessage(), tokens }];
    });
  }

  lastChunks(): readonly unknown[] {
    if (this.#body.stream_options?.include_usage !== true) return [];
    return [{ ...this.#chunkHead, choices: [], usage: this.#usage.body(), ...this.#timingsField }];
  }

  whole(): unknown {
    return {
      ...this.#head,
      object: "chat.completion",
      choices: this.#choices.map((choice, index) => ({
        index,
        message: choice.message(),
        logprobs: this.#body.logprobs ? { content: choice.logprobs, refusal: null } : null,
        finish_reason: choice.finishReason,
        ...(this.#body.return_token_ids ? { token_ids: choice.tokenIds } : {}),
      })),
      usage: this.#usage.body(),
      ...this.#promptIdsField,
      ...this.#timingsField,
    };
  }

  #firstChunk(index: number): unknown {
    const delta: ChatDelta = { role: "assistant", content: "" };
    return { ...this.#chunk(index, delta), ...this.#promptIdsField };
  }

  #tokenChunk(
    index: number,
    delta: ChatDelta,
    event: Extract<GenerationEvent, { type: "token" }>,
  ): readonly unknown[] {
    const silent = Object.keys(delta).length === 0;
    const withIds = this.#body.return_token_ids === true;
    if (silent && event.logprobs === null && !withIds) return [];
    const latest = defined(this.#choices[index]).logprobs.at(-1);
    return [
      this.#chunk(index, delta, {
        logprobs: event.logprobs === null ? null : { content: [latest], refusal: null },
        ...(withIds ? { token_ids: [event.tokenId] } : {}),
      }),
    ];
  }

  #finalChunks(index: number, delta: ChatDelta): readonly unknown[] {
    const silent = Object.keys(delta).length === 0;
    const { finishReason } = defined(this.#choices[index]);
    const final = this.#chunk(index, {}, { finish_reason: finishReason });
    // With a usage chunk to come, the timings belong there.
    const usageFollows = this.#body.stream_options?.include_usage === true;
    const last = usageFollows ? final : { ...final, ...this.#timingsField };
    return silent ? [last] : [this.#chunk(index, delta), last];
  }

  #chunk(index: number, delta: ChatDelta, extra: object = {}): object {
    const choice = { index, delta, logprobs: null, finish_reason: null, ...extra };
    return { ...this.#chunkHead, choices: [choice], ...this.#runningUsage };
  }

  get #chunkHead(): object {
    return { ...this.#head, object: "chat.completion.chunk" };
  }

  get #runningUsage(): object {
    const { include_usage, continuous_usage_stats } = this.#body.stream_options ?? {};
    if (continuous_usage_stats === true) return { usage: this.#usage.body() };
    return include_usage === true ? { usage: null } : {};
  }

  get #promptIdsField(): object {
    if (this.#body.return_token_ids !== true) return {};
    return { prompt_token_ids: [...defined(this.#requests[0]).promptTokens] };
  }

  /** Only a single answer has timings: those of several overlap. */
  get #timingsField(): object {
    return this.#choices.length === 1 && this.#timings !== null ? { timings: this.#timings } : {};
  }
}
