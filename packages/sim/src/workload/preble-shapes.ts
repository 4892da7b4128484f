// The five workloads of Preble's study (arXiv 2407.00023, section 2; digest 3.1) as shapes: lengths of
// prompts and answers, how much of a prompt others share, how many share it. Content is made up; the
// study publishes moments only.
//
//   prompt = common beginning · key portion of its group · history of its trajectory · own end
//
// A data set has as many groups as its requests over the mean number of those who share a key portion;
// which group a request belongs to falls off as Zipf's law with exponent 1.1, as in Preble's ablation.

import { defined, Random } from "@loci/core";
import { partBlockTokens, partName, promptOf } from "./prompt-parts.ts";
import type { PromptPart } from "./prompt-parts.ts";
import { logNormal, ZipfRanks } from "./random-sizes.ts";
import type { Moments } from "./random-sizes.ts";
import type { SimRequest } from "./sim-request.ts";

/** One workload of the study. */
export interface PrebleShape {
  readonly name: string;
  readonly prompt: Moments;
  readonly answer: Moments;
  /** Key portions in the data set. */
  readonly groups: number;
  /** Tokens that every prompt begins with. */
  readonly commonTokens: number;
  /** Share of a prompt that comes from earlier steps of its trajectory; the key portion is the rest. */
  readonly historyShare: number;
  /** Share of a prompt that nobody has but itself. */
  readonly ownShare: number;
  /** Requests of a trajectory, each of which goes on where the one before ended; 1 = none. */
  readonly steps: number;
  readonly source: string;
}

/** Popularity of groups. */
const zipfExponent = 1.1;

export const prebleShapes: readonly PrebleShape[] = [
  {
    name: "toolbench",
    prompt: { mean: 1835, deviation: 742 },
    answer: { mean: 43, deviation: 16 },
    groups: 5385,
    commonTokens: 165,
    historyShare: 0,
    ownShare: 0.15,
    steps: 1,
    source: "210,000 queries, 39 of them share a key portion; 9 % of a prompt are instructions",
  },
  {
    name: "agent",
    prompt: { mean: 2285, deviation: 471 },
    answer: { mean: 16, deviation: 13 },
    groups: 156,
    commonTokens: 160,
    historyShare: 0.14,
    ownShare: 0.03,
    steps: 10,
    source: "7,500 requests, 48 share a key portion; each step adds to what the one before had",
  },
  {
    name: "programming",
    prompt: { mean: 3871, deviation: 1656 },
    answer: { mean: 190, deviation: 343 },
    groups: 400,
    commonTokens: 2400,
    historyShare: 0,
    ownShare: 0.03,
    steps: 1,
    source:
      "a demonstration of 2,400 tokens that all share and problems of 18 samples each: mean 126 and " +
      "deviation 2,157 of those who share are what 43,000 requests over 400 problems give",
  },
  {
    name: "video",
    prompt: { mean: 9865, deviation: 5976 },
    answer: { mean: 4, deviation: 1.5 },
    groups: 988,
    commonTokens: 0,
    historyShare: 0,
    ownShare: 0.01,
    steps: 1,
    source: "8,500 questions, 8.6 of them about one video",
  },
  {
    name: "loogle",
    prompt: { mean: 23_474, deviation: 6105 },
    answer: { mean: 16, deviation: 9.9 },
    groups: 356,
    commonTokens: 0,
    historyShare: 0,
    ownShare: 0.06,
    steps: 1,
    source: "6,400 questions, 18 of them share a document's beginning",
  },
];

export interface PrebleOptions {
  readonly count: number;
  readonly seed: number;
  /** No prompt and its answer are longer together. */
  readonly contextTokensMax: number;
}

/** Kinds of parts. */
const kinds = { common: 1, key: 2, history: 3, own: 4 } as const;
const groupStream = 0x6e0;
const requestStream = 0x9e4;

/** Requests of a shape in the order in which they come; all at time 0. */
export function prebleRequests(shape: PrebleShape, options: PrebleOptions): SimRequest[] {
  const { count, seed, contextTokensMax } = options;
  const random = new Random(seed ^ requestStream);
  const ranks = new ZipfRanks(shape.groups, zipfExponent);
  const sizes = groupSizes(shape, options);
  const asked = new Uint32Array(shape.groups);
  return Array.from({ length: count }, (_, index): SimRequest => {
    const group = ranks.draw(random);
    const number = defined(asked[group]);
    asked[group] = number + 1;
    const tokens = defined(sizes[group]);
    const answer = Math.round(logNormal(random, shape.answer));
    const answerTokens = Math.max(1, Math.min(answer, contextTokensMax >> 1));
    const parts = partsOf(shape, { group, number, index, tokens });
    return {
      arrivalMs: 0,
      prompt: promptOf(fitting(parts, contextTokensMax - answerTokens)),
      answerTokens,
      maxTokens: null,
      ignoresEnd: false,
      tenant: shape.name,
      userText: null,
      cancelAfterMs: null,
    };
  });
}

interface Asked {
  readonly group: number;
  /** The how manieth of its group. */
  readonly number: number;
  readonly index: number;
  /** Mean length of the group's prompts. */
  readonly tokens: number;
}

function partsOf(shape: PrebleShape, { group, number, index, tokens }: Asked): PromptPart[] {
  const { commonTokens, historyShare, ownShare, steps } = shape;
  const parts: PromptPart[] = [];
  if (commonTokens > 0) parts.push({ name: partName(kinds.common, 0), tokens: commonTokens });
  const key = Math.max(partBlockTokens, tokens * (1 - ownShare - historyShare) - commonTokens);
  parts.push({ name: partName(kinds.key, group), tokens: key });
  if (steps > 1) {
    const step = number % steps;
    const trajectory = partName(kinds.history, group * 65_536 + Math.floor(number / steps));
    // The share is that of the step in the middle.
    parts.push({ name: trajectory, tokens: (historyShare * tokens * 2 * step) / (steps - 1) });
  }
  const own = Math.max(1, Math.round(ownShare * tokens));
  parts.push({ name: partName(kinds.own, index), tokens: own });
  return parts;
}

/** The same parts, shortened from the first on where they are too long together. */
function fitting(parts: readonly PromptPart[], tokensMax: number): PromptPart[] {
  const tokens = parts.reduce((sum, part) => sum + part.tokens, 0);
  // Rounding to blocks may lengthen each part by half a block.
  const room = tokensMax - 32 * parts.length;
  if (tokens <= room) return [...parts];
  return parts.map((part) => ({ ...part, tokens: Math.floor((part.tokens * room) / tokens) || 1 }));
}

/** Length of each group's prompts: what lies between groups is all that the study's deviation says. */
function groupSizes(shape: PrebleShape, { seed }: PrebleOptions): Float64Array {
  const random = new Random(seed ^ groupStream);
  const { mean, deviation } = shape.prompt;
  // Of prompts that begin alike, only what follows differs.
  const varying = { mean: mean - shape.commonTokens, deviation };
  const isMostlyCommon = shape.commonTokens > mean / 2;
  return Float64Array.from({ length: shape.groups }, () =>
    isMostlyCommon
      ? shape.commonTokens + logNormal(random, varying)
      : logNormal(random, shape.prompt),
  );
}
