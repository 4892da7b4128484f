// Random answers, ended and cut, against a plain list and the textbook's product over its bins.

import { Random } from "@loci/core";
import { expect, it } from "vitest";
import { binOf, edges } from "../length-grid.ts";
import type { LengthOutcome } from "../length-predictor.ts";
import { LengthWindow } from "./length-window.ts";

const samplesMax = 40;

/** Kaplan and Meier over the bins of the grid, cuts counted for half of their bin. */
function naiveSurvival(answers: readonly LengthOutcome[], edge: number): number {
  let left = 1;
  for (let bin = 0; bin < binOf(edge); bin++) {
    const inBin = answers.filter(({ tokens }) => binOf(tokens - 1) === bin);
    const atRisk = answers.filter(({ tokens }) => binOf(tokens - 1) >= bin).length;
    const ended = inBin.filter(({ isCensored }) => !isCensored).length;
    const cut = inBin.length - ended;
    if (ended > 0) left *= 1 - ended / Math.max(ended, atRisk - cut / 2);
  }
  return left;
}

it("agrees with a list", () => {
  const random = new Random(11);
  const window = new LengthWindow(samplesMax);
  let list: LengthOutcome[] = [];
  for (let step = 0; step < 250; step++) {
    if (random.next() < 0.03) {
      const kept = random.integer(1, samplesMax);
      window.keepRecent(kept);
      list = list.slice(-kept);
    } else {
      const answer = {
        tokens: Math.ceil(2 ** (random.next() * 11)),
        isCensored: random.next() < 0.25,
      };
      window.add(answer);
      list = [...list, answer].slice(-samplesMax);
    }
    window.checkIntegrity();
    expect(window.count).toBe(list.length);
    const longest = Math.max(...list.map(({ tokens }) => tokens));
    for (const edge of edges.filter((each) => each <= longest).slice(1)) {
      expect(window.distribution()?.survival(edge)).toBeCloseTo(naiveSurvival(list, edge), 9);
    }
  }
  const copy = new LengthWindow(samplesMax);
  copy.restore(window.samples(samplesMax));
  expect(copy.samples(samplesMax)).toEqual(window.samples(samplesMax));
  expect(copy.samples(3)).toEqual(window.samples(samplesMax).slice(-3));
});

it("of cut answers only expects longer ones", () => {
  const window = new LengthWindow(samplesMax);
  for (let i = 0; i < 10; i++) window.add({ tokens: 100, isCensored: true });
  const distribution = window.distribution();
  expect(distribution?.quantile(0.1)).toBeGreaterThanOrEqual(100);
  expect(distribution?.quantile(0.9)).toBeGreaterThan(200);
});

it("does not count an answer without tokens", () => {
  const window = new LengthWindow(samplesMax);
  window.add({ tokens: 0, isCensored: true });
  expect(window.distribution()).toBeNull();
});
