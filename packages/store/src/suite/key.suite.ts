// Chat turns found by content, idempotency keys, and what is purged.

import { expect, it } from "vitest";

import { chatKeysMax, chatTurnsMax, idempotencySecondsMin } from "../limits.ts";
import { countUp, startSeconds, turnBegin, turnCommit, turnTokens } from "./samples.ts";
import type { StoreBench } from "./store-fixture.ts";

const reply = { status: 200, contentType: "application/json", body: '{"answer":"ü"}' };

function chatTurn(key: string, parentKey: string | null, tokens: readonly number[]) {
  const created = { createdUnixSeconds: startSeconds };
  return { key, parentKey, ...created, tokens: turnTokens(tokens, [9]) };
}

function claimOf(key: string, requestDigest = "digest") {
  return { key, requestDigest, createdUnixSeconds: startSeconds };
}

export function keyCases(bench: StoreBench): void {
  it("finds the longest known chat turn", async () => {
    const tenant = bench.tenant();
    const { chatTurns } = bench.store;
    const first = chatTurn("k1", null, [1, 2]);
    const second = chatTurn("k2", "k1", [1, 2, 9, 3]);
    await chatTurns.remember(tenant, first);
    await chatTurns.remember(tenant, second);
    await chatTurns.remember(tenant, chatTurn("k2", null, [4]));
    expect(await chatTurns.find(tenant, ["k3", "k2", "k1"])).toEqual(second);
    expect(await chatTurns.find(tenant, ["k1", "k2"])).toEqual(first);
    expect(await chatTurns.find(tenant, ["k3"])).toBeNull();
    expect(await chatTurns.find(tenant, [])).toBeNull();
    expect(await chatTurns.find(bench.tenant(), ["k1"])).toBeNull();
    expect(await chatTurns.forget(tenant, ["k1", "k9"])).toBe(1);
    await bench.reopen();
    const keys = ["k1", ...countUp(0, chatKeysMax - 2).map((n) => `other${n}`), "k2"];
    expect(await bench.store.chatTurns.find(tenant, keys)).toEqual(second);
    await expect(bench.store.chatTurns.find(tenant, [...keys, "x"])).rejects.toMatchObject({
      code: "invalid_request",
    });
  });

  it("lets the oldest chat turns go", async () => {
    const tenant = bench.tenant();
    const other = bench.tenant();
    const { chatTurns } = bench.store;
    const total = chatTurnsMax + 200;
    for (let start = 0; start < total; start += 63) {
      const batch = countUp(start, Math.min(63, total - start));
      await Promise.all(
        batch.map((n) =>
          chatTurns.remember(tenant, {
            ...chatTurn(`k${n}`, n % 2 === 1 ? `k${n - 1}` : null, [n]),
            createdUnixSeconds: startSeconds + n,
          }),
        ),
      );
      // Every 64th turn is another tenant's.
      await chatTurns.remember(other, chatTurn(`k${start}`, null, [start]));
    }
    expect(await chatTurns.find(tenant, ["k0"])).toBeNull();
    expect(await chatTurns.find(tenant, ["k100"])).toBeNull();
    const newest = await chatTurns.find(tenant, [`k${total - 1}`]);
    expect(newest?.tokens).toEqual(turnTokens([total - 1], [9]));
  });

  it("gives a key to one of many callers, then its reply to all", async () => {
    const tenant = bench.tenant();
    const { idempotency } = bench.store;
    const claims = await Promise.all(
      countUp(0, 8).map(() => idempotency.claim(tenant, claimOf("key"))),
    );
    const states = claims.map(({ state }) => state).toSorted();
    expect(states).toEqual(["claimed", ...Array.from({ length: 7 }, () => "running")]);
    expect(await idempotency.claim(tenant, claimOf("key", "other"))).toEqual({ state: "conflict" });
    expect(await idempotency.finish(tenant, "key", reply)).toBe(true);
    expect(await idempotency.finish(tenant, "key", { ...reply, status: 500 })).toBe(false);
    await idempotency.release(tenant, "key");
    await bench.reopen();
    const again = bench.store.idempotency;
    expect(await again.claim(tenant, claimOf("key"))).toEqual({ state: "finished", reply });
    expect(await again.claim(tenant, claimOf("key", "other"))).toEqual({ state: "conflict" });
    expect(await again.claim(bench.tenant(), claimOf("key"))).toEqual({ state: "claimed" });
  });

  it("gives a released key, and one whose owner died, to the next caller", async () => {
    const tenant = bench.tenant();
    expect(await bench.store.idempotency.finish(tenant, "none", reply)).toBe(false);
    await bench.store.idempotency.claim(tenant, claimOf("released"));
    await bench.store.idempotency.release(tenant, "released");
    await bench.store.idempotency.claim(tenant, claimOf("died"));
    const first = await bench.store.idempotency.claim(tenant, claimOf("released"));
    expect(first).toEqual({ state: "claimed" });
    await bench.reopen();
    const { idempotency } = bench.store;
    expect(await idempotency.claim(tenant, claimOf("died"))).toEqual({ state: "claimed" });
    expect(await idempotency.claim(tenant, claimOf("died"))).toEqual({ state: "running" });
  });

  it("finishes a key in the transaction of its turn", async () => {
    const tenant = bench.tenant();
    const { idempotency, turns } = bench.store;
    await idempotency.claim(tenant, claimOf("key"));
    await turns.begin(tenant, turnBegin("r"));
    await turns.commit(tenant, turnCommit("r", { idempotency: { key: "key", reply } }));
    const claim = await idempotency.claim(tenant, claimOf("key"));
    expect(claim).toEqual({ state: "finished", reply });
  });

  it("removes a reply with the response that it tells, and no other", async () => {
    const tenant = bench.tenant();
    const { idempotency, responses, turns } = bench.store;
    for (const id of ["a", "b", "late"]) await idempotency.claim(tenant, claimOf(id));
    for (const id of ["a", "b"]) {
      await turns.begin(tenant, turnBegin(id));
      await turns.commit(tenant, turnCommit(id, { idempotency: { key: id, reply } }));
    }
    await turns.begin(tenant, turnBegin("late"));
    await idempotency.finish(tenant, "late", reply, "late");
    for (const id of ["a", "late"]) await responses.remove(tenant, id);
    expect(await idempotency.claim(tenant, claimOf("a"))).toEqual({ state: "claimed" });
    expect(await idempotency.claim(tenant, claimOf("late"))).toEqual({ state: "claimed" });
    expect(await idempotency.claim(tenant, claimOf("b"))).toEqual({ state: "finished", reply });
    // The key is used anew after its time: that reply is another request's.
    const nowUnixSeconds = startSeconds + idempotencySecondsMin + 1;
    await bench.store.purge({ nowUnixSeconds, responsesBeforeUnixSeconds: null });
    const anew = { ...claimOf("b"), createdUnixSeconds: nowUnixSeconds };
    expect(await idempotency.claim(tenant, anew)).toEqual({ state: "claimed" });
    await idempotency.finish(tenant, "b", reply);
    await responses.remove(tenant, "b");
    expect(await idempotency.claim(tenant, anew)).toEqual({ state: "finished", reply });
    await bench.store.checkIntegrity();
  });

  it("purges what is past its time, and nothing else", async () => {
    const tenant = bench.tenant();
    const { conversations, idempotency, responses, turns } = bench.store;
    const nowUnixSeconds = startSeconds + idempotencySecondsMin;
    await idempotency.claim(tenant, { ...claimOf("old"), createdUnixSeconds: startSeconds - 1 });
    await idempotency.claim(tenant, claimOf("young"));
    for (const id of ["open", "old", "young"]) {
      const createdUnixSeconds = id === "young" ? startSeconds : startSeconds - 1;
      await turns.begin(tenant, turnBegin(id, { createdUnixSeconds }));
      const tokens = turnTokens([1, 2], [3]);
      if (id !== "open") await turns.commit(tenant, turnCommit(id, { tokens }));
    }
    const created = { createdUnixSeconds: startSeconds - 1, metadata: {}, items: [] };
    await conversations.create(tenant, { id: "c", ...created });
    const inside = { ...turnBegin("inside"), createdUnixSeconds: startSeconds - 1 };
    await turns.begin(tenant, { ...inside, conversation: { id: "c", version: 0 } });
    await turns.commit(tenant, turnCommit("inside"));
    const keysOnly = { nowUnixSeconds, responsesBeforeUnixSeconds: null };
    expect(await bench.store.purge(keysOnly)).toMatchObject({ idempotencyKeys: 1, responses: 0 });
    const all = { nowUnixSeconds, responsesBeforeUnixSeconds: startSeconds };
    const counts = await bench.store.purge(all);
    expect(counts).toMatchObject({ idempotencyKeys: 0, responses: 1, interruptedTurns: 0 });
    const tokens = Int32Array.of(1, 2, 3);
    const tokenLists = [{ tokens, sharedTokens: 0, notes: null }];
    expect(counts.removals).toEqual([{ tenant, tokenLists, isTokenListsComplete: true }]);
    expect(await responses.read(tenant, "old")).toBeNull();
    for (const id of ["open", "young", "inside"]) {
      expect(await responses.read(tenant, id)).not.toBeNull();
    }
    expect(await idempotency.claim(tenant, claimOf("young"))).toEqual({ state: "running" });
    expect(await idempotency.claim(tenant, claimOf("old"))).toEqual({ state: "claimed" });
  });
}
