// /v1/conversations as the page uses them: the shapes it reads and the calls it makes.

import { requestJson } from "./api-client.ts";
import type { ResponseStatus } from "./responses-api.ts";

export interface Conversation {
  readonly id: string;
  readonly created_at: number;
  readonly updated_at?: number;
  /** Its name, or how it begins. */
  readonly title?: string | null;
  readonly items_count?: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** The newest turn, also one under way. */
  readonly last_response?: { readonly id: string; readonly status: ResponseStatus } | null;
}

/** A part of a message, or of what a tool answered. */
export interface TextPart {
  readonly type: string;
  readonly text?: string;
  readonly refusal?: string;
}

export interface ConversationItem {
  readonly id: string;
  readonly type: string;
  readonly role?: string;
  readonly status?: string;
  readonly content?: string | readonly TextPart[];
  readonly name?: string;
  readonly arguments?: string;
  readonly output?: string | readonly TextPart[];
}

export interface Page<T> {
  readonly data: readonly T[];
  readonly last_id: string | null;
  readonly has_more: boolean;
}

export interface ListQuery {
  readonly after?: string | null;
  readonly query?: string;
  readonly limit: number;
  readonly order?: "asc" | "desc";
}

/** A message as it is added to a conversation. */
export interface NewMessage {
  readonly type: "message";
  readonly role: "user" | "assistant" | "system" | "developer";
  readonly content: readonly TextPart[];
}

const root = "/v1/conversations";

/** Most recently changed first. */
export function listConversations(
  query: ListQuery,
  signal: AbortSignal,
): Promise<Page<Conversation>> {
  return requestJson(`${root}${queryText(query)}`, { signal });
}

export function readConversation(id: string, signal: AbortSignal): Promise<Conversation> {
  return requestJson(`${root}/${id}`, { signal });
}

export function createConversation(
  metadata: Readonly<Record<string, string>> = {},
  items: readonly NewMessage[] = [],
): Promise<Conversation> {
  return requestJson(root, { method: "POST", body: { metadata, items } });
}

export function updateMetadata(
  id: string,
  metadata: Readonly<Record<string, string>>,
): Promise<Conversation> {
  return requestJson(`${root}/${id}`, { method: "POST", body: { metadata } });
}

export function removeConversation(id: string): Promise<unknown> {
  return requestJson(`${root}/${id}`, { method: "DELETE" });
}

/** A new conversation with everything up to and with that item. */
export function branchConversation(id: string, afterItemId: string): Promise<Conversation> {
  return requestJson(`${root}/${id}/branch`, {
    method: "POST",
    body: { after_item_id: afterItemId },
  });
}

export function listItems(
  id: string,
  query: ListQuery,
  signal?: AbortSignal,
): Promise<Page<ConversationItem>> {
  const options = signal === undefined ? {} : { signal };
  return requestJson(`${root}/${id}/items${queryText(query)}`, options);
}

export function appendItems(id: string, items: readonly NewMessage[]): Promise<unknown> {
  return requestJson(`${root}/${id}/items`, { method: "POST", body: { items } });
}

function queryText({ after, query, limit, order }: ListQuery): string {
  const parameters = new URLSearchParams({ limit: String(limit) });
  if (order !== undefined) parameters.set("order", order);
  if (after !== undefined && after !== null) parameters.set("after", after);
  if (query !== undefined && query !== "") parameters.set("query", query);
  return `?${parameters.toString()}`;
}
