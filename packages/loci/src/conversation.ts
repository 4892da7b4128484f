// A conversation with an engine: what was said is kept in the store, and the next turn goes on with
// the exact tokens of the last one, so that all of it is found in the cache again.

import { LociError } from "@loci/core";
import { eraseRemoved, storedItems, systemEntropy, wholeTurn } from "@loci/server/parts";
import { conversationPageMax } from "@loci/store";
import type {
  ConversationHistory,
  ConversationPage,
  JsonObject,
  Store,
  StoredItem,
} from "@loci/store";

import { wholeAnswer } from "./answer-events.ts";
import type { Answer, AnswerEvent } from "./answer-events.ts";
import type { AnswerOptions } from "./answer-options.ts";
import { conversationBusy, ConversationTurn, noSuchConversation } from "./conversation-turn.ts";
import { publicTenant } from "./engine-core.ts";
import type { EngineCore } from "./engine-core.ts";
import { checkAnswerNames } from "./option-names.ts";
import { invalid } from "./request-plan.ts";

/** For `engine.conversation`. */
export interface ConversationOptions {
  /** Goes on with this one, if there is one; else it gets this id. Letters, digits, `_`, `-`. */
  readonly id?: string | undefined;
  /** What the model is told first. Only a new conversation takes it. */
  readonly system?: string | undefined;
}

/** One message of a conversation. */
export interface ConversationMessage {
  /** Unique within the conversation; `branch` takes it. */
  readonly id: string;
  readonly role: string;
  readonly text: string;
  /** False for an answer that was broken off or cut. */
  readonly isComplete: boolean;
}

/** One of the store's conversations. */
export interface ConversationSummary {
  readonly id: string;
  /** What it begins with, unless it was given another name. */
  readonly title: string;
  readonly createdUnixSeconds: number;
  readonly updatedUnixSeconds: number;
}

/** How often a turn is prepared anew when the conversation changed meanwhile. */
const attemptsMax = 4;
const idPattern = /^[A-Za-z0-9_-]{1,128}$/;

export class Conversation {
  /** Names it in the store. */
  readonly id: string;
  readonly #core: EngineCore;
  readonly #store: Store;
  #isBusy = false;

  /** Engines make conversations. */
  private constructor(id: string, core: EngineCore, store: Store) {
    this.id = id;
    this.#core = core;
    this.#store = store;
  }

  /** @internal */
  static async open(core: EngineCore, options: ConversationOptions): Promise<Conversation> {
    const { id = `conv_${systemEntropy.hex(24)}`, system } = options;
    if (!idPattern.test(id)) throw invalid("id", "An id has letters, digits, _ and - only.");
    const store = await core.store();
    const known =
      options.id === undefined ? null : await store.conversations.read(publicTenant, id);
    if (known === null) {
      const first = system === undefined ? [] : [{ role: "system" as const, content: system }];
      await create(core, store, { id, metadata: {}, items: storedItems(first, systemEntropy) });
    }
    return new Conversation(id, core, store);
  }

  /**
   * Says `text` and streams the answer. What an answer had said when it was broken off stays. Throws
   * LociError, e.g. conversation_busy while another turn is under way.
   */
  async *say(text: string, options: AnswerOptions = {}): AsyncGenerator<AnswerEvent> {
    this.#core.requireOpen();
    checkAnswerNames(options);
    if (text === "") throw invalid("text", "There is nothing to answer.");
    if (this.#isBusy) throw conversationBusy();
    this.#isBusy = true;
    using _ = this.#core.hold();
    try {
      const turn = await this.#begin(text, options);
      yield* turn.events();
    } finally {
      this.#isBusy = false;
    }
  }

  /** Says `text` and waits for the whole answer. */
  ask(text: string, options: AnswerOptions = {}): Promise<Answer> {
    return wholeAnswer(this.say(text, options));
  }

  /** All that was said, oldest first. */
  async history(): Promise<readonly ConversationMessage[]> {
    using _ = this.#core.hold();
    const { items } = await this.#read();
    return items.flatMap((item) => shownMessage(item));
  }

  /**
   * A new conversation that begins with this one's messages up to `after`, the id of one of them; by
   * default with all of them. Neither changes the other; what they share is cached once.
   */
  async branch(after?: string): Promise<Conversation> {
    this.#core.requireOpen();
    using _ = this.#core.hold();
    const { items } = await this.#read();
    const id = `conv_${systemEntropy.hex(24)}`;
    const branch = await this.#store.conversations.branch(publicTenant, {
      id,
      fromId: this.id,
      afterItemId: after ?? items.at(-1)?.id ?? null,
      createdUnixSeconds: this.#core.parts.clock.unixSeconds(),
      metadata: { parent: this.id },
    });
    if (branch !== null) return new Conversation(id, this.#core, this.#store);
    throw new LociError("not_found", `The conversation has no message ${after}.`);
  }

  /** Takes it away, with what the caches hold of it. */
  async delete(): Promise<void> {
    this.#core.requireOpen();
    if (this.#isBusy) throw conversationBusy();
    using _ = this.#core.hold();
    const removal = await this.#store.conversations.remove(publicTenant, this.id);
    if (removal !== null) await eraseRemoved(this.#core.parts.erasure, publicTenant, removal);
  }

  async #begin(text: string, options: AnswerOptions): Promise<ConversationTurn> {
    const { signal } = options;
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const history = await this.#read();
      if (history.busyResponseId !== null) break;
      const tokens = await this.#tokens(history);
      const turn = await ConversationTurn.prepare({
        core: this.#core,
        store: this.#store,
        text,
        options,
        history,
        tokens,
      });
      if (signal?.aborted === true) throw new LociError("cancelled", "The request was cancelled.");
      if (await turn.begin()) return turn;
    }
    throw conversationBusy();
  }

  async #read(): Promise<ConversationHistory> {
    const history = await this.#store.conversations.readHistory(publicTenant, this.id);
    if (history === null) throw noSuchConversation(this.id);
    return history;
  }

  /** The exact tokens of the last turn, prompt and answer. */
  async #tokens({ lastResponseId }: ConversationHistory): Promise<Int32Array | null> {
    if (lastResponseId === null) return null;
    const tokens = await this.#store.responses.readTokens(publicTenant, lastResponseId);
    return tokens === null ? null : wholeTurn(tokens);
  }
}

/** @internal The conversations of the store, page by page. */
export async function* listConversations(
  core: EngineCore,
  query: string | null,
): AsyncGenerator<ConversationSummary> {
  const store = await core.store();
  for (let after: string | null = null; ;) {
    const page: ConversationPage | null = await store.conversations.list(publicTenant, {
      after,
      limit: conversationPageMax,
      order: "desc",
      query,
    });
    // The one that the next page begins after may have been deleted meanwhile.
    if (page === null) return;
    for (const { id, title, createdUnixSeconds, updatedUnixSeconds } of page.conversations) {
      yield { id, title, createdUnixSeconds, updatedUnixSeconds };
    }
    after = page.conversations.at(-1)?.id ?? null;
    if (!page.hasMore) return;
  }
}

async function create(
  core: EngineCore,
  store: Store,
  conversation: { id: string; metadata: JsonObject; items: readonly StoredItem[] },
): Promise<void> {
  const createdUnixSeconds = core.parts.clock.unixSeconds();
  await store.conversations.create(publicTenant, { ...conversation, createdUnixSeconds });
}

/** Calls of tools and reasoning are no messages. */
function shownMessage({ id, content }: StoredItem): readonly ConversationMessage[] {
  const { role, status } = content;
  const text = textOf(content["content"] ?? content["output"]);
  const shownRole = content["type"] === "function_call_output" ? "tool" : role;
  if (typeof shownRole !== "string" || text === null) return [];
  return [{ id, role: shownRole, text, isComplete: status !== "incomplete" }];
}

function textOf(parts: unknown): string | null {
  if (typeof parts === "string") return parts;
  if (!Array.isArray(parts)) return null;
  const texts = parts.map((part: unknown) => {
    const hasText = typeof part === "object" && part !== null && "text" in part;
    return hasText && typeof part.text === "string" ? part.text : "";
  });
  return texts.join("");
}
