// The middle layer's state beside a sample: for every architecture, weight type and way to attend it
// is the same however the prompt came, and asking for it leaves the logits as they were, to the bit.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defined, greedySampling, systemClock } from "@loci/core";
import type { QuerySlice } from "@loci/engine";
import type { AttentionChoice } from "./attention/create-kv-memory.ts";
import { type LoadedModel, loadModel } from "./load-model.ts";
import { randomModelArchitectures, tinyShapes } from "./testing/model-shapes.ts";
import { writeRandomModel } from "./testing/random-model.ts";

const directory = mkdtempSync(join(tmpdir(), "loci-hidden-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const ways: readonly AttentionChoice[] = ["native", "portable"];
const weightTypes = ["f32", "bf16", "q8_0", "q4_0", "q4_K"];
const blockTokens = 32;
const blockTables = [
  [1, 2, 3, 4, 5],
  [11, 12, 13, 14, 15],
  [21, 22, 23, 24, 25],
].map((blocks) => Int32Array.from(blocks));
/** Batches of other sizes round differently; quantised activations show it, as in logits. */
const errorMax = 2e-2;

function open(path: string, attention: AttentionChoice, layer?: number): Promise<LoadedModel> {
  return loadModel({
    path,
    clock: systemClock,
    threads: 1,
    attention,
    blockTokens,
    kvMemoryBytes: 64 * 1024 * 1024,
    contextTokensMax: 256,
    hiddenLayer: layer,
  });
}

function prompt(seed: number): Int32Array {
  return Int32Array.from({ length: 70 }, (_, index) => (index * 37 + seed * 101) % 700);
}

/** `tokens` from position `start` on, as sequence `place`. */
function ask(
  tokens: Int32Array,
  options: { place?: number; start?: number; wants?: boolean } = {},
) {
  const { place = 0, start = 0, wants = true } = options;
  const slice: QuerySlice = {
    requestId: `place-${place}`,
    tokens: tokens.slice(start),
    positionStart: start,
    blockTable: defined(blockTables[place]),
    sample: {
      params: greedySampling,
      history: [...tokens],
      promptLength: tokens.length,
      eosBanned: false,
      wantsHidden: wants,
    },
  };
  return slice;
}

async function hiddenStates(
  model: LoadedModel,
  slices: readonly QuerySlice[],
): Promise<(Float32Array | undefined)[]> {
  const { samples } = await model.runner.execute({ copies: [], slices });
  return samples.map(({ hidden }) => hidden);
}

async function alone(model: LoadedModel, tokens: Int32Array): Promise<Float32Array> {
  return defined((await hiddenStates(model, [ask(tokens)]))[0]);
}

function relativeError(got: Float32Array | undefined, want: Float32Array): number {
  const difference = want.map((value, index) => (got?.[index] ?? NaN) - value);
  return Math.hypot(...difference) / Math.hypot(...want);
}

async function expectAlike(model: LoadedModel): Promise<void> {
  const [first, second] = [prompt(1), prompt(2)];
  const want = await alone(model, first);
  expect(want).toHaveLength(defined(model.runner.limits.hiddenSize));
  expect(want.every((value) => Number.isFinite(value))).toBe(true);
  const other = await alone(model, second);
  expect(relativeError(other, want), "another prompt's state").toBeGreaterThan(10 * errorMax);
  for (const size of [1, 7, 64]) {
    let got: Float32Array | undefined;
    for (let start = 0; start < first.length; start += size) {
      const slice = ask(first.slice(0, start + size), { start });
      [got] = await hiddenStates(model, [slice]);
    }
    expect(relativeError(got, want), `chunks of ${size}`).toBeLessThanOrEqual(errorMax);
  }
  const silent = { ...ask(prompt(3), { place: 2 }), sample: null };
  const together = await hiddenStates(model, [
    ask(second, { place: 1 }),
    silent,
    ask(first, { place: 0 }),
  ]);
  expect(relativeError(together[0], other), "first of a batch").toBeLessThanOrEqual(errorMax);
  expect(relativeError(together[1], want), "last of a batch").toBeLessThanOrEqual(errorMax);
}

/** The same steps on two fresh models of one file, one of them asked for its states. */
async function expectLogitsUnchanged(path: string, attention: AttentionChoice): Promise<void> {
  const runs: Float32Array[][] = [];
  for (const wants of [false, true]) {
    const model = await open(path, attention);
    const batches = [
      [ask(prompt(1), { wants }), ask(prompt(2), { place: 1, wants })],
      [ask(Int32Array.from([...prompt(1), 5]), { start: 70, wants })],
    ];
    const rows: Float32Array[] = [];
    for (const batch of batches) {
      rows.push(...(await model.runner.computeLogits({ copies: [], slices: batch })));
    }
    runs.push(rows);
    await model.close();
  }
  expect(runs[0]).toHaveLength(3);
  expect(runs[1]).toEqual(runs[0]);
}

describe.each(ways)("%s attention", (attention) => {
  describe.each(randomModelArchitectures)("%s", (architecture) => {
    test.each(weightTypes)("%s weights", async (weightType) => {
      const path = join(directory, `${architecture}-${weightType}.gguf`);
      writeRandomModel(path, { architecture, weightType, seed: 11 });
      const model = await open(path, attention);
      await expectAlike(model);
      await model.close();
      await expectLogitsUnchanged(path, attention);
    });
  });
});

describe("which layer", () => {
  const path = join(directory, "layers.gguf");
  beforeAll(() => {
    writeRandomModel(path, { architecture: "llama", weightType: "f32", seed: 3 });
  });

  test("before the first layer a state knows its own token only", async () => {
    const model = await open(path, "native", 0);
    const [one, same, other] = [
      [1, 2, 3],
      [7, 8, 9, 3],
      [1, 2, 4],
    ].map((tokens) => Int32Array.from(tokens));
    const want = await alone(model, defined(one));
    expect(await alone(model, defined(same))).toEqual(want);
    expect(await alone(model, defined(other))).not.toEqual(want);
    await model.close();
  });

  test("the default is the layer after half depth", async () => {
    const tokens = prompt(1);
    const middle = await open(path, "native", Math.floor(tinyShapes.llama.layers / 2) + 1);
    const unset = await open(path, "native");
    expect(await alone(unset, tokens)).toEqual(await alone(middle, tokens));
    await middle.close();
    await unset.close();
  });

  test("none is reported where none is chosen", async () => {
    const model = await loadModel({
      path,
      clock: systemClock,
      threads: 1,
      kvMemoryBytes: 16 * 1024 * 1024,
      contextTokensMax: 256,
      hiddenLayer: null,
    });
    expect(model.runner.limits.hiddenSize).toBeUndefined();
    expect(await hiddenStates(model, [ask(prompt(1))])).toEqual([undefined]);
    await model.close();
  });
});
