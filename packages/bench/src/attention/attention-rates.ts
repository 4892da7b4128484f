// Absolute rates: how near a prefill comes to the multiply-adds the machine can do, and a decode
// to what it can read. The peak is probed beside every measurement, on the same threads.

import type { Clock } from "@loci/core";
import type { CpuBackend, KernelLibrary, PlanSlice } from "@loci/ggml";
import type { Output } from "../measure/output.ts";
import { median } from "../measure/statistics.ts";
import {
  type BatchCase,
  type HeadShape,
  blockTokens,
  bytesOf,
  flopOf,
  headShapes,
  shuffledBlocks,
} from "./attention-shape.ts";
import { KernelRig } from "./kernel-rig.ts";

export interface RateResult {
  readonly name: string;
  readonly isPrefill: boolean;
  readonly layerMs: number;
  readonly gigaflops: number;
  /** Of the probed multiply-add rate. */
  readonly peakShare: number;
  /** Keys and values read, each counted once per sequence. */
  readonly gigabytes: number;
}

export interface RateOptions {
  readonly kernel: KernelLibrary;
  readonly backend: CpuBackend;
  readonly pairs: number;
  readonly clock: Clock;
  readonly output: Pick<Output, "progress">;
}

interface RateCase extends BatchCase {
  readonly title: string;
  /** Tokens at the start that all sequences share. */
  readonly sharedTokens: number;
}

const rateCases: readonly RateCase[] = [
  {
    title: "prefill 512 at 8k",
    sequences: 1,
    contextTokens: 8192 + 512,
    queryTokens: 512,
    sharedTokens: 0,
  },
  { title: "decode 1 at 8k", sequences: 1, contextTokens: 8192, queryTokens: 1, sharedTokens: 0 },
  { title: "decode 32 at 512", sequences: 32, contextTokens: 512, queryTokens: 1, sharedTokens: 0 },
  {
    title: "decode 32 at 512, 384 shared",
    sequences: 32,
    contextTokens: 512,
    queryTokens: 1,
    sharedTokens: 384,
  },
];

const layers = 4;

export function measureRates(options: RateOptions): RateResult[] {
  return headShapes.flatMap((shape) =>
    rateCases.map((each) => {
      options.output.progress(`${shape.name}, ${each.title}`);
      return measureRate(options, shape, each);
    }),
  );
}

function measureRate(options: RateOptions, shape: HeadShape, each: RateCase): RateResult {
  const { kernel, backend, clock, pairs } = options;
  const slices = slicesOf(each);
  using rig = new KernelRig({
    kernel,
    backend,
    shape,
    layers,
    blockCount: slices.reduce((sum, slice) => sum + slice.blockTable.length, 0),
    contextTokensMax: each.contextTokens,
    stepTokensMax: each.contextTokens,
    stepSlicesMax: each.sequences,
  });
  for (const [seed, { blockTable }] of slices.entries()) {
    rig.write(blockTable, each.contextTokens, seed);
  }
  const tokens = each.sequences * each.queryTokens;
  const { graph } = rig.attention([rig.plan(slices)], tokens);
  const probe = rig.probe();
  const time = (run: () => void): number => {
    const startMs = clock.nowMs();
    run();
    return clock.nowMs() - startMs;
  };
  backend.computeSync(graph.pointer);
  const layerMs: number[] = [];
  const shares: number[] = [];
  const flop = flopOf(shape, each);
  for (let pair = 0; pair < pairs; pair++) {
    const ms = time(() => backend.computeSync(graph.pointer)) / layers;
    const probeMs = time(() => backend.computeSync(probe.graph.pointer));
    layerMs.push(ms);
    shares.push(flop / ms / (probe.flop / probeMs));
  }
  rig.check();
  const ms = median(layerMs);
  return {
    name: `${shape.name}, ${each.title}`,
    isPrefill: each.queryTokens > 1,
    layerMs: ms,
    gigaflops: flop / ms / 1e6,
    peakShare: median(shares),
    gigabytes: bytesOf(shape, each) / ms / 1e6,
  };
}

function slicesOf(each: RateCase): PlanSlice[] {
  const blocks = Math.ceil(each.contextTokens / blockTokens);
  const shuffled = shuffledBlocks(blocks * each.sequences, 1);
  const shared = shuffled.subarray(0, each.sharedTokens / blockTokens);
  return Array.from({ length: each.sequences }, (_, sequence) => {
    const blockTable = shuffled.slice(sequence * blocks, (sequence + 1) * blocks);
    blockTable.set(shared);
    const positionStart = each.contextTokens - each.queryTokens;
    return { tokenCount: each.queryTokens, positionStart, blockTable };
  });
}
