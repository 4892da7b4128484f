// /v1/conversations and their items.

import { LociError } from "@loci/core";
import type { ChangeOutcome, Conversation, JsonObject, StoredItem } from "@loci/store";
import { eraseTurns } from "../responses/erase-turns.ts";
import { storedItems } from "../conversation/chat-items.ts";
import { listObject, noSuchItem, pageQuery } from "../conversation/item-pages.ts";
import { noSuchConversation } from "../responses/turn-history.ts";
import { conversation, deletedObject, item, itemList } from "../schemas/conversation-answers.ts";
import {
  conversationBody,
  conversationUpdate,
  idParams,
  itemsBody,
  pageQuerySchema,
} from "../schemas/conversation-bodies.ts";
import { checkedItems } from "../schemas/response-items.ts";
import type { ServerContext } from "../server-context.ts";
import { documented, documentedBody, type Routes } from "./routes.ts";

const tag = "conversations" as const;

interface ById {
  readonly Params: { readonly id: string };
}

interface ByItem {
  readonly Params: { readonly id: string; readonly item: string };
}

export function conversationRoutes(app: Routes, context: ServerContext): void {
  const creation = { summary: "Begin a conversation", tag, response: conversation };
  app.post(
    "/v1/conversations",
    { schema: documentedBody(conversationBody, creation) },
    async ({ body, tenant }) => {
      const { conversations } = context.requireStore();
      const created = await conversations.create(tenant, {
        id: `conv_${context.entropy.hex(24)}`,
        createdUnixSeconds: context.clock.unixSeconds(),
        metadata: { ...body.metadata },
        items: newItems(context, body.items ?? []),
      });
      return conversationObject(created);
    },
  );
  const get = documented({
    summary: "A conversation",
    tag,
    params: idParams,
    response: conversation,
  });
  app.get<ById>("/v1/conversations/:id", { schema: get }, ({ params, tenant }) =>
    readConversation(context, tenant, params.id),
  );
  const update = { summary: "Change its metadata", tag, params: idParams, response: conversation };
  app.post<ById & { readonly Body: { readonly metadata?: Readonly<Record<string, string>> } }>(
    "/v1/conversations/:id",
    { schema: documentedBody(conversationUpdate, update) },
    async ({ params, body, tenant }) => {
      const { conversations } = context.requireStore();
      const metadata = { ...body.metadata };
      const updated = await conversations.updateMetadata(tenant, params.id, metadata);
      if (updated === null) throw noSuchConversation();
      return conversationObject(updated);
    },
  );
  const removal = documented({
    summary: "Delete a conversation",
    tag,
    params: idParams,
    response: deletedObject,
  });
  app.delete<ById>("/v1/conversations/:id", { schema: removal }, async ({ params, tenant }) => {
    const { id } = params;
    const removed = await context.requireStore().conversations.remove(tenant, id);
    if (removed === null) throw noSuchConversation();
    // A turn under way finds nothing left to complete.
    await eraseTurns(context, tenant, removed);
    return { id, object: "conversation.deleted", deleted: true };
  });
  itemRoutes(app, context);
}

function itemRoutes(app: Routes, context: ServerContext): void {
  const path = "/v1/conversations/:id/items";
  const creation = { summary: "Append items", tag, params: idParams, response: itemList };
  app.post<ById & { readonly Body: { readonly items: readonly object[] } }>(
    path,
    { schema: documentedBody(itemsBody, creation) },
    async ({ params, body, tenant }) => {
      const items = newItems(context, body.items);
      changed(await context.requireStore().items.append(tenant, params.id, items));
      return listObject({ items, hasMore: false });
    },
  );
  const list = documented({
    summary: "Its items",
    tag,
    params: idParams,
    query: pageQuerySchema,
    response: itemList,
  });
  app.get<ById & { readonly Querystring: Readonly<Record<string, unknown>> }>(
    path,
    { schema: list },
    async ({ params, query, tenant }) => {
      const asked = pageQuery(query);
      const page = await context.requireStore().items.list(tenant, params.id, asked);
      if (page !== null) return listObject(page);
      await readConversation(context, tenant, params.id);
      throw noSuchItem("after");
    },
  );
  const get = documented({ summary: "An item", tag, params: idParams, response: item });
  app.get<ByItem>(`${path}/:item`, { schema: get }, async ({ params, tenant }) => {
    const found = await context.requireStore().items.read(tenant, params.id, params.item);
    if (found === null) throw noSuchItem();
    return found.content;
  });
  const removal = documented({
    summary: "Delete an item",
    tag,
    params: idParams,
    response: conversation,
  });
  app.delete<ByItem>(`${path}/:item`, { schema: removal }, async ({ params, tenant }) => {
    const { items } = context.requireStore();
    changed(await items.remove(tenant, params.id, params.item));
    return readConversation(context, tenant, params.id);
  });
}

function newItems(context: ServerContext, items: readonly object[]): readonly StoredItem[] {
  return storedItems(checkedItems(items, "items"), context.entropy);
}

async function readConversation(
  context: ServerContext,
  tenant: string,
  id: string,
): Promise<JsonObject> {
  const found = await context.requireStore().conversations.read(tenant, id);
  if (found === null) throw noSuchConversation();
  return conversationObject(found);
}

/** Throws what kept a change of items from being made. */
function changed(outcome: ChangeOutcome): void {
  switch (outcome.outcome) {
    case "done":
      return;
    case "missing":
      throw outcome.what === "item" ? noSuchItem() : noSuchConversation();
    case "busy":
    case "stale":
    case "ended":
    default:
      throw new LociError("conversation_busy", "A turn of this conversation is under way.", {
        remedy: "Wait until it is complete.",
      });
  }
}

function conversationObject({ id, createdUnixSeconds, metadata }: Conversation): JsonObject {
  return { id, object: "conversation", created_at: createdUnixSeconds, metadata };
}
