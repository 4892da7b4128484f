import { Random } from "@loci/core";
import { describe, expect, test } from "vitest";
import { EvidenceNetwork } from "./evidence-network.ts";
import { type ProbeSample, chanceOf, softMax } from "./probe-sample.ts";
import { binCount, binPlace } from "./remaining-bins.ts";

const inputSize = 4;
const logPrior = new Float64Array(binCount).fill(-Math.log(binCount));

function sample(inputs: Float32Array, remaining: number, isCensored = false): ProbeSample {
  const evidence = new Float64Array(binCount);
  return { inputs, logPrior, evidence, generated: 0, remaining, isCensored };
}

/** The remaining tokens hang on two of the inputs, not linearly. */
function samples(count: number, random: Random): ProbeSample[] {
  return Array.from({ length: count }, () => {
    const inputs = Float32Array.from({ length: inputSize }, () => 2 * random.next() - 1);
    const isLong = (inputs[0] ?? 0) * (inputs[1] ?? 0) > 0;
    return sample(inputs, isLong ? 200 : 5);
  });
}

function masses(network: EvidenceNetwork, inputs: Float32Array): Float64Array {
  const result = network.evidence(inputs).map((value, bin) => value + (logPrior[bin] ?? 0));
  softMax(result, result);
  return result;
}

function train(network: EvidenceNetwork, from: readonly ProbeSample[], steps: number): void {
  const random = new Random(3);
  for (let step = 0; step < steps; step++) {
    const batch = Array.from({ length: 16 }, () => from[random.integer(0, from.length - 1)]);
    network.learn(
      batch.filter((each) => each !== undefined),
      random,
    );
  }
}

describe("EvidenceNetwork", () => {
  test("says nothing before it has learned", () => {
    const network = new EvidenceNetwork(inputSize, new Random(1));
    const [first] = samples(1, new Random(2));
    expect(network.evidence(first?.inputs ?? new Float32Array())).toEqual(
      new Float64Array(binCount),
    );
  });

  test("learns what no line could tell apart", () => {
    const network = new EvidenceNetwork(inputSize, new Random(1));
    const known = samples(600, new Random(2));
    const fresh = samples(200, new Random(5));
    train(network, known, 1500);
    const right = fresh.filter((each) => {
      const found = masses(network, each.inputs);
      return (
        chanceOf(found, each) > 2 * chanceOf(found, { ...each, remaining: 205 - each.remaining })
      );
    });
    expect(right.length).toBeGreaterThan(170);
    network.checkIntegrity();
  });

  test("an answer that was cut says 'longer', not how long", () => {
    const network = new EvidenceNetwork(inputSize, new Random(1));
    const cut = samples(50, new Random(4)).map(({ inputs }) => sample(inputs, 64, true));
    train(network, cut, 150);
    const found = masses(network, cut[0]?.inputs ?? new Float32Array());
    expect(chanceOf(found, { remaining: 64, isCensored: true })).toBeGreaterThan(0.9);
    // Beyond the cut all counts stay nearly as likely as they were to each other.
    const beyond = found.slice(Math.ceil(binPlace(64)) + 1);
    expect(Math.max(...beyond) / Math.min(...beyond)).toBeLessThan(3);
  });

  test("the same seed learns the same", () => {
    const [one, other] = [1, 1].map((seed) => {
      const network = new EvidenceNetwork(inputSize, new Random(seed));
      train(network, samples(40, new Random(2)), 20);
      return network.evidence(new Float32Array(inputSize).fill(0.5));
    });
    expect(one).toEqual(other);
    expect(one?.some((value) => value !== 0)).toBe(true);
  });
});
