// Turns: begun, committed once, never half, never two at once on one conversation.

import { expect, it } from "vitest";

import { messageItem, startSeconds, turnBegin, turnCommit, turnTokens } from "./samples.ts";
import type { StoreBench } from "./store-fixture.ts";

async function makeConversation(bench: StoreBench): Promise<string> {
  const tenant = bench.tenant();
  await bench.store.conversations.create(tenant, {
    id: "c",
    createdUnixSeconds: startSeconds,
    metadata: {},
    items: [],
  });
  return tenant;
}

export function turnCases(bench: StoreBench): void {
  it("keeps a whole turn: response, items, tokens", async () => {
    const tenant = await makeConversation(bench);
    const { turns } = bench.store;
    const conversation = { id: "c", version: 0 };
    expect(await turns.begin(tenant, turnBegin("r", { conversation }))).toMatchObject({
      outcome: "done",
      conversation: { busyResponseId: "r", version: 0, itemCount: 0 },
    });
    const tokens = turnTokens([1, 2, 3], [4, 151_643]);
    const notes = { fork: { position: 2 } };
    const committed = await turns.commit(tenant, turnCommit("r", { tokens, notes }));
    expect(committed).toMatchObject({
      outcome: "done",
      conversation: { busyResponseId: null, lastResponseId: "r", version: 1, itemCount: 2 },
    });
    await bench.reopen();
    expect(await bench.store.responses.read(tenant, "r")).toEqual({
      id: "r",
      createdUnixSeconds: startSeconds,
      endedUnixSeconds: startSeconds + 1,
      status: "completed",
      conversationId: "c",
      previousResponseId: null,
      parameters: { model: "demo", temperature: 0.5 },
      inputItems: [messageItem("r_in")],
      outputItems: [messageItem("r_out")],
      usage: { input_tokens: 3, output_tokens: 2 },
      error: null,
      incompleteDetails: null,
      notes,
      isHistory: true,
      tokenCounts: { prompt: 3, answer: 2 },
    });
    expect(await bench.store.responses.readTokens(tenant, "r")).toEqual(tokens);
    const history = await bench.store.conversations.readHistory(tenant, "c");
    expect(history?.items).toEqual([messageItem("r_in"), messageItem("r_out")]);
  });

  it("lets only one of two turns at once begin, and none on an old version", async () => {
    const tenant = await makeConversation(bench);
    const { turns } = bench.store;
    const conversation = { id: "c", version: 0 };
    const both = await Promise.all(
      ["r", "s"].map((id) => turns.begin(tenant, turnBegin(id, { conversation }))),
    );
    expect(both.map(({ outcome }) => outcome).toSorted()).toEqual(["busy", "done"]);
    const winner = both[0]?.outcome === "done" ? "r" : "s";
    const loser = winner === "r" ? "s" : "r";
    expect(await bench.store.responses.read(tenant, loser)).toBeNull();
    await turns.commit(tenant, turnCommit(winner));
    expect(await turns.begin(tenant, turnBegin("late", { conversation }))).toEqual({
      outcome: "stale",
      version: 1,
    });
    const elsewhere = turnBegin("x", { conversation: { id: "none", version: 0 } });
    expect(await turns.begin(tenant, elsewhere)).toEqual({
      outcome: "missing",
      what: "conversation",
    });
  });

  it("commits once: later commits find it ended", async () => {
    const tenant = await makeConversation(bench);
    const { turns } = bench.store;
    await turns.begin(tenant, turnBegin("r", { conversation: { id: "c", version: 0 } }));
    const outcomes = await Promise.all(
      (["completed", "cancelled"] as const).map((status) =>
        turns.commit(tenant, turnCommit("r", { status })),
      ),
    );
    expect(outcomes.map(({ outcome }) => outcome).toSorted()).toEqual(["done", "ended"]);
    expect(await turns.commit(tenant, turnCommit("r"))).toMatchObject({ outcome: "ended" });
    expect(await turns.commit(tenant, turnCommit("none"))).toEqual({
      outcome: "missing",
      what: "response",
    });
    expect(await bench.store.conversations.read(tenant, "c")).toMatchObject({ itemCount: 2 });
  });

  it.each(["incomplete", "failed", "cancelled"] as const)(
    "keeps a turn that ended %s out of the history",
    async (status) => {
      const tenant = await makeConversation(bench);
      const { turns } = bench.store;
      await turns.begin(tenant, turnBegin("r", { conversation: { id: "c", version: 0 } }));
      const incompleteDetails = { reason: "client_left" };
      await turns.commit(
        tenant,
        turnCommit("r", { status, isHistory: false, incompleteDetails, usage: null }),
      );
      expect(await bench.store.conversations.readHistory(tenant, "c")).toMatchObject({
        version: 0,
        itemCount: 0,
        items: [],
        busyResponseId: null,
        lastResponseId: null,
      });
      expect(await bench.store.responses.read(tenant, "r")).toMatchObject({
        status,
        isHistory: false,
        outputItems: [messageItem("r_out")],
        incompleteDetails,
      });
      const next = turnBegin("s", { conversation: { id: "c", version: 0 } });
      expect(await turns.begin(tenant, next)).toMatchObject({ outcome: "done" });
    },
  );

  it("starts a queued turn, unless it was cancelled meanwhile", async () => {
    const tenant = bench.tenant();
    const { responses, turns } = bench.store;
    await turns.begin(tenant, turnBegin("r", { status: "queued" }));
    expect(await responses.read(tenant, "r")).toMatchObject({ status: "queued" });
    expect(await turns.start(tenant, "r")).toMatchObject({ outcome: "done" });
    expect(await responses.read(tenant, "r")).toMatchObject({ status: "in_progress" });
    await turns.commit(tenant, turnCommit("r", { status: "cancelled", isHistory: false }));
    expect(await turns.start(tenant, "r")).toEqual({ outcome: "ended", status: "cancelled" });
    expect(await turns.start(tenant, "none")).toEqual({ outcome: "missing", what: "response" });
  });

  it("tells turns that were open when the store closed as interrupted", async () => {
    const tenant = await makeConversation(bench);
    await bench.store.turns.begin(
      tenant,
      turnBegin("r", { conversation: { id: "c", version: 0 } }),
    );
    await bench.store.turns.begin(tenant, turnBegin("q", { status: "queued" }));
    await bench.reopen();
    const { conversations, responses, turns } = bench.store;
    for (const id of ["r", "q"]) {
      expect(await responses.read(tenant, id)).toMatchObject({
        status: "incomplete",
        incompleteDetails: { reason: "interrupted" },
        isHistory: false,
        outputItems: [],
      });
    }
    expect(await turns.commit(tenant, turnCommit("r"))).toMatchObject({ outcome: "ended" });
    expect(await conversations.readHistory(tenant, "c")).toMatchObject({
      items: [],
      busyResponseId: null,
    });
  });

  it("refuses items whose ids the conversation has, before anything is generated", async () => {
    const tenant = await makeConversation(bench);
    const { items, turns, responses } = bench.store;
    await items.append(tenant, "c", [messageItem("a")]);
    const begin = turnBegin("r", {
      conversation: { id: "c", version: 1 },
      inputItems: [messageItem("a")],
    });
    await expect(turns.begin(tenant, begin)).rejects.toMatchObject({ code: "invalid_request" });
    expect(await responses.read(tenant, "r")).toBeNull();
    await turns.begin(tenant, turnBegin("s"));
    await expect(turns.begin(tenant, turnBegin("s"))).rejects.toMatchObject({
      code: "invalid_request",
    });
  });

  it("follows previous responses back, also to one that was removed", async () => {
    const tenant = bench.tenant();
    const { responses, turns } = bench.store;
    let previousResponseId: string | null = null;
    for (const id of ["r1", "r2", "r3", "r4"]) {
      await turns.begin(tenant, turnBegin(id, { previousResponseId }));
      await turns.commit(tenant, turnCommit(id));
      previousResponseId = id;
    }
    const whole = await responses.readChain(tenant, "r3");
    expect(whole?.responses.map(({ id }) => id)).toEqual(["r1", "r2", "r3"]);
    expect(whole?.missingId).toBeNull();
    expect(await responses.remove(tenant, "r2")).toMatchObject({ responseIds: ["r2"] });
    const cut = await responses.readChain(tenant, "r4");
    expect(cut?.responses.map(({ id }) => id)).toEqual(["r3", "r4"]);
    expect(cut?.missingId).toBe("r2");
    expect(await responses.readChain(tenant, "r2")).toBeNull();
    expect(await responses.remove(tenant, "r2")).toBeNull();
  });

  it("frees a conversation whose open response is removed", async () => {
    const tenant = await makeConversation(bench);
    const { conversations, responses, turns } = bench.store;
    await turns.begin(tenant, turnBegin("r", { conversation: { id: "c", version: 0 } }));
    await responses.remove(tenant, "r");
    expect(await turns.commit(tenant, turnCommit("r"))).toEqual({
      outcome: "missing",
      what: "response",
    });
    expect(await conversations.read(tenant, "c")).toMatchObject({ busyResponseId: null });
  });

  it("shows a tenant nothing of another one", async () => {
    const tenant = await makeConversation(bench);
    const other = bench.tenant();
    const { conversations, items, responses, turns } = bench.store;
    await items.append(tenant, "c", [messageItem("a")]);
    await turns.begin(tenant, turnBegin("r", { conversation: { id: "c", version: 1 } }));
    const tokens = turnTokens([1], [2]);
    await turns.commit(tenant, turnCommit("r", { tokens }));
    const nothing = await Promise.all([
      conversations.read(other, "c"),
      conversations.readHistory(other, "c"),
      conversations.updateMetadata(other, "c", {}),
      conversations.remove(other, "c"),
      items.list(other, "c", { after: null, limit: 9, order: "asc" }),
      items.read(other, "c", "a"),
      responses.read(other, "r"),
      responses.readChain(other, "r"),
      responses.readTokens(other, "r"),
      responses.remove(other, "r"),
    ]);
    expect(nothing).toEqual(nothing.map(() => null));
    const missing = await Promise.all([
      items.append(other, "c", [messageItem("b")]),
      items.remove(other, "c", "a"),
      turns.begin(other, turnBegin("x", { conversation: { id: "c", version: 2 } })),
      turns.start(other, "r"),
      turns.commit(other, turnCommit("r")),
    ]);
    expect(missing).toEqual(missing.map(() => expect.objectContaining({ outcome: "missing" })));
    expect(await conversations.readHistory(tenant, "c")).toMatchObject({ itemCount: 3 });
  });
}
