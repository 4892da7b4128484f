// A conversation that no server keeps: the page sends all of it with every turn, and forgets it when
// it is left. For routers in front of other engines, and servers without a store.

import { computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { isAbort, toApiError, type ApiError } from "../api/api-error.ts";
import {
  streamCompletion,
  type ChatMessage,
  type CompletionChunk,
} from "../api/completions-api.ts";
import type { Conversation } from "../api/conversations-api.ts";
import type { BrowserClock } from "../browser-clock.ts";
import { attachmentText } from "./attachment.ts";
import { chatSettings, samplingFields } from "./chat-settings.ts";
import { GrowingText } from "./growing-text.ts";
import {
  emptyDraft,
  isEmptyDraft,
  type AnswerPhase,
  type Draft,
  type GrowingAnswer,
  type LoadState,
  type OpenChat,
} from "./open-chat.ts";
import type { AnswerFacts, Turn } from "./turn.ts";

/** Turns of one conversation; the server's context is shorter. */
const turnsMax = 2000;

interface Passing extends GrowingAnswer {
  readonly phase: Signal<AnswerPhase>;
  readonly abort: AbortController;
  readonly startMs: number;
  id: string | null;
  firstMs: number | null;
  lastMs: number;
  finishReason: string | null;
  usage: CompletionChunk["usage"];
}

export class PassingChat implements OpenChat {
  readonly id = null;
  readonly draft: Signal<Draft> = signal(emptyDraft);
  readonly loadState: ReadonlySignal<LoadState> = signal<LoadState>({ kind: "ready" });
  readonly conversation: ReadonlySignal<Conversation | null> = signal(null);
  readonly hasEarlier: ReadonlySignal<boolean> = signal(false);
  /** Only a server that keeps the tokens can go on exactly. */
  readonly canContinue: ReadonlySignal<boolean> = signal(false);
  readonly canRegenerate: ReadonlySignal<boolean> = computed(
    () => this.#turns.value.at(-1)?.role === "assistant",
  );
  readonly #clock: BrowserClock;
  readonly #turns = signal<readonly Turn[]>([]);
  readonly #answer = signal<Passing | null>(null);
  readonly #failure = signal<ApiError | null>(null);
  #keys = 0;

  constructor(clock: BrowserClock) {
    this.#clock = clock;
  }

  get turns(): ReadonlySignal<readonly Turn[]> {
    return this.#turns;
  }

  get answer(): ReadonlySignal<GrowingAnswer | null> {
    return this.#answer;
  }

  get failure(): ReadonlySignal<ApiError | null> {
    return this.#failure;
  }

  open(): Promise<void> {
    return Promise.resolve();
  }

  loadEarlier(): Promise<void> {
    return Promise.resolve();
  }

  continueAnswer(): Promise<void> {
    return Promise.resolve();
  }

  async send(): Promise<void> {
    const draft = this.draft.peek();
    if (this.#answer.peek() !== null || isEmptyDraft(draft)) return;
    const before = this.#turns.peek().slice(-turnsMax);
    this.draft.value = emptyDraft;
    this.#turns.value = [...before, this.#turn("user", draft)];
    if (await this.#answerNow()) return;
    this.#turns.value = before;
    if (isEmptyDraft(this.draft.peek())) this.draft.value = draft;
  }

  async regenerate(): Promise<void> {
    if (this.#answer.peek() !== null || !this.canRegenerate.peek()) return;
    const before = this.#turns.peek();
    this.#turns.value = before.slice(0, -1);
    if (!(await this.#answerNow())) this.#turns.value = before;
  }

  stop(): Promise<void> {
    this.#answer.peek()?.abort.abort();
    return Promise.resolve();
  }

  dismissFailure(): void {
    this.#failure.value = null;
  }

  setConversation(): void {
    // Nobody keeps one.
  }

  close(): void {
    this.#answer.peek()?.abort.abort();
  }

  /** False when nothing was answered. */
  async #answerNow(): Promise<boolean> {
    const answer = this.#begin();
    this.#failure.value = null;
    let isWhole = false;
    try {
      await streamCompletion({
        messages: this.#turns.peek().map(messageOf),
        sampling: samplingFields(chatSettings.peek()),
        signal: answer.abort.signal,
        onChunk: (chunk) => this.#accept(answer, chunk),
      });
      isWhole = answer.finishReason !== "length";
    } catch (error) {
      if (!isAbort(error)) this.#failure.value = toApiError(error);
    }
    answer.text.flush();
    const text = answer.text.shown.peek();
    const hasAnswer = text !== "" || answer.finishReason !== null;
    if (hasAnswer) {
      const turn = this.#turn("assistant", { text, attachments: [] });
      const status = isWhole ? "completed" : "incomplete";
      this.#turns.value = [...this.#turns.peek(), { ...turn, status, facts: factsOf(answer) }];
    }
    this.#answer.value = null;
    return hasAnswer;
  }

  #begin(): Passing {
    const answer: Passing = {
      text: new GrowingText(this.#clock),
      phase: signal<AnswerPhase>("sending"),
      abort: new AbortController(),
      startMs: this.#clock.nowMs(),
      id: null,
      firstMs: null,
      lastMs: 0,
      finishReason: null,
      usage: null,
    };
    this.#answer.value = answer;
    return answer;
  }

  #accept(answer: Passing, chunk: CompletionChunk): void {
    answer.id ??= chunk.id;
    answer.usage = chunk.usage ?? answer.usage;
    const [choice] = chunk.choices;
    answer.finishReason = choice?.finish_reason ?? answer.finishReason;
    const delta = choice?.delta.content ?? "";
    if (delta === "") return;
    answer.lastMs = this.#clock.nowMs();
    answer.firstMs ??= answer.lastMs;
    answer.phase.value = "writing";
    answer.text.append(delta);
  }

  #turn(role: "user" | "assistant", { text, attachments }: Draft): Turn {
    const base = { key: `passing-${this.#keys++}`, itemId: null, status: "completed" } as const;
    return { ...base, role, text, attachments, facts: null };
  }
}

function messageOf({ role, text, attachments }: Turn): ChatMessage {
  const parts = attachments.map(attachmentText);
  if (text !== "") parts.push(text);
  return { role: role === "assistant" ? "assistant" : "user", content: parts.join("\n\n") };
}

function factsOf(answer: Passing): AnswerFacts | null {
  const { id, usage, firstMs, lastMs, startMs } = answer;
  if (id === null || usage === null || usage === undefined) return null;
  const tokensAfterFirst = usage.completion_tokens - 1;
  const writingMs = firstMs === null ? 0 : lastMs - firstMs;
  return {
    responseId: id,
    promptTokens: usage.prompt_tokens,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    generatedTokens: usage.completion_tokens,
    firstTextMs: firstMs === null ? null : firstMs - startMs,
    tokensPerSecond:
      writingMs > 0 && tokensAfterFirst > 0 ? (tokensAfterFirst * 1000) / writingMs : null,
  };
}
