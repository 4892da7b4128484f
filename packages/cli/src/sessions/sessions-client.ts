// What `loci sessions` asks of a running server: its stored conversations.

import type { ApiClient } from "../api/api-client.ts";
import { listMember, member, numberMember, textMember } from "../api/json-value.ts";
import { isMessageRole } from "./conversation-file.ts";
import type { ConversationFile, FileMessage, MessageRole } from "./conversation-file.ts";

/** A conversation as a list shows it. */
export interface SessionHead {
  readonly id: string;
  readonly title: string;
  readonly createdUnixSeconds: number;
  readonly updatedUnixSeconds: number;
  readonly items: number | null;
}

export interface ListedSessions {
  readonly heads: readonly SessionHead[];
  /** There are more than were asked for. */
  readonly hasMore: boolean;
}

/** As many as the server lists, and takes, at once. */
const pageMax = 100;
const itemsPerCall = 20;
/** Items of one conversation that are read. */
const itemsMax = 5_000;
const root = "/v1/conversations";

export class SessionsClient {
  readonly #api: ApiClient;

  constructor(api: ApiClient) {
    this.#api = api;
  }

  /** The most recently changed first; `query` is looked for in titles and messages. */
  async list(limit: number, query: string | null): Promise<ListedSessions> {
    const heads: SessionHead[] = [];
    for (let after: string | null = null; heads.length < limit;) {
      const parameters = new URLSearchParams({
        limit: `${Math.min(pageMax, limit - heads.length)}`,
        ...(query !== null && { query }),
        ...(after !== null && { after }),
      });
      const page = await this.#get(`${root}?${parameters.toString()}`);
      const data = listMember(page, "data");
      heads.push(...data.map((one) => headOf(one)));
      after = textMember(page, "last_id");
      const hasMore = member(page, "has_more") === true && data.length > 0 && after !== null;
      if (!hasMore) return { heads, hasMore: false };
    }
    return { heads, hasMore: true };
  }

  /** A conversation with its messages; other items are left out, they mean nothing elsewhere. */
  async read(id: string): Promise<ConversationFile> {
    const head = headOf(await this.#get(pathOf(id)));
    const messages: FileMessage[] = [];
    let read = 0;
    for (let after: string | null = null; read < itemsMax;) {
      const parameters = new URLSearchParams({
        limit: `${pageMax}`,
        order: "asc",
        ...(after !== null && { after }),
      });
      const page = await this.#get(`${pathOf(id)}/items?${parameters.toString()}`);
      const data = listMember(page, "data");
      messages.push(...data.flatMap((item) => messageOf(item)));
      read += data.length;
      after = textMember(page, "last_id");
      if (member(page, "has_more") !== true || data.length === 0 || after === null) break;
    }
    return { format: "loci-conversation", version: 1, title: head.title, messages };
  }

  async remove(id: string): Promise<void> {
    await this.#api.json({ method: "DELETE", path: pathOf(id) });
  }

  /** Returns the new conversation's id. Half a conversation helps nobody: then none is left. */
  async create({ title, messages }: ConversationFile): Promise<string> {
    const items = messages.map((message) => itemOf(message));
    const body = { metadata: { title }, items: items.slice(0, itemsPerCall) };
    const id = textMember(await this.#api.json({ method: "POST", path: root, body }), "id") ?? "";
    try {
      for (let from = itemsPerCall; from < items.length; from += itemsPerCall) {
        const more = { items: items.slice(from, from + itemsPerCall) };
        await this.#api.json({ method: "POST", path: `${pathOf(id)}/items`, body: more });
      }
    } catch (error) {
      // Why it failed is told, not how tidying up went.
      await this.remove(id).catch(() => undefined);
      throw error;
    }
    return id;
  }

  #get(path: string): Promise<unknown> {
    return this.#api.json({ method: "GET", path });
  }
}

function pathOf(id: string): string {
  return `${root}/${encodeURIComponent(id)}`;
}

function headOf(value: unknown): SessionHead {
  const created = numberMember(value, "created_at") ?? 0;
  return {
    id: textMember(value, "id") ?? "",
    title: textMember(value, "metadata", "title") || textMember(value, "title") || "Untitled",
    createdUnixSeconds: created,
    updatedUnixSeconds: numberMember(value, "updated_at") ?? created,
    items: numberMember(value, "items_count"),
  };
}

/** None for items that are no messages. */
function messageOf(item: unknown): readonly FileMessage[] {
  const role = textMember(item, "role");
  if (textMember(item, "type") !== "message" || !isMessageRole(role)) return [];
  const text = textMember(item, "content");
  if (text !== null) return [{ role, texts: [text] }];
  const parts = listMember(item, "content");
  const texts = parts.map((part) => textMember(part, "text") ?? textMember(part, "refusal") ?? "");
  return [{ role, texts: texts.length === 0 ? [""] : texts }];
}

function itemOf({ role, texts }: FileMessage): object {
  return { type: "message", role, content: texts.map((text) => ({ type: partType(role), text })) };
}

function partType(role: MessageRole): string {
  return role === "assistant" ? "output_text" : "input_text";
}
