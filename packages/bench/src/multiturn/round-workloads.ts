// Two published multi-turn workloads as plans of token ids: SGLang's bench_multiturn in the scaled
// form of ours (W-MT-SGL), and vLLM's generate_multi_turn.json (W-MT-VLLM). Histories grow with the
// answers that the server really gave.

import { Random } from "@loci/core";
import type { TokenIds } from "../tiered/random-tokens.ts";

export interface RoundPlan {
  /** What the conversation's first prompt has before its question. */
  readonly prefix: readonly number[];
  readonly rounds: readonly { readonly question: readonly number[]; readonly answer: number }[];
}

export interface RoundWorkload {
  readonly name: string;
  readonly plans: readonly RoundPlan[];
  /** Requests at the same time at most. */
  readonly parallel: number;
  /** Requests sent per second at most, with random gaps; 0 = no wait. */
  readonly rate: number;
  /** Conversations that may be begun and not over at the same time. */
  readonly activeMax: number;
}

/** 20 clients, 10 rounds of 128 new tokens, answers of 8, 4 at a time, 2 requests per second. */
export function sglangWorkload(ids: TokenIds, seed: number, quick: boolean): RoundWorkload {
  const random = new Random(seed);
  const clients = quick ? 4 : 20;
  const rounds = quick ? 3 : 10;
  const question = quick ? 48 : 128;
  const plans = Array.from({ length: clients }, () => ({
    prefix: [],
    rounds: Array.from({ length: rounds }, () => {
      return { question: draw(random, ids, question), answer: 8 };
    }),
  }));
  const rate = quick ? 50 : 2;
  return { name: "W-MT-SGL (S)", plans, parallel: 4, rate, activeMax: clients };
}

const lognormalSigma = 1;

/**
 * 24 conversations of 12 to 18 turns (both sides), a common prefix of 500 tokens, one of its own with
 * mean 1,000 and at most 5,000, messages of 120 to 160 and answers of 80 to 120 tokens; 2 requests at
 * a time, 6 conversations active.
 */
export function vllmWorkload(ids: TokenIds, seed: number, quick: boolean): RoundWorkload {
  const random = new Random(seed);
  const scale = quick ? 8 : 1;
  const common = draw(random, ids, 500 / scale);
  const conversations = quick ? 4 : 24;
  const plans = Array.from({ length: conversations }, () => {
    const own = Math.min(5000, Math.round(lognormal(random, 1000)));
    const rounds = quick ? 3 : random.integer(6, 9);
    return {
      prefix: common.concat(draw(random, ids, Math.ceil(own / scale))),
      rounds: Array.from({ length: rounds }, () => ({
        question: draw(random, ids, Math.ceil(random.integer(120, 160) / scale)),
        answer: Math.ceil(random.integer(80, 120) / scale),
      })),
    };
  });
  return { name: "W-MT-VLLM", plans, parallel: 2, rate: 0, activeMax: 6 };
}

function draw(random: Random, ids: TokenIds, count: number): number[] {
  return Array.from({ length: Math.floor(count) }, () => random.integer(ids.low, ids.high));
}

/** Log-normal with the given mean. */
function lognormal(random: Random, mean: number): number {
  const normal =
    Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  return Math.exp(Math.log(mean) - lognormalSigma ** 2 / 2 + lognormalSigma * normal);
}

/** Tokens of all conversations at their ends, and of the longest one. */
export function workloadTokens(plans: readonly RoundPlan[]): { total: number; longest: number } {
  const sizes = plans.map(({ prefix, rounds }) =>
    rounds.reduce((sum, { question, answer }) => sum + question.length + answer, prefix.length),
  );
  return { total: sizes.reduce((sum, size) => sum + size, 0), longest: Math.max(...sizes) };
}
