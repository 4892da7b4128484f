// Against the textbook: coordinate steps reach what solving the equation at once gives; examples
// are bounded, the oldest goes; random lessons keep every kept sum right.

import { defined, Random } from "@loci/core";
import { expect, it } from "vitest";
import { KernelRegression, type Example } from "./kernel-regression.ts";
import { denseCount, gramIds, type PromptFeatures } from "./prompt-features.ts";

const options = { examplesMax: 24, ridge: 1.5, gramWeight: 0.5, stepsPerLesson: 600 };

function someFeatures(random: Random): PromptFeatures {
  const dense = new Float32Array(denseCount);
  for (let i = 0; i < denseCount; i++) if (random.next() < 0.3) dense[i] = random.next() * 4 - 2;
  const grams = new Set(Array.from({ length: random.integer(0, 9) }, () => random.integer(0, 30)));
  return { dense, grams: Uint16Array.from(grams, (gram) => (gram * 2111) % gramIds) };
}

function someExample(random: Random): Example {
  return { features: someFeatures(random), target: random.next() * 5 };
}

function kernel(one: PromptFeatures, two: PromptFeatures): number {
  let distance = 0;
  for (const [i, value] of one.dense.entries()) distance += (value - (two.dense[i] ?? 0)) ** 2;
  const shared = one.grams.filter((gram) => two.grams.includes(gram)).length;
  const norm = Math.sqrt(Math.max(1, one.grams.length) * Math.max(1, two.grams.length));
  return Math.exp(-distance / denseCount) + (options.gramWeight * shared) / norm;
}

/** Gauss's elimination; `rows` are the matrix with the right-hand side as last column. */
function solve(rows: number[][]): number[] {
  const cell = (row: number, column: number): number => defined(defined(rows[row])[column]);
  for (let pivot = 0; pivot < rows.length; pivot++) {
    for (let row = 0; row < rows.length; row++) {
      if (row === pivot) continue;
      const factor = cell(row, pivot) / cell(pivot, pivot);
      rows[row] = defined(rows[row]).map((value, column) => value - factor * cell(pivot, column));
    }
  }
  return rows.map((_, row) => cell(row, rows.length) / cell(row, row));
}

function solved(examples: readonly Example[]): (asked: PromptFeatures) => number {
  const mean = examples.reduce((sum, { target }) => sum + target, 0) / examples.length;
  const weights = solve(
    examples.map((one, i) => [
      ...examples.map(
        (two, j) => kernel(one.features, two.features) + (i === j ? options.ridge : 0),
      ),
      one.target - mean,
    ]),
  );
  return (asked) =>
    examples.reduce(
      (sum, { features }, i) => sum + defined(weights[i]) * kernel(asked, features),
      mean,
    );
}

it("reaches the solution, before and after the oldest examples gave way", () => {
  const random = new Random(3);
  const regression = new KernelRegression(options);
  const lessons = Array.from({ length: 40 }, () => someExample(random));
  for (const [i, lesson] of lessons.entries()) {
    regression.learn(lesson);
    const expected = solved(lessons.slice(Math.max(0, i + 1 - options.examplesMax), i + 1));
    const asked = someFeatures(random);
    expect(regression.predict(asked)).toBeCloseTo(expected(asked), 3);
    regression.checkIntegrity();
  }
  expect(regression.count).toBe(options.examplesMax);
});

it("takes up what it kept", () => {
  const random = new Random(4);
  const regression = new KernelRegression({ ...options, stepsPerLesson: 3 });
  for (let i = 0; i < 50; i++) regression.learn(someExample(random));
  const copy = new KernelRegression({ ...options, stepsPerLesson: 3 });
  copy.restore(regression.kept());
  copy.checkIntegrity();
  const asked = someFeatures(random);
  expect(copy.predict(asked)).toBeCloseTo(regression.predict(asked), 3);
  for (let i = 0; i < 30; i++) {
    const lesson = someExample(random);
    regression.learn(lesson);
    copy.learn(lesson);
  }
  expect(copy.kept().map(({ example }) => example)).toEqual(
    regression.kept().map(({ example }) => example),
  );
});

it("says the mean, 0 at first, of what it has seen nothing like", () => {
  const regression = new KernelRegression(options);
  const far = { dense: new Float32Array(denseCount).fill(90), grams: new Uint16Array(0) };
  expect(regression.predict(far)).toBe(0);
  const random = new Random(5);
  for (const target of [1, 2, 6]) regression.learn({ features: someFeatures(random), target });
  expect(regression.predict(far)).toBeCloseTo(3, 6);
});
