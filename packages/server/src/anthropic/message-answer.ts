// The answer of /v1/messages, streamed or whole. The answer is a row of blocks, each text or one
// call; the whole message is nothing but the sum of what was streamed.

import { defined } from "@loci/core";
import type { ChatMessage, GenerationEvent, GenerationRequest } from "@loci/core";
import type { Answer, StreamForm } from "../answer.ts";
import type { AnsweredTurn } from "../chat-answer.ts";
import { ChatChoice, type ChatChoiceOptions, type ChatDelta } from "../chat-choice.ts";
import type { RunEvent } from "../generation-run.ts";
import { blockDelta, blockStart, blockStop, firstEvents, lastEvents } from "./message-events.ts";
import { messageForm } from "./message-events.ts";
import type { AnswerBlock, BlockDelta, MessageEnd, MessageObject } from "./message-events.ts";
import { messageUsage, type CacheFacts, type MessageUsage } from "./message-usage.ts";

export interface MessageFacts {
  readonly id: string;
  readonly model: string;
  readonly request: GenerationRequest;
  /** What the client asked for; the request has less where the context ends before. */
  readonly maxTokens: number;
  /** The beginning of the answer, given by the client. */
  readonly begun: string;
  readonly cache: CacheFacts;
}

interface OpenBlock {
  readonly id: string | null;
  readonly name: string;
  readonly parts: string[];
}

export class MessageAnswer implements Answer {
  readonly streamForm: StreamForm = messageForm;
  readonly #facts: MessageFacts;
  readonly #choice: ChatChoice;
  readonly #blocks: OpenBlock[] = [];
  #promptTokens = 0;
  #cachedTokens = 0;
  #answerTokens = 0;
  #end: MessageEnd | null = null;

  constructor(facts: MessageFacts, options: ChatChoiceOptions) {
    this.#facts = facts;
    this.#choice = new ChatChoice(options);
  }

  accept({ event }: RunEvent): readonly object[] {
    switch (event.type) {
      case "started":
        this.#promptTokens = event.promptTokens;
        this.#cachedTokens = event.cachedTokens;
        return firstEvents({ ...this.#message([]), usage: this.#usage });
      case "token":
        this.#answerTokens++;
        return this.#events(this.#choice.token(event));
      case "finished":
      default: {
        const events = this.#events(this.#choice.finish(event));
        this.#answerTokens = event.usage.completionTokens;
        this.#end = this.#endOf(event);
        return [...events, ...this.#closing()];
      }
    }
  }

  lastChunks(): readonly object[] {
    return lastEvents(defined(this.#end), this.#usage);
  }

  whole(): MessageObject {
    return this.#message(this.#blocks.map(wholeBlock));
  }

  /** The answer as a message of a later request tells it, with its exact tokens. */
  turn(): AnsweredTurn {
    const { begun, request } = this.#facts;
    const { content, toolCalls } = this.#choice.chatMessage();
    // Inputs are sent back as values, so their spelling is ours.
    const calls = (toolCalls ?? []).map(({ id, name, arguments: json }) => {
      return { id, name, arguments: JSON.stringify(parsedInput(json)) };
    });
    const message: ChatMessage = {
      role: "assistant",
      content: begun + (content ?? ""),
      ...(calls.length === 0 ? {} : { toolCalls: calls }),
    };
    const answerTokens = Int32Array.from(this.#choice.tokenIds);
    return { message, tokens: { promptTokens: request.promptTokens, answerTokens } };
  }

  /** The blocks that `delta` begins, continues and ends. */
  #events(delta: ChatDelta): readonly object[] {
    const events: object[] = [];
    const { content = "", tool_calls: calls = [] } = delta;
    if (content !== "") {
      if (this.#blocks.at(-1)?.id !== null) events.push(...this.#open(null, ""));
      events.push(this.#grow({ type: "text_delta", text: content }));
    }
    for (const call of calls) {
      const { name = "", arguments: json } = call.function;
      if (call.id !== undefined) events.push(...this.#open(call.id, name));
      if (json !== "") events.push(this.#grow({ type: "input_json_delta", partial_json: json }));
    }
    return events;
  }

  #open(id: string | null, name: string): readonly object[] {
    const closing = this.#closing();
    const block: OpenBlock = { id, name, parts: [] };
    this.#blocks.push(block);
    return [...closing, blockStart(this.#blocks.length - 1, wholeBlock(block))];
  }

  #grow(delta: BlockDelta): object {
    const text = delta.type === "text_delta" ? delta.text : delta.partial_json;
    this.#blocks.at(-1)?.parts.push(text);
    return blockDelta(this.#blocks.length - 1, delta);
  }

  #closing(): readonly object[] {
    return this.#blocks.length === 0 ? [] : [blockStop(this.#blocks.length - 1)];
  }

  #endOf(event: Extract<GenerationEvent, { type: "finished" }>): MessageEnd {
    const { maxTokens, request } = this.#facts;
    if (event.reason === "length") {
      const cut = request.maxTokens < maxTokens ? "model_context_window_exceeded" : "max_tokens";
      return { stop_reason: cut, stop_sequence: null };
    }
    if (this.#choice.finishReason === "tool_calls") {
      return { stop_reason: "tool_use", stop_sequence: null };
    }
    if (typeof event.stoppedBy !== "string")
      return { stop_reason: "end_turn", stop_sequence: null };
    return { stop_reason: "stop_sequence", stop_sequence: event.stoppedBy };
  }

  #message(content: readonly AnswerBlock[]): MessageObject {
    const { id, model } = this.#facts;
    return {
      id,
      type: "message",
      role: "assistant",
      model,
      content,
      stop_reason: this.#end?.stop_reason ?? null,
      stop_sequence: this.#end?.stop_sequence ?? null,
      stop_details: null,
      container: null,
      usage: this.#usage,
    };
  }

  get #usage(): MessageUsage {
    const prompt = this.#promptTokens;
    const counts = { prompt, cached: this.#cachedTokens, answer: this.#answerTokens };
    return messageUsage(counts, this.#facts.cache);
  }
}

function wholeBlock({ id, name, parts }: OpenBlock): AnswerBlock {
  const text = parts.join("");
  if (id === null) return { type: "text", text, citations: null };
  return { type: "tool_use", id, name, input: parsedInput(text), caller: { type: "direct" } };
}

/** An input that the answer's length cut off is no value yet. */
function parsedInput(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return {};
  }
}
