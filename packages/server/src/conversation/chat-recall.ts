// Chat completions carry their whole history as text, so a returning conversation is recognised by
// what it says: a hash chain over the messages. The turn that ended with the last known message is
// looked up, and its exact token ids begin the next prompt (continue-prompt.ts).
//
// A wrong match can do no harm: ids are kept only as far as they spell what the client sent.

import { createHash } from "node:crypto";
import type { ChatMessage, ChatPrompt } from "@loci/core";
import type { ChatTurn, ChatTurnStore, TurnTokens } from "@loci/store";
import { continuePrompt, type ContinuedPrompt, type TokenTexts } from "./continue-prompt.ts";

/** Keys that one look-up names: as many answers back a history may have been changed. */
const keysMax = 64;
/** Turns on their way to the store; further ones are not remembered. */
const rememberingMax = 256;

/** One chat request that may continue a known turn and will be known itself. */
export interface RecalledChat {
  readonly prompt: ContinuedPrompt;
  /** Hash over all messages of the request. */
  readonly chainHash: string;
  /** Hash up to the first answer: the same for all turns of a conversation. */
  readonly openingHash: string;
  readonly parentKey: string | null;
}

export interface ChatRecallParts {
  readonly turns: ChatTurnStore;
  readonly codec: TokenTexts;
  readonly modelId: string;
  /** Told of a store that cannot be reached: chats are answered without it. */
  readonly onFailure: (error: unknown) => void;
}

export class ChatRecall {
  readonly #parts: ChatRecallParts;
  /** Turns on their way to the store, by tenant and key: the next request may come first. */
  readonly #underWay = new Map<string, ChatTurn>();

  constructor(parts: ChatRecallParts) {
    this.#parts = parts;
  }

  /** `rendered` are the chat's tokens as the template and the tokeniser give them. */
  async recall(tenant: string, chat: ChatPrompt, rendered: Int32Array): Promise<RecalledChat> {
    const { answers, ...hashes } = this.#chain(chat);
    const found = await this.#find(tenant, answers.slice(-keysMax).toReversed());
    if (found === null) {
      const prompt = { promptTokens: rendered, keptTokens: 0, fork: null };
      return { prompt, ...hashes, parentKey: null };
    }
    const prompt = await continuePrompt(wholeTurn(found.tokens), rendered, this.#parts.codec);
    return { prompt, ...hashes, parentKey: found.key };
  }

  /**
   * Makes an answer known under the hash that the next request will look for. Nobody waits for it:
   * what is lost costs time only.
   */
  remember(
    tenant: string,
    chat: RecalledChat,
    answer: ChatMessage,
    turn: Pick<ChatTurn, "createdUnixSeconds" | "tokens">,
  ): void {
    if (this.#underWay.size >= rememberingMax) return;
    const key = nextHash(chat.chainHash, answer);
    const remembered = { key, parentKey: chat.parentKey, ...turn };
    const place = placeOf(tenant, key);
    this.#underWay.set(place, remembered);
    this.#parts.turns
      .remember(tenant, remembered)
      .catch(this.#parts.onFailure)
      .finally(() => this.#underWay.delete(place));
  }

  async #find(tenant: string, keys: readonly string[]): Promise<ChatTurn | null> {
    if (keys.length === 0) return null;
    const at = keys.findIndex((key) => this.#underWay.has(placeOf(tenant, key)));
    const nearest = this.#underWay.get(placeOf(tenant, keys[at] ?? "")) ?? null;
    if (at === 0) return nearest;
    try {
      const longer = at === -1 ? keys : keys.slice(0, at);
      return (await this.#parts.turns.find(tenant, longer)) ?? nearest;
    } catch (error) {
      this.#parts.onFailure(error);
      return nearest;
    }
  }

  /** The hash after the last message, before the first answer, and after each answer. */
  #chain(chat: ChatPrompt): ChatHashes {
    let chainHash = digest([this.#parts.modelId, chat.tools, chat.templateVariables]);
    let openingHash: string | null = null;
    const answers: string[] = [];
    for (const message of chat.messages) {
      if (message.role === "assistant") openingHash ??= chainHash;
      chainHash = nextHash(chainHash, message);
      if (message.role === "assistant") answers.push(chainHash);
    }
    return { chainHash, openingHash: openingHash ?? chainHash, answers };
  }
}

function placeOf(tenant: string, key: string): string {
  return `${tenant}\n${key}`;
}

interface ChatHashes {
  readonly chainHash: string;
  readonly openingHash: string;
  readonly answers: readonly string[];
}

/** Prompt and answer as one sequence. */
export function wholeTurn(tokens: TurnTokens): Int32Array {
  const { promptTokens, answerTokens } = tokens;
  const whole = new Int32Array(promptTokens.length + answerTokens.length);
  whole.set(promptTokens);
  whole.set(answerTokens, promptTokens.length);
  return whole;
}

/** Absent and empty content are the same to a template, and clients send either. */
function nextHash(hash: string, message: ChatMessage): string {
  const calls = (message.toolCalls ?? []).map((call) => [call.id, call.name, call.arguments]);
  const { role, content, name, toolCallId } = message;
  return digest([hash, role, content ?? "", name ?? null, calls, toolCallId ?? null]);
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}
