// A step that overtakes the restore of the blocks it reads: layer by layer it waits for them, and
// its logits are those of a step whose blocks were there. Blocks are moved as the tiers move them.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { greedySampling, systemClock } from "@loci/core";
import type { QuerySlice, StepBatch } from "@loci/engine";
import { type BlockMove, NativeMemory, checksumBytes, createBlockTransfer } from "@loci/ggml";
import { type LoadedModel, loadModel } from "./load-model.ts";
import { writeRandomModel } from "./testing/random-model.ts";
import { type Way, cpuWays, deviceWays } from "./testing/ways.ts";

const directory = mkdtempSync(join(tmpdir(), "loci-gates-"));
const path = join(directory, "model.gguf");
beforeAll(() => {
  writeRandomModel(path, { architecture: "qwen2", weightType: "f32", seed: 5 });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const ways = [...cpuWays, ...deviceWays({ exact: true })];

const blockTokens = 32;
const historyBlocks = 3;
const gate = 7;
const layerDelayMs = 20;

/** A model with a history of three blocks, and a copy of them to restore from. */
class RestoreRig implements AsyncDisposable {
  readonly model: LoadedModel;
  readonly #copies: NativeMemory;
  readonly #moves: BlockMove[];

  private constructor(model: LoadedModel) {
    this.model = model;
    const { blockBytes, layers } = model.kvPool;
    this.#copies = new NativeMemory(historyBlocks * blockBytes);
    this.#moves = Array.from({ length: historyBlocks }, (_, block) => ({
      memory: model.kvPool.blockAt(block),
      place: {
        kind: "memory",
        address: this.#copies.address + BigInt(block * blockBytes),
        checksums: new Uint8Array(layers * checksumBytes),
      },
    }));
  }

  static async open(way: Way): Promise<RestoreRig> {
    const options = { ...way, cacheType: "f32", blockTokens, threads: 2 } as const;
    const kvMemoryBytes = 16 * 1024 ** 2;
    const model = await loadModel({ path, clock: systemClock, kvMemoryBytes, ...options });
    const rig = new RestoreRig(model);
    const tokens = Int32Array.from(rig.#history, (_, index) => (index * 31) % 700);
    await model.runner.execute({ copies: [], slices: [rig.#slice(tokens, 0)] });
    await rig.#transfer().write(rig.#layout, rig.#moves, { syncs: false });
    return rig;
  }

  /** The next turn: new tokens after the history, the first of them in its last block. */
  turn(gates: readonly number[]): StepBatch {
    const slice = this.#slice(Int32Array.of(5, 6, 7), this.#history.length);
    const history = [...this.#history, 5, 6, 7];
    const sample = {
      params: greedySampling,
      history,
      promptLength: history.length,
      eosBanned: true,
    };
    return { copies: [], slices: [{ ...slice, sample }], gates };
  }

  /** As if other sequences had used the blocks since. */
  async spoil(): Promise<void> {
    const { blockContents } = this.model;
    const bytes = new Uint8Array(blockContents.blockBytes).fill(77);
    for (let block = 0; block < historyBlocks; block++) await blockContents.write(block, bytes);
  }

  /** Starts to bring the blocks back, one layer after the other; the gate is closed before. */
  restore(): Promise<readonly string[]> {
    this.model.kvPool.gates.close(gate);
    return this.#transfer(layerDelayMs).read(this.#layout, this.#moves, { gate });
  }

  /** Flips a bit of the copy's last layer. */
  damage(): void {
    const bytes = new Uint8Array(this.#copies.bytes);
    const last = this.model.kvPool.blockBytes * 2 - 1;
    bytes[last] = (bytes[last] ?? 0) ^ 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.model.close();
    this.#copies[Symbol.dispose]();
  }

  /** One token short of full blocks. */
  get #history(): number[] {
    return Array.from({ length: historyBlocks * blockTokens - 1 }, (_, index) => index);
  }

  get #layout(): {
    layers: number;
    layerBytes: number;
    identityBytes: number;
    headerBytes: number;
  } {
    const { layers, blockBytes } = this.model.kvPool;
    return { layers, layerBytes: blockBytes / layers, identityBytes: 0, headerBytes: 0 };
  }

  #transfer(delayMs = 0): ReturnType<typeof createBlockTransfer> {
    const { gates, allocateHost } = this.model.kvPool;
    return createBlockTransfer({ gates, allocateHost, mode: "auto", layerDelayMs: delayMs });
  }

  #slice(tokens: Int32Array, positionStart: number): QuerySlice {
    const blockTable = Int32Array.from({ length: historyBlocks + 1 }, (_, index) => index);
    return { requestId: "turn", tokens, positionStart, blockTable, sample: null };
  }
}

describe.each(ways)("a step that overtakes a restore, %s", (_name, way) => {
  test("has the logits of one whose blocks were there", async () => {
    await using rig = await RestoreRig.open(way);
    const { runner } = rig.model;
    const [expected] = await runner.computeLogits(rig.turn([]));
    await rig.spoil();
    const [spoiled] = await runner.computeLogits(rig.turn([]));
    expect(spoiled).not.toEqual(expected);
    await rig.spoil();
    const restored = rig.restore();
    const [logits] = await runner.computeLogits(rig.turn([gate]));
    expect(logits).toEqual(expected);
    expect(await restored).toEqual(["moved", "moved", "moved"]);
  });

  test("is thrown away when the restore fails in the middle", async () => {
    await using rig = await RestoreRig.open(way);
    const { runner } = rig.model;
    const clean = await runner.execute(rig.turn([]));
    rig.damage();
    const restored = rig.restore();
    const result = await runner.execute(rig.turn([gate]));
    expect(result).toMatchObject({ samples: [], restoreFailed: true });
    expect(await restored).toEqual(["moved", "corrupt", "moved"]);
    // The gate serves the next restore, and sampling goes on where it was.
    rig.model.kvPool.gates.close(gate);
    rig.model.kvPool.gates.advance(gate, rig.model.kvPool.layers);
    const again = await runner.execute(rig.turn([gate]));
    expect(again.restoreFailed).toBe(undefined);
    expect(again.samples).toHaveLength(clean.samples.length);
  });

  test("is thrown away when nothing moves any more", async () => {
    await using rig = await RestoreRig.open(way);
    const { gates } = rig.model.kvPool;
    gates.stallMsMax = 50;
    gates.close(gate);
    const result = await rig.model.runner.execute(rig.turn([gate]));
    expect(result).toMatchObject({ samples: [], restoreFailed: true });
  });
});
