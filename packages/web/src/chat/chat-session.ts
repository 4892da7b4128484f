// One open conversation: what is shown of it, and what one can do with it. The server keeps it; the
// page holds the newest part and the answer under way.

import { computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { isAbort, toApiError, type ApiError } from "../api/api-error.ts";
import {
  createConversation,
  listItems,
  readConversation,
  type Conversation,
} from "../api/conversations-api.ts";
import {
  cancelResponse,
  readInputItems,
  startResponse,
  type TurnBody,
} from "../api/responses-api.ts";
import type { BrowserClock } from "../browser-clock.ts";
import { AnswerStream, type AnswerEnd } from "./answer-stream.ts";
import type { AnswerBook } from "./answer-book.ts";
import { attachmentText } from "./attachment.ts";
import { chatSettings, samplingFields } from "./chat-settings.ts";
import {
  emptyDraft,
  isEmptyDraft,
  type Draft,
  type LoadState,
  type OpenChat,
} from "./open-chat.ts";
import { runningResponse, setRunningResponse } from "./running-turns.ts";
import { turnOf, type Turn } from "./turn.ts";

export interface SessionOptions {
  readonly clock: BrowserClock;
  readonly book: AnswerBook;
  /** It got its id. */
  readonly onCreated: (conversation: Conversation) => void;
  /** It changed on the server: its place in the list, or its title. */
  readonly onChanged: () => void;
}

/** Items of one call. */
const pageItems = 100;
/** Turns shown at the same time; older ones are left out from there on. */
const turnsMax = 2000;

export class ChatSession implements OpenChat {
  readonly draft: Signal<Draft> = signal(emptyDraft);
  readonly #options: SessionOptions;
  readonly #turns = signal<readonly Turn[]>([]);
  readonly #load = signal<LoadState>({ kind: "ready" });
  readonly #earlier = signal<string | null>(null);
  readonly #answer = signal<AnswerStream | null>(null);
  readonly #failure = signal<ApiError | null>(null);
  readonly #conversation = signal<Conversation | null>(null);
  readonly #abort = new AbortController();
  #id: string | null;
  #localKeys = 0;
  #isStopWanted = false;

  constructor(id: string | null, options: SessionOptions) {
    this.#id = id;
    this.#options = options;
  }

  get id(): string | null {
    return this.#id;
  }

  get turns(): ReadonlySignal<readonly Turn[]> {
    return this.#turns;
  }

  get loadState(): ReadonlySignal<LoadState> {
    return this.#load;
  }

  get answer(): ReadonlySignal<AnswerStream | null> {
    return this.#answer;
  }

  get failure(): ReadonlySignal<ApiError | null> {
    return this.#failure;
  }

  get conversation(): ReadonlySignal<Conversation | null> {
    return this.#conversation;
  }

  readonly hasEarlier: ReadonlySignal<boolean> = computed(
    () => this.#earlier.value !== null && this.#turns.value.length < turnsMax,
  );

  /** The response that can be answered anew, or go on; null when there is none. */
  readonly #lastResponseId: ReadonlySignal<string | null> = computed(() => {
    const last = this.#turns.value.at(-1);
    if (last?.role !== "assistant") return null;
    return last.facts?.responseId ?? this.#conversation.value?.last_response?.id ?? null;
  });

  readonly canRegenerate: ReadonlySignal<boolean> = computed(
    () => this.#lastResponseId.value !== null,
  );

  readonly canContinue: ReadonlySignal<boolean> = computed(
    () => this.canRegenerate.value && this.#turns.value.at(-1)?.status === "incomplete",
  );

  async open(): Promise<void> {
    if (this.#id === null) return;
    this.#load.value = { kind: "loading" };
    try {
      await this.#refresh(this.#id);
      this.#load.value = { kind: "ready" };
    } catch (error) {
      if (!isAbort(error)) this.#load.value = { kind: "failed", error: toApiError(error) };
      return;
    }
    const responseId = this.#unfinishedResponse(this.#id);
    if (responseId !== null) await this.#resume(this.#id, responseId);
  }

  async loadEarlier(): Promise<void> {
    const after = this.#earlier.peek();
    if (this.#id === null || after === null) return;
    await this.#guarded(async (id) => {
      const page = await listItems(id, { after, limit: pageItems, order: "desc" });
      this.#earlier.value = page.has_more ? page.last_id : null;
      const turns = page.data.toReversed().flatMap((item) => this.#turnOf(item) ?? []);
      this.#turns.value = [...turns, ...this.#turns.peek()];
    });
  }

  async send(): Promise<void> {
    const draft = this.draft.peek();
    if (this.#answer.peek() !== null || isEmptyDraft(draft)) return;
    this.#failure.value = null;
    this.draft.value = emptyDraft;
    const before = this.#turns.peek();
    this.#turns.value = [...before, this.#localTurn(draft)];
    const answer = this.#newAnswer();
    const end = await this.#run(answer, (id) => ({
      conversation: id,
      input: [{ type: "message", role: "user", content: partsOf(draft) }],
      ...samplingFields(chatSettings.peek()),
    }));
    // What never became a turn is given back, so that it can be sent again.
    const isLost = end !== null && end.response?.status !== "completed" && !this.#endsWith(draft);
    if (!isLost) return;
    if (end.response === null) this.#turns.value = before;
    if (isEmptyDraft(this.draft.peek())) this.draft.value = draft;
  }

  async continueAnswer(): Promise<void> {
    const responseId = this.#lastResponseId.peek();
    const last = this.#turns.peek().at(-1);
    if (responseId === null || last === undefined || this.#answer.peek() !== null) return;
    await this.#replaceLast(last.text, { continue_response: responseId });
  }

  async regenerate(): Promise<void> {
    const responseId = this.#lastResponseId.peek();
    if (responseId === null || this.#answer.peek() !== null) return;
    await this.#replaceLast("", {
      regenerate_response: responseId,
      ...samplingFields(chatSettings.peek()),
    });
  }

  async stop(): Promise<void> {
    const answer = this.#answer.peek();
    if (answer === null) return;
    this.#isStopWanted = true;
    if (answer.responseId !== null) await this.#cancel(answer.responseId);
  }

  dismissFailure(): void {
    this.#failure.value = null;
  }

  setConversation(conversation: Conversation): void {
    this.#conversation.value = { ...this.#conversation.peek(), ...conversation };
  }

  /** Nobody looks at it any more; an answer goes on at the server. */
  close(): void {
    this.#abort.abort();
    this.#answer.peek()?.leave();
  }

  async #replaceLast(startText: string, body: TurnBody): Promise<void> {
    this.#failure.value = null;
    const before = this.#turns.peek();
    this.#turns.value = before.slice(0, -1);
    const end = await this.#run(this.#newAnswer(startText), () => body);
    if (end?.response === null) this.#turns.value = before;
  }

  async #resume(id: string, responseId: string): Promise<void> {
    const answer = this.#newAnswer();
    try {
      await this.#showInput(responseId);
      const end = await answer.resume(responseId);
      // Deleted elsewhere: nothing is left to tell of.
      const isGone = end.error?.status === 404;
      await this.#settle(id, isGone ? { ...end, error: null } : end);
    } catch (error) {
      if (isAbort(error)) return;
      this.#failure.value = toApiError(error);
      setRunningResponse(id, null);
      this.#answer.value = null;
    }
  }

  /** The message that is being answered is no item of the conversation yet. */
  async #showInput(responseId: string): Promise<void> {
    const page = await readInputItems(responseId, this.#abort.signal);
    const shown = new Set(this.#turns.peek().map(({ itemId }) => itemId));
    const missing = page.data.filter(({ id }) => !shown.has(id));
    const turns = missing.flatMap((item) => this.#turnOf(item) ?? []);
    if (turns.length > 0) this.#turns.value = [...this.#turns.peek(), ...turns];
  }

  #newAnswer(startText = ""): AnswerStream {
    this.#isStopWanted = false;
    const answer = new AnswerStream({
      clock: this.#options.clock,
      startText,
      onBegun: (responseId) => {
        if (this.#id !== null) setRunningResponse(this.#id, responseId);
        if (this.#isStopWanted) void this.#cancel(responseId);
      },
    });
    this.#answer.value = answer;
    return answer;
  }

  /** Null when the page went elsewhere meanwhile. */
  async #run(answer: AnswerStream, body: (id: string) => TurnBody): Promise<AnswerEnd | null> {
    try {
      const id = await this.#requireId();
      const end = await answer.run((following) => startResponse(body(id), following));
      await this.#settle(id, end);
      return end;
    } catch (error) {
      if (isAbort(error)) return null;
      this.#answer.value = null;
      this.#failure.value = toApiError(error);
      return { response: null, error: toApiError(error), facts: null, itemId: null };
    }
  }

  /** It is over: what the server kept is shown in its place. */
  async #settle(id: string, end: AnswerEnd): Promise<void> {
    setRunningResponse(id, null);
    if (end.itemId !== null && end.facts !== null) this.#options.book.set(end.itemId, end.facts);
    if (end.response !== null) await this.#refresh(id);
    this.#failure.value = end.error;
    this.#answer.value = null;
    this.#options.onChanged();
  }

  async #requireId(): Promise<string> {
    if (this.#id !== null) return this.#id;
    const created = await createConversation();
    this.#id = created.id;
    this.#conversation.value = created;
    this.#options.onCreated(created);
    return created.id;
  }

  async #refresh(id: string): Promise<void> {
    const { signal: ending } = this.#abort;
    const [conversation, page] = await Promise.all([
      readConversation(id, ending),
      listItems(id, { limit: pageItems, order: "desc" }, ending),
    ]);
    this.#conversation.value = conversation;
    this.#earlier.value = page.has_more ? page.last_id : null;
    this.#turns.value = page.data.toReversed().flatMap((item) => this.#turnOf(item) ?? []);
  }

  #unfinishedResponse(id: string): string | null {
    const last = this.#conversation.peek()?.last_response ?? null;
    if (last === null) return runningResponse(id);
    return last.status === "queued" || last.status === "in_progress" ? last.id : null;
  }

  async #cancel(responseId: string): Promise<void> {
    await this.#guarded(() => cancelResponse(responseId));
  }

  async #guarded(act: (id: string) => Promise<unknown>): Promise<void> {
    try {
      if (this.#id !== null) await act(this.#id);
    } catch (error) {
      if (!isAbort(error)) this.#failure.value = toApiError(error);
    }
  }

  #turnOf(item: Parameters<typeof turnOf>[0]): Turn | null {
    return turnOf(item, this.#options.book.get(item.id));
  }

  #localTurn({ text, attachments }: Draft): Turn {
    const key = `local-${this.#localKeys++}`;
    const base = { key, itemId: null, role: "user", status: "completed", facts: null } as const;
    return { ...base, text, attachments };
  }

  #endsWith(draft: Draft): boolean {
    const lastUser = this.#turns.peek().findLast(({ role }) => role === "user");
    return lastUser?.itemId !== null && lastUser?.text === draft.text;
  }
}

function partsOf({ text, attachments }: Draft): { type: "input_text"; text: string }[] {
  const parts = attachments.map(attachmentText);
  if (text.trim() !== "") parts.push(text);
  return parts.map((part) => ({ type: "input_text", text: part }));
}
