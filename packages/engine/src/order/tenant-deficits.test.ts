import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TenantDeficits } from "./tenant-deficits.ts";

describe("TenantDeficits", () => {
  it("owes what others were served", () => {
    const deficits = new TenantDeficits();
    for (const tenant of ["a", "b", "c"]) deficits.enter(tenant);
    deficits.charge("a", 3);
    expect(deficits.deficit("a")).toBeCloseTo(-2);
    expect(deficits.deficit("b")).toBeCloseTo(1);
    deficits.charge("b", 3);
    expect(deficits.deficit("c")).toBeCloseTo(2);
  });

  it("owes nothing to a tenant that comes late, and remembers a debt while others are busy", () => {
    const deficits = new TenantDeficits();
    deficits.enter("early");
    deficits.enter("greedy");
    deficits.charge("greedy", 10);
    deficits.enter("late");
    expect(deficits.deficit("late")).toBe(0);
    deficits.leave("greedy");
    deficits.enter("greedy");
    expect(deficits.deficit("greedy")).toBeCloseTo(-5);
    deficits.leave("early");
    deficits.enter("early");
    expect(deficits.deficit("early")).toBe(0);
  });

  it("keeps its bounds whatever happens, and serves all alike who is owed most comes next", () => {
    const step = fc.record({
      tenant: fc.integer({ min: 0, max: 3 }),
      seconds: fc.double({ min: 0.1, max: 5, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 40, maxLength: 120 }), (steps) => {
        const deficits = new TenantDeficits();
        const names = ["0", "1", "2", "3"];
        for (const name of names) deficits.enter(name);
        const served = new Map(names.map((name) => [name, 0]));
        for (const { seconds } of steps) {
          const next = names.reduce((best, name) =>
            deficits.deficit(name) > deficits.deficit(best) ? name : best,
          );
          deficits.charge(next, seconds);
          served.set(next, (served.get(next) ?? 0) + seconds);
          deficits.checkIntegrity(new Map(names.map((name) => [name, 1])));
        }
        const sums = [...served.values()];
        // No two tenants are further apart than two pieces of work.
        expect(Math.max(...sums) - Math.min(...sums)).toBeLessThanOrEqual(10);
      }),
    );
  });
});
