// The answer of /v1/completions, streamed or whole.

import { defined, type GenerationEvent, type GenerationRequest } from "@loci/core";
import type { Answer } from "./answer.ts";
import type { AnswerHead } from "./answer-head.ts";
import type { RunEvent } from "./generation-run.ts";
import { addCompletionLogprobs, emptyCompletionLogprobs } from "./logprobs.ts";
import type { CompletionLogprobs } from "./logprobs.ts";
import type { CompletionBody } from "./schemas/completion-body.ts";
import { timingsBody, UsageCount, type TimingsBody } from "./usage.ts";

/** Longest piece of an echoed prompt in one chunk, so that no chunk is large. */
const echoPieceChars = 16_384;

interface Choice {
  readonly text: string[];
  readonly tokenIds: number[];
  readonly logprobs: CompletionLogprobs;
  textLength: number;
  finishReason: "stop" | "length" | null;
  stoppedBy: string | number | null;
}

export class CompletionAnswer implements Answer {
  readonly #head: AnswerHead;
  readonly #body: CompletionBody;
  readonly #requests: readonly GenerationRequest[];
  /** The text before each answer: its prompt when echoed. */
  readonly #echoes: readonly string[];
  readonly #choices: readonly Choice[];
  readonly #usage: UsageCount;
  #timings: TimingsBody | null = null;

  constructor(
    head: AnswerHead,
    body: CompletionBody,
    requests: readonly GenerationRequest[],
    echoes: readonly string[],
  ) {
    this.#head = head;
    this.#body = body;
    this.#requests = requests;
    this.#echoes = echoes;
    this.#choices = requests.map(() => ({
      text: [],
      tokenIds: [],
      logprobs: emptyCompletionLogprobs(),
      textLength: 0,
      finishReason: null,
      stoppedBy: null,
    }));
    this.#usage = new UsageCount(body.n ?? 1);
  }

  accept({ index, event, times }: RunEvent): readonly unknown[] {
    const choice = defined(this.#choices[index]);
    switch (event.type) {
      case "started":
        this.#usage.started(index, event.promptTokens, event.cachedTokens);
        return this.#startChunks(index);
      case "token":
        this.#usage.token(index);
        return this.#tokenChunk(index, choice, event);
      case "finished":
      default:
        choice.finishReason = event.reason === "length" ? "length" : "stop";
        choice.stoppedBy = event.stoppedBy;
        this.#addText(choice, event.text);
        this.#usage.finished(index, event.usage);
        this.#timings = timingsBody(event.usage, times);
        return [this.#chunk(index, event.text)];
    }
  }

  lastChunks(): readonly unknown[] {
    if (this.#body.stream_options?.include_usage !== true) return [];
    return [{ ...this.#chunkHead, choices: [], usage: this.#usage.body(), ...this.#timingsField }];
  }

  whole(): unknown {
    return {
      ...this.#chunkHead,
      choices: this.#choices.map((choice, index) => ({
        text: (this.#echoes[index] ?? "") + choice.text.join(""),
        index,
        logprobs: this.#body.logprobs === undefined ? null : choice.logprobs,
        finish_reason: choice.finishReason,
        stop_reason: choice.stoppedBy,
        ...this.#idFields(index, choice.tokenIds, true),
      })),
      usage: this.#usage.body(),
      ...this.#timingsField,
    };
  }

  #startChunks(index: number): readonly unknown[] {
    const echo = this.#echoes[index] ?? "";
    const pieces: unknown[] = [];
    for (let at = 0; at < echo.length;) {
      const end = pieceEnd(echo, at);
      pieces.push(this.#chunk(index, echo.slice(at, end)));
      at = end;
    }
    if (this.#body.return_token_ids !== true) return pieces;
    return [this.#chunk(index, "", this.#idFields(index, [], true)), ...pieces];
  }

  #tokenChunk(
    index: number,
    choice: Choice,
    event: Extract<GenerationEvent, { type: "token" }>,
  ): readonly unknown[] {
    choice.tokenIds.push(event.tokenId);
    const offset = choice.textLength;
    this.#addText(choice, event.text);
    const columns = event.logprobs === null ? null : emptyCompletionLogprobs();
    if (event.logprobs !== null && columns !== null) {
      addCompletionLogprobs(choice.logprobs, event.logprobs, offset);
      addCompletionLogprobs(columns, event.logprobs, offset);
    }
    const withIds = this.#body.return_token_ids === true;
    if (event.text === "" && columns === null && !withIds) return [];
    const ids = this.#idFields(index, [event.tokenId], false);
    return [this.#chunk(index, event.text, { logprobs: columns, ...ids })];
  }

  #addText(choice: Choice, text: string): void {
    choice.text.push(text);
    choice.textLength += text.length;
  }

  #idFields(index: number, tokenIds: readonly number[], withPrompt: boolean): object {
    if (this.#body.return_token_ids !== true) return {};
    const { promptTokens } = defined(this.#requests[index]);
    return { token_ids: tokenIds, ...(withPrompt ? { prompt_token_ids: [...promptTokens] } : {}) };
  }

  #chunk(index: number, text: string, extra: object = {}): object {
    const { finishReason, stoppedBy } = defined(this.#choices[index]);
    const choice = {
      text,
      index,
      logprobs: null,
      finish_reason: finishReason,
      stop_reason: stoppedBy,
      ...extra,
    };
    const last = finishReason !== null && this.#body.stream_options?.include_usage !== true;
    return {
      ...this.#chunkHead,
      choices: [choice],
      ...this.#runningUsage,
      ...(last ? this.#timingsField : {}),
    };
  }

  get #chunkHead(): object {
    return { ...this.#head, object: "text_completion" };
  }

  get #runningUsage(): object {
    const { include_usage, continuous_usage_stats } = this.#body.stream_options ?? {};
    if (continuous_usage_stats === true) return { usage: this.#usage.body() };
    return include_usage === true ? { usage: null } : {};
  }

  /** Only a single answer has timings: those of several overlap. */
  get #timingsField(): object {
    return this.#choices.length === 1 && this.#timings !== null ? { timings: this.#timings } : {};
  }
}

/** Where a piece that starts at `start` ends: never between the halves of one character. */
function pieceEnd(text: string, start: number): number {
  const end = Math.min(text.length, start + echoPieceChars);
  const splitsPair = end < text.length && /[\uD800-\uDBFF]/.test(text.charAt(end - 1));
  return splitsPair ? end - 1 : end;
}
