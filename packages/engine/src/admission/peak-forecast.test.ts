import { LengthDistribution } from "@loci/predict";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AnswerForecast } from "../lengths/answer-forecast.ts";
import { PeakForecast } from "./peak-forecast.ts";
import type { SequenceDemand } from "./peak-forecast.ts";

const blockTokens = 4;
const tokensMax = 400;

interface Sequence {
  readonly prompt: number;
  readonly generated: number;
  /** Tokens still to come. */
  readonly remaining: number;
}

const sequences = fc.array(
  fc.record({
    prompt: fc.integer({ min: 1, max: 200 }),
    generated: fc.integer({ min: 0, max: 100 }),
    remaining: fc.integer({ min: 1, max: 200 }),
  }),
  { minLength: 1, maxLength: 20 },
);

const blocksOf = (tokens: number): number => Math.ceil(tokens / blockTokens);

function demandOf(sequence: Sequence, distribution: LengthDistribution): SequenceDemand {
  const { prompt, generated } = sequence;
  const forecast = new AnswerForecast(
    { distribution, observe: () => {}, close: () => {} },
    tokensMax,
  );
  const tokensKnown = prompt + generated;
  const held = blocksOf(tokensKnown);
  return { forecast, generated, tokensKnown, blocksHeld: held, blocksOwned: held, blocksNeeded: 0 };
}

/** Blocks beyond those held now, at the worst step, when everyone ends as `remaining` says. */
function naivePeak(all: readonly Sequence[]): number {
  const tokens = ({ prompt, generated }: Sequence): number => prompt + generated;
  const held = all.reduce((sum, each) => sum + blocksOf(tokens(each)), 0);
  let peak = 0;
  for (let step = 1; step <= 200; step++) {
    const alive = all.filter(({ remaining }) => remaining >= step);
    const blocks = alive.reduce((sum, each) => sum + blocksOf(tokens(each) + step), 0);
    peak = Math.max(peak, blocks - held);
  }
  return peak;
}

describe("PeakForecast", () => {
  it("knows the peak when every length is certain: never too low, and close", () => {
    fc.assert(
      fc.property(sequences, (all) => {
        const peak = new PeakForecast(blockTokens, tokensMax);
        for (const each of all) {
          peak.add(demandOf(each, LengthDistribution.point(each.generated + each.remaining)));
        }
        const naive = naivePeak(all);
        expect(peak.peakBlocks(0)).toBeGreaterThanOrEqual(naive);
        // Between two points of the grid everyone grows to the second one.
        const slack = all.reduce((sum, { remaining }) => sum + remaining * 0.2 + blockTokens, 0);
        expect(peak.peakBlocks(0)).toBeLessThanOrEqual(naive + slack / blockTokens + all.length);
      }),
    );
  });

  it("holds as much back as chance asks for", () => {
    // Lengths of 1 to 200 by chance, thousands of times: how often is the quantile exceeded?
    const all = Array.from({ length: 30 }, (_, index) => ({
      prompt: 20 + ((index * 37) % 80),
      generated: 0,
      remaining: 0,
    }));
    const peak = new PeakForecast(blockTokens, tokensMax);
    for (const each of all) peak.add(demandOf(each, LengthDistribution.uniform(1, 200)));
    let state = 1;
    const chance = (): number => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    };
    const exceeded = (risk: number): number => {
      const limit = peak.peakBlocks(risk);
      let count = 0;
      for (let round = 0; round < 400; round++) {
        const drawn = all.map(({ prompt }) => {
          return { prompt, generated: 0, remaining: 1 + Math.floor(chance() * 200) };
        });
        count += Number(naivePeak(drawn) > limit);
      }
      return count / 400;
    };
    expect(exceeded(0)).toBeGreaterThan(0.25);
    expect(exceeded(2)).toBeLessThan(0.06);
    expect(peak.peakBlocks(2)).toBeGreaterThan(peak.peakBlocks(0) + 5);
  });

  it("admits exactly while the peak with the candidate fits, and forgets a candidate it judged", () => {
    fc.assert(
      fc.property(sequences, fc.integer({ min: 0, max: 3 }), (all, risk) => {
        const [first, ...others] = all.map((each) =>
          demandOf(each, LengthDistribution.uniform(each.generated + 1, each.generated + 150)),
        );
        if (first === undefined) return;
        const without = new PeakForecast(blockTokens, tokensMax);
        const joined = new PeakForecast(blockTokens, tokensMax);
        for (const other of others) {
          without.add(other);
          joined.add(other);
        }
        joined.add(first);
        const limit = Math.ceil(joined.peakBlocks(risk));
        const before = without.peakBlocks(risk);
        expect(without.fits(first, limit, risk)).toBe(true);
        fc.pre(limit > 1);
        expect(without.fits(first, joined.peakBlocks(risk) - 1, risk)).toBe(false);
        expect(without.peakBlocks(risk)).toBeCloseTo(before, 6);
      }),
    );
  });

  it("does not count a shared block as set free by one who ends", () => {
    const sequence = { prompt: 80, generated: 10, remaining: 10 };
    const demand = demandOf(sequence, LengthDistribution.point(20));
    const later = demandOf(
      { prompt: 80, generated: 10, remaining: 100 },
      LengthDistribution.point(110),
    );
    const owned = new PeakForecast(blockTokens, tokensMax);
    owned.add(demand);
    owned.add(later);
    const shared = new PeakForecast(blockTokens, tokensMax);
    shared.add({ ...demand, blocksOwned: 1 });
    shared.add(later);
    expect(shared.peakBlocks(0)).toBeGreaterThan(owned.peakBlocks(0) + 15);
  });
});
