// /v1/conversations and their items.

import { LociError } from "@loci/core";
import type { ChangeOutcome, Conversation, JsonObject, StoredItem } from "@loci/store";
import type { ConversationPage, ListedConversation } from "@loci/store";
import { eraseTurns } from "../responses/erase-turns.ts";
import { storedItems } from "../conversation/chat-items.ts";
import { listObject, listQuery, noSuchItem, pageQuery } from "../conversation/item-pages.ts";
import { noSuchConversation } from "../responses/turn-history.ts";
import { conversation, deletedObject, item, itemList } from "../schemas/conversation-answers.ts";
import { conversationFound, conversationList } from "../schemas/conversation-answers.ts";
import {
  branchBody,
  type BranchBody,
  conversationBody,
  conversationUpdate,
  idParams,
  itemsBody,
  listQuerySchema,
  pageQuerySchema,
} from "../schemas/conversation-bodies.ts";
import { requestLimits } from "../limits.ts";
import { invalid } from "../sampling-params.ts";
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
    response: conversationFound,
  });
  app.get<ById>("/v1/conversations/:id", { schema: get }, ({ params, tenant }) =>
    findConversation(context, tenant, params.id),
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
  listRoutes(app, context);
  itemRoutes(app, context);
}

function listRoutes(app: Routes, context: ServerContext): void {
  const list = documented({
    summary: "Conversations, those changed last first",
    tag,
    query: listQuerySchema,
    response: conversationList,
  });
  app.get<{ readonly Querystring: Readonly<Record<string, unknown>> }>(
    "/v1/conversations",
    { schema: list },
    async ({ query, tenant }) => {
      const page = await context.requireStore().conversations.list(tenant, listQuery(query));
      if (page === null) throw noSuchConversation("after");
      return pageObject(page);
    },
  );
  const branching = {
    summary: "Begin a conversation with what another one began with",
    tag,
    params: idParams,
    response: conversation,
  };
  app.post<ById & { readonly Body: BranchBody }>(
    "/v1/conversations/:id/branch",
    { schema: documentedBody(branchBody, branching) },
    async ({ params, body, tenant }) => {
      const { conversations } = context.requireStore();
      const from = await conversations.read(tenant, params.id);
      if (from === null) throw noSuchConversation();
      const metadata = { ...(body.metadata ?? from.metadata), parent: params.id };
      if (Object.keys(metadata).length > requestLimits.metadataKeysMax) {
        throw invalid("metadata", "No room is left in 'metadata' for 'parent'.");
      }
      const branch = await conversations.branch(tenant, {
        id: `conv_${context.entropy.hex(24)}`,
        fromId: params.id,
        afterItemId: body.after_item_id ?? null,
        createdUnixSeconds: context.clock.unixSeconds(),
        metadata,
      });
      if (branch === null) throw noSuchItem("after_item_id");
      return conversationObject(branch);
    },
  );
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

async function findConversation(
  context: ServerContext,
  tenant: string,
  id: string,
): Promise<JsonObject> {
  const { conversations, responses } = context.requireStore();
  const found = await conversations.readListed(tenant, id);
  if (found === null) throw noSuchConversation();
  const lastId = found.busyResponseId ?? found.lastResponseId;
  const last = lastId === null ? null : await responses.read(tenant, lastId);
  return {
    ...listedObject(found),
    last_response: last && { id: last.id, status: last.status },
  };
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

function pageObject({ conversations, hasMore }: ConversationPage): JsonObject {
  return {
    object: "list",
    data: conversations.map(listedObject),
    first_id: conversations[0]?.id ?? null,
    last_id: conversations.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}

function listedObject(listed: ListedConversation): JsonObject {
  return {
    ...conversationObject(listed),
    updated_at: listed.updatedUnixSeconds,
    title: listed.title,
    items_count: listed.itemCount,
  };
}

function conversationObject({ id, createdUnixSeconds, metadata }: Conversation): JsonObject {
  return { id, object: "conversation", created_at: createdUnixSeconds, metadata };
}
