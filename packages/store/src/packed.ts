// Records as programs take and give them: JSON is text, everything can be cloned to a worker thread.

import type { JsonObject } from "./json.ts";
import type { FinalStatus, OpenStatus, StoredReply, TurnTokens } from "./records.ts";
import { corruptStore } from "./table.ts";

export interface PackedItem {
  readonly id: string;
  readonly type: string;
  readonly content: string;
}

export interface PackedConversation {
  readonly tenant: string;
  readonly id: string;
  readonly createdUnixSeconds: number;
  readonly metadata: string;
  readonly items: readonly PackedItem[];
}

export interface PackedTurnBegin {
  readonly tenant: string;
  readonly id: string;
  readonly createdUnixSeconds: number;
  readonly status: OpenStatus;
  readonly conversation: { readonly id: string; readonly version: number } | null;
  readonly previousResponseId: string | null;
  readonly parameters: string;
  readonly inputItems: readonly PackedItem[];
}

export interface PackedTurnCommit {
  readonly tenant: string;
  readonly id: string;
  readonly status: FinalStatus;
  readonly endedUnixSeconds: number;
  readonly outputItems: readonly PackedItem[];
  readonly usage: string | null;
  readonly error: string | null;
  readonly incompleteDetails: string | null;
  readonly notes: string | null;
  readonly isHistory: boolean;
  readonly replacesItemIds: readonly string[];
  readonly tokens: TurnTokens | null;
  readonly idempotency: { readonly key: string; readonly reply: StoredReply } | null;
}

/** One id of one tenant. */
export interface Place {
  readonly tenant: string;
  readonly id: string;
}

/** Items as the text of one JSON array, in the form that `unpackItems` reads. */
export function itemsText(items: readonly PackedItem[]): string {
  const parts = items.map(
    ({ id, type, content }) =>
      `{"id":${JSON.stringify(id)},"type":${JSON.stringify(type)},"content":${content}}`,
  );
  return `[${parts.join(",")}]`;
}

/** @throws LociError `storage_corrupt` when `text` is not `itemsText` */
export function parseItems(text: string): readonly PackedItem[] {
  const items: unknown = parseJson(text);
  if (!Array.isArray(items)) throw corruptStore("A list of items is damaged.");
  return items.map((item: unknown) => {
    const { id, type, content } = asObject(item);
    if (typeof id !== "string" || typeof type !== "string") {
      throw corruptStore("A list of items is damaged.");
    }
    return { id, type, content: JSON.stringify(asObject(content)) };
  });
}

/** @throws LociError `storage_corrupt` when `text` is not a JSON object */
export function parseObject(text: string): JsonObject {
  return asObject(parseJson(text));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw corruptStore("A stored JSON text is damaged.", error);
  }
}

function asObject(value: unknown): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw corruptStore("A stored JSON text is not an object.");
  }
  // JSON.parse makes nothing but JSON values.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return value as JsonObject;
}
