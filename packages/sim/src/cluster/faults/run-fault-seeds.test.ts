// Some clusters on every run of the tests; thousands by `loci simulate faults`.

import { AssertionError } from "@loci/core";
import { describe, expect, it } from "vitest";
import { FaultWorld } from "./fault-world.ts";
import type { FaultSabotage } from "./fault-world-parts.ts";
import { runFaultSeeds } from "./run-fault-seeds.ts";

function digestOf(seed: number): string {
  const world = new FaultWorld(seed);
  world.run();
  return world.digest;
}

/** The first broken promise among some seeds. */
function complaintOf(sabotage: FaultSabotage): string {
  for (let seed = 0; seed < 60; seed++) {
    try {
      new FaultWorld(seed, sabotage).run();
    } catch (error) {
      if (!(error instanceof AssertionError)) throw error;
      return error.message;
    }
  }
  return "none";
}

// Two seconds of a core that has nothing else to do.
describe("random clusters with faults", { timeout: 120_000 }, () => {
  it("keep every promise, and reach what they are meant to reach", () => {
    const { counts, failures } = runFaultSeeds(0, 25);
    expect(failures).toEqual([]);
    expect(counts.finished).toBeGreaterThan(400);
    expect(counts.moves).toBeGreaterThan(5);
    expect(counts.newTries).toBeGreaterThan(3);
    expect(counts.deaths).toBeGreaterThan(8);
    expect(counts.snapshots).toBeGreaterThan(50);
    expect(counts.calamities).toBeGreaterThan(80);
    expect(counts.failed).toBeLessThan(counts.requests / 3);
  });

  it("are the same for the same seed", () => {
    expect(digestOf(11)).toBe(digestOf(11));
    expect(digestOf(11)).not.toBe(digestOf(12));
  });

  it("see a token that comes twice, and a router that does not know what workers hold", () => {
    expect(complaintOf("forget-token")).toMatch(/token \d+ is \d+, not \d+/u);
    expect(complaintOf("deaf")).toContain("believes in");
  });
});
