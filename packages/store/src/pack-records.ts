// The gate of the store: every text, list and JSON is measured here before a program sees it, and
// turned into what programs take. What is over a bound is refused with `invalid_request`.

import { LociError } from "@loci/core";
import type { DeletedTokens } from "@loci/core";

import type { JsonObject } from "./json.ts";
import {
  idBytesMax,
  itemBytesMax,
  itemsPerCallMax,
  metadataBytesMax,
  replyBytesMax,
  turnBytesMax,
  turnTokensMax,
} from "./limits.ts";
import { parseItems, parseObject } from "./packed.ts";
import type {
  PackedConversation,
  PackedItem,
  PackedTurnBegin,
  PackedTurnCommit,
  Place,
} from "./packed.ts";
import type {
  ResponseStatus,
  StoredItem,
  StoredReply,
  StoredResponse,
  TurnBegin,
  TurnCommit,
  TurnTokens,
} from "./records.ts";
import type { PackedBranch } from "./programs/branches.ts";
import type { NewBranch, NewConversation } from "./store.ts";
import { corruptStore } from "./table.ts";
import type { ResponseRow } from "./tables.ts";

const statuses: readonly ResponseStatus[] = [
  "queued",
  "in_progress",
  "completed",
  "incomplete",
  "failed",
  "cancelled",
];

export function place(tenant: string, id: string): Place {
  return { tenant: checkedId(tenant, "tenant"), id: checkedId(id, "id") };
}

export function packConversation(tenant: string, value: NewConversation): PackedConversation {
  return {
    ...place(tenant, value.id),
    createdUnixSeconds: checkedSeconds(value.createdUnixSeconds),
    metadata: packMetadata(value.metadata),
    items: packItems(value.items),
  };
}

export function packBranch(tenant: string, value: NewBranch): PackedBranch {
  const { afterItemId, metadata } = value;
  return {
    ...place(tenant, value.id),
    fromId: checkedId(value.fromId, "conversation id"),
    afterItemId: afterItemId === null ? null : checkedId(afterItemId, "item id"),
    createdUnixSeconds: checkedSeconds(value.createdUnixSeconds),
    metadata: metadata === null ? null : packMetadata(metadata),
  };
}

export function packMetadata(metadata: JsonObject): string {
  return packJson(metadata, "metadata", metadataBytesMax);
}

export function packItems(items: readonly StoredItem[]): readonly PackedItem[] {
  if (items.length > itemsPerCallMax) throw tooLarge("items", `${itemsPerCallMax} items`);
  return items.map(({ id, type, content }) => ({
    id: checkedId(id, "item id"),
    type: checkedId(type, "item type"),
    content: packJson(content, "item", itemBytesMax),
  }));
}

export function unpackItems(items: readonly PackedItem[]): readonly StoredItem[] {
  return items.map(({ id, type, content }) => ({ id, type, content: parseObject(content) }));
}

export function packTurnBegin(tenant: string, turn: TurnBegin): PackedTurnBegin {
  const packed = {
    ...place(tenant, turn.id),
    createdUnixSeconds: checkedSeconds(turn.createdUnixSeconds),
    status: turn.status,
    conversation: turn.conversation && {
      id: checkedId(turn.conversation.id, "conversation id"),
      version: turn.conversation.version,
    },
    previousResponseId:
      turn.previousResponseId === null ? null : checkedId(turn.previousResponseId, "response id"),
    parameters: packJson(turn.parameters, "parameters", turnBytesMax),
    inputItems: packItems(turn.inputItems),
  };
  refuseLargeTurn([packed.parameters], packed.inputItems);
  return packed;
}

export function packTurnCommit(tenant: string, turn: TurnCommit): PackedTurnCommit {
  const packed = {
    ...place(tenant, turn.id),
    status: turn.status,
    endedUnixSeconds: checkedSeconds(turn.endedUnixSeconds),
    outputItems: packItems(turn.outputItems),
    usage: packNullable(turn.usage),
    error: packNullable(turn.error),
    incompleteDetails: packNullable(turn.incompleteDetails),
    notes: packNullable(turn.notes),
    isHistory: turn.isHistory,
    replacesItemIds: checkedItemIds(turn.replacesItemIds ?? []),
    tokens: turn.tokens && checkedTokens(turn.tokens),
    idempotency: turn.idempotency && {
      key: checkedId(turn.idempotency.key, "Idempotency-Key"),
      reply: checkedReply(turn.idempotency.reply),
    },
  };
  const { usage, error, incompleteDetails, notes } = packed;
  refuseLargeTurn([usage, error, incompleteDetails, notes], packed.outputItems);
  return packed;
}

export function unpackResponse(row: ResponseRow): StoredResponse {
  const status = statuses.find((each) => each === row.status);
  if (!status) throw corruptStore("A response has an unknown status.");
  const hasTokens = row.prompt_tokens !== null && row.answer_tokens !== null;
  return {
    id: row.id,
    createdUnixSeconds: row.created,
    endedUnixSeconds: row.ended,
    status,
    conversationId: row.conversation,
    previousResponseId: row.previous,
    parameters: parseObject(row.parameters),
    inputItems: unpackItems(parseItems(row.input_items)),
    outputItems: unpackItems(parseItems(row.output_items)),
    usage: unpackNullable(row.usage),
    error: unpackNullable(row.error),
    incompleteDetails: unpackNullable(row.incomplete_details),
    notes: unpackNullable(row.notes),
    isHistory: row.is_history === 1,
    tokenCounts: hasTokens
      ? { prompt: row.prompt_tokens ?? 0, answer: row.answer_tokens ?? 0 }
      : null,
  };
}

/** Ids come from clients too: bounded, and text that every database keeps as it is. */
export function checkedId(text: string, what: string): string {
  const bytes = text.length > idBytesMax ? text.length : Buffer.byteLength(text);
  if (bytes === 0 || bytes > idBytesMax) {
    throw new LociError("invalid_request", `The ${what} must have 1 to ${idBytesMax} bytes.`);
  }
  return checkedText(text, what);
}

function checkedItemIds(ids: readonly string[]): readonly string[] {
  if (ids.length > itemsPerCallMax) throw tooLarge("list of items", `${itemsPerCallMax} items`);
  return ids.map((id) => checkedId(id, "item id"));
}

export function checkedKeys(keys: readonly string[], countMax: number): readonly string[] {
  if (keys.length > countMax) throw tooLarge("list of keys", `${countMax} keys`);
  return keys.map((key) => checkedId(key, "key"));
}

export function checkedReply(reply: StoredReply): StoredReply {
  if (Buffer.byteLength(reply.body) > replyBytesMax) {
    throw tooLarge("reply", `${replyBytesMax} bytes`);
  }
  checkedId(reply.contentType, "content type");
  checkedText(reply.body, "reply");
  return reply;
}

export function checkedTokens(tokens: TurnTokens): TurnTokens {
  const { promptTokens, answerTokens } = tokens;
  if (promptTokens.length + answerTokens.length > turnTokensMax) {
    throw tooLarge("turn", `${turnTokensMax} tokens`);
  }
  return { promptTokens, answerTokens };
}

export function checkedDeleted({ tokens, sharedTokens }: DeletedTokens): DeletedTokens {
  if (tokens.length > turnTokensMax) throw tooLarge("erasure", `${turnTokensMax} tokens`);
  return { tokens, sharedTokens };
}

export function checkedSeconds(seconds: number): number {
  if (Number.isSafeInteger(seconds) && seconds >= 0) return seconds;
  throw new LociError("invalid_request", "A time must be a whole number of seconds.");
}

function checkedText(text: string, what: string): string {
  if (text.isWellFormed() && !text.includes("\0")) return text;
  throw new LociError("invalid_request", `The ${what} is not valid text.`);
}

function packNullable(value: JsonObject | null): string | null {
  return value === null ? null : packJson(value, "response", turnBytesMax);
}

function unpackNullable(text: string | null): JsonObject | null {
  return text === null ? null : parseObject(text);
}

function packJson(value: JsonObject, what: string, bytesMax: number): string {
  const text = tryStringify(value);
  if (text === null) throw new LociError("invalid_request", `The ${what} is nested too deeply.`);
  if (Buffer.byteLength(text) > bytesMax) throw tooLarge(what, `${bytesMax} bytes`);
  return text;
}

/** Null when the nesting is deeper than the stack. */
function tryStringify(value: JsonObject): string | null {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function refuseLargeTurn(texts: readonly (string | null)[], items: readonly PackedItem[]): void {
  let bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text ?? ""), 0);
  for (const item of items) bytes += Buffer.byteLength(item.content);
  if (bytes > turnBytesMax) throw tooLarge("turn", `${turnBytesMax} bytes`);
}

function tooLarge(what: string, bound: string): LociError {
  return new LociError("invalid_request", `The ${what} is larger than the store's ${bound}.`);
}
