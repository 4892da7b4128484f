// One of the n answers of a chat: events in, deltas out, and the whole message at the end. The
// message is nothing but the sum of its deltas, so both forms of the answer agree.

import type { ChatMessage, GenerationEvent } from "@loci/core";
import { chatLogprobs, type ChatTokenLogprobs } from "./logprobs.ts";
import type { ToolCallParser, ToolDelta } from "./tools/tool-call-parser.ts";

export interface ChatChoiceOptions {
  /** Null: all text is content. */
  readonly parser: ToolCallParser | null;
  /** The control token that stands for the format's mark, and the mark. */
  readonly mark: { readonly tokenId: number; readonly text: string } | null;
  /** False: calls after the first are dropped. */
  readonly parallelCalls: boolean;
  readonly callId: () => string;
}

export interface ToolCallDelta {
  readonly index: number;
  readonly id?: string;
  readonly type?: "function";
  readonly function: { readonly name?: string; readonly arguments: string };
}

export interface ChatDelta {
  readonly role?: "assistant";
  readonly content?: string;
  readonly tool_calls?: readonly ToolCallDelta[];
}

interface CompleteCall {
  readonly id: string;
  readonly name: string;
  readonly argumentParts: string[];
}

export class ChatChoice {
  readonly #options: ChatChoiceOptions;
  readonly #content: string[] = [];
  readonly #calls: CompleteCall[] = [];
  readonly logprobs: ChatTokenLogprobs[] = [];
  readonly tokenIds: number[] = [];
  finishReason: "stop" | "length" | "tool_calls" | null = null;

  constructor(options: ChatChoiceOptions) {
    this.#options = options;
  }

  token(event: Extract<GenerationEvent, { type: "token" }>): ChatDelta {
    this.tokenIds.push(event.tokenId);
    if (event.logprobs !== null) this.logprobs.push(chatLogprobs(event.logprobs));
    const { mark, parser } = this.#options;
    const text = mark?.tokenId === event.tokenId ? event.text + mark.text : event.text;
    return this.#delta(parser === null ? contentOnly(text) : parser.push(text));
  }

  finish(event: Extract<GenerationEvent, { type: "finished" }>): ChatDelta {
    const { parser } = this.#options;
    const deltas =
      parser === null ? contentOnly(event.text) : [...parser.push(event.text), ...parser.end()];
    const delta = this.#delta(deltas);
    const called = this.#calls.length > 0 && event.reason !== "length";
    this.finishReason = called ? "tool_calls" : event.reason === "length" ? "length" : "stop";
    return delta;
  }

  /** The whole message as a later request will tell it. */
  chatMessage(): ChatMessage {
    const calls = this.#calls.map(({ id, name, argumentParts }) => ({
      id,
      name,
      arguments: argumentParts.join(""),
    }));
    return { role: "assistant", content: this.#content.join(""), toolCalls: calls };
  }

  message(): unknown {
    const content = this.#content.join("");
    const calls = this.#calls.map(({ id, name, argumentParts }) => ({
      id,
      type: "function",
      function: { name, arguments: argumentParts.join("") },
    }));
    return {
      role: "assistant",
      content: content === "" && calls.length > 0 ? null : content,
      refusal: null,
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
    };
  }

  #delta(deltas: readonly ToolDelta[]): ChatDelta {
    const content: string[] = [];
    const calls: ToolCallDelta[] = [];
    for (const delta of deltas) {
      if (!this.#options.parallelCalls && this.#pastFirstCall(delta)) continue;
      if (delta.type === "content") content.push(delta.text);
      else calls.push(this.#callDelta(delta));
    }
    this.#content.push(...content);
    return {
      ...(content.length > 0 ? { content: content.join("") } : {}),
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
    };
  }

  #pastFirstCall(delta: ToolDelta): boolean {
    return delta.type === "content" ? this.#calls.length > 0 : delta.index > 0;
  }

  #callDelta(delta: Exclude<ToolDelta, { type: "content" }>): ToolCallDelta {
    const { index } = delta;
    if (delta.type === "call") {
      const id = this.#options.callId();
      this.#calls.push({ id, name: delta.name, argumentParts: [] });
      return { index, id, type: "function", function: { name: delta.name, arguments: "" } };
    }
    this.#calls[index]?.argumentParts.push(delta.text);
    return { index, function: { arguments: delta.text } };
  }
}

function contentOnly(text: string): readonly ToolDelta[] {
  return text === "" ? [] : [{ type: "content", text }];
}
