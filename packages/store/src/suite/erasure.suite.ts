// What workers have yet to erase: kept through a restart, told in order, gone when all have done it.
// The log is one for all tenants, so each test ends with workers that owe nothing.

import { systemClock } from "@loci/core";
import type { DeletedTokens, ErasureLog } from "@loci/core";
import * as fc from "fast-check";
import { expect, it } from "vitest";

import {
  erasingWorkerSecondsMax,
  erasingWorkersMax,
  erasuresOfTenantMax,
  erasureTokensMax,
} from "../limits.ts";
import { countUp } from "./samples.ts";
import type { StoreBench } from "./store-fixture.ts";

function deletedOf(tokens: readonly number[], sharedTokens = 0): DeletedTokens {
  return { tokens: Int32Array.from(tokens), sharedTokens };
}

/** All that the worker owes, a call at a time; it has done it then. */
async function* settling(erasures: ErasureLog, worker: string) {
  for (;;) {
    const owed = await erasures.owed(worker);
    const last = owed.at(-1);
    if (last === undefined) return;
    yield owed;
    await erasures.done(worker, last.number);
  }
}

async function settle(erasures: ErasureLog, worker: string): Promise<readonly string[]> {
  const told: string[] = [];
  for await (const owed of settling(erasures, worker)) {
    for (const { tenant, deleted } of owed) {
      told.push(deleted === null ? tenant : `${tenant} ${String([...deleted.tokens])}`);
    }
  }
  return told;
}

async function settleAll(erasures: ErasureLog): Promise<void> {
  for (const { id, owesSome } of await erasures.workers()) {
    let calls = 0;
    for await (const owed of settling(erasures, id)) calls += Math.sign(owed.length);
    expect(calls > 0).toBe(owesSome);
  }
}

export function erasureCases(bench: StoreBench): void {
  it("waits for a worker through a restart, and no longer than that", async () => {
    const tenant = bench.tenant();
    const { erasures } = bench.store;
    expect(await erasures.meet(["here", "away"])).toEqual([]);
    const { number } = await erasures.add(tenant, deletedOf([5, 6, 7], 2));
    await erasures.add(tenant, deletedOf([8]));
    expect(await settle(erasures, "here")).toEqual([`${tenant} 5,6,7`, `${tenant} 8`]);
    await bench.reopen();
    const again = bench.store.erasures;
    expect((await again.workers()).filter(({ id }) => id === "away" || id === "here")).toEqual([
      { id: "away", owesSome: true },
      { id: "here", owesSome: false },
    ]);
    expect((await again.owed("away"))[0]).toEqual({
      number,
      tenant,
      deleted: deletedOf([5, 6, 7], 2),
    });
    await again.done("away", number);
    expect(await settle(again, "away")).toEqual([`${tenant} 8`]);
    expect(await again.owed("unknown")).toEqual([]);
    await again.done("unknown", number);
    await settleAll(again);
  });

  it("owes a newcomer nothing of before", async () => {
    const { erasures } = bench.store;
    await erasures.meet(["old"]);
    await erasures.add(bench.tenant(), null);
    await erasures.meet(["new", "old"]);
    expect(await erasures.owed("new")).toEqual([]);
    expect(await erasures.owed("old")).toHaveLength(1);
    await settleAll(erasures);
  });

  it("makes many of one tenant all of the tenant's, for those who have not done them", async () => {
    const tenant = bench.tenant();
    const { erasures } = bench.store;
    await erasures.meet(["away", "here"]);
    for (const token of countUp(0, erasuresOfTenantMax)) {
      await erasures.add(tenant, deletedOf([token]));
    }
    expect(await settle(erasures, "here")).toHaveLength(erasuresOfTenantMax);
    await erasures.add(tenant, deletedOf([1000]));
    expect(await settle(erasures, "here")).toEqual([`${tenant} 1000`]);
    expect(await settle(erasures, "away")).toEqual([tenant, `${tenant} 1000`]);
    await settleAll(erasures);
  });

  it("names no more tokens than it may, and hands them out a few at a time", async () => {
    const { erasures } = bench.store;
    await erasures.meet(["away"]);
    const tokens = new Int32Array(erasureTokensMax / 4);
    const tenants = countUp(0, 5).map(() => bench.tenant());
    for (const tenant of tenants) await erasures.add(tenant, { tokens, sharedTokens: 0 });
    const told: (number | null)[] = [];
    for await (const owed of settling(erasures, "away")) {
      const lengths = owed.map(({ deleted }) => deleted?.tokens.length ?? null);
      expect(lengths.filter((length) => length !== null).length).toBeLessThanOrEqual(1);
      told.push(...lengths);
    }
    expect(told).toEqual([null, ...tenants.slice(1).map(() => tokens.length)]);
    await settleAll(erasures);
  });

  it("gives up workers that were not met for longest", async () => {
    const { erasures } = bench.store;
    await erasures.meet(["first"]);
    await erasures.add(bench.tenant(), null);
    const others = countUp(0, erasingWorkersMax).map((index) => `one of many ${index}`);
    const before = await erasures.workers();
    const lost = await erasures.meet(others);
    const left = new Set((await erasures.workers()).map(({ id }) => id));
    expect(left.size).toBe(erasingWorkersMax);
    const gone = before.filter(({ id, owesSome }) => owesSome && !left.has(id));
    expect(lost.toSorted()).toEqual(gone.map(({ id }) => id).toSorted());
    await settleAll(erasures);
    const nowUnixSeconds = systemClock.unixSeconds() + erasingWorkerSecondsMax + 10;
    const purged = await bench.store.purge({ nowUnixSeconds, responsesBeforeUnixSeconds: null });
    expect(purged.lostWorkers).toEqual([]);
    expect(await erasures.workers()).toEqual([]);
  });

  it("forgets nothing that a worker has yet to erase", async () => {
    const { erasures } = bench.store;
    const workers = ["a", "b"];
    const act = fc.oneof(
      fc.record({ kind: fc.constant("meet" as const), worker: fc.constantFrom(...workers) }),
      fc.record({ kind: fc.constant("some" as const), worker: fc.constantFrom(...workers) }),
      fc.record({
        kind: fc.constant("add" as const),
        tenant: fc.constantFrom("x", "y"),
        tokens: fc.option(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 3 }), { freq: 9 }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 30 }), async (acts) => {
        /** By worker: the texts that `settle` has to tell, or their tenant's all. */
        const model = new Map<string, string[]>();
        for (const { id, owesSome } of await erasures.workers()) {
          expect(owesSome).toBe(false);
          model.set(id, []);
        }
        for (const step of acts) {
          if (step.kind === "meet") {
            await erasures.meet([step.worker]);
            if (!model.has(step.worker)) model.set(step.worker, []);
          } else if (step.kind === "add") {
            const { tenant, tokens } = step;
            await erasures.add(tenant, tokens && deletedOf(tokens));
            for (const owed of model.values()) {
              owed.push(tokens === null ? tenant : `${tenant} ${String(tokens)}`);
            }
          } else {
            expectCovered(await settle(erasures, step.worker), model.get(step.worker) ?? []);
            if (model.has(step.worker)) model.set(step.worker, []);
          }
        }
        for (const [worker, owed] of model) expectCovered(await settle(erasures, worker), owed);
      }),
      { seed: 5, numRuns: 25 },
    );
    await settleAll(erasures);
  });
}

/** Each is told itself, or all of its tenant's; nothing else is. */
function expectCovered(told: readonly string[], owed: readonly string[]): void {
  const isCovered = (text: string): boolean =>
    told.includes(text) || told.includes(text.split(" ")[0] ?? "");
  expect(owed.filter((text) => !isCovered(text))).toEqual([]);
  expect(told.filter((text) => !owed.includes(text))).toEqual([]);
}
