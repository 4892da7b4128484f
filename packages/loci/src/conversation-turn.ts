// One turn of a conversation, from what the user says to what is kept of the answer. It is begun
// durably before anything is generated and kept before its last event is told. What an answer that
// was broken off had said by then stays, marked as incomplete.

import { LociError, toLociError } from "@loci/core";
import type { GenerationRequest, Usage } from "@loci/core";
import {
  chatMessages,
  chatTexts,
  continuePrompt,
  newItemId,
  openaiSampling,
  sessionHints,
  shownParameters,
  storedItems,
  systemEntropy,
  textItem,
  turnNotes,
} from "@loci/server/parts";
import type { ConversationHistory, JsonObject, Store, StoredItem, TurnCommit } from "@loci/store";

import type { AnswerEvent } from "./answer-events.ts";
import type { AnswerOptions } from "./answer-options.ts";
import { publicTenant } from "./engine-core.ts";
import type { EngineCore } from "./engine-core.ts";
import { requestPlan, requireTextFits } from "./request-plan.ts";

export interface TurnAsk {
  readonly core: EngineCore;
  readonly store: Store;
  readonly text: string;
  readonly options: AnswerOptions;
  readonly history: ConversationHistory;
  /** The exact tokens of what was said before; null when they are not known. */
  readonly tokens: Int32Array | null;
}

type Prompt = Awaited<ReturnType<typeof continuePrompt>>;

/** Why a turn ended, in the words of what is kept. */
interface TurnEnd {
  readonly status: TurnCommit["status"];
  readonly reason: string | null;
  readonly error: LociError | null;
}

const cancelled: TurnEnd = { status: "cancelled", reason: null, error: null };

export class ConversationTurn {
  readonly #ask: TurnAsk;
  readonly #id = `resp_${systemEntropy.hex(24)}`;
  readonly #inputItems: readonly StoredItem[];
  readonly #prompt: Prompt;
  readonly #request: GenerationRequest;
  readonly #texts: string[] = [];
  readonly #tokens: number[] = [];
  #usage: Usage | null = null;
  #isKept = false;

  private constructor(
    ask: TurnAsk,
    parts: { items: readonly StoredItem[]; prompt: Prompt; request: GenerationRequest },
  ) {
    this.#ask = ask;
    this.#inputItems = parts.items;
    this.#prompt = parts.prompt;
    this.#request = parts.request;
  }

  /** Nothing is begun yet. Throws LociError for what cannot be done. */
  static async prepare(ask: TurnAsk): Promise<ConversationTurn> {
    const { core, history, text, options } = ask;
    const items = storedItems([textItem(text)], systemEntropy);
    const prompt = await promptOf(ask, items);
    const hints = { tenant: publicTenant, body: {}, headers: {}, known: history.id };
    const request = requestPlan(core, options, {
      id: core.nextId(),
      tenant: publicTenant,
      promptTokens: prompt.promptTokens,
      sessionKey: sessionHints(hints).sessionKey,
      userText: text,
    });
    return new ConversationTurn(ask, { items, prompt, request });
  }

  /** False: the conversation has changed since it was read. Throws conversation_busy, not_found. */
  async begin(): Promise<boolean> {
    const { core, store, history, options } = this.#ask;
    const { temperature, topP, maxTokens } = options;
    const body = {
      ...(temperature === undefined ? {} : { temperature }),
      ...(topP === undefined ? {} : { top_p: topP }),
      ...(maxTokens === undefined ? {} : { max_output_tokens: maxTokens }),
    };
    const began = await store.turns.begin(publicTenant, {
      id: this.#id,
      createdUnixSeconds: core.parts.clock.unixSeconds(),
      status: "in_progress",
      conversation: { id: history.id, version: history.version },
      previousResponseId: null,
      parameters: shownParameters(body, core.model.id, openaiSampling),
      inputItems: this.#inputItems,
    });
    if (began.outcome === "missing") throw noSuchConversation(history.id);
    if (began.outcome === "busy") throw conversationBusy();
    return began.outcome === "done";
  }

  /** The answer. Throws LociError; the turn is kept by then, whatever became of it. */
  async *events(): AsyncGenerator<AnswerEvent> {
    let end = cancelled;
    try {
      for await (const event of this.#ask.core.run(this.#request, this.#ask.options.signal)) {
        this.#texts.push(event.text);
        if (event.type === "token") this.#tokens.push(event.tokenId);
        if (event.type === "finished") {
          this.#usage = event.usage;
          const isCut = event.reason === "length";
          await this.#keep({
            status: isCut ? "incomplete" : "completed",
            reason: isCut ? "max_output_tokens" : null,
            error: null,
          });
        }
        yield event;
      }
    } catch (thrown) {
      const error = toLociError(thrown);
      if (error.code !== "cancelled") end = { status: "failed", reason: null, error };
      throw error;
    } finally {
      // Broken off: by a signal, by whoever read it, or by a failure.
      if (!this.#isKept) await this.#keep(end);
    }
  }

  async #keep(end: TurnEnd): Promise<void> {
    const { core, store } = this.#ask;
    this.#isKept = true;
    const { outcome } = await store.turns.commit(publicTenant, this.#commitOf(end));
    if (outcome === "done") return;
    throw new LociError("not_found", `The conversation was deleted during its turn.`, {
      remedy: `Model ${core.model.id} has nothing to keep its answer with.`,
    });
  }

  #commitOf({ status, reason, error }: TurnEnd): TurnCommit {
    const { core } = this.#ask;
    const { promptTokens } = this.#request;
    const hasAnswer = this.#texts.some((text) => text !== "");
    const isSound = status !== "failed";
    const usage = this.#usage;
    return {
      id: this.#id,
      status,
      endedUnixSeconds: core.parts.clock.unixSeconds(),
      outputItems: hasAnswer || this.#usage !== null ? [this.#outputItem(status)] : [],
      usage: usage === null ? null : usageObject(usage),
      error: error === null ? null : { code: "server_error", message: error.message },
      incompleteDetails: reason === null ? null : { reason },
      notes: turnNotes({
        fork: this.#prompt.fork,
        tenant: publicTenant,
        cacheOwner: this.#request.tenant,
      }),
      // A question without any answer, or with a broken one, is asked again. An empty one is one.
      isHistory: isSound && (hasAnswer || status !== "cancelled"),
      tokens: { promptTokens, answerTokens: Int32Array.from(this.#tokens) },
      idempotency: null,
    };
  }

  #outputItem(status: TurnCommit["status"]): StoredItem {
    const id = newItemId("message", systemEntropy);
    const type = "message";
    const part = { type: "output_text", text: this.#texts.join(""), annotations: [] };
    const shown = status === "completed" ? "completed" : "incomplete";
    const content = { id, type, role: "assistant", status: shown, content: [part] };
    return { id, type, content };
  }
}

/** With as much of the known tokens as says the same. */
async function promptOf(ask: TurnAsk, added: readonly StoredItem[]): Promise<Prompt> {
  const { core, history, tokens } = ask;
  const messages = chatMessages(null, [...history.items, ...added]);
  const chat = { messages, tools: null, templateVariables: {}, addGenerationPrompt: true };
  requireTextFits(core.contextTokensMax, chatTexts(chat));
  const rendered = await core.codec.encodeChat(chat);
  if (tokens === null) return { promptTokens: rendered, keptTokens: 0, fork: null };
  return continuePrompt(tokens, rendered, core.codec);
}

/** As the Responses API shows it. */
function usageObject({ promptTokens, cachedTokens, completionTokens }: Usage): JsonObject {
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens },
    output_tokens: completionTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: promptTokens + completionTokens,
  };
}

export function conversationBusy(): LociError {
  return new LociError("conversation_busy", "Another turn of this conversation is under way.", {
    remedy: "Wait until it is complete, or branch.",
  });
}

export function noSuchConversation(id: string): LociError {
  return new LociError("not_found", `There is no conversation ${id}.`);
}
