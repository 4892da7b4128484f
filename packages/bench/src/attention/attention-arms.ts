// The ways to attend that are compared, on one sequence whose last tokens are the queries. All
// compute the same rows from the same keys and values; `checkAgreement` makes sure of it.

import type { CpuBackend, Graph, KernelLibrary } from "@loci/ggml";
import { LociError, defined } from "@loci/core";
import { type BatchCase, type HeadShape, blockTokens, shuffledBlocks } from "./attention-shape.ts";
import { GgmlRig } from "./ggml-rig.ts";
import { KernelRig } from "./kernel-rig.ts";

/**
 * `tokenByToken`: a call for each query token, its heads sharing the keys of their kv head.
 * `rowByRow`: one query vector at a time, as single-query kernels do, in one call.
 */
export type ArmName =
  | "paged"
  | "contiguous"
  | "copyThenKernel"
  | "copyThenGgml"
  | "tokenByToken"
  | "rowByRow";

export interface Arm {
  readonly name: ArmName;
  /** Computes attention in `layers` layers. */
  run(): void;
  readonly layers: number;
  /** The first layer's rows, in one part or one for each query token. */
  readonly results: readonly Float32Array[];
}

export interface ArmsOptions {
  readonly kernel: KernelLibrary;
  readonly backend: CpuBackend;
  readonly shape: HeadShape;
  readonly batch: BatchCase;
}

const layers = 4;
const dataSeed = 100;

export class Arms implements Disposable {
  readonly all: readonly Arm[];
  readonly #options: ArmsOptions;
  readonly #stack = new DisposableStack();
  readonly #blocks: number;
  readonly #scattered: Int32Array;
  readonly #identity: Int32Array;
  readonly #rig: KernelRig;
  readonly #contiguousRig: KernelRig;
  readonly #rowRig: KernelRig;

  constructor(options: ArmsOptions) {
    this.#options = options;
    this.#blocks = Math.ceil(options.batch.contextTokens / blockTokens);
    // The sequence's blocks lie scattered over a pool twice its size.
    this.#scattered = shuffledBlocks(this.#blocks * 2, 1).subarray(0, this.#blocks);
    this.#identity = Int32Array.from({ length: this.#blocks }, (_, index) => index);
    this.#rig = this.#stack.use(this.#kernelRig());
    this.#contiguousRig = this.#stack.use(this.#kernelRig());
    this.#rowRig = this.#stack.use(this.#kernelRig(1));
    this.#rowRig.write(this.#scattered, options.batch.contextTokens, dataSeed);
    this.#rig.write(this.#scattered, options.batch.contextTokens, dataSeed);
    this.#contiguousRig.write(this.#identity, options.batch.contextTokens, dataSeed);
    this.all = [
      this.#kernelArm("paged", this.#rig, this.#scattered),
      this.#kernelArm("contiguous", this.#contiguousRig, this.#identity),
      this.#copyThenKernel(),
      this.#copyThenGgml(),
      this.#tokenByToken(),
      this.#kernelArm("rowByRow", this.#rowRig, this.#scattered),
    ];
  }

  #kernelRig(rowsPerTile?: number): KernelRig {
    const { kernel, backend, shape, batch } = this.#options;
    return new KernelRig({
      kernel,
      backend,
      shape,
      layers,
      blockCount: this.#blocks * 2,
      contextTokensMax: batch.contextTokens,
      stepTokensMax: batch.contextTokens,
      stepSlicesMax: 1,
      ...(rowsPerTile === undefined ? {} : { rowsPerTile }),
    });
  }

  #slice(blockTable: Int32Array): {
    tokenCount: number;
    positionStart: number;
    blockTable: Int32Array;
  } {
    const { contextTokens, queryTokens } = this.#options.batch;
    return { tokenCount: queryTokens, positionStart: contextTokens - queryTokens, blockTable };
  }

  #compute(graph: Graph): void {
    this.#options.backend.computeSync(graph.pointer);
  }

  #kernelArm(name: ArmName, rig: KernelRig, blockTable: Int32Array): Arm {
    const plan = rig.plan([this.#slice(blockTable)]);
    const { graph, results } = rig.attention([plan], this.#options.batch.queryTokens);
    return { name, layers, results, run: () => this.#compute(graph) };
  }

  /** The paper's baseline with our kernel as its second half. */
  #copyThenKernel(): Arm {
    const { queryTokens } = this.#options.batch;
    const gather = this.#rig.gather(this.#scattered);
    const plan = this.#rig.plan([this.#slice(this.#identity)]);
    const { graph, results } = this.#rig.attention([plan], queryTokens, gather.copies);
    const run = (): void => {
      this.#compute(gather.graph);
      this.#compute(graph);
    };
    return { name: "copyThenKernel", layers, results, run };
  }

  /** The paper's baseline with what ggml offers: `get_rows`, then `flash_attn_ext`. */
  #copyThenGgml(): Arm {
    const { shape, batch } = this.#options;
    const rig = this.#stack.use(
      new GgmlRig({
        shape,
        batch,
        layers,
        blockTable: this.#scattered,
        seed: dataSeed,
        compute: (graph) => this.#compute(graph),
      }),
    );
    const { graph, results } = this.#stack.use(rig.attention());
    return { name: "copyThenGgml", layers, results, run: () => this.#compute(graph) };
  }

  /** The same kernel, one call for each query token, as with a single-token paged kernel. */
  #tokenByToken(): Arm {
    const { queryTokens, contextTokens } = this.#options.batch;
    const plans = Array.from({ length: queryTokens }, (_, index) =>
      this.#rig.plan([
        {
          tokenCount: 1,
          positionStart: contextTokens - queryTokens + index,
          blockTable: this.#scattered,
        },
      ]),
    );
    const { graph, results } = this.#rig.attention(plans, 1);
    return { name: "tokenByToken", layers, results, run: () => this.#compute(graph) };
  }

  /** LociError when two arms disagree by more than rounding. */
  checkAgreement(): void {
    const [expected = [], ...others] = this.all.map(({ results }) =>
      results.flatMap((part) => [...part]),
    );
    for (const [index, rows] of others.entries()) {
      const { name } = defined(this.all[index + 1]);
      let most = rows.length === expected.length ? 0 : Infinity;
      for (const [i, value] of rows.entries()) {
        most = Math.max(most, Math.abs(value - defined(expected[i])));
      }
      if (most <= tolerance) continue;
      throw new LociError("internal", `${name} differs from paged by ${most}.`);
    }
  }

  [Symbol.dispose](): void {
    this.#stack.dispose();
  }
}

/** ggml keeps queries and sums in half precision in places. */
const tolerance = 5e-3;
