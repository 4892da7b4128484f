// Nothing read from a file is trusted. Whole states with any bytes changed behind a right checksum:
// a predictor either refuses and stays as it was, or is sound and goes on.

import { Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import { defaultPredictor } from "../default-predictor.ts";
import { HistoryPredictor } from "../history/history-predictor.ts";
import { serveSome } from "../length-predictor.suite.ts";
import type { LengthPredictor } from "../length-predictor.ts";
import { TextPredictor } from "../text/text-predictor.ts";

interface Checked extends LengthPredictor {
  checkIntegrity(): void;
}

const headerBytes = 20;

/** The state with some bytes changed and its own checksum put right. */
function changed(bytes: Uint8Array, random: Random): Uint8Array {
  const found = bytes.slice();
  for (let change = random.integer(1, 4); change > 0; change--) {
    const place = random.integer(headerBytes, found.length - 1);
    found[place] = random.next() < 0.5 ? random.integer(0, 255) : 255;
  }
  let hash = 0x811c9dc5;
  for (const byte of found.subarray(headerBytes)) hash = Math.imul(hash ^ byte, 0x01000193);
  new DataView(found.buffer).setUint32(16, hash >>> 0, true);
  return found;
}

/** Restores changed states; returns how many were taken. */
function fuzz(create: () => Checked, runs: number): number {
  const random = new Random(7);
  const learned = create();
  serveSome(learned, { count: 40, seed: 8 });
  const bytes = learned.save() ?? new Uint8Array(0);
  let taken = 0;
  for (let run = 0; run < runs; run++) {
    const predictor = create();
    const before = predictor.save();
    const isTaken = predictor.restore(changed(bytes, random));
    if (isTaken) taken++;
    expect(isTaken || Buffer.compare(predictor.save() ?? bytes, before ?? bytes) === 0).toBe(true);
    predictor.checkIntegrity();
    serveSome(predictor, { count: 2, seed: run });
  }
  return taken;
}

describe("a changed state is refused or sound", () => {
  it("history", () => {
    expect(fuzz(() => new HistoryPredictor(), 150)).toBeGreaterThan(0);
  });

  it("text", () => {
    expect(fuzz(() => new TextPredictor(), 120)).toBeGreaterThan(0);
  });

  it("the default", () => {
    expect(fuzz(() => defaultPredictor({ seed: 1 }), 60)).toBeLessThan(60);
  });
});
