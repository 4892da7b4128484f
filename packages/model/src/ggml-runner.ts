// The runner over ggml: a step becomes a graph, is computed off the JavaScript thread, and its
// logits become tokens.

import {
  type QuerySlice,
  type Runner,
  type RunnerLimits,
  type SampledToken,
  type SampleSpec,
  type StepBatch,
  type StepResult,
} from "@loci/engine";
import { type Clock, LociError, assert, defined } from "@loci/core";
import type { Vocabulary } from "@loci/ggml";
import { ForwardGraph, type ForwardGraphOptions } from "./forward-graph.ts";
import { GraphCache } from "./graph-cache.ts";
import { type StepWork, stepThreads } from "./step-threads.ts";
import { RequestSampler } from "./sampling/request-sampler.ts";

export interface GgmlRunnerOptions extends ForwardGraphOptions {
  readonly limits: RunnerLimits;
  readonly work: StepWork;
  readonly vocabulary: Vocabulary;
  readonly endTokens: readonly number[];
  readonly clock: Clock;
  /** Throws when the model file changed under the mapping. */
  readonly checkModelFile: () => void;
}

export class GgmlRunner implements Runner, Disposable {
  readonly limits: RunnerLimits;
  readonly #options: GgmlRunnerOptions;
  readonly #graphs = new GraphCache();
  readonly #samplers = new Map<string, RequestSampler>();

  constructor(options: GgmlRunnerOptions) {
    this.limits = options.limits;
    this.#options = options;
  }

  async execute(batch: StepBatch): Promise<StepResult> {
    const { clock } = this.#options;
    const startedMs = clock.nowMs();
    const { graph, restoreFailed } = await this.#compute(batch);
    if (restoreFailed) {
      return { samples: [], durationMs: clock.nowMs() - startedMs, restoreFailed };
    }
    const samples: SampledToken[] = [];
    for (const slice of batch.slices) {
      if (slice.sample === null) continue;
      const sampled = this.#sample(slice, slice.sample, graph.logits(samples.length));
      const hidden = slice.sample.wantsHidden === true ? graph.hidden(samples.length) : null;
      samples.push(hidden === null ? sampled : { ...sampled, hidden });
    }
    return { samples, durationMs: clock.nowMs() - startedMs };
  }

  /** Logits of each sampling slice, for tests that compare them. */
  async computeLogits(batch: StepBatch): Promise<Float32Array[]> {
    const { graph } = await this.#compute(batch);
    const outputs = batch.slices.filter((slice) => slice.sample !== null).length;
    return Array.from({ length: outputs }, (_, index) => graph.logits(index).slice());
  }

  release(requestId: string): void {
    this.#samplers.get(requestId)?.[Symbol.dispose]();
    this.#samplers.delete(requestId);
  }

  [Symbol.dispose](): void {
    for (const sampler of this.#samplers.values()) sampler[Symbol.dispose]();
    this.#samplers.clear();
    this.#graphs[Symbol.dispose]();
  }

  async #compute(batch: StepBatch): Promise<{ graph: ForwardGraph; restoreFailed: boolean }> {
    const { gates } = this.#options.kv.pool;
    const looked = batch.gates ?? [];
    const release = gates.hold(looked);
    try {
      const graph = await this.#computeGraph(batch);
      return { graph, restoreFailed: looked.some((gate) => gates.hasFailed(gate)) };
    } finally {
      release();
    }
  }

  async #computeGraph({ copies, slices, gates = [] }: StepBatch): Promise<ForwardGraph> {
    const { kv, backend, work, checkModelFile, layers, clock } = this.#options;
    this.#checkBatch(slices);
    if (!kv.waitsInKernel) await kv.pool.gates.wait(gates, layers, clock);
    kv.copyBlocks(copies);
    const tokens = slices.reduce((sum, slice) => sum + slice.tokens.length, 0);
    const graph = this.#graph(slices, tokens);
    graph.fill(slices, gates);
    await backend.compute(graph.pointer, stepThreads(work, tokens, backend.threads));
    await graph.fetch();
    kv.checkStep();
    checkModelFile();
    return graph;
  }

  /** The graph for a batch, made when its shape is new. */
  #graph(slices: readonly QuerySlice[], tokens: number): ForwardGraph {
    const { kv, hiddenLayer } = this.#options;
    const shape = {
      tokens,
      outputs: Math.max(1, slices.filter((slice) => slice.sample !== null).length),
      hidden: hiddenLayer !== null && slices.some((slice) => slice.sample?.wantsHidden === true),
    };
    const key = `${tokens}/${shape.outputs}/${shape.hidden ? "hidden/" : ""}${kv.graphKey(slices)}`;
    return this.#graphs.get(key, () => new ForwardGraph(this.#options, shape, slices));
  }

  /** What reaches native code is checked here once more: ggml aborts on what does not fit. */
  #checkBatch(slices: readonly QuerySlice[]): void {
    const { limits } = this;
    assert(slices.length > 0 && slices.length <= limits.stepSlicesMax, "slices within bounds");
    let tokens = 0;
    for (const slice of slices) {
      const end = slice.positionStart + slice.tokens.length;
      assert(slice.tokens.length > 0 && slice.positionStart >= 0, "a slice brings tokens");
      assert(end <= limits.contextTokensMax, "a slice ends within the context");
      assert(slice.blockTable.length * limits.blockTokens >= end, "blocks cover the slice");
      for (let index = 0; index * limits.blockTokens < end; index++) {
        const block = defined(slice.blockTable[index]);
        assert(block >= 0 && block < limits.blockCount, "a block of the pool");
      }
      for (const token of slice.tokens) {
        assert(token >= 0 && token < limits.vocabularySize, "a token of the model");
      }
      tokens += slice.tokens.length;
    }
    assert(tokens <= limits.stepTokensMax, "tokens within the step's bound");
  }

  /** What is wrong with one request's sampling is no matter of the others. */
  #sample({ requestId }: QuerySlice, spec: SampleSpec, logits: Float32Array): SampledToken {
    try {
      return this.#sampler(requestId, spec).sample(logits, spec);
    } catch (error) {
      if (!(error instanceof LociError)) throw error;
      return { tokenId: 0, logprobs: null, grammarEnded: false, failure: error };
    }
  }

  #sampler(requestId: string, { params }: SampleSpec): RequestSampler {
    const known = this.#samplers.get(requestId);
    if (known !== undefined) return known;
    const { vocabulary, endTokens } = this.#options;
    const sampler = new RequestSampler(vocabulary, endTokens, params);
    this.#samplers.set(requestId, sampler);
    return sampler;
  }
}
