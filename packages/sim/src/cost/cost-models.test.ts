import { describe, expect, it } from "vitest";
import { deviceShapes } from "./devices.ts";
import { FittedCost, parseCoefficients } from "./fitted-cost.ts";
import { kvBytesPerToken, modelShapes, weightBytes } from "./model-shapes.ts";
import { kvTokensOn, RooflineCost } from "./roofline-cost.ts";

function shape(device: string, model: string): ConstructorParameters<typeof RooflineCost>[0] {
  const [found, sized] = [deviceShapes[device], modelShapes[model]];
  if (found === undefined || sized === undefined) throw new Error("no such shape");
  return { device: found, model: sized };
}

describe("RooflineCost", () => {
  const parts = shape("a100-80", "gpt-j-6b");
  const cost = new RooflineCost(parts);
  const decode = (sequences: number, context: number): number => {
    const attended = sequences * context;
    return cost.stepSeconds({ tokens: sequences, attended, kvTokens: attended, sequences });
  };

  it("reads the weights once a step, so decoding more at once is nearly free at first", () => {
    const one = decode(1, 100);
    expect(one).toBeGreaterThan(weightBytes(parts.model) / parts.device.memoryBytesPerSecond);
    expect(decode(8, 100)).toBeLessThan(1.1 * one);
    expect(decode(2000, 100)).toBeGreaterThan(5 * one);
  });

  it("is bound by computing where a prompt is long", () => {
    const prompt = { tokens: 2048, attended: 2048 * 1024, kvTokens: 2048, sequences: 1 };
    const flops = 2 * parts.model.parameters * 2048;
    expect(cost.stepSeconds(prompt)).toBeGreaterThan(flops / parts.device.flopsPerSecond);
    const twice = { ...prompt, tokens: 4096, attended: 4096 * 2048, kvTokens: 4096 };
    expect(cost.stepSeconds(twice)).toBeGreaterThan(1.9 * cost.stepSeconds(prompt));
  });

  it("moves a block at the speed of the link", () => {
    const work = { kind: "store", tier: "host", blocks: 10, blockBytes: 1.28e9 } as const;
    expect(cost.moveSeconds(work)).toBeCloseTo(1, 2);
    expect(cost.moveSeconds({ ...work, tier: "disk" })).toBeGreaterThan(1);
    expect(cost.moveSeconds({ ...work, kind: "erase" })).toBeLessThan(0.001);
  });

  it("leaves as much memory for the cache as the weights do", () => {
    expect(kvBytesPerToken(parts.model)).toBe(458_752);
    expect(kvTokensOn(parts)).toBe(Math.floor((72 * 1024 ** 3 - 2 * 6_053_381_344) / 458_752));
    const tight = shape("a100-80", "llama-33b");
    expect(kvTokensOn(tight)).toBeGreaterThan(2048);
    expect(kvTokensOn(shape("a100-40", "llama-33b"))).toBe(0);
    expect(kvTokensOn({ ...shape("a100-80", "llama3-70b"), deviceCount: 4 })).toBeGreaterThan(1e5);
  });
});

describe("FittedCost", () => {
  const text = JSON.stringify({
    secondsPerStep: 0.01,
    secondsPerToken: 0.001,
    secondsPerAttended: 1e-6,
    secondsPerSequence: 0.002,
    secondsBetweenSteps: 0.003,
  });

  it("is the sum of its terms", () => {
    const cost = new FittedCost("test", parseCoefficients(text));
    const work = { tokens: 10, attended: 1000, sequences: 2, kvTokens: 999 };
    expect(cost.stepSeconds(work)).toBeCloseTo(0.01 + 0.01 + 0.001 + 0.004 + 0.003, 9);
    expect(cost.moveSeconds({ kind: "restore", tier: "host", blocks: 1, blockBytes: 5e9 })).toBe(
      1.0001,
    );
  });

  it.each([
    ["[]", "secondsPerStep"],
    ["1", "no object"],
    ["{", "not JSON"],
    [text.replace("0.01,", "-1,"), "secondsPerStep"],
    [text.replace("0.003", '"x"'), "secondsBetweenSteps"],
  ])("refuses %s", (bad, problem) => {
    expect(() => parseCoefficients(bad)).toThrow(problem);
  });
});
