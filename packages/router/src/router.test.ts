import { blockNames, LociError } from "@loci/core";
import { describe, expect, test } from "vitest";
import {
  aliveRouter,
  countTokens,
  routeRequest,
  workerFacts,
  workerLoad,
} from "./testing/router-fixtures.ts";
import type { Router } from "./router.ts";
import type { NextAttempt } from "./router-events.ts";

const nothing = new Int32Array(0);

function retried(next: NextAttempt): string {
  if (next.kind !== "retry") throw new Error(`a retry, not ${next.kind}`);
  return next.placement.workerId;
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof LociError) return error.code;
    throw error;
  }
  return "no error";
}

function healthOf(router: Router, id: string): string | undefined {
  return router.workers().find(({ facts }) => facts.id === id)?.health;
}

/** Everyone but `silent` speaks every 500 ms, with ticks every 100 ms, from `fromMs` to `untilMs`. */
function pass(router: Router, silent: string, [fromMs, untilMs]: readonly [number, number]): void {
  for (let now = fromMs; now <= untilMs; now += 100) {
    if (now % 500 === 0) {
      for (const { facts } of router.workers())
        if (facts.id !== silent) router.heard(facts.id, now);
    }
    router.tick(now);
  }
}

describe("placement", () => {
  test("goes round among those who are there", () => {
    const router = aliveRouter(3);
    const chosen = ["1", "2", "3", "4"].map((id) => router.place(routeRequest(id), 1).workerId);
    expect(chosen).toEqual(["a", "b", "c", "a"]);
    router.checkIntegrity();
  });

  test("least requests counts those of others that a report shows", () => {
    const router = aliveRouter(2, { policy: "least-requests" });
    router.report("a", workerLoad({ requestsRunning: 3 }), 1);
    const chosen = ["1", "2", "3"].map((id) => router.place(routeRequest(id), 2).workerId);
    expect(chosen).toEqual(["b", "b", "b"]);
  });

  test("a request for one worker gets that one, or nobody", () => {
    const router = aliveRouter(2);
    for (const id of ["1", "2"]) {
      expect(router.place(routeRequest(id, { onlyWorkerId: "b" }), 1).workerId).toBe("b");
    }
    const refused = codeOf(() => router.place(routeRequest("3", { onlyWorkerId: "z" }), 1));
    expect(refused).toBe("unavailable");
  });

  test("what nobody can serve is refused by its reason", () => {
    const router = aliveRouter(1);
    const long = routeRequest("1", { promptTokens: countTokens(8192) });
    expect(codeOf(() => router.place(long, 1))).toBe("context_length_exceeded");
    const other = routeRequest("2", { model: "other" });
    expect(codeOf(() => router.place(other, 1))).toBe("model_not_found");
    expect(codeOf(() => aliveRouter(0).place(routeRequest("3"), 1))).toBe("unavailable");
    expect(router.liveRequests).toBe(0);
  });

  test("live requests are bounded, in all and by payer", () => {
    const router = aliveRouter(1, { requestsMax: 3, tenantRequestsMax: 2 });
    router.place(routeRequest("1"), 1);
    router.place(routeRequest("2", { payer: "tenant" }), 1);
    expect(codeOf(() => router.place(routeRequest("3"), 1))).toBe("queue_full");
    router.place(routeRequest("4", { payer: "other" }), 1);
    expect(codeOf(() => router.place(routeRequest("5", { payer: "third" }), 1))).toBe("queue_full");
    router.finished("1", { completionTokens: 1, cachedTokens: 0, endedByItself: true }, 2);
    expect(router.place(routeRequest("6"), 2).workerId).toBe("a");
    expect(router.snapshotCounts()).toMatchObject({ refusedFull: 1, refusedTenant: 1 });
    router.checkIntegrity();
  });

  test("is explained for as many requests as are remembered", () => {
    const router = aliveRouter(2, { explanationsMax: 2 });
    for (const id of ["1", "2", "3"]) router.place(routeRequest(id), 1);
    expect(router.explain("1")).toBeNull();
    expect(router.explain("3")).toMatchObject({ requestId: "3", policy: "round-robin" });
  });
});

describe("health", () => {
  test("silence makes suspect, then dead; a word makes alive again", () => {
    const router = aliveRouter(2);
    const { workerId } = router.place(routeRequest("1"), 1);
    expect(workerId).toBe("a");
    pass(router, "a", [100, 2000]);
    expect(router.takeNews()).toEqual([
      { type: "health", workerId: "a", health: "suspect", requestIds: [] },
    ]);
    expect(router.place(routeRequest("2"), 2000).workerId).toBe("b");
    pass(router, "a", [2100, 5000]);
    expect(router.takeNews()).toEqual([
      { type: "health", workerId: "a", health: "dead", requestIds: ["1"] },
    ]);
    router.heard("a", 5100);
    expect(healthOf(router, "a")).toBe("alive");
    router.tick(5200);
    // What it holds is not known any more.
    expect(router.takeNews().map(({ type }) => type)).toEqual(["health", "snapshot_wanted"]);
    router.checkIntegrity();
  });

  test("a pause of the router itself kills nobody", () => {
    const router = aliveRouter(2);
    pass(router, "", [100, 1000]);
    router.tick(60_000);
    expect(healthOf(router, "a")).toBe("alive");
    pass(router, "a", [60_100, 61_900]);
    expect(healthOf(router, "a")).toBe("alive");
    pass(router, "a", [62_000, 65_100]);
    expect(healthOf(router, "a")).toBe("dead");
    expect(healthOf(router, "b")).toBe("alive");
  });

  test("a worker that restarted has lost its requests", () => {
    const router = aliveRouter(1);
    router.place(routeRequest("1"), 1);
    router.join(workerFacts("a", { epoch: "2" }), 50);
    expect(router.takeNews()).toEqual([
      { type: "health", workerId: "a", health: "dead", requestIds: ["1"] },
    ]);
    router.checkIntegrity();
    expect(retried(router.failed("1", "worker_lost", nothing, 60))).toBe("a");
    router.checkIntegrity();
  });

  test("a draining worker gets nothing new and is emptied in the end", () => {
    const router = aliveRouter(2, { drainMs: 1000 });
    router.place(routeRequest("1"), 1);
    router.drain("a", 10);
    expect(router.place(routeRequest("2"), 11).workerId).toBe("b");
    pass(router, "", [100, 1100]);
    expect(router.takeNews()).toEqual([
      { type: "health", workerId: "a", health: "draining", requestIds: [] },
      { type: "health", workerId: "a", health: "draining", requestIds: ["1"] },
    ]);
    expect(retried(router.failed("1", "refused", nothing, 1200))).toBe("b");
  });

  test("one that left takes its slot with it; others get it", () => {
    const router = aliveRouter(2, { workersMax: 2 });
    expect(codeOf(() => router.join(workerFacts("c"), 1))).toBe("queue_full");
    router.leave("a", 2);
    router.join(workerFacts("c"), 3);
    router.report("c", workerLoad(), 3);
    expect(healthOf(router, "c")).toBe("alive");
    router.checkIntegrity();
  });
});

describe("failures", () => {
  test("a lost worker's request moves on with its tokens, after a pause", () => {
    const router = aliveRouter(2);
    router.place(routeRequest("1"), 1);
    router.started("1", 0, 2);
    router.tokens("1", 3, 3);
    const next = router.failed("1", "worker_lost", Int32Array.of(7, 8, 9), 4);
    expect(retried(next)).toBe("b");
    expect(next).toMatchObject({ placement: { reason: "retried" } });
    const afterMs = next.kind === "retry" ? next.afterMs : Number.NaN;
    expect(afterMs).toBeGreaterThanOrEqual(40);
    expect(afterMs).toBeLessThanOrEqual(60);
    // Whoever broke the connection gets nothing until it speaks.
    expect(router.place(routeRequest("2"), 5).workerId).toBe("b");
    router.heard("a", 6);
    expect(router.place(routeRequest("3"), 7).workerId).toBe("a");
    router.checkIntegrity();
  });

  test("the only worker's request waits for it to come back", () => {
    const router = aliveRouter(1, { waitForWorkerMs: 1000 });
    router.place(routeRequest("1"), 1);
    expect(router.failed("1", "worker_lost", nothing, 2)).toMatchObject({ kind: "wait" });
    router.checkIntegrity();
    expect(router.again("1", nothing, 100)).toMatchObject({ kind: "wait" });
    router.join(workerFacts("a", { epoch: "2" }), 500);
    expect(retried(router.again("1", nothing, 600))).toBe("a");
    router.checkIntegrity();
  });

  test("the wait ends", () => {
    const router = aliveRouter(1, { waitForWorkerMs: 1000 });
    router.place(routeRequest("1"), 1);
    router.failed("1", "worker_lost", nothing, 2);
    expect(router.again("1", nothing, 1002)).toMatchObject({ kind: "give_up" });
    expect(router.liveRequests).toBe(0);
  });

  test("two deaths quarantine a request", () => {
    const router = aliveRouter(4);
    router.place(routeRequest("1"), 1);
    router.failed("1", "worker_lost", nothing, 2);
    const next = router.failed("1", "worker_stalled", nothing, 3);
    expect(next).toMatchObject({ kind: "give_up", error: { code: "quarantined", status: 500 } });
    expect(router.snapshotCounts()).toMatchObject({ quarantined: 1, givenUp: 1, moves: 1 });
    router.checkIntegrity();
  });

  test("a broken connection to a worker that lives on is no death", () => {
    const router = aliveRouter(4);
    router.place(routeRequest("1"), 1);
    router.failed("1", "worker_lost", nothing, 2);
    router.heard("a", 100);
    expect(retried(router.failed("1", "worker_lost", nothing, 200))).toBe("c");
  });

  test("moves are counted", () => {
    const router = aliveRouter(8, { retryShareMax: 1 });
    router.place(routeRequest("1"), 1);
    const kinds = [2, 3, 4, 5].map((now) => router.failed("1", "unreachable", nothing, now).kind);
    expect(kinds).toEqual(["retry", "retry", "retry", "give_up"]);
  });

  test("retries keep to their budget, moves do not need it", () => {
    const router = aliveRouter(2, { movesMax: 100 });
    const kinds: string[] = [];
    for (let index = 0; index < 20; index++) {
      router.place(routeRequest(String(index)), 1);
      kinds.push(router.failed(String(index), "refused", nothing, 2).kind);
    }
    expect(kinds.filter((kind) => kind === "retry")).toHaveLength(3);
    expect(router.snapshotCounts()).toMatchObject({ retries: 3, retriesDenied: 17 });
    router.place(routeRequest("last"), 3);
    expect(router.failed("last", "worker_lost", nothing, 4).kind).toBe("retry");
    // Ten seconds later there are some again.
    expect(router.failed("last", "refused", nothing, 11_000).kind).toBe("retry");
  });

  test("a worker that fails again and again is left alone, then tried", () => {
    const router = aliveRouter(2, { movesMax: 0 });
    for (let index = 0; index < 10; index++) {
      router.place(routeRequest(`f${index}`, { onlyWorkerId: "a" }), index);
      router.failed(`f${index}`, "unreachable", nothing, index);
      router.heard("a", index);
    }
    const only = { onlyWorkerId: "a" };
    router.heard("a", 5000);
    expect(codeOf(() => router.place(routeRequest("1", only), 5000))).toBe("unavailable");
    router.heard("a", 10_100);
    router.place(routeRequest("2", only), 10_100);
    expect(codeOf(() => router.place(routeRequest("3", only), 10_100))).toBe("unavailable");
    for (const id of ["2", "4", "5"]) {
      if (id !== "2") router.place(routeRequest(id, only), 10_200);
      router.started(id, 0, 10_200);
    }
    for (const id of ["6", "7"]) router.place(routeRequest(id, only), 10_300);
    router.checkIntegrity();
  });
});

describe("blocks", () => {
  test("a gap in events is told once until the snapshot came", () => {
    const router = aliveRouter(1);
    router.events("a", { sequence: 2, events: [{ type: "cleared" }] }, 100);
    for (let now = 200; now <= 1000; now += 100) router.tick(now);
    expect(router.takeNews()).toEqual([{ type: "snapshot_wanted", workerId: "a" }]);
    router.snapshot("a", { sequence: 3, held: [] }, 1100);
    for (let now = 1200; now <= 5000; now += 100) router.tick(now);
    expect(router.takeNews().filter(({ type }) => type === "snapshot_wanted")).toEqual([]);
  });

  test("a lost last batch shows in the heartbeat", () => {
    const router = aliveRouter(1);
    router.heard("a", 100, 1);
    for (let now = 200; now <= 1000; now += 100) router.tick(now);
    expect(router.takeNews()).toEqual([{ type: "snapshot_wanted", workerId: "a" }]);
  });

  test("what was placed counts as held for a while", () => {
    const router = aliveRouter(2, { policy: "least-requests", speculationMs: 1000 });
    const first = router.place(routeRequest("1"), 0);
    const cached = (id: string, now: number): number => {
      const { candidates } = router.place(routeRequest(id), now);
      const there = candidates.find(({ workerId }) => workerId === first.workerId);
      return there?.cachedTokens.device ?? 0;
    };
    expect(cached("2", 500)).toBe(64);
    router.tick(1600);
    expect(cached("3", 1600)).toBe(0);
  });

  test("nothing counts as held where no blocks are kept", () => {
    const router = aliveRouter(0, { policy: "least-requests" });
    router.join(workerFacts("a", { sendsEvents: false }), 0);
    router.place(routeRequest("1"), 0);
    const { candidates } = router.place(routeRequest("2"), 1);
    expect(candidates[0]?.cachedTokens.device).toBe(0);
    router.checkIntegrity();
  });
});

describe("what other routers send", () => {
  test("is counted until the worker's report shows it", () => {
    const router = aliveRouter(2, { policy: "least-requests" });
    const names = new Float64Array(0);
    for (const workerId of ["a", "a", "a", "nobody"]) {
      router.sentElsewhere({ workerId, names, missedTokens: 64 }, 100);
    }
    const place = (id: string, nowMs: number): string =>
      router.place(routeRequest(id), nowMs).workerId;
    expect(["1", "2", "3"].map((id) => place(id, 101))).toEqual(["b", "b", "b"]);
    router.checkIntegrity();
    // It has them among those that run: they are not counted twice.
    router.report("a", workerLoad({ requestsRunning: 3 }), 200);
    expect(["4", "5"].map((id) => place(id, 201)).toSorted()).toEqual(["a", "b"]);
    router.checkIntegrity();
  });

  test("brings the same beginning to the same worker", () => {
    const promptTokens = countTokens(640);
    const one = aliveRouter(3, { policy: "cache-aware" });
    const first = one.place(routeRequest("1", { promptTokens }), 10);
    const place = (router: Router, id: string): string =>
      router.place(routeRequest(id, { promptTokens }), 11).workerId;
    for (const workerId of ["a", "b", "c"]) {
      const other = aliveRouter(3, { policy: "cache-aware" });
      const names = blockNames("tenant", promptTokens, 16);
      other.sentElsewhere({ workerId, names, missedTokens: 640 }, 10);
      expect(place(other, "2")).toBe(workerId);
    }
    expect(place(one, "2")).toBe(first.workerId);
  });
});
