// Our graphs against libllama, from the same file by the same binaries: every architecture and
// weight type, the prompt in one piece, in chunks, and behind a cached prefix; both ways to attend.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { greedySampling, systemClock } from "@loci/core";
import type { BlockCopy, QuerySlice } from "@loci/engine";
import { LlamaOracle, ggmlTypesByName } from "@loci/ggml";
import { type LoadedModel, loadModel } from "./load-model.ts";
import type { KvCacheType } from "./attention/attention.ts";
import {
  type ModelShape,
  type RandomModelArchitecture,
  randomModelArchitectures,
} from "./testing/model-shapes.ts";
import { writeRandomModel } from "./testing/random-model.ts";
import { type Way, cpuWays, deviceWays } from "./testing/ways.ts";

const directory = mkdtempSync(join(tmpdir(), "loci-logits-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const weightTypes = [
  ["f32", "f32"],
  ["f16", "f16"],
  ["bf16", "f16"],
  ["q8_0", "f16"],
  ["q4_0", "f16"],
  ["q4_K", "f16"],
  ["q6_K", "f16"],
] as const;
/**
 * ggml rounds activations to int8 for these types, 256 at a time: a difference in the last bit
 * flips roundings, and each layer adds its own. With more layers libllama differs from itself by
 * the bar when only its batch size changes.
 */
const kQuantLayers = 2;

/** f32 weights and KV agree to rounding; quantised activations amplify it. */
const errorMaxExact = 1e-3;
const errorMaxQuantised = 2e-2;

/** Longer than gemma's tiny window and than four blocks. */
const promptTokens = 150;
/** Scattered on purpose. */
const blockTable = Int32Array.from([5, 3, 9, 1, 7]);
const blockTokens = 32;

interface Setup {
  readonly architecture: RandomModelArchitecture;
  readonly weightType: string;
  readonly cacheType: KvCacheType;
  readonly shape?: Partial<ModelShape>;
}

async function withModel(
  setup: Setup,
  way: Way,
  use: (model: LoadedModel) => Promise<void>,
): Promise<void> {
  const path = modelPath(setup);
  const model = await loadModel({
    path,
    clock: systemClock,
    threads: 1,
    ...way,
    cacheType: setup.cacheType,
    blockTokens,
    kvMemoryBytes: 32 * 1024 * 1024,
    contextTokensMax: 512,
  });
  try {
    await use(model);
  } finally {
    await model.close();
  }
}

const written = new Set<string>();

function modelPath({ architecture, weightType, shape }: Setup): string {
  const scaling = shape?.ropeScaling?.type ?? "plain";
  const layers = shape?.layers ?? "all";
  const path = join(directory, `${architecture}-${weightType}-${scaling}-${layers}.gguf`);
  if (written.has(path)) return path;
  written.add(path);
  writeRandomModel(path, { architecture, weightType, seed: 11, ...(shape && { shape }) });
  return path;
}

function prompt(seed: number): Int32Array {
  return Int32Array.from({ length: promptTokens }, (_, index) => (index * 37 + seed * 101) % 700);
}

function oracleLogits(setup: Setup, tokens: Int32Array): Float32Array {
  const cacheType = ggmlTypesByName.get(setup.cacheType)?.id ?? 1;
  using oracle = new LlamaOracle({
    path: modelPath(setup),
    contextTokens: 512,
    sequencesMax: 1,
    threads: 1,
    batchTokensMax: 512,
    keyType: cacheType,
    valueType: cacheType,
  });
  const last = tokens.length - 1;
  oracle.decode(
    [...tokens].map((token, position) => ({
      token,
      position,
      sequence: 0,
      wantsLogits: position === last,
    })),
  );
  return oracle.logits(last);
}

/** Logits after the last token, the prompt from `start` on computed in chunks. */
async function ourLogits(
  model: LoadedModel,
  tokens: Int32Array,
  options: { chunk: number; start?: number; table?: Int32Array; copies?: readonly BlockCopy[] },
): Promise<Float32Array> {
  let logits: Float32Array | undefined;
  let copies = options.copies ?? [];
  for (let at = options.start ?? 0; at < tokens.length; at += options.chunk) {
    const slice: QuerySlice = {
      requestId: "a",
      tokens: tokens.slice(at, at + options.chunk),
      positionStart: at,
      blockTable: options.table ?? blockTable,
      sample: { params: greedySampling, history: [], promptLength: 0, eosBanned: false },
    };
    [logits] = await model.runner.computeLogits({ copies, slices: [slice] });
    copies = [];
  }
  if (logits === undefined) throw new Error("a prompt has tokens");
  return logits;
}

function relativeError(got: Float32Array, want: Float32Array): number {
  let difference = 0;
  let scale = 0;
  for (const [index, value] of want.entries()) {
    difference += ((got[index] ?? NaN) - value) ** 2;
    scale += value ** 2;
  }
  return Math.sqrt(difference / scale);
}

async function expectEqualLogits(setup: Setup, way: Way): Promise<void> {
  const tokens = prompt(1);
  const want = oracleLogits(setup, tokens);
  // Devices compute with f16 in between.
  const isExact = setup.weightType === "f32" && way.device === undefined;
  const errorMax = isExact ? errorMaxExact : errorMaxQuantised;
  await withModel(setup, way, async (model) => {
    for (const chunk of [promptTokens, 64, 7]) {
      const got = await ourLogits(model, tokens, { chunk });
      expect(relativeError(got, want), `chunks of ${chunk}`).toBeLessThanOrEqual(errorMax);
    }
    const cached = await cachedPrefixLogits(model, tokens);
    expect(relativeError(cached, want), "behind a cached prefix").toBeLessThanOrEqual(errorMax);
  });
}

/**
 * Another prompt shares the first 77 tokens: its two whole blocks are shared, 13 tokens of the
 * third are copied, and only the rest is computed.
 */
async function cachedPrefixLogits(model: LoadedModel, tokens: Int32Array): Promise<Float32Array> {
  const shared = 77;
  const other = tokens.map((token, index) => (index < shared ? token : (token + 5) % 700));
  await ourLogits(model, other, { chunk: 64, table: Int32Array.from([2, 4, 6, 8, 10]) });
  return ourLogits(model, tokens, {
    chunk: 512,
    start: shared,
    table: Int32Array.from([2, 4, 11, 12, 13]),
    copies: [{ source: 6, target: 11, tokens: shared - 2 * blockTokens }],
  });
}

describe.each(cpuWays)("%s attention", (_name, way) => {
  describe.each(randomModelArchitectures)("%s", (architecture) => {
    test.each(weightTypes)("%s weights, %s cache", async (weightType, cacheType) => {
      const shape = weightType.endsWith("_K") ? { layers: kQuantLayers } : {};
      await expectEqualLogits({ architecture, weightType, cacheType, shape }, way);
    });
  });

  test.each([
    { type: "linear", factor: 4 },
    { type: "yarn", factor: 4, contextTokensOriginal: 1024 },
    { type: "llama3" },
  ] as const)("rotation scaled by $type", async (ropeScaling) => {
    const shape = { ropeScaling };
    const setup = { architecture: "llama", weightType: "f32", cacheType: "f32", shape } as const;
    await expectEqualLogits(setup, way);
  });

  test("one token at a time", async () => {
    const setup = { architecture: "llama", weightType: "f32", cacheType: "f32" } as const;
    const tokens = prompt(2);
    const want = oracleLogits(setup, tokens);
    await withModel(setup, way, async (model) => {
      const got = await ourLogits(model, tokens, { chunk: 1 });
      expect(relativeError(got, want)).toBeLessThanOrEqual(errorMaxExact);
    });
  });

  test.each([100, 2000])("long and short factors around %i positions", async (original) => {
    const ropeScaling = { type: "longrope", contextTokensOriginal: original } as const;
    const shape = { ropeScaling };
    const setup = { architecture: "phi3", weightType: "f32", cacheType: "f32", shape } as const;
    await expectEqualLogits(setup, way);
  });
});

// A software driver takes its time: done where it is asked for.
describe.each(deviceWays({ exact: false }))("%s", (_name, way) => {
  test.each(randomModelArchitectures)("%s", async (architecture) => {
    const setup = { architecture, weightType: "f32", cacheType: "f32" } as const;
    await expectEqualLogits(setup, way);
  });

  test.each([...weightTypes.slice(1), ["f32", "q8_0"] as const])(
    "%s weights, %s cache",
    async (weightType, cacheType) => {
      const shape = weightType.endsWith("_K") ? { layers: kQuantLayers } : {};
      await expectEqualLogits({ architecture: "qwen2", weightType, cacheType, shape }, way);
    },
  );
});
