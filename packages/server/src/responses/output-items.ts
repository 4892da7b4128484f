// The items of one answer while it grows, and the events that tell of it: a message for text, an
// item for each call, one open at a time, each event in OpenAI's order.

import { assert, defined } from "@loci/core";
import type { JsonObject } from "@loci/store";
import type { EntropySource } from "../entropy.ts";
import { newItemId } from "../conversation/chat-items.ts";
import type { ChatTokenLogprobs } from "../logprobs.ts";

/** An event before it has its number. */
export type OutputEvent = JsonObject & { readonly type: string };

type ItemStatus = "in_progress" | "completed" | "incomplete";

interface OpenItem {
  readonly kind: "message" | "call";
  readonly id: string;
  readonly callId: string;
  readonly name: string;
  /** Text or arguments so far. */
  readonly parts: string[];
  readonly logprobs: ChatTokenLogprobs[];
}

export class OutputItems {
  readonly #entropy: EntropySource;
  readonly #withLogprobs: boolean;
  readonly #closed: JsonObject[] = [];
  #open: OpenItem | null = null;

  constructor(entropy: EntropySource, withLogprobs: boolean) {
    this.#entropy = entropy;
    this.#withLogprobs = withLogprobs;
  }

  /** All items; the one that is still open counts as `openStatus`. */
  items(openStatus: ItemStatus): readonly JsonObject[] {
    return this.#open === null
      ? this.#closed
      : [...this.#closed, this.#item(this.#open, openStatus)];
  }

  /** More text of the answer; `logprobs` are those of its tokens. */
  text(delta: string, logprobs: readonly ChatTokenLogprobs[]): readonly OutputEvent[] {
    const events = this.#open?.kind === "message" ? [] : [...this.close(), ...this.#openMessage()];
    const open = defined(this.#open);
    open.parts.push(delta);
    open.logprobs.push(...logprobs);
    events.push({
      type: "response.output_text.delta",
      ...this.#place(open),
      content_index: 0,
      delta,
      logprobs: json(logprobs),
    });
    return events;
  }

  /** A call begins; its arguments follow. */
  call(callId: string, name: string): readonly OutputEvent[] {
    const events = [...this.close()];
    const id = newItemId("function_call", this.#entropy);
    this.#open = { kind: "call", id, callId, name, parts: [], logprobs: [] };
    const item = this.#item(this.#open, "in_progress");
    events.push({ type: "response.output_item.added", output_index: this.#index, item });
    return events;
  }

  /** More of the arguments of the call begun last. */
  arguments(delta: string): readonly OutputEvent[] {
    const open = this.#open;
    assert(open?.kind === "call", "arguments follow their call");
    open.parts.push(delta);
    return [{ type: "response.function_call_arguments.delta", ...this.#place(open), delta }];
  }

  /** The open item is over. */
  close(status: ItemStatus = "completed"): readonly OutputEvent[] {
    const open = this.#open;
    if (open === null) return [];
    const item = this.#item(open, status);
    const index = this.#index;
    const place = this.#place(open);
    this.#closed.push(item);
    this.#open = null;
    const done: OutputEvent = { type: "response.output_item.done", output_index: index, item };
    const text = open.parts.join("");
    if (open.kind === "call") {
      const type = "response.function_call_arguments.done";
      return [{ type, ...place, arguments: text }, done];
    }
    const logprobs = json(open.logprobs);
    const part = this.#part(open);
    return [
      { type: "response.output_text.done", ...place, content_index: 0, text, logprobs },
      { type: "response.content_part.done", ...place, content_index: 0, part },
      done,
    ];
  }

  /** An answer without any text or call is an empty message. */
  closeAll(status: ItemStatus): readonly OutputEvent[] {
    const isEmpty = this.#closed.length === 0 && this.#open === null;
    const events = isEmpty ? this.#openMessage() : [];
    return [...events, ...this.close(status)];
  }

  get #index(): number {
    return this.#closed.length;
  }

  #openMessage(): OutputEvent[] {
    const id = newItemId("message", this.#entropy);
    const open: OpenItem = { kind: "message", id, callId: "", name: "", parts: [], logprobs: [] };
    this.#open = open;
    const item = { ...this.#item(open, "in_progress"), content: [] };
    return [
      { type: "response.output_item.added", output_index: this.#index, item },
      {
        type: "response.content_part.added",
        ...this.#place(open),
        content_index: 0,
        part: this.#part(open),
      },
    ];
  }

  #place(open: OpenItem): JsonObject {
    return { item_id: open.id, output_index: this.#index };
  }

  #item(open: OpenItem, status: ItemStatus): JsonObject {
    const { id, callId, name, parts } = open;
    if (open.kind === "message") {
      return { id, type: "message", role: "assistant", status, content: [this.#part(open)] };
    }
    const call = { call_id: callId, name, arguments: parts.join("") };
    return { id, type: "function_call", status, ...call };
  }

  #part(open: OpenItem): JsonObject {
    const text = open.parts.join("");
    const logprobs = this.#withLogprobs ? { logprobs: json(open.logprobs) } : {};
    return { type: "output_text", text, annotations: [], ...logprobs };
  }
}

/** Log-probabilities are plain data; as one field of an event. */
function json(logprobs: readonly ChatTokenLogprobs[]): readonly JsonObject[] {
  return logprobs.map(({ token, logprob, bytes, top_logprobs: top }) => ({
    token,
    logprob,
    bytes,
    top_logprobs: top.map((one) => ({ ...one })),
  }));
}
