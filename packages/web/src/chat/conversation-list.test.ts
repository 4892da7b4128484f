import { describe, expect, test } from "vitest";
import type { Conversation, ListQuery, Page } from "../api/conversations-api.ts";
import { ConversationList } from "./conversation-list.ts";

/** A server's list, as the real one pages through it. */
class Shelf {
  rows: Conversation[];
  asked = 0;

  constructor(count: number) {
    this.rows = Array.from({ length: count }, (_, index) => conversation(`conv_${index}`));
  }

  fetch = (
    { after, query = "", limit }: ListQuery,
    signal: AbortSignal,
  ): Promise<Page<Conversation>> => {
    this.asked++;
    const found = this.rows.filter(({ id }) => id.includes(query));
    const from = after === null ? 0 : found.findIndex(({ id }) => id === after) + 1;
    const data = found.slice(from, from + limit);
    const page = { data, last_id: data.at(-1)?.id ?? null, has_more: from + limit < found.length };
    if (signal.aborted) return Promise.reject(new DOMException("stopped", "AbortError"));
    return Promise.resolve(page);
  };
}

function conversation(id: string): Conversation {
  return { id, created_at: 1, metadata: {} };
}

const ids = (list: ConversationList): string[] => list.state.peek().rows.map(({ id }) => id);

describe("the list of conversations", () => {
  test("ten thousand are read page by page, each once", async () => {
    const shelf = new Shelf(10_000);
    const list = new ConversationList(shelf.fetch);
    await list.load();
    while (list.state.peek().hasMore) await list.loadMore();
    expect(ids(list)).toEqual(shelf.rows.map(({ id }) => id));
    expect(shelf.asked).toBe(200);
    await list.loadMore();
    expect(shelf.asked).toBe(200);
  });

  test("a conversation that comes to the top leaves its old place", async () => {
    const shelf = new Shelf(120);
    const list = new ConversationList(shelf.fetch);
    await list.load();
    await list.loadMore();
    shelf.rows = [
      conversation("conv_new"),
      conversation("conv_70"),
      ...shelf.rows.filter(({ id }) => id !== "conv_70"),
    ];
    await list.refresh();
    expect(ids(list).slice(0, 3)).toEqual(["conv_new", "conv_70", "conv_0"]);
    expect(new Set(ids(list)).size).toBe(ids(list).length);
    while (list.state.peek().hasMore) await list.loadMore();
    expect(ids(list).toSorted()).toEqual(shelf.rows.map(({ id }) => id).toSorted());
  });

  test("a search shows what is found, and only the last one counts", async () => {
    const list = new ConversationList(new Shelf(60).fetch);
    const first = list.search("_1");
    const second = list.search("conv_59");
    await Promise.all([first, second]);
    expect(ids(list)).toEqual(["conv_59"]);
    await list.search("");
    expect(ids(list)).toHaveLength(50);
  });

  test("what is deleted is gone at once", async () => {
    const list = new ConversationList(new Shelf(3).fetch);
    await list.load();
    list.remove("conv_1");
    expect(ids(list)).toEqual(["conv_0", "conv_2"]);
  });

  test("a failure is kept beside the rows and can be tried again", async () => {
    const shelf = new Shelf(2);
    let isDown = false;
    const list = new ConversationList((query, signal) =>
      isDown ? Promise.reject(new Error("down")) : shelf.fetch(query, signal),
    );
    await list.load();
    isDown = true;
    await list.refresh();
    expect(list.state.peek().error?.message).toContain("down");
    expect(ids(list)).toHaveLength(2);
    isDown = false;
    await list.load();
    expect(list.state.peek().error).toBeNull();
  });
});
