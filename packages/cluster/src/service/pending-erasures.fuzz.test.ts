import { assert } from "@loci/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PendingErasures } from "./pending-erasures.ts";

interface Told {
  readonly tenant: string;
  readonly tokens: readonly number[] | null;
}

const workers = ["a", "b"];
const tenants = ["x", "y", "z"];

describe("PendingErasures", () => {
  it("forgets nothing that a worker has yet to erase", () => {
    const act = fc.oneof(
      fc.record({ kind: fc.constant("await" as const), worker: fc.constantFrom(...workers) }),
      fc.record({ kind: fc.constant("take" as const), worker: fc.constantFrom(...workers) }),
      fc.record({
        kind: fc.constant("add" as const),
        tenant: fc.constantFrom(...tenants),
        tokens: fc.option(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 3 })),
      }),
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
        const pending = new PendingErasures(() => undefined);
        const model = new Map<string, Told[]>();
        for (const step of acts) {
          if (step.kind === "await") {
            pending.await(step.worker);
            if (!model.has(step.worker)) model.set(step.worker, []);
          } else if (step.kind === "take") {
            const taken = pending.take(step.worker);
            for (const told of model.get(step.worker) ?? []) {
              // Itself, or all of its tenant's.
              const covers = taken.some(
                ({ tenant, deleted }) =>
                  tenant === told.tenant &&
                  (deleted === null || String([...deleted.tokens]) === String(told.tokens)),
              );
              assert(covers, "what was erased meanwhile is told");
            }
            assert(taken.length <= 600, "nothing else is told");
            model.delete(step.worker);
          } else {
            const { tenant, tokens } = step;
            const deleted =
              tokens === null ? null : { tokens: Int32Array.from(tokens), sharedTokens: 0 };
            pending.addForAwaited(tenant, deleted);
            for (const told of model.values()) told.push({ tenant, tokens });
          }
          pending.checkIntegrity();
        }
      }),
      { seed: 3, numRuns: 200 },
    );
  });

  it("keeps its bounds, and says what it gave up", () => {
    const lost: unknown[] = [];
    const pending = new PendingErasures((error) => lost.push(error));
    pending.await("away");
    for (let tenant = 0; tenant < 4100; tenant++) pending.addForAwaited(`tenant-${tenant}`, null);
    expect(lost).toHaveLength(4);
    pending.checkIntegrity();
    const large = { tokens: new Int32Array(3 * 1024 * 1024), sharedTokens: 0 };
    pending.add("other", "one", large);
    pending.add("other", "two", large);
    pending.checkIntegrity();
    expect(pending.take("other").map(({ deleted }) => deleted?.tokens.length ?? null)).toEqual([
      large.tokens.length,
      null,
    ]);
  });
});
