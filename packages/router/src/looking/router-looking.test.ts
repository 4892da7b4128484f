import { blockNames } from "@loci/core";
import { expect, it } from "vitest";
import { aliveRouter, countTokens, routeRequest, workerLoad } from "../testing/router-fixtures.ts";

const noTokens = new Int32Array();

it("tells recent placements, newest first, and how long ago they were decided", () => {
  const router = aliveRouter(2, { explanationsMax: 3 });
  for (const id of ["one", "two", "three", "four"]) router.place(routeRequest(id), 100);
  const recent = router.recentPlacements(10, 2100);
  expect(recent).toMatchObject([
    { requestId: "four", agoSeconds: 2, candidates: [{}, {}] },
    { requestId: "three" },
    { requestId: "two" },
  ]);
  expect(router.recentPlacements(1, 2100)).toHaveLength(1);
  expect(router.recentPlacements(0, 2100)).toEqual([]);
  expect(router.explain("one")).toBeNull();
  router.checkIntegrity();
});

it("shows live requests as far as it sees them", () => {
  const router = aliveRouter(1);
  router.place(routeRequest("asked", { sessionKey: "talk", promptTokens: countTokens(64) }), 100);
  const [placed] = router.requestViews(10, 600);
  expect(placed).toMatchObject({
    id: "asked",
    session: "talk",
    worker: "a",
    phase: "waiting",
    ageSeconds: 0.5,
    promptTokens: 64,
    cachedTokens: 0,
    predicted: null,
  });
  router.started("asked", 48, 700);
  expect(router.requestViews(10, 700)[0]).toMatchObject({ phase: "prefill", cachedTokens: 48 });
  router.tokens("asked", 3, 800);
  expect(router.requestViews(10, 800)[0]).toMatchObject({
    phase: "decode",
    cachedTokens: 48,
    generatedTokens: 3,
    computedTokens: 67,
  });
  router.failed("asked", "worker_lost", countTokens(3), 900);
  expect(router.requestViews(10, 1100)[0]).toMatchObject({ ageSeconds: 1, generatedTokens: 3 });
  expect(router.requestViews(0, 1100)).toEqual([]);
  router.checkIntegrity();
});

it("names the beginnings that prompts share, and who holds them", () => {
  const router = aliveRouter(2);
  const common = countTokens(64);
  for (let index = 0; index < 6; index++) {
    const own = countTokens(32, 1000 + 100 * index);
    const promptTokens = Int32Array.from([...common, ...own]);
    router.place(routeRequest(`r${index}`, { promptTokens }), index);
  }
  // Expected there, but nobody said so yet.
  expect(router.hotPrefixes(10, 10)).toMatchObject([{ blocks: 4, hits: 6, workers: [] }]);
  const blocks = [...blockNames("tenant", common, 16)];
  router.events("b", { sequence: 1, events: [{ type: "stored", tier: "host", blocks }] }, 20);
  expect(router.hotPrefixes(10, 30)).toMatchObject([
    { blocks: 4, tokens: 64, hits: 6, workers: ["b"] },
  ]);
  // Longer ago than anyone counts.
  expect(router.hotPrefixes(10, 600_000)).toEqual([]);
});

it("says how many seconds a worker still needs", () => {
  const router = aliveRouter(2);
  const [idle] = router.workers();
  expect(idle?.loadSeconds).toBe(0);
  router.place(routeRequest("long", { promptTokens: countTokens(4000), maxTokens: 500 }), 0);
  router.report("b", workerLoad({ requestsRunning: 3, decodeTokensExpected: 300 }), 0);
  const [first, second] = router.workers();
  expect(first?.loadSeconds).toBeGreaterThan(1);
  expect(second?.loadSeconds).toBeGreaterThan(0.5);
  router.failed("long", "refused", noTokens, 1);
  router.checkIntegrity();
});
