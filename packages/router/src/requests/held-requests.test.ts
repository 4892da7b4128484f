import { defined } from "@loci/core";
import { describe, expect, test } from "vitest";
import type { RouterOptions } from "../router-options.ts";
import type { Router } from "../router.ts";
import { aliveRouter, countTokens, routeRequest } from "../testing/router-fixtures.ts";

const report = { completionTokens: null, cachedTokens: null, endedByItself: false };

/** Prompts that take so many seconds each: engines are taken to need a millisecond for a token. */
function ask(router: Router, id: string, seconds: number, nowMs = 0): string | null {
  const number = Number.parseInt(id, 36);
  const promptTokens = countTokens(1000 * seconds, 100_000 * number);
  return router.placeOrHold(routeRequest(id, { promptTokens }), nowMs)?.workerId ?? null;
}

/** Two workers that have two long prompts each. */
function busyRouter(options: Partial<RouterOptions> = {}): Router {
  const router = aliveRouter(2, { policy: "seconds", ...options });
  for (const id of ["1", "2", "3", "4"]) expect(ask(router, id, 2)).not.toBeNull();
  return router;
}

function released(router: Router, nowMs: number): string[] {
  const all = router.takeReleased(nowMs);
  router.checkIntegrity();
  return all.map((one) => one.requestId);
}

/** The worker is heard every 100 ms. */
function pass(router: Router, fromMs: number, untilMs: number): void {
  for (let now = fromMs; now <= untilMs; now += 100) {
    for (const { facts } of router.workers()) router.heard(facts.id, now);
    router.tick(now);
  }
}

describe("a burst", () => {
  test("waits once every worker has two prompts and more to compute", () => {
    const router = busyRouter();
    expect(ask(router, "5", 2)).toBeNull();
    expect(router.liveRequests).toBe(5);
    expect(released(router, 10)).toEqual([]);
    router.finished("1", report, 20);
    expect(released(router, 20)).toEqual(["5"]);
    expect(released(router, 30)).toEqual([]);
  });

  test("is let go shortest first, and whoever has waited long before those", () => {
    const router = busyRouter();
    for (const [id, seconds] of [
      ["a", 4],
      ["b", 3],
      ["c", 1],
    ] as const)
      ask(router, id, seconds);
    router.finished("1", report, 20);
    expect(released(router, 20)[0]).toBe("c");
    pass(router, 100, 20_000);
    // Twenty seconds of waiting are worth four of computing.
    ask(router, "d", 1, 20_000);
    router.finished("2", report, 20_000);
    const order = released(router, 20_000);
    expect(order[0]).toBe("b");
  });

  test("lets those go first that can still be in time, where a time is wished for", () => {
    const router = busyRouter({ firstTokenMs: 2500 });
    for (const [id, seconds] of [
      ["a", 3],
      ["b", 2],
    ] as const)
      ask(router, id, seconds);
    // Waiting for six seconds is worth more than one of computing.
    ask(router, "c", 2.2, 6000);
    pass(router, 100, 6000);
    router.finished("1", report, 6000);
    expect(released(router, 6000)[0]).toBe("c");
    const [late, other] = [busyRouter(), busyRouter({ firstTokenMs: 60_000 })];
    for (const one of [late, other]) {
      ask(one, "b", 2);
      ask(one, "c", 2.2, 6000);
      pass(one, 100, 6000);
      one.finished("1", report, 6000);
      expect(released(one, 6000)[0]).toBe("b");
    }
  });

  test("by priority first", () => {
    const router = busyRouter();
    ask(router, "a", 1);
    const promptTokens = countTokens(3000, 7_000_000);
    router.placeOrHold(routeRequest("b", { promptTokens, priority: -1 }), 0);
    router.finished("1", report, 20);
    expect(released(router, 20)[0]).toBe("b");
  });

  test("is sent at once where too many wait, or nobody may", () => {
    const router = busyRouter({ heldMax: 1 });
    expect(ask(router, "5", 2)).toBeNull();
    expect(ask(router, "6", 2)).not.toBeNull();
    expect(ask(busyRouter({ heldMax: 0 }), "5", 2)).not.toBeNull();
    const other = aliveRouter(2, { policy: "l-metric" });
    for (const id of ["1", "2", "3", "4", "5"]) expect(ask(other, id, 2)).not.toBeNull();
    const alone = aliveRouter(1, { policy: "seconds" });
    for (const id of ["1", "2", "3", "4", "5"]) expect(ask(alone, id, 2)).toBe("a");
  });

  test("waits no longer than is allowed", () => {
    const router = busyRouter({ heldMsMax: 3000 });
    // Nothing is heard of any prompt; time alone is taken for little progress.
    expect(ask(router, "5", 8)).toBeNull();
    for (const id of ["6", "7"]) expect(ask(router, id, 8, 1500)).toBeNull();
    pass(router, 100, 3000);
    expect(released(router, 3000)).toContain("5");
  });
});

describe("whoever waits", () => {
  test("may leave", () => {
    const router = busyRouter();
    ask(router, "5", 2);
    router.finished("5", report, 10);
    router.finished("1", report, 20);
    expect(released(router, 20)).toEqual([]);
    expect(router.liveRequests).toBe(3);
  });

  test("is told when nobody is there any more", () => {
    const router = busyRouter({ heldMsMax: 3000 });
    ask(router, "5", 2);
    for (const id of ["a", "b"]) router.leave(id, 10);
    expect(released(router, 100)).toEqual([]);
    const [gone] = router.takeReleased(3000);
    expect("error" in defined(gone) && gone).toMatchObject({ error: { code: "unavailable" } });
    router.checkIntegrity();
    // Those that the workers had have been told of, and are tried again or given up by their shell.
    expect(router.liveRequests).toBe(4);
  });
});
