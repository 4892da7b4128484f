// The events of a streamed message, and how they are framed.

import type { StreamForm } from "../answer.ts";
import { messageError } from "./message-errors.ts";
import type { MessageUsage } from "./message-usage.ts";

export type StopReason =
  | "end_turn"
  | "max_tokens"
  | "stop_sequence"
  | "tool_use"
  | "model_context_window_exceeded";

export type AnswerBlock =
  | { readonly type: "text"; readonly text: string; readonly citations: null }
  | {
      readonly type: "tool_use";
      readonly id: string;
      readonly name: string;
      readonly input: unknown;
      readonly caller: { readonly type: "direct" };
    };

export interface MessageObject {
  readonly id: string;
  readonly type: "message";
  readonly role: "assistant";
  readonly model: string;
  readonly content: readonly AnswerBlock[];
  readonly stop_reason: StopReason | null;
  readonly stop_sequence: string | null;
  readonly stop_details: null;
  readonly container: null;
  readonly usage: MessageUsage;
}

export type BlockDelta =
  | { readonly type: "text_delta"; readonly text: string }
  | { readonly type: "input_json_delta"; readonly partial_json: string };

export interface MessageEnd {
  readonly stop_reason: StopReason;
  readonly stop_sequence: string | null;
}

/** Every event is named by its type; nothing comes after `message_stop`. */
export const messageForm: StreamForm = {
  nameOf: (chunk) => (hasType(chunk) ? String(chunk.type) : null),
  ping: 'event: ping\ndata: {"type":"ping"}\n\n',
  last: null,
  failure: messageError,
};

function hasType(chunk: unknown): chunk is { readonly type: unknown } {
  return typeof chunk === "object" && chunk !== null && "type" in chunk;
}

/** The first events; `message` has no content yet. */
export function firstEvents(message: MessageObject): readonly object[] {
  return [{ type: "message_start", message }, { type: "ping" }];
}

/** Block `index` begins, empty. */
export function blockStart(index: number, block: AnswerBlock): object {
  const empty = block.type === "text" ? { ...block, text: "" } : { ...block, input: {} };
  return { type: "content_block_start", index, content_block: empty };
}

export function blockDelta(index: number, delta: BlockDelta): object {
  return { type: "content_block_delta", index, delta };
}

export function blockStop(index: number): object {
  return { type: "content_block_stop", index };
}

/** The last events. */
export function lastEvents(end: MessageEnd, usage: MessageUsage): readonly object[] {
  const delta = { ...end, stop_details: null, container: null };
  return [{ type: "message_delta", delta, usage }, { type: "message_stop" }];
}

/** A complete message as the events of a stream, each block in one piece. */
export function wholeAsEvents(message: MessageObject): readonly object[] {
  const { content, stop_reason, stop_sequence, usage } = message;
  const begun = { ...message, content: [], stop_reason: null, stop_sequence: null };
  return [
    ...firstEvents({ ...begun, usage: { ...usage, output_tokens: 0 } }),
    ...content.flatMap((block, index) => [
      blockStart(index, block),
      blockDelta(index, wholeDelta(block)),
      blockStop(index),
    ]),
    ...lastEvents({ stop_reason: stop_reason ?? "end_turn", stop_sequence }, usage),
  ];
}

function wholeDelta(block: AnswerBlock): BlockDelta {
  if (block.type === "text") return { type: "text_delta", text: block.text };
  return { type: "input_json_delta", partial_json: JSON.stringify(block.input) };
}
