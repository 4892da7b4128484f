import { LatencyModel } from "@loci/core";
import { describe, expect, it } from "vitest";
import { normalQuantile, RiskLevel } from "./risk-level.ts";

/** A device that was seen to take `fixed` seconds a step and `perToken` for each token. */
function modelOf(fixed: number, perToken: number): LatencyModel {
  const prior = {
    secondsPerStep: fixed,
    secondsPerToken: perToken,
    secondsPerAttended: 0,
    secondsPerSequence: 0,
  };
  return new LatencyModel({ prior });
}

describe("RiskLevel", () => {
  it("holds more memory back the dearer a rescue is", () => {
    const cheap = new RiskLevel(modelOf(0.02, 1e-5));
    const dear = new RiskLevel(modelOf(0.02, 1e-5));
    cheap.observeRescue(0.01);
    dear.observeRescue(1);
    expect(dear.quantile(200, 16, 500)).toBeGreaterThan(cheap.quantile(200, 16, 500));
    // 200 tokens save 200 × 20 ms ÷ 16 = 0.25 s; a rescue costs 1 s.
    expect(dear.quantile(200, 16, 500)).toBeCloseTo(1 / 1.25, 6);
  });

  it("takes more risk where batching saves more", () => {
    const saving = new RiskLevel(modelOf(0.02, 1e-3));
    const level = saving.quantile(100, 4, 500);
    expect(saving.quantile(400, 4, 500)).toBeLessThan(level);
    expect(saving.quantile(100, 2, 500)).toBeLessThan(level);
  });

  it("prices a rescue as computing everything again until one was seen, then as measured", () => {
    const risk = new RiskLevel(modelOf(0, 0.001));
    expect(risk.rescueSeconds(500)).toBeCloseTo(0.5, 6);
    risk.observeRescue(0.1);
    expect(risk.rescueSeconds(500)).toBeCloseTo(0.1, 6);
    for (let count = 0; count < 100; count++) risk.observeRescue(0.3);
    expect(risk.rescueSeconds(500)).toBeCloseTo(0.3, 3);
  });
});

describe("normalQuantile", () => {
  it("agrees with the table of the normal distribution", () => {
    const table: [number, number][] = [
      [0.5, 0],
      [0.8413, 1],
      [0.9, 1.2816],
      [0.975, 1.96],
      [0.999, 3.0902],
      [0.1, -1.2816],
    ];
    for (const [probability, deviations] of table) {
      expect(normalQuantile(probability)).toBeCloseTo(deviations, 2);
    }
  });
});
