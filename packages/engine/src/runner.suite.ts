// What every runner must do, tested through the interface alone. Sampling is greedy unless a test
// says otherwise; a runner with rounding errors passes as long as they do not change the best token.

import { defined, greedySampling, Random } from "@loci/core";
import type { SamplingParams } from "@loci/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BlockCopy, QuerySlice, Runner, SampledToken, StepResult } from "./runner.ts";

export interface RunnerFixture {
  readonly runner: Runner;
  /** A token of the model that ends an answer. */
  readonly eosTokenId: number;
  dispose(): Promise<void>;
}

/** One sequence as the engine would keep it. */
interface Sequence {
  readonly id: string;
  readonly tokens: number[];
  readonly promptLength: number;
  readonly table: Int32Array;
  readonly params: SamplingParams;
  /** Tokens whose keys and values are there. */
  computed: number;
}

/** Blocks a test may use; every test starts from scratch. */
const blocksNeeded = 32;

/**
 * Registers the tests. The runner needs 32 blocks, a context of 8 blocks and steps of 4 slices and
 * 8 blocks of tokens.
 */
export function runnerConformance(name: string, make: () => Promise<RunnerFixture>): void {
  describe(`${name} as a Runner`, () => {
    let fixture: RunnerFixture;
    let bench: Bench;
    beforeAll(async () => {
      fixture = await make();
      bench = new Bench(fixture.runner);
      expect(fixture.runner.limits.blockCount).toBeGreaterThanOrEqual(blocksNeeded);
    });
    afterAll(() => fixture.dispose());

    it("answers in the order of the slices that ask", async () => {
      const first = bench.sequence(1);
      const second = bench.sequence(2, { blocks: [11, 12, 13, 14, 15] });
      const third = bench.sequence(3, { blocks: [21, 22, 23, 24, 25] });
      const alone = [await bench.next(bench.sequence(1)), await bench.next(bench.sequence(3))];
      const silent = { ...bench.slice(second), sample: null };
      const result = await bench.run([bench.slice(first), silent, bench.slice(third)]);
      expect(result.samples.map(({ tokenId }) => tokenId)).toEqual(alone);
      expect(result.durationMs).toBeGreaterThanOrEqual(0);
    });

    it("gives the same answer again", async () => {
      const [once, again] = [await bench.generate(bench.sequence(4), 6), bench.sequence(4)];
      expect(await bench.generate(again, 6)).toEqual(once);
    });

    it("computes a prompt in chunks of any size", async () => {
      const whole = await bench.generate(bench.sequence(5), 4);
      for (const size of [1, 7, bench.blockTokens, bench.blockTokens + 1]) {
        const sequence = bench.sequence(5);
        await bench.prefill(sequence, size);
        expect(await bench.generate(sequence, 4)).toEqual(whole);
      }
    });

    it("reads and writes blocks anywhere in memory", async () => {
      const ordered = await bench.generate(bench.sequence(6, { blocks: [0, 1, 2, 3, 4] }), 6);
      const scattered = bench.sequence(6, { blocks: [29, 3, 17, 0, 8] });
      expect(await bench.generate(scattered, 6)).toEqual(ordered);
    });

    it("continues alike when an answer is recomputed as a prompt", async () => {
      const tokens = await bench.generate(bench.sequence(7), 6);
      const recomputed = bench.sequence(7);
      recomputed.tokens.push(...tokens.slice(0, 3));
      expect(await bench.generate(recomputed, 3)).toEqual(tokens.slice(3));
    });

    it("mixes prompts and decoding in one step", async () => {
      const expected = [
        await bench.generate(bench.sequence(8), 4),
        await bench.next(bench.sequence(9)),
      ];
      const decoding = bench.sequence(8, { blocks: [10, 11, 12, 13, 14] });
      const answer = await bench.generate(decoding, 3);
      const prompt = bench.sequence(9, { blocks: [20, 21, 22, 23, 24] });
      const { samples } = await bench.run([bench.slice(decoding), bench.slice(prompt)]);
      const ids = samples.map(({ tokenId }) => tokenId);
      expect([[...answer, ids[0]], ids[1]]).toEqual(expected);
    });

    it("shares the full blocks of an earlier step", async () => {
      const expected = await bench.generate(bench.sequence(10, { change: 2 }), 4);
      await bench.generate(bench.sequence(10, { blocks: [0, 1, 2, 3, 4] }), 4);
      const sharer = bench.sequence(10, { change: 2, blocks: [0, 1, 7, 8, 9] });
      sharer.computed = 2 * bench.blockTokens;
      expect(await bench.generate(sharer, 4)).toEqual(expected);
    });

    it("shares blocks that another slice of the same step fills, in any order", async () => {
      const owner = await bench.next(bench.sequence(11));
      const other = await bench.next(bench.sequence(11, { change: 2 }));
      for (const place of [0, 1]) {
        const writer = bench.sequence(11, { blocks: [5, 6, 7, 8, 9] });
        const sharer = bench.sequence(11, { change: 2, blocks: [5, 6, 17, 18, 19] });
        sharer.computed = 2 * bench.blockTokens;
        const slices = [bench.slice(writer)].toSpliced(place, 0, bench.slice(sharer));
        const { samples } = await bench.run(slices);
        const ids = samples.map(({ tokenId }) => tokenId);
        expect(ids).toEqual(place === 0 ? [other, owner] : [owner, other]);
      }
    });

    it("copies the beginning of a block before the step writes", async () => {
      const { blockTokens } = bench;
      const tokens = Math.ceil(blockTokens / 2);
      const source = bench.sequence(12, { blocks: [0, 1, 2, 3, 4] });
      const continued = await bench.generate(bench.sequence(12), 4);
      const expected = await bench.generate(bench.sequence(12, { change: 1, from: tokens }), 4);
      const head = await bench.generate(source, 2);
      const copy = bench.sequence(12, { change: 1, from: tokens, blocks: [0, 21, 22, 23, 24] });
      copy.computed = blockTokens + tokens;
      const order = [{ source: 1, target: 21, tokens }];
      const { samples } = await bench.run([bench.slice(copy), bench.slice(source)], order);
      bench.accept(copy, defined(samples[0]));
      bench.accept(source, defined(samples[1]));
      expect([copy.tokens.at(-1), ...(await bench.generate(copy, 3))]).toEqual(expected);
      const rest = [source.tokens.at(-1), ...(await bench.generate(source, 1))];
      expect([...head, ...rest]).toEqual(continued);
    });

    it("computes two ranges of one sequence in one step", async () => {
      const expected = await bench.generate(bench.sequence(13), 3);
      const { blockTokens } = bench;
      const sequence = bench.sequence(13, { blocks: [0, 1, 2, 3, 4] });
      await bench.prefill(sequence, 2 * blockTokens, 2 * blockTokens);
      // The first block is lost to another sequence, the second is still there.
      await bench.next(bench.sequence(14, { blocks: [0, 11, 12, 13, 14] }));
      const slice = bench.slice(sequence);
      const front: QuerySlice = {
        ...slice,
        tokens: Int32Array.from(sequence.tokens.slice(0, blockTokens)),
        positionStart: 0,
        sample: null,
      };
      bench.accept(sequence, defined((await bench.run([front, slice])).samples[0]));
      expect([sequence.tokens.at(-1), ...(await bench.generate(sequence, 2))]).toEqual(expected);
    });

    it("draws by seed and position, whoever else is in the step", async () => {
      const params = { ...greedySampling, temperature: 1, seed: 77 };
      const alone = await bench.generate(bench.sequence(15, { params }), 6);
      const drawing = bench.sequence(15, { params, blocks: [20, 21, 22, 23, 24] });
      const company = bench.sequence(16, { blocks: [0, 1, 2, 3, 4] });
      for (let turn = 0; turn < 6; turn++) {
        const { samples } = await bench.run([bench.slice(company), bench.slice(drawing)]);
        bench.accept(company, defined(samples[0]));
        bench.accept(drawing, defined(samples[1]));
      }
      expect(drawing.tokens.slice(drawing.promptLength)).toEqual(alone);
    });

    it("obeys biases, and the ban of the end above them", async () => {
      const { eosTokenId } = fixture;
      const params = { ...greedySampling, logitBias: new Map([[eosTokenId, 100]]) };
      const banned = bench.slice(bench.sequence(17, { params }));
      const free = { ...banned, sample: { ...defined(banned.sample), eosBanned: false } };
      expect((await bench.run([free])).samples[0]?.tokenId).toBe(eosTokenId);
      expect((await bench.run([banned])).samples[0]?.tokenId).not.toBe(eosTokenId);
    });

    it("reports log-probabilities as asked", async () => {
      const none = (await bench.run([bench.slice(bench.sequence(18))])).samples[0];
      expect(none?.logprobs).toBeNull();
      const params = { ...greedySampling, logprobsTop: 3 };
      const sampled = (await bench.run([bench.slice(bench.sequence(18, { params }))])).samples[0];
      const logprobs = defined(sampled?.logprobs);
      expect(logprobs.tokenId).toBe(sampled?.tokenId);
      expect(logprobs.top).toHaveLength(3);
      expect(logprobs.top[0]).toEqual({
        tokenId: logprobs.tokenId,
        bytes: logprobs.bytes,
        logprob: logprobs.logprob,
      });
      const values = logprobs.top.map(({ logprob }) => logprob);
      expect(values).toEqual(values.toSorted((one, other) => other - one));
      expect(defined(values[0])).toBeLessThanOrEqual(0);
    });

    it("reports hidden states to who asks, alike in chunks and in company, and changes nothing", async () => {
      const { hiddenSize } = bench.runner.limits;
      const plain = defined((await bench.run([bench.slice(bench.sequence(20))])).samples[0]);
      expect(plain.hidden).toBeUndefined();
      const alone = defined((await bench.run([ask(bench.slice(bench.sequence(20)))])).samples[0]);
      expect(alone.hidden?.length).toBe(hiddenSize);
      expect({ ...alone, hidden: undefined }).toEqual({ ...plain, hidden: undefined });
      const chunked = bench.sequence(20, { blocks: [10, 11, 12, 13, 14] });
      await bench.prefill(chunked, 7);
      const silent = bench.slice(bench.sequence(21, { blocks: [20, 21, 22, 23, 24] }));
      const { samples } = await bench.run([silent, ask(bench.slice(chunked))]);
      expect(samples[0]?.hidden).toBeUndefined();
      expect(samples[1]?.tokenId).toBe(plain.tokenId);
      if (alone.hidden === undefined) return;
      expect(relativeDistance(defined(samples[1]?.hidden), alone.hidden)).toBeLessThan(1e-2);
    });

    it("forgets a released request, so that its id can be used again", async () => {
      const expected = await bench.generate(bench.sequence(19, { id: "reused" }), 3);
      bench.runner.release("reused");
      bench.runner.release("never seen");
      expect(await bench.generate(bench.sequence(19, { id: "reused" }), 3)).toEqual(expected);
    });
  });
}

function ask(slice: QuerySlice): QuerySlice {
  return { ...slice, sample: { ...defined(slice.sample), wantsHidden: true } };
}

/** Euclidean distance over the length of `reference`. */
function relativeDistance(vector: Float32Array, reference: Float32Array): number {
  const distance = Math.hypot(...vector.map((value, index) => value - defined(reference[index])));
  return distance / Math.hypot(...reference);
}

interface SequenceOptions {
  readonly id?: string;
  readonly blocks?: readonly number[];
  readonly params?: SamplingParams;
  /** From this block on, its token number `from`, the prompt is another one. */
  readonly change?: number;
  readonly from?: number;
}

let sequences = 0;

/** Drives a runner by hand. */
class Bench {
  readonly runner: Runner;
  readonly blockTokens: number;

  constructor(runner: Runner) {
    this.runner = runner;
    this.blockTokens = runner.limits.blockTokens;
  }

  /** A prompt of three and a half blocks that depends on `seed`, with room for a bit more. */
  sequence(seed: number, options: SequenceOptions = {}): Sequence {
    const { id = `conformance-${sequences++}`, params = greedySampling, from = 0 } = options;
    const { blocks = [1, 2, 3, 4, 5], change = Infinity } = options;
    const promptLength = 3 * this.blockTokens + Math.ceil(this.blockTokens / 2);
    const [random, changed] = [new Random(seed), new Random(seed + 1000)];
    const tokens: number[] = [];
    for (let position = 0; position < promptLength; position++) {
      const draws = position < change * this.blockTokens + from ? random : changed;
      tokens.push(draws.integer(0, this.runner.limits.vocabularySize - 1));
    }
    return { id, tokens, promptLength, table: Int32Array.from(blocks), params, computed: 0 };
  }

  /** Everything that is not computed yet, asking for the next token. */
  slice(sequence: Sequence): QuerySlice {
    const { id, tokens, computed, table, params, promptLength } = sequence;
    return {
      requestId: id,
      tokens: Int32Array.from(tokens.slice(computed)),
      positionStart: computed,
      blockTable: table,
      sample: { params, history: [...tokens], promptLength, eosBanned: true },
    };
  }

  run(slices: readonly QuerySlice[], copies: readonly BlockCopy[] = []): Promise<StepResult> {
    return this.runner.execute({ copies, slices });
  }

  /** Computes in chunks up to `end`; without `end`, all but the last chunk. */
  async prefill(sequence: Sequence, size: number, end = sequence.tokens.length - 1): Promise<void> {
    while (sequence.computed < end) {
      const stop = Math.min(sequence.computed + size, end);
      const tokens = Int32Array.from(sequence.tokens.slice(sequence.computed, stop));
      await this.run([{ ...this.slice(sequence), tokens, sample: null }]);
      sequence.computed = stop;
    }
  }

  accept(sequence: Sequence, sampled: SampledToken): void {
    sequence.computed = sequence.tokens.length;
    sequence.tokens.push(sampled.tokenId);
  }

  async next(sequence: Sequence): Promise<number> {
    const { samples } = await this.run([this.slice(sequence)]);
    const sampled = defined(samples[0]);
    this.accept(sequence, sampled);
    return sampled.tokenId;
  }

  async generate(sequence: Sequence, count: number): Promise<number[]> {
    const tokens: number[] = [];
    while (tokens.length < count) tokens.push(await this.next(sequence));
    return tokens;
  }
}
