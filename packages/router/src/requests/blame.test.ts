import { expect, test } from "vitest";
import { aliveRouter, routeRequest, workerLoad } from "../testing/router-fixtures.ts";
import type { Router } from "../router.ts";

function breakerOf(router: Router): string | undefined {
  return router.workers().find(({ facts }) => facts.id === "a")?.breaker;
}

/** So many requests are on the worker "a" at a time, and fail there. */
function lose(router: Router, name: string, requests: number, nowMs: number): void {
  const ids = Array.from({ length: requests }, (_, index) => `${name}-${index}`);
  for (const id of ids) router.place(routeRequest(id), nowMs);
  for (const id of ids) router.failed(id, "worker_lost", new Int32Array(0), nowMs);
}

test("what is lost at once was lost for one reason", () => {
  const router = aliveRouter(1);
  lose(router, "at-once", 50, 1);
  router.report("a", workerLoad(), 2);
  expect(breakerOf(router)).toBe("closed");
  router.place(routeRequest("next"), 3);
  router.checkIntegrity();
});

test("a worker that fails again and again is left alone", () => {
  const router = aliveRouter(1);
  for (let time = 1; time <= 10; time++) {
    expect(breakerOf(router)).toBe("closed");
    lose(router, `time-${time}`, 1, time);
    router.report("a", workerLoad(), time);
  }
  expect(breakerOf(router)).toBe("open");
});
