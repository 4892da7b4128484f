// `bench gap`: the front of a history was dropped. Computing it again together with the new prompt, as
// two query ranges of one step over one list of blocks, against one after the other in two steps.

import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { assert, defined, greedySampling, type Clock, type SampledLogprobs } from "@loci/core";
import type { QuerySlice, StepBatch } from "@loci/engine";
import { openRunner } from "../engine/open-runner.ts";
import type { OwnedRunner } from "../engine/loci-arm.ts";
import { interleave } from "../measure/abba.ts";
import { openOutput, type Output } from "../measure/output.ts";
import { planCores } from "../measure/pinning.ts";
import { atLeast, atMost, shortNumber, table, type Bar, type Figure } from "../measure/report.ts";
import { geometricMean, median } from "../measure/statistics.ts";
import { tokenIdRange } from "../model-files/bench-models.ts";
import { pairRatios, ratioText, type PairRatios } from "./pair-ratios.ts";
import { RandomTokens, type TokenIds } from "./random-tokens.ts";
import { findTieredModel } from "./tiered-model.ts";
import { registerTiered, type TieredOptions } from "./tiered-options.ts";

const speedBar = 1.2;
/** Between log-probabilities: batches of another shape differ in the last bits. */
const differenceBar = 0.02;
/** Else the comparison would show nothing. */
const spoiltBar = 1e-4;
const alternatives = 10;
const fillTokens = 512;

export function registerGap(program: Command, clock: Clock): void {
  const command = {
    name: "gap",
    description: "a dropped front computed with the new prompt in one step, against two steps",
    pairs: 8,
  };
  registerTiered(program, command, (options) => gapBench(options, clock));
}

interface GapCase {
  readonly front: number;
  readonly prompt: number;
}

type Arm = "one step" | "two steps";

interface CaseResult extends GapCase {
  readonly oneMs: readonly number[];
  readonly twoMs: readonly number[];
  /** Two steps over one. */
  readonly ratios: PairRatios;
  readonly logprobDifference: number;
  /**
   * The same against a step of the same shape whose history has no gap: another sequence's tokens
   * stand in the front's place. What one step and two steps differ by beyond it is no fault of gaps.
   */
  readonly gaplessDifference: number;
  /** The same when the front is left spoilt: shows that recomputing it matters. */
  readonly spoiltDifference: number;
  readonly sameTokens: boolean;
}

async function gapBench(options: TieredOptions, clock: Clock): Promise<void> {
  const output = openOutput("gap", options, clock);
  const { serverThreads } = planCores(options.threads);
  const modelPath = findTieredModel(options.model, output.progress);
  const quick = options.quick === true;
  const history = quick ? 512 : 4096;
  const fronts = quick ? [32, 64] : [32, 64, 128, 256, 512];
  const prompts = quick ? [16] : [16, 32, 64, 128];
  const tokenIds = tokenIdRange(modelPath);
  const room = { sequences: 1, contextTokens: history + 1024 };
  using owned = await openRunner({ modelPath, threads: serverThreads, room, tokenIds });
  const bench = new GapBench(owned, { history, tokenIds, seed: options.seed, clock });
  await bench.fill();
  const results: CaseResult[] = [];
  for (const front of fronts) {
    for (const prompt of prompts) {
      const result = await measure(bench, { front, prompt }, options);
      results.push(result);
      appendFileSync(join(output.folder, "cases.jsonl"), `${JSON.stringify(result)}\n`);
      output.progress(`front ${front}, prompt ${prompt}: ${ratioText(result.ratios)}`);
    }
  }
  finish(output, results, { history, quick });
}

async function measure(
  bench: GapBench,
  gap: GapCase,
  { pairs, seed, quick }: TieredOptions,
): Promise<CaseResult> {
  const times: Record<Arm, number[]> = { "one step": [], "two steps": [] };
  const answers: Record<Arm, Answer | null> = { "one step": null, "two steps": null };
  for (const arm of ["one step", "two steps"] as const) await bench.run(arm, gap);
  const arms: readonly [Arm, Arm] = ["one step", "two steps"];
  for (const { arm } of interleave(arms, quick === true ? 1 : pairs, seed)) {
    const run = await bench.run(arm, gap);
    times[arm].push(run.ms);
    answers[arm] = run.answer;
  }
  const one = defined(answers["one step"]);
  const two = defined(answers["two steps"]);
  const gapless = await bench.withoutGap(gap);
  const spoilt = await bench.withoutFront(gap);
  return {
    ...gap,
    oneMs: times["one step"],
    twoMs: times["two steps"],
    ratios: defined(pairRatios(times["two steps"], times["one step"], seed)),
    logprobDifference: difference(one, two),
    gaplessDifference: difference(one, gapless),
    spoiltDifference: difference(one, spoilt),
    sameTokens: one.tokenId === two.tokenId,
  };
}

interface Answer {
  readonly tokenId: number;
  readonly logprobs: SampledLogprobs;
}

/** The largest difference between log-probabilities that both report. */
function difference(one: Answer, two: Answer): number {
  const theirs = new Map(two.logprobs.top.map(({ tokenId, logprob }) => [tokenId, logprob]));
  const shared = one.logprobs.top.filter(({ tokenId }) => theirs.has(tokenId));
  assert(shared.length > 0, "some of the likeliest tokens are the same");
  return Math.max(
    ...shared.map(({ tokenId, logprob }) => Math.abs(logprob - (theirs.get(tokenId) ?? 0))),
  );
}

interface GapSetting {
  readonly history: number;
  readonly tokenIds: TokenIds;
  readonly seed: number;
  readonly clock: Clock;
}

/** One sequence whose front is spoilt before each measurement, so that only recomputing helps. */
class GapBench {
  readonly #owned: OwnedRunner;
  readonly #setting: GapSetting;
  readonly #tokens: Int32Array;
  readonly #spoiling: Int32Array;
  readonly #blockTable: Int32Array;
  /** Of another sequence. */
  readonly #otherTable: Int32Array;

  constructor(owned: OwnedRunner, setting: GapSetting) {
    const { blockCount, blockTokens } = owned.runner.limits;
    const random = new RandomTokens(setting.tokenIds, setting.seed);
    this.#owned = owned;
    this.#setting = setting;
    this.#tokens = Int32Array.from(random.draw(setting.history + 1024));
    this.#spoiling = Int32Array.from(random.draw(1024));
    const blocks = Math.ceil(this.#tokens.length / blockTokens);
    const others = Math.ceil(this.#spoiling.length / blockTokens);
    assert(blocks + others <= blockCount, "the pool holds both sequences");
    this.#blockTable = Int32Array.from({ length: blocks }, (_, index) => index);
    this.#otherTable = Int32Array.from({ length: others }, (_, index) => blocks + index);
  }

  /** Computes the whole history. */
  async fill(): Promise<void> {
    const { history } = this.#setting;
    for (let start = 0; start < history; start += fillTokens) {
      await this.#step([this.#slice(start, Math.min(history, start + fillTokens))]);
    }
  }

  async run(arm: Arm, { front, prompt }: GapCase): Promise<{ ms: number; answer: Answer }> {
    const { history, clock } = this.#setting;
    await this.#step([{ ...this.#slice(0, front), tokens: this.#spoiling.slice(0, front) }]);
    const again = this.#slice(0, front);
    const rest = this.#sampled(history, history + prompt);
    const startMs = clock.nowMs();
    if (arm === "two steps") await this.#step([again]);
    const answer = await this.#step(arm === "two steps" ? [rest] : [again, rest]);
    return { ms: clock.nowMs() - startMs, answer: defined(answer) };
  }

  /** What is sampled with the whole history there, in a step as large as one that fills a gap. */
  async withoutGap({ front, prompt }: GapCase): Promise<Answer> {
    const { history } = this.#setting;
    await this.#step([this.#slice(0, front)]);
    const tokens = this.#spoiling.slice(0, front);
    const blockTable = this.#otherTable;
    const other = { ...this.#slice(0, front), requestId: "bench-other", tokens, blockTable };
    return defined(await this.#step([other, this.#sampled(history, history + prompt)]));
  }

  /** What is sampled when nobody computes the front again. */
  async withoutFront({ front, prompt }: GapCase): Promise<Answer> {
    const { history } = this.#setting;
    await this.#step([{ ...this.#slice(0, front), tokens: this.#spoiling.slice(0, front) }]);
    return defined(await this.#step([this.#sampled(history, history + prompt)]));
  }

  async #step(slices: readonly QuerySlice[]): Promise<Answer | null> {
    const batch: StepBatch = { copies: [], slices };
    const { samples } = await this.#owned.runner.execute(batch);
    const [sample] = samples;
    if (sample === undefined) return null;
    return { tokenId: sample.tokenId, logprobs: defined(sample.logprobs) };
  }

  #slice(start: number, end: number): QuerySlice {
    const tokens = this.#tokens.slice(start, end);
    const blockTable = this.#blockTable;
    return { requestId: "bench-gap", tokens, positionStart: start, blockTable, sample: null };
  }

  #sampled(start: number, end: number): QuerySlice {
    const params = { ...greedySampling, logprobsTop: alternatives };
    const history = Array.from(this.#tokens.slice(0, end));
    const sample = { params, history, promptLength: end, eosBanned: false };
    return { ...this.#slice(start, end), sample };
  }
}

function finish(
  output: Output,
  results: readonly CaseResult[],
  facts: { readonly history: number; readonly quick: boolean },
): void {
  const head = [
    "front",
    "new",
    "one step ms",
    "two steps ms",
    "two : one (95 %)",
    "logprobs differ",
    "from a gapless step",
  ];
  const rows = results.map((result) => [
    String(result.front),
    String(result.prompt),
    shortNumber(median(result.oneMs)),
    shortNumber(median(result.twoMs)),
    ratioText(result.ratios),
    shortNumber(result.logprobDifference),
    shortNumber(result.gaplessDifference),
  ]);
  output.show(table([head, ...rows]));
  const speed = geometricMean(results.map(({ ratios }) => ratios.geometricMean));
  const worst = Math.max(...results.map(({ logprobDifference }) => logprobDifference));
  const gapless = Math.max(...results.map(({ gaplessDifference }) => gaplessDifference));
  const spoilt = Math.min(...results.map(({ spoiltDifference }) => spoiltDifference));
  const flips = results.filter(({ sameTokens }) => !sameTokens).length;
  const timed = atLeast("two steps : one step, all cases", speed, speedBar, "x");
  const counted: Bar[] = [
    atMost("log-probabilities, one step : two, largest difference", worst, differenceBar, ""),
    atMost("log-probabilities, one step : no gap in the same step", gapless, differenceBar, ""),
    atLeast("the same with the front left spoilt, smallest", spoilt, spoiltBar, ""),
    atMost("other tokens sampled", flips, 0, "cases"),
  ];
  output.finish({
    benchmark: "gap",
    bars: facts.quick ? counted : [timed, ...counted],
    figures: {
      history: facts.history,
      cases: results.map(plainFigures),
    },
  });
}

function plainFigures({ ratios, ...rest }: CaseResult): Figure {
  return Object.assign(rest, { ratios: { ...ratios } });
}
