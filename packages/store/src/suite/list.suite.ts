// The list of conversations, as every store must keep it: pages, order, titles, search, branches.

import * as fc from "fast-check";
import { expect, it } from "vitest";

import type { StoredItem } from "../records.ts";
import type { Store } from "../store.ts";
import { startSeconds, turnBegin, turnCommit, turnTokens } from "./samples.ts";
import type { StoreBench } from "./store-fixture.ts";

const all = { after: null, limit: 100, order: "desc", query: null } as const;

function said(id: string, text: string, role = "user"): StoredItem {
  const content = { id, type: "message", role, content: [{ type: "input_text", text }] };
  return { id, type: "message", content };
}

async function create(
  store: Store,
  tenant: string,
  id: string,
  parts: { at?: number; title?: string; items?: readonly StoredItem[] } = {},
): Promise<void> {
  const { at = 0, title, items = [] } = parts;
  await store.conversations.create(tenant, {
    id,
    createdUnixSeconds: startSeconds + at,
    metadata: title === undefined ? {} : { title },
    items,
  });
}

async function found(store: Store, tenant: string, query: string | null): Promise<string[]> {
  const page = await store.conversations.list(tenant, { ...all, query });
  return (page?.conversations ?? []).map(({ id }) => id);
}

async function turn(
  store: Store,
  tenant: string,
  parts: { id: string; conversation: string; at: number; version: number },
): Promise<void> {
  const { id, version, at } = parts;
  const conversation = { id: parts.conversation, version };
  await store.turns.begin(tenant, turnBegin(id, { conversation }));
  const tokens = turnTokens([1, 2, version], [3]);
  const commit = turnCommit(id, { endedUnixSeconds: startSeconds + at, tokens });
  expect(await store.turns.commit(tenant, commit)).toMatchObject({ outcome: "done" });
}

export function listCases(bench: StoreBench): void {
  it("lists a tenant's conversations, those changed last first, in pages", async () => {
    const tenant = bench.tenant();
    for (const [index, id] of ["a", "b", "c", "d"].entries()) {
      await create(bench.store, tenant, id, { at: index });
    }
    await create(bench.store, bench.tenant(), "e");
    await turn(bench.store, tenant, { id: "r", conversation: "a", at: 50, version: 0 });
    await bench.reopen();
    expect(await found(bench.store, tenant, null)).toEqual(["a", "d", "c", "b"]);
    const ends = await bench.store.conversations.list(tenant, { ...all, limit: 2, after: "d" });
    expect(ends).toMatchObject({ conversations: [{ id: "c" }, { id: "b" }], hasMore: false });
    const first = await bench.store.conversations.list(tenant, { ...all, order: "asc", limit: 3 });
    expect(first?.conversations.map(({ id }) => id)).toEqual(["b", "c", "d"]);
    expect(first?.hasMore).toBe(true);
    expect(await bench.store.conversations.list(tenant, { ...all, after: "e" })).toBeNull();
    expect(first?.conversations[0]).toEqual({
      ...(await bench.store.conversations.read(tenant, "b")),
      updatedUnixSeconds: startSeconds + 1,
      title: "",
    });
    expect(await bench.store.conversations.readListed(tenant, "a")).toMatchObject({
      updatedUnixSeconds: startSeconds + 50,
      itemCount: 2,
    });
    expect(await bench.store.conversations.readListed(tenant, "none")).toBeNull();
  });

  it("calls a conversation what its metadata say, else by its first question", async () => {
    const tenant = bench.tenant();
    const { store } = bench;
    const question = `  How\n much ${"wood ".repeat(30)}`;
    await create(store, tenant, "c", { items: [said("s", "Be brief.", "system")] });
    await store.items.append(tenant, "c", [said("u", question), said("v", "And then?")]);
    const titleOf = async (): Promise<string | undefined> =>
      (await store.conversations.readListed(tenant, "c"))?.title;
    expect(await titleOf()).toBe(`How much ${"wood ".repeat(30)}`.slice(0, 80));
    await store.conversations.updateMetadata(tenant, "c", { title: "Wood" });
    expect(await titleOf()).toBe("Wood");
    await store.conversations.updateMetadata(tenant, "c", {});
    await store.items.remove(tenant, "c", "u");
    expect(await titleOf()).toBe("And then?");
  });

  it("finds words of titles and texts in any case, and nothing that was deleted", async () => {
    const tenant = bench.tenant();
    const { store } = bench;
    await create(store, tenant, "a", {
      at: 1,
      title: "Über Äpfel",
      items: [said("x", "50% off_a")],
    });
    await create(store, tenant, "b", { at: 2, items: [said("x", "apples\u0000and PEARS 🍐")] });
    await create(store, tenant, "c", { at: 3, items: [{ ...said("x", "pears"), type: "note" }] });
    await create(store, bench.tenant(), "d", { items: [said("x", "apples")] });
    const cases: readonly (readonly [string, readonly string[]])[] = [
      ["äpfel", ["a"]],
      ["ÜBER off", ["a"]],
      ["50%", ["a"]],
      ["0% off_", ["a"]],
      ["p_ars", []],
      ["%", ["a"]],
      ["!", []],
      ["pears apples", ["b"]],
      ["pears über", []],
      ["🍐", ["b"]],
      ["  ", ["c", "b", "a"]],
      ["pears", ["c", "b"]],
    ];
    for (const [query, ids] of cases) expect(await found(store, tenant, query)).toEqual(ids);
    await store.items.remove(tenant, "b", "x");
    expect(await found(store, tenant, "pears")).toEqual(["c"]);
    await store.conversations.remove(tenant, "a");
    expect(await found(store, tenant, "äpfel")).toEqual([]);
  });

  it("refuses what is over its bounds", async () => {
    const tenant = bench.tenant();
    const { conversations } = bench.store;
    const refused = { code: "invalid_request" };
    for (const limit of [0, 101, 1.5, Number.NaN]) {
      await expect(conversations.list(tenant, { ...all, limit })).rejects.toMatchObject(refused);
    }
    const long = conversations.list(tenant, { ...all, query: "x".repeat(201) });
    await expect(long).rejects.toMatchObject(refused);
  });

  it("branches with the items and tokens of what both have in common", async () => {
    const tenant = bench.tenant();
    const { store } = bench;
    await create(store, tenant, "c", { title: "Wood" });
    await turn(store, tenant, { id: "r", conversation: "c", at: 1, version: 0 });
    await turn(store, tenant, { id: "s", conversation: "c", at: 2, version: 1 });
    const branch = (
      id: string,
      afterItemId: string | null,
    ): ReturnType<Store["conversations"]["branch"]> =>
      store.conversations.branch(tenant, {
        id,
        fromId: "c",
        afterItemId,
        createdUnixSeconds: startSeconds + 9,
        metadata: null,
      });
    expect(await branch("whole", "s_out")).toMatchObject({
      id: "whole",
      metadata: { title: "Wood" },
      itemCount: 4,
      version: 1,
      lastResponseId: "s",
      busyResponseId: null,
    });
    expect(await branch("question", "s_in")).toMatchObject({ itemCount: 3, lastResponseId: "r" });
    expect(await branch("early", "r_in")).toMatchObject({ itemCount: 1, lastResponseId: null });
    expect(await branch("empty", null)).toMatchObject({ itemCount: 0, lastResponseId: null });
    expect(await branch("x", "none")).toBeNull();
    await expect(branch("whole", null)).rejects.toMatchObject({ code: "invalid_request" });
    const history = await store.conversations.readHistory(tenant, "whole");
    const original = await store.conversations.readHistory(tenant, "c");
    expect(history?.items).toEqual(original?.items);
    expect(await store.responses.readTokens(tenant, "s")).toEqual(turnTokens([1, 2, 1], [3]));
    // Each lives on its own.
    await turn(store, tenant, { id: "t", conversation: "whole", at: 12, version: 1 });
    await store.conversations.remove(tenant, "c");
    expect(await store.conversations.readHistory(tenant, "whole")).toMatchObject({
      itemCount: 6,
      lastResponseId: "t",
    });
    expect(await store.responses.readTokens(tenant, "t")).not.toBeNull();
    await store.checkIntegrity();
  });

  it("branches a branch that has no turn of its own yet", async () => {
    const tenant = bench.tenant();
    const { store } = bench;
    await create(store, tenant, "c");
    await turn(store, tenant, { id: "r", conversation: "c", at: 1, version: 0 });
    const made = { createdUnixSeconds: startSeconds, metadata: {}, afterItemId: "r_out" };
    await store.conversations.branch(tenant, { ...made, id: "d", fromId: "c" });
    const again = await store.conversations.branch(tenant, { ...made, id: "e", fromId: "d" });
    expect(again).toMatchObject({ itemCount: 2, lastResponseId: "r", metadata: {} });
    const other = bench.tenant();
    expect(await store.conversations.branch(other, { ...made, id: "f", fromId: "c" })).toBeNull();
  });

  it("replaces items of an earlier answer with a later one's, or leaves them", async () => {
    const tenant = bench.tenant();
    await create(bench.store, tenant, "c");
    await turn(bench.store, tenant, { id: "r", conversation: "c", at: 1, version: 0 });
    const begin = (id: string, version: number): Promise<unknown> =>
      bench.store.turns.begin(
        tenant,
        turnBegin(id, { conversation: { id: "c", version }, inputItems: [] }),
      );
    await begin("s", 1);
    const failed = turnCommit("s", { isHistory: false, replacesItemIds: ["r_out"] });
    await bench.store.turns.commit(tenant, failed);
    const itemsOf = async (): Promise<readonly string[]> =>
      ((await bench.store.conversations.readHistory(tenant, "c"))?.items ?? []).map(({ id }) => id);
    expect(await itemsOf()).toEqual(["r_in", "r_out"]);
    // As if the process had died while the new answer was written.
    await begin("lost", 1);
    await bench.reopen();
    expect(await itemsOf()).toEqual(["r_in", "r_out"]);
    await begin("t", 1);
    const outputItems = [said("new", "another answer", "assistant")];
    await bench.store.turns.commit(
      tenant,
      turnCommit("t", { outputItems, replacesItemIds: ["r_out"] }),
    );
    expect(await itemsOf()).toEqual(["r_in", "new"]);
    expect(await found(bench.store, tenant, "r_out")).toEqual([]);
    expect(await found(bench.store, tenant, "another")).toEqual(["c"]);
    expect(await bench.store.responses.read(tenant, "r")).toMatchObject({ status: "completed" });
    await bench.store.checkIntegrity();
  });

  it("agrees with a list of everything, whatever is done", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyChange, { maxLength: 25 }), async (changes) => {
        const tenant = bench.tenant();
        const model = new ListModel();
        for (const change of changes) await model.change(bench.store, tenant, change);
        for (const query of [null, ...words]) {
          expect(await found(bench.store, tenant, query)).toEqual(model.found(query));
        }
      }),
      { numRuns: 12, seed: 63 },
    );
  });
}

const words = ["oak", "elm", "yew"];
const names = ["a", "b", "c"];

type Change =
  | { readonly kind: "create"; readonly id: string; readonly title: string }
  | { readonly kind: "name"; readonly id: string; readonly title: string }
  | { readonly kind: "append"; readonly id: string; readonly text: string }
  | { readonly kind: "drop"; readonly id: string }
  | { readonly kind: "remove"; readonly id: string };

const anyId = fc.constantFrom(...names);
const anyText = fc.subarray(words).map((some) => some.join(" "));
const anyChange: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant("create" as const), id: anyId, title: anyText }),
  fc.record({ kind: fc.constant("name" as const), id: anyId, title: anyText }),
  fc.record({ kind: fc.constant("append" as const), id: anyId, text: anyText }),
  fc.record({ kind: fc.constant("drop" as const), id: anyId }),
  fc.record({ kind: fc.constant("remove" as const), id: anyId }),
);

/** Titles and texts of conversations; times are not modelled, so order goes by id alone. */
class ListModel {
  readonly #known = new Map<string, { title: string; texts: string[] }>();
  #items = 0;

  async change(store: Store, tenant: string, change: Change): Promise<void> {
    const known = this.#known.get(change.id);
    if (change.kind === "create") {
      if (known !== undefined) return;
      await create(store, tenant, change.id, { at: far, title: change.title });
      this.#known.set(change.id, { title: change.title, texts: [] });
    } else if (known === undefined) return;
    else if (change.kind === "name") {
      await store.conversations.updateMetadata(tenant, change.id, { title: change.title });
      known.title = change.title;
    } else if (change.kind === "append") {
      await store.items.append(tenant, change.id, [said(`i${this.#items++}`, change.text)]);
      known.texts.push(change.text);
    } else if (change.kind === "drop") {
      const page = { after: null, limit: 1, order: "asc" } as const;
      const first = (await store.items.list(tenant, change.id, page))?.items[0];
      if (first === undefined) return;
      await store.items.remove(tenant, change.id, first.id);
      known.texts.shift();
    } else {
      await store.conversations.remove(tenant, change.id);
      this.#known.delete(change.id);
    }
  }

  found(query: string | null): readonly string[] {
    return [...this.#known]
      .filter(
        ([, { title, texts }]) => query === null || [title, ...texts].join(" ").includes(query),
      )
      .map(([id]) => id)
      .toSorted()
      .toReversed();
  }
}

/** Later than any clock, so that no change is newer than a creation. */
const far = 4_000_000_000;
