// Conversations and their items, as every store must keep them.

import { expect, it } from "vitest";

import { conversationItemsMax, idBytesMax, itemsPerCallMax } from "../limits.ts";
import { countUp, messageItem, startSeconds, turnBegin } from "./samples.ts";
import type { StoreBench } from "./store-fixture.ts";

const conversation = (id: string, itemIds: readonly string[] = []) => ({
  id,
  createdUnixSeconds: startSeconds,
  metadata: { topic: id },
  items: itemIds.map((each) => messageItem(each)),
});

export function conversationCases(bench: StoreBench): void {
  it("creates, reads and keeps a conversation", async () => {
    const tenant = bench.tenant();
    const created = await bench.store.conversations.create(tenant, conversation("conv_1", ["a"]));
    expect(created).toEqual({
      id: "conv_1",
      createdUnixSeconds: startSeconds,
      metadata: { topic: "conv_1" },
      version: 1,
      itemCount: 1,
      busyResponseId: null,
      lastResponseId: null,
    });
    await bench.reopen();
    expect(await bench.store.conversations.read(tenant, "conv_1")).toEqual(created);
    expect(await bench.store.conversations.read(tenant, "conv_2")).toBeNull();
  });

  it("keeps JSON exactly, whatever text is in it", async () => {
    const tenant = bench.tenant();
    const content = {
      texts: ["\u0000", "\ud800", "日本語 🙂", "'; DROP TABLE items; --", ""],
      numbers: [0, -1, 1.5e300, 2 ** 53],
      nested: { null: null, yes: true, list: [[[]]], empty: {} },
      "": "empty name",
    };
    const item = { id: "x", type: "message", content };
    await bench.store.conversations.create(tenant, { ...conversation("c"), items: [item] });
    expect(await bench.store.items.read(tenant, "c", "x")).toEqual(item);
  });

  it("refuses a second conversation with the same id, and an item id twice", async () => {
    const tenant = bench.tenant();
    const { conversations, items } = bench.store;
    await conversations.create(tenant, conversation("c", ["a"]));
    await expect(conversations.create(tenant, conversation("c"))).rejects.toMatchObject({
      code: "invalid_request",
    });
    const twice = conversations.create(tenant, conversation("d", ["x", "x"]));
    await expect(twice).rejects.toMatchObject({ code: "invalid_request" });
    expect(await conversations.read(tenant, "d")).toBeNull();
    const known = items.append(tenant, "c", [messageItem("b"), messageItem("a")]);
    await expect(known).rejects.toMatchObject({ code: "invalid_request" });
    expect(await conversations.read(tenant, "c")).toMatchObject({ itemCount: 1, version: 1 });
  });

  it("replaces metadata without a new version", async () => {
    const tenant = bench.tenant();
    const { conversations } = bench.store;
    await conversations.create(tenant, conversation("c", ["a"]));
    const changed = await conversations.updateMetadata(tenant, "c", { colour: "green" });
    expect(changed).toMatchObject({ metadata: { colour: "green" }, version: 1 });
    expect(await conversations.read(tenant, "c")).toEqual(changed);
    expect(await conversations.updateMetadata(tenant, "none", {})).toBeNull();
  });

  it("appends and removes items, each time with a new version", async () => {
    const tenant = bench.tenant();
    const { conversations, items } = bench.store;
    await conversations.create(tenant, conversation("c"));
    const appended = await items.append(tenant, "c", [messageItem("a"), messageItem("b")]);
    expect(appended).toMatchObject({ outcome: "done", conversation: { version: 1, itemCount: 2 } });
    const removed = await items.remove(tenant, "c", "a");
    expect(removed).toMatchObject({ outcome: "done", conversation: { version: 2, itemCount: 1 } });
    expect(await items.append(tenant, "c", [messageItem("a")])).toMatchObject({ outcome: "done" });
    const history = await conversations.readHistory(tenant, "c");
    expect(history?.items).toEqual([messageItem("b"), messageItem("a")]);
    expect(history?.version).toBe(3);
    expect(await items.remove(tenant, "c", "z")).toEqual({ outcome: "missing", what: "item" });
    const missing = { outcome: "missing", what: "conversation" };
    expect(await items.remove(tenant, "z", "a")).toEqual(missing);
    expect(await items.append(tenant, "z", [messageItem("a")])).toEqual(missing);
    expect(await items.read(tenant, "c", "z")).toBeNull();
  });

  it("lists items in pages, in both orders, from any item on", async () => {
    const tenant = bench.tenant();
    const ids = countUp(0, 25).map((n) => `item_${n}`);
    await bench.store.conversations.create(tenant, conversation("c", ids));
    await bench.store.items.remove(tenant, "c", "item_7");
    const kept = ids.filter((id) => id !== "item_7");
    for (const order of ["asc", "desc"] as const) {
      const seen: string[] = [];
      let after: string | null = null;
      for (let hasMore = true; hasMore;) {
        const page = await bench.store.items.list(tenant, "c", { after, limit: 6, order });
        expect(page?.items.length).toBeLessThanOrEqual(6);
        seen.push(...(page?.items ?? []).map((item) => item.id));
        after = seen.at(-1) ?? null;
        hasMore = page?.hasMore ?? false;
      }
      expect(seen).toEqual(order === "asc" ? kept : kept.toReversed());
    }
    const { items } = bench.store;
    expect(await items.list(tenant, "c", { after: "item_7", limit: 1, order: "asc" })).toBeNull();
    expect(await items.list(tenant, "z", { after: null, limit: 1, order: "asc" })).toBeNull();
    expect(await items.list(tenant, "c", { after: "item_24", limit: 1, order: "asc" })).toEqual({
      items: [],
      hasMore: false,
    });
  });

  it("refuses what is over a bound, before anything is written", async () => {
    const tenant = bench.tenant();
    const { conversations, items } = bench.store;
    await conversations.create(tenant, conversation("c"));
    const refused = { code: "invalid_request" };
    const many = countUp(0, itemsPerCallMax + 1).map((n) => messageItem(`i${n}`));
    await expect(items.append(tenant, "c", many)).rejects.toMatchObject(refused);
    const big = messageItem("big", "x".repeat(8 * 2 ** 20));
    await expect(items.append(tenant, "c", [big])).rejects.toMatchObject(refused);
    for (const id of ["", "x".repeat(idBytesMax + 1), "ü".repeat(idBytesMax), "a\0b", "\ud800"]) {
      await expect(conversations.read(tenant, id)).rejects.toMatchObject(refused);
      await expect(conversations.read(id, "c")).rejects.toMatchObject(refused);
    }
    const limits = [0, 101, 1.5, Number.NaN];
    for (const limit of limits) {
      const page = items.list(tenant, "c", { after: null, limit, order: "asc" });
      await expect(page).rejects.toMatchObject(refused);
    }
    expect(await conversations.read(tenant, "c")).toMatchObject({ version: 0, itemCount: 0 });
    expect(conversationItemsMax).toBeGreaterThan(itemsPerCallMax);
  });

  it("lets nobody change items while a turn is in progress", async () => {
    const tenant = bench.tenant();
    const { conversations, items, turns } = bench.store;
    await conversations.create(tenant, conversation("c", ["a"]));
    const begin = turnBegin("r", { conversation: { id: "c", version: 1 } });
    expect(await turns.begin(tenant, begin)).toMatchObject({ outcome: "done" });
    const busy = { outcome: "busy", responseId: "r" };
    expect(await items.append(tenant, "c", [messageItem("b")])).toEqual(busy);
    expect(await items.remove(tenant, "c", "a")).toEqual(busy);
    expect(await conversations.updateMetadata(tenant, "c", {})).toMatchObject({
      busyResponseId: "r",
    });
  });

  it("removes a conversation with all that hangs on it, and only that", async () => {
    const tenant = bench.tenant();
    const { conversations, items, responses, turns } = bench.store;
    await conversations.create(tenant, conversation("c", ["a"]));
    await conversations.create(tenant, conversation("d", ["a"]));
    await turns.begin(tenant, turnBegin("r", { conversation: { id: "c", version: 1 } }));
    await turns.begin(tenant, turnBegin("s", { conversation: { id: "d", version: 1 } }));
    expect(await conversations.remove(tenant, "c")).toEqual({
      conversationId: "c",
      responseIds: ["r"],
      itemCount: 1,
      tokenLists: [],
      isTokenListsComplete: true,
    });
    expect(await conversations.remove(tenant, "c")).toBeNull();
    expect(await conversations.read(tenant, "c")).toBeNull();
    expect(await conversations.readHistory(tenant, "c")).toBeNull();
    expect(await items.read(tenant, "c", "a")).toBeNull();
    expect(await responses.read(tenant, "r")).toBeNull();
    expect(await responses.read(tenant, "s")).toMatchObject({ status: "in_progress" });
    expect(await conversations.readHistory(tenant, "d")).toMatchObject({ itemCount: 1 });
  });
}
