import { assert } from "@loci/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryErasures } from "./memory-erasures.ts";

interface Told {
  readonly tenant: string;
  readonly tokens: readonly number[] | null;
}

const workers = ["a", "b"];
const tenants = ["x", "y", "z"];

describe("MemoryErasures", () => {
  it("forgets nothing that a worker has yet to erase", async () => {
    const act = fc.oneof(
      fc.record({ kind: fc.constant("meet" as const), worker: fc.constantFrom(...workers) }),
      fc.record({ kind: fc.constant("settle" as const), worker: fc.constantFrom(...workers) }),
      fc.record({
        kind: fc.constant("add" as const),
        tenant: fc.constantFrom(...tenants),
        tokens: fc.option(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 3 }), {
          freq: 50,
        }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 400, size: "max" }), async (acts) => {
        const log = new MemoryErasures();
        const model = new Map<string, Told[]>();
        for (const step of acts) {
          if (step.kind === "meet") {
            assert((await log.meet([step.worker])).length === 0, "there is room");
            if (!model.has(step.worker)) model.set(step.worker, []);
          } else if (step.kind === "add") {
            const { tenant, tokens } = step;
            const deleted = tokens && { tokens: Int32Array.from(tokens), sharedTokens: 0 };
            assert((await log.add(tenant, deleted)).givenUp === 0, "there is room");
            for (const told of model.values()) told.push({ tenant, tokens });
          } else {
            await expectOwed(log, step.worker, model.get(step.worker) ?? []);
            if (model.has(step.worker)) model.set(step.worker, []);
          }
          log.checkIntegrity();
        }
      }),
      { seed: 3, numRuns: 60 },
    );
  });

  it("keeps its bounds, and says what it gave up", async () => {
    const log = new MemoryErasures();
    await log.meet(["away"]);
    let givenUp = 0;
    for (let tenant = 0; tenant < 4100; tenant++) {
      ({ givenUp } = await log.add(`tenant-${tenant}`, null));
      expect(givenUp).toBe(tenant < 4096 ? 0 : 1);
    }
    log.checkIntegrity();
    const others = Array.from({ length: 1024 }, (_, index) => `other-${index}`);
    expect(await log.meet(others)).toEqual(["away"]);
    log.checkIntegrity();
    const large = { tokens: new Int32Array(3 * 1024 * 1024), sharedTokens: 0 };
    await log.add("one", large);
    await log.add("two", large);
    log.checkIntegrity();
    const owed = await log.owed("other-7");
    expect(owed.map(({ deleted }) => deleted?.tokens.length ?? null)).toEqual([
      null,
      large.tokens.length,
    ]);
  });
});

/** Each itself, or all of its tenant's; the worker has done them then. */
async function expectOwed(
  log: MemoryErasures,
  worker: string,
  owed: readonly Told[],
): Promise<void> {
  const told = await log.owed(worker);
  for (const { tenant, tokens } of owed) {
    const covers = told.some(
      (one) =>
        one.tenant === tenant &&
        (one.deleted === null || String([...one.deleted.tokens]) === String(tokens)),
    );
    assert(covers, "what was erased meanwhile is told");
  }
  assert(told.length <= owed.length, "nothing else is told");
  const last = told.at(-1);
  if (last !== undefined) await log.done(worker, last.number);
}
