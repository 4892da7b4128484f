import { Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import { recordedTimes } from "./azure-gaps.ts";
import { partBlockTokens, partName, promptOf } from "./prompt-parts.ts";
import { prebleRequests, prebleShapes } from "./preble-shapes.ts";
import { promptTokens } from "./prompt-tokens.ts";
import { logNormal, ZipfRanks } from "./random-sizes.ts";
import { groupedRequests, withSharedPrefixes } from "./shared-prefixes.ts";
import type { SimRequest } from "./sim-request.ts";

const vocabularySize = 32_000;

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
}

/** Share of all blocks that an earlier request had at the same place, after the same ones. */
function sharedShare(requests: readonly SimRequest[]): number {
  const seen = new Set<string>();
  let [shared, all] = [0, 0];
  for (const { prompt } of requests) {
    const blocks = Array.from(prompt.blocks);
    let [hash, isShared] = [0, true];
    for (const [place, block] of blocks.entries()) {
      hash = Math.imul(hash ^ block, 0x9e3779b1);
      const key = `${place} ${hash} ${block}`;
      isShared &&= seen.has(key);
      shared += Number(isShared);
      seen.add(key);
    }
    all += blocks.length;
  }
  return shared / all;
}

describe("sizes", () => {
  it("have the moments that were asked for", () => {
    const random = new Random(1);
    const values = Array.from({ length: 50_000 }, () =>
      logNormal(random, { mean: 1835, deviation: 742 }),
    );
    expect(Math.abs(mean(values) / 1835 - 1)).toBeLessThan(0.02);
    expect(Math.abs(deviation(values) / 742 - 1)).toBeLessThan(0.05);
    expect(Math.min(...values)).toBeGreaterThan(0);
  });

  it("are chosen by rank as Zipf's law says", () => {
    const [ranks, random] = [new ZipfRanks(100, 1.1), new Random(2)];
    const counts = new Float64Array(100);
    for (let draw = 0; draw < 100_000; draw++) counts[ranks.draw(random)]! += 1;
    expect((counts[0] ?? 0) / (counts[9] ?? 1)).toBeCloseTo(10 ** 1.1, -0.5);
    expect(counts.every((count) => count > 0)).toBe(true);
  });
});

describe("prompts of parts", () => {
  it("share exactly the parts with which they begin", () => {
    const common = { name: partName(1, 0), tokens: 200 };
    const prompt = (own: number): Int32Array =>
      promptTokens(promptOf([common, { name: partName(2, own), tokens: 77 }]), vocabularySize);
    const [one, other] = [prompt(1), prompt(2)];
    const whole = Math.round(200 / partBlockTokens) * partBlockTokens;
    expect(one).toHaveLength(whole + 77);
    expect(one.slice(0, whole)).toEqual(other.slice(0, whole));
    expect(one[whole]).not.toBe(other[whole]);
    expect(prompt(1)).toEqual(one);
  });
});

describe("Preble's workloads", () => {
  it.each(prebleShapes.map((shape) => [shape.name, shape] as const))(
    "%s has prompts and answers of the published lengths",
    (_, shape) => {
      // Many groups, each once: what is drawn by popularity has the lengths of a few.
      const sizes = Array.from({ length: 40 }, (unused, seed) =>
        prebleRequests(shape, { count: 40, seed, contextTokensMax: 65_536 }),
      ).flat();
      const tokens = mean(sizes.map(({ prompt }) => prompt.tokens));
      expect(Math.abs(tokens / shape.prompt.mean - 1)).toBeLessThan(0.2);
      const answers = mean(sizes.map(({ answerTokens }) => answerTokens));
      expect(Math.abs(answers / shape.answer.mean - 1)).toBeLessThan(0.2);
    },
  );

  it("share most of their prompts with earlier ones, at most what was published", () => {
    const shares = prebleShapes.map((shape) =>
      sharedShare(prebleRequests(shape, { count: 1000, seed: 1, contextTokensMax: 32_768 })),
    );
    const published = [0.85, 0.97, 0.97, 0.99, 0.94];
    for (const [index, share] of shares.entries()) {
      expect(share).toBeGreaterThan(0.45);
      expect(share).toBeLessThanOrEqual((published[index] ?? 0) + 0.01);
    }
  });

  it("keep prompt and answer within the context", () => {
    for (const shape of prebleShapes) {
      for (const { prompt, answerTokens } of prebleRequests(shape, {
        count: 500,
        seed: 3,
        contextTokensMax: 4096,
      })) {
        expect(prompt.tokens + answerTokens).toBeLessThanOrEqual(4096);
        expect(prompt.tokens).toBeGreaterThan(0);
      }
    }
  });
});

describe("shared prefixes", () => {
  it("of groups come once with each question", () => {
    const sizes = {
      groups: 4,
      promptsPerGroup: 3,
      systemTokens: 128,
      questionTokens: 10,
      answerTokens: 5,
    };
    const requests = groupedRequests(sizes, 7);
    const prompts = requests.map(({ prompt }) => promptTokens(prompt, vocabularySize));
    expect(new Set(prompts.map((prompt) => prompt.slice(0, 128).join())).size).toBe(4);
    expect(new Set(prompts.map((prompt) => prompt.join())).size).toBe(12);
  });

  it("are given to traces without changing lengths by more than a block", () => {
    const plain = groupedRequests(
      { groups: 1, promptsPerGroup: 200, systemTokens: 1, questionTokens: 999, answerTokens: 5 },
      1,
    );
    const shared = withSharedPrefixes(plain, { groups: 10, sharedShare: 0.75, seed: 1 });
    for (const [index, { prompt }] of shared.entries()) {
      const before = plain[index]?.prompt.tokens ?? 0;
      expect(Math.abs(prompt.tokens - before)).toBeLessThanOrEqual(partBlockTokens);
    }
    expect(sharedShare(shared)).toBeGreaterThan(0.5);
  });
});

describe("recorded times", () => {
  it("keep the pattern of the gaps at another rate, over and over", () => {
    const recorded = groupedRequests(
      { groups: 1, promptsPerGroup: 4, systemTokens: 1, questionTokens: 1, answerTokens: 1 },
      1,
    ).map((request, index) => Object.assign({}, request, { arrivalMs: [0, 10, 10, 100][index] }));
    const times = recordedTimes(recorded, 6, 60);
    expect(times).toEqual([0, 5, 5, 50, 55, 55].map((time) => expect.closeTo(time, 9)));
  });
});
