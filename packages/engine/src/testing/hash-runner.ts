// A runner without a model. It keeps, per slot, the token id written there and a hash of the whole
// context it was written in, as keys and values depend on both. A sampled token is a hash of all
// that is read back through the block table. A wrong table, a lost copy, a stale or foreign block
// therefore gives another token than a fresh run of the same request would.

import { assert, defined, prefillLoad, uniformAt } from "@loci/core";
import type { SampledLogprobs, SamplingParams, TokenLogprob } from "@loci/core";
import type {
  QuerySlice,
  Runner,
  RunnerLimits,
  SampledToken,
  StepBatch,
  StepResult,
  TokenText,
} from "../runner.ts";
import { checkBatch, slotOf } from "./check-batch.ts";

export interface HashRunnerOptions extends Partial<RunnerLimits> {
  /** The token that ends an answer; null = there is none. */
  readonly eosTokenId?: number | null;
  /** Chance that the end is chosen where it may be. */
  readonly eosChance?: number;
  /** Virtual duration: milliseconds per step, per token, per attended token. */
  readonly costMs?: readonly [number, number, number];
}

/** What one block holds. */
export interface HashBlock {
  readonly tokens: Int32Array;
  readonly contexts: Int32Array;
}

const encoder = new TextEncoder();

const defaultLimits: RunnerLimits = {
  blockTokens: 4,
  blockCount: 64,
  contextTokensMax: 128,
  vocabularySize: 1000,
  stepTokensMax: 64,
  stepSlicesMax: 16,
};

export class HashRunner implements Runner, TokenText {
  readonly limits: RunnerLimits;
  /** Every batch so far, newest last, as far as `keepBatches` says. */
  readonly batches: StepBatch[] = [];
  readonly released: string[] = [];
  keepBatches = 0;
  /** Waits at a gate; false when its restore failed. */
  onGate: (gate: number) => boolean = () => true;
  readonly #eosTokenId: number | null;
  readonly #eosChance: number;
  readonly #costMs: readonly [number, number, number];
  /** Token ids by slot; -1 = never written. */
  readonly #tokens: Int32Array;
  readonly #contexts: Int32Array;

  constructor(options: HashRunnerOptions = {}) {
    const { eosTokenId = null, eosChance = 0.1, costMs = [1, 0.1, 0.0001], ...limits } = options;
    this.limits = { ...defaultLimits, ...limits };
    this.#eosTokenId = eosTokenId;
    this.#eosChance = eosChance;
    this.#costMs = costMs;
    const slots = this.limits.blockCount * this.limits.blockTokens;
    this.#tokens = new Int32Array(slots).fill(-1);
    this.#contexts = new Int32Array(slots);
  }

  execute(batch: StepBatch): Promise<StepResult> {
    return Promise.resolve(batch).then((ready) => this.run(ready));
  }

  /** `execute` without the promise. */
  run(batch: StepBatch): StepResult {
    checkBatch(batch, this.limits);
    if (this.keepBatches > 0) {
      this.batches.push(batch);
      if (this.batches.length > this.keepBatches) this.batches.shift();
    }
    const { blockTokens } = this.limits;
    for (const { source, target, tokens } of batch.copies) {
      const [from, to] = [source * blockTokens, target * blockTokens];
      this.#tokens.copyWithin(to, from, from + tokens);
      this.#contexts.copyWithin(to, from, from + tokens);
    }
    const passed = (batch.gates ?? []).map((gate) => this.onGate(gate));
    for (const slice of batch.slices) this.#write(slice);
    if (passed.includes(false)) return { samples: [], durationMs: 1, restoreFailed: true };
    const samples: SampledToken[] = [];
    let attended = 0;
    let tokens = 0;
    for (const slice of batch.slices) {
      const context = this.#attend(slice);
      tokens += slice.tokens.length;
      attended += prefillLoad(slice.tokens.length, slice.positionStart).attended;
      if (slice.sample !== null) samples.push(this.#sample(slice, context));
    }
    const [perStep, perToken, perAttended] = this.#costMs;
    return { samples, durationMs: perStep + perToken * tokens + perAttended * attended };
  }

  release(requestId: string): void {
    this.released.push(requestId);
  }

  readBlock(block: number): HashBlock {
    const { blockTokens } = this.limits;
    const [start, end] = [block * blockTokens, (block + 1) * blockTokens];
    return { tokens: this.#tokens.slice(start, end), contexts: this.#contexts.slice(start, end) };
  }

  writeBlock(block: number, { tokens, contexts }: HashBlock): void {
    this.#tokens.set(tokens, block * this.limits.blockTokens);
    this.#contexts.set(contexts, block * this.limits.blockTokens);
  }

  /** Decimal digits, so that answers are readable; nothing for the end token. */
  tokenBytes(tokenId: number): Uint8Array {
    return encoder.encode(this.isEndOfGeneration(tokenId) ? "" : `${tokenId} `);
  }

  isEndOfGeneration(tokenId: number): boolean {
    return tokenId === this.#eosTokenId;
  }

  #write(slice: QuerySlice): void {
    for (const [index, token] of slice.tokens.entries()) {
      const slot = slotOf(slice, slice.positionStart + index, this.limits.blockTokens);
      this.#tokens[slot] = token;
      // Filled in when the slice attends; until then it fits no context.
      this.#contexts[slot] = 0;
    }
  }

  /** Reads the context through the table and leaves its hash at every query; returns the last. */
  #attend(slice: QuerySlice): number {
    const end = slice.positionStart + slice.tokens.length;
    let context = 1;
    let foreign = 0;
    for (let position = 0; position < end; position++) {
      const slot = slotOf(slice, position, this.limits.blockTokens);
      context = mix(context, defined(this.#tokens[slot]));
      if (position >= slice.positionStart) this.#contexts[slot] = context;
      // Zero: another slice of this step has written it and has yet to attend.
      const stored = defined(this.#contexts[slot]);
      if (stored !== 0 && stored !== context) foreign = mix(foreign, position);
      if (slice.sample === null) continue;
      const known = slice.sample.history[position];
      assert(known === this.#tokens[slot], "the history is what the blocks hold");
    }
    return foreign === 0 ? context : mix(context, foreign);
  }

  #sample(slice: QuerySlice, context: number): SampledToken {
    const { params, eosBanned } = defined(slice.sample);
    const tokenId = this.#choose(context, params, eosBanned);
    return { tokenId, logprobs: this.#logprobs(tokenId, params), grammarEnded: false };
  }

  #choose(context: number, params: SamplingParams, eosBanned: boolean): number {
    const eos = this.#eosTokenId;
    const { vocabularySize } = this.limits;
    const mayEnd = eos !== null && !eosBanned;
    // Biases only count where they leave no doubt.
    for (const [tokenId, bias] of params.logitBias) {
      if (bias >= 100 && (tokenId !== eos || mayEnd)) return tokenId;
    }
    const seed = params.temperature === 0 ? 0 : params.seed;
    if (mayEnd && uniformAt(context, seed, 1) < this.#eosChance) return eos;
    const draw = Math.floor(uniformAt(context, seed) * vocabularySize);
    return draw === eos ? (draw + 1) % vocabularySize : draw;
  }

  /** The chosen token first, then its neighbours, each e times less likely than the one before. */
  #logprobs(tokenId: number, params: SamplingParams): SampledLogprobs | null {
    if (params.logprobsTop === null) return null;
    const logprobOf = (rank: number): TokenLogprob => {
      const id = (tokenId + rank) % this.limits.vocabularySize;
      return { tokenId: id, bytes: this.tokenBytes(id), logprob: Math.log(0.6) - rank };
    };
    const top = Array.from({ length: params.logprobsTop }, (_, rank) => logprobOf(rank));
    return { ...logprobOf(0), top };
  }
}

/** A hash of two numbers that is never 0. */
function mix(left: number, right: number): number {
  let mixed = Math.imul(left ^ Math.imul(right + 0x3c6ef372, 0x85ebca6b), 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  mixed ^= mixed >>> 13;
  return mixed === 0 ? 1 : mixed;
}
