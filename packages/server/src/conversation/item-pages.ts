// Items in pages, as the API lists them.

import type {
  ConversationPageQuery,
  ItemPage,
  ItemPageQuery,
  JsonObject,
  StoredItem,
} from "@loci/store";
import { itemPageMax } from "@loci/store";
import { LociError } from "@loci/core";
import { invalid } from "../sampling-params.ts";

const limitDefault = 20;

/** From an address's `after`, `limit`, `order` and `query`. Throws invalid_request. */
export function listQuery(query: Readonly<Record<string, unknown>>): ConversationPageQuery {
  const { query: words = null } = query;
  if (words !== null && typeof words !== "string") throw invalid("query", "'query' is one text.");
  return { ...pageQuery(query), query: words };
}

/** From an address's `after`, `limit` and `order`. Throws invalid_request. */
export function pageQuery(query: Readonly<Record<string, unknown>>): ItemPageQuery {
  const { after = null, limit = String(limitDefault), order = "desc" } = query;
  if (after !== null && typeof after !== "string") throw invalid("after", "'after' is one id.");
  const count = typeof limit === "string" && /^\d{1,3}$/.test(limit) ? Number(limit) : 0;
  if (count < 1 || count > itemPageMax) {
    throw invalid("limit", `'limit' must be an integer from 1 to ${itemPageMax}.`);
  }
  if (order !== "asc" && order !== "desc") throw invalid("order", "'order' must be asc or desc.");
  return { after, limit: count, order };
}

/** One page out of all items. Throws not_found when there is no item `after`. */
export function pageOf(items: readonly StoredItem[], query: ItemPageQuery): JsonObject {
  const ordered = query.order === "asc" ? items : items.toReversed();
  const at = query.after === null ? -1 : ordered.findIndex(({ id }) => id === query.after);
  if (at === -1 && query.after !== null) throw noSuchItem("after");
  const page = ordered.slice(at + 1, at + 1 + query.limit);
  return listObject({ items: page, hasMore: at + 1 + page.length < ordered.length });
}

/** A page as the API shows it. */
export function listObject({ items, hasMore }: ItemPage): JsonObject {
  return {
    object: "list",
    data: items.map(({ content }) => content),
    first_id: items[0]?.id ?? null,
    last_id: items.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}

/** The same words for an id that never was and for another tenant's. */
export function noSuchItem(param?: string): LociError {
  const details = param === undefined ? {} : { param };
  return new LociError("not_found", "The item does not exist.", details);
}
