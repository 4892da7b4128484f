// The engine as a library sees it: prompts in, answers out, conversations that are remembered. As many
// answers at once as are asked for: one scheduler batches them all.

import type { ChatMessage, ChatPrompt, ModelInfo, ServiceSnapshot } from "@loci/core";
import {
  ChatRecall,
  chatTexts,
  MemoryChatTurns,
  requestLimits,
  sessionHints,
  templateVariablesOf,
} from "@loci/server/parts";
import type { RecalledChat } from "@loci/server/parts";

import { wholeAnswer } from "./answer-events.ts";
import type { Answer, AnswerEvent } from "./answer-events.ts";
import type { ChatPromptOptions, GenerateOptions } from "./answer-options.ts";
import { Conversation, listConversations } from "./conversation.ts";
import type { ConversationOptions, ConversationSummary } from "./conversation.ts";
import { publicTenant } from "./engine-core.ts";
import type { EngineCore } from "./engine-core.ts";
import { checkGenerateNames } from "./option-names.ts";
import { invalid, requestPlan, requireTextFits, tokenIds } from "./request-plan.ts";

/** What `countTokens` counts: a text, or a chat with all that its template adds. */
export type Countable = string | Omit<ChatPromptOptions, "prompt">;

interface PreparedPrompt {
  readonly tokens: Int32Array;
  readonly chat: RecalledChat | null;
  readonly userText: string | null;
}

/** @internal What an engine stands on. */
export interface EngineParts {
  readonly core: EngineCore;
  /** Frees what was opened. */
  readonly close: () => Promise<void>;
}

export class Engine implements AsyncDisposable {
  readonly #core: EngineCore;
  readonly #recall: ChatRecall;
  readonly #free: () => Promise<void>;
  #closing: Promise<void> | null = null;

  /** @internal `createEngine` makes engines. */
  constructor({ core, close }: EngineParts) {
    this.#core = core;
    this.#free = close;
    this.#recall = new ChatRecall({
      turns: new MemoryChatTurns(),
      codec: core.codec,
      modelId: core.model.id,
      // Memory cannot be out of reach.
      onFailure: () => undefined,
    });
  }

  /** The model's name, context and kind. */
  get model(): ModelInfo {
    return { ...this.#core.model, contextTokensMax: this.#core.contextTokensMax };
  }

  /**
   * Answers a prompt or a chat, token by token. Nothing happens before the first event is asked for;
   * leaving the loop, or `signal`, ends the answer. A chat that goes on with an earlier answer of this
   * engine finds that answer's exact tokens.
   *
   * @throws LociError `invalid_request`, `context_length_exceeded`, `queue_full`, `cancelled`, …
   */
  async *generate(options: GenerateOptions): AsyncGenerator<AnswerEvent> {
    const core = this.#core;
    core.requireOpen();
    checkGenerateNames(options);
    requireName("tenant", options.tenant);
    requireName("session", options.session);
    using _ = core.hold();
    const tenant = options.tenant ?? publicTenant;
    const prompt = await this.#prompt(options, tenant);
    const hints = {
      tenant,
      body: options.session === undefined ? {} : { session_id: options.session },
      headers: {},
      known: null,
      ...(prompt.chat === null ? {} : { opening: prompt.chat.openingHash }),
    };
    const request = requestPlan(core, options, {
      id: core.nextId(),
      tenant,
      promptTokens: prompt.tokens,
      sessionKey: sessionHints(hints).sessionKey,
      userText: prompt.userText,
    });
    const texts: string[] = [];
    const answerTokens: number[] = [];
    for await (const event of core.run(request, options.signal)) {
      texts.push(event.text);
      if (event.type === "token") answerTokens.push(event.tokenId);
      if (event.type === "finished" && prompt.chat !== null) {
        const tokens = {
          promptTokens: prompt.tokens,
          answerTokens: Int32Array.from(answerTokens),
        };
        const message = { role: "assistant", content: texts.join("") };
        const createdUnixSeconds = core.parts.clock.unixSeconds();
        this.#recall.remember(tenant, prompt.chat, message, { createdUnixSeconds, tokens });
      }
      yield event;
    }
  }

  /** The whole answer at once. @throws LociError, as `generate` does */
  complete(options: GenerateOptions): Promise<Answer> {
    return wholeAnswer(this.generate(options));
  }

  /**
   * A conversation that the store keeps: a new one, or the one that `id` names.
   *
   * @throws LociError when the store cannot be had
   */
  async conversation(options: ConversationOptions = {}): Promise<Conversation> {
    this.#core.requireOpen();
    using _ = this.#core.hold();
    return Conversation.open(this.#core, options);
  }

  /**
   * The conversations of the store, most recently changed first; with `query` those in which all its
   * words occur, among the most recent ones.
   */
  async *conversations(
    options: { readonly query?: string } = {},
  ): AsyncGenerator<ConversationSummary> {
    this.#core.requireOpen();
    using _ = this.#core.hold();
    yield* listConversations(this.#core, options.query ?? null);
  }

  /** The tokens of a text, with nothing added; special tokens in it stay text. */
  async tokenize(text: string): Promise<Int32Array> {
    this.#core.requireOpen();
    requireTextFits(this.#core.contextTokensMax, [text]);
    return this.#core.codec.tokenize(text, { addSpecial: false, parseSpecial: false });
  }

  /** The text of tokens; bytes that are no text become U+FFFD. */
  async detokenize(tokens: Int32Array | readonly number[]): Promise<string> {
    this.#core.requireOpen();
    return this.#core.codec.detokenize(Int32Array.from(tokenIds(tokens, "tokens")));
  }

  /** Tokens of a text by itself, or of a chat as the model would read it. */
  async countTokens(countable: Countable): Promise<number> {
    this.#core.requireOpen();
    if (typeof countable === "string") return (await this.tokenize(countable)).length;
    return (await this.#rendered(chatOf(countable))).length;
  }

  /** Numbers of the moment: who runs and waits, what the cache holds, what was saved so far. */
  stats(): ServiceSnapshot {
    this.#core.requireOpen();
    return this.#core.parts.service.snapshot();
  }

  /** Ends what still runs and frees everything. Further calls wait for the same end. */
  close(): Promise<void> {
    this.#core.beginClosing();
    this.#closing ??= this.#free();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #prompt(options: GenerateOptions, tenant: string): Promise<PreparedPrompt> {
    const { prompt, messages } = options;
    if ((prompt === undefined) === (messages === undefined)) {
      throw invalid("prompt", "Give a prompt or messages.");
    }
    if (messages !== undefined) return this.#chatPrompt(chatOf(options), tenant);
    const tokens = await this.#textTokens(prompt);
    return { tokens, chat: null, userText: null };
  }

  async #chatPrompt(chat: ChatPrompt, tenant: string): Promise<PreparedPrompt> {
    const recalled = await this.#recall.recall(tenant, chat, await this.#rendered(chat));
    const userText = chat.messages.findLast(({ role }) => role === "user")?.content ?? null;
    return { tokens: recalled.prompt.promptTokens, chat: recalled, userText };
  }

  async #textTokens(prompt: string | Iterable<number>): Promise<Int32Array> {
    const { codec, model } = this.#core;
    if (typeof prompt === "string") {
      requireTextFits(this.#core.contextTokensMax, [prompt]);
      return codec.tokenize(prompt, { addSpecial: true, parseSpecial: false });
    }
    const ids = tokenIds(prompt, "prompt");
    if (ids.every((id) => id < model.vocabularySize)) return Int32Array.from(ids);
    throw invalid("prompt", "The prompt holds a token id outside the model's vocabulary.");
  }

  #rendered(chat: ChatPrompt): Promise<Int32Array> {
    requireTextFits(this.#core.contextTokensMax, chatTexts(chat));
    return this.#core.codec.encodeChat(chat);
  }
}

/** The chat as templates know it. Throws invalid_request. */
function chatOf(options: Omit<ChatPromptOptions, "prompt">): ChatPrompt {
  const { messages, tools = null, templateVariables = {} } = options;
  if (!Array.isArray(messages) || messages.length === 0) {
    throw invalid("messages", "messages is a list with at least one message.");
  }
  const { messagesMax, toolsMax } = requestLimits;
  if (messages.length > messagesMax) {
    throw invalid("messages", `There are at most ${messagesMax} messages.`);
  }
  if (!messages.every((message) => isMessage(message))) {
    throw invalid("messages", "A message has a role and a content that is a text or null.");
  }
  if (tools !== null && (!Array.isArray(tools) || tools.length > toolsMax)) {
    throw invalid("tools", `tools is a list with at most ${toolsMax} entries.`);
  }
  return {
    messages,
    tools,
    templateVariables: templateVariablesOf({ chat_template_kwargs: templateVariables }),
    addGenerationPrompt: true,
  };
}

/** Whatever the types said. */
function isMessage({ role, content, toolCalls = [] }: ChatMessage): boolean {
  const isText = typeof role === "string" && (typeof content === "string" || content === null);
  return isText && Array.isArray(toolCalls);
}

/** Names are hashed or part of keys; they need no other bound than their length. */
function requireName(param: string, name: string | undefined): void {
  const isName = typeof name === "string" && name !== "" && name.length <= requestLimits.idCharsMax;
  if (name === undefined || isName) return;
  throw invalid(param, `${param} is a text of 1 to ${requestLimits.idCharsMax} characters.`);
}
