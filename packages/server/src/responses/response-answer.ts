// The answer of /v1/responses as it comes: events of a generation in, numbered events of the API
// out. The last event is not told here, because a turn is acknowledged only once it is kept.

import { defined } from "@loci/core";
import type { GenerationEvent } from "@loci/core";
import type { JsonObject } from "@loci/store";
import { textField } from "./response-object.ts";
import { ChatChoice, type ChatChoiceOptions, type ChatDelta } from "../chat-choice.ts";
import type { EntropySource } from "../entropy.ts";
import type { RunEvent } from "../generation-run.ts";
import { UsageCount } from "../usage.ts";
import type { DeliveredAnswer } from "./resumption.ts";
import { OutputItems, type OutputEvent } from "./output-items.ts";
import { openState, responseObject, type ResponseFacts } from "./response-object.ts";

export type ResponseEvent = OutputEvent & { readonly sequence_number: number };

export interface AnswerOptions {
  readonly facts: ResponseFacts;
  readonly choice: ChatChoiceOptions;
  readonly entropy: EntropySource;
  readonly withLogprobs: boolean;
  /** What it goes on from. */
  readonly delivered: Pick<DeliveredAnswer, "answerTokens" | "text"> | null;
}

type TokenEvent = Extract<GenerationEvent, { type: "token" }>;

export class ResponseAnswer {
  readonly #options: AnswerOptions;
  readonly #items: OutputItems;
  readonly #choice: ChatChoice;
  readonly #usage = new UsageCount(1);
  #sequence = 0;
  #logprobsTold = 0;
  #started = false;
  #certain = "";

  constructor(options: AnswerOptions) {
    this.#options = options;
    this.#items = new OutputItems(options.entropy, options.withLogprobs);
    this.#choice = new ChatChoice(options.choice);
  }

  get tokenIds(): readonly number[] {
    return this.#choice.tokenIds;
  }

  /** The generation has begun and something was told of it. */
  get started(): boolean {
    return this.#started;
  }

  /** What the service has told of its text, before anything is read into it. */
  get certainText(): string {
    return this.#certain;
  }

  /** The end the model or a limit made; null while there is none. */
  get finishReason(): ChatChoice["finishReason"] {
    return this.#choice.finishReason;
  }

  get usage(): JsonObject {
    const { prompt_tokens, completion_tokens, total_tokens, prompt_tokens_details } =
      this.#usage.body();
    return {
      input_tokens: prompt_tokens,
      input_tokens_details: { ...prompt_tokens_details, cache_write_tokens: 0 },
      output_tokens: completion_tokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens,
    };
  }

  /** Items so far; complete ones once the generation has finished. */
  get output(): readonly JsonObject[] {
    return this.#items.items("incomplete");
  }

  /** A background turn's first word, while it waits. */
  queued(): readonly ResponseEvent[] {
    return [this.#lifecycle("created", "queued"), this.#lifecycle("queued", "queued")];
  }

  accept({ index, event }: RunEvent): readonly ResponseEvent[] {
    switch (event.type) {
      case "started":
        this.#usage.started(index, event.promptTokens, event.cachedTokens);
        return this.#start(index);
      case "token":
        return this.#token(index, event);
      case "finished":
      default: {
        const events = this.#tell(this.#choice.finish(event));
        this.#usage.finished(index, event.usage);
        const status = this.#choice.finishReason === "length" ? "incomplete" : "completed";
        return [...events, ...this.#items.closeAll(status).map((one) => this.#numbered(one))];
      }
    }
  }

  /** The last event, with the response in its last state. */
  ended(response: JsonObject): ResponseEvent {
    return this.#numbered({ type: lastEventType(response), response });
  }

  #start(index: number): readonly ResponseEvent[] {
    if (this.#started) return [];
    this.#started = true;
    const created = this.#sequence > 0 ? [] : [this.#lifecycle("created", "in_progress")];
    return [...created, this.#lifecycle("in_progress", "in_progress"), ...this.#tellAgain(index)];
  }

  /** What was delivered before is part of the answer, and of its stream. */
  #tellAgain(index: number): readonly ResponseEvent[] {
    const { answerTokens = [], text = "" } = this.#options.delivered ?? {};
    const last = answerTokens.length - 1;
    return [...answerTokens].flatMap((tokenId, place) =>
      this.#token(index, { tokenId, text: place === last ? text : "", logprobs: null }),
    );
  }

  #token(index: number, token: Omit<TokenEvent, "type">): readonly ResponseEvent[] {
    this.#usage.token(index);
    this.#certain += token.text;
    return this.#tell(this.#choice.token({ ...token, type: "token" }));
  }

  #lifecycle(name: string, status: "queued" | "in_progress"): ResponseEvent {
    const response = responseObject(this.#options.facts, openState(status));
    return this.#numbered({ type: `response.${name}`, response });
  }

  #numbered(event: OutputEvent): ResponseEvent {
    return { ...event, sequence_number: this.#sequence++ };
  }

  #tell(delta: ChatDelta): readonly ResponseEvent[] {
    const events: OutputEvent[] = [];
    if (delta.content !== undefined) events.push(...this.#items.text(delta.content, this.#due()));
    for (const call of delta.tool_calls ?? []) {
      const { name, arguments: more } = call.function;
      if (name !== undefined) events.push(...this.#items.call(defined(call.id), name));
      if (more !== "") events.push(...this.#items.arguments(more));
    }
    return events.map((event) => this.#numbered(event));
  }

  /** Log-probabilities of the tokens since the last piece of text. */
  #due(): ChatChoice["logprobs"] {
    if (!this.#options.withLogprobs) return [];
    const due = this.#choice.logprobs.slice(this.#logprobsTold);
    this.#logprobsTold = this.#choice.logprobs.length;
    return due;
  }
}

/** The API knows no event of its own for a cancelled response. */
export function lastEventType(response: JsonObject): string {
  const status = textField(response, "status");
  return `response.${status === "cancelled" ? "failed" : status}`;
}
