// Rows in a device's memory: a tensor for each layer, because devices bound the size of one tensor.
// Whole blocks are gathered, and sequences padded, so that decoding goes on with the same graph for
// many steps. What a block holds behind its sequence is then multiplied by zero, so it must be finite:
// memory starts zeroed, and what would overflow f16 is cut off.

import { assert, defined } from "@loci/core";
import {
  type Device,
  type DeviceBlock,
  DeviceTensors,
  type Graph,
  NativeMemory,
  type Pointer,
  copyTensorParts,
  readTensor,
  type TensorRange,
  writeTensor,
} from "@loci/ggml";
import type { BlockCopy } from "@loci/engine";
import type { KvMemoryOptions } from "./attention.ts";
import { type KvRows, type RowSizes, rowSizes } from "./kv-rows.ts";

/** Contexts of a multiple of this suit the devices' attention. */
const contextStepMin = 256;
const halfMax = 65_504;

export class DeviceKvRows implements KvRows {
  readonly gatherTokens: number;
  readonly contextStep: number;
  readonly blockStride: number;
  readonly allocateHost: (bytes: number) => NativeMemory;
  readonly #options: KvMemoryOptions;
  readonly #sizes: RowSizes;
  readonly #tensors: DeviceTensors;
  readonly #layers: readonly Pointer[];

  constructor(options: KvMemoryOptions, device: Device) {
    const { headSize, blockCount, blockTokens, layers } = options;
    this.#options = options;
    this.#sizes = rowSizes(options);
    this.blockStride = this.#sizes.rowsPerLayer;
    this.gatherTokens = blockTokens;
    this.contextStep = Math.ceil(contextStepMin / blockTokens) * blockTokens;
    this.allocateHost = (bytes) => new NativeMemory(bytes, device);
    const remedy = "Lower --kv-memory.";
    this.#tensors = new DeviceTensors({ device, tensorsMax: layers, usage: "any", remedy });
    const shape = [headSize, this.blockStride * blockCount];
    this.#layers = Array.from({ length: layers }, () =>
      this.#tensors.tensor(this.#sizes.type, shape),
    );
    this.#tensors.allocate();
  }

  ofLayer(_graph: Graph, layer: number): Pointer {
    return defined(this.#layers[layer], "a layer of the model");
  }

  storable(graph: Graph, values: Pointer): Pointer {
    return this.#options.cacheType === "f16" ? graph.clamp(values, -halfMax, halfMax) : values;
  }

  /** Whole blocks, on the device itself. */
  copyBlocks(copies: readonly BlockCopy[]): void {
    for (const { source, target } of copies) {
      const [from, to] = [this.#ranges(source), this.#ranges(target)];
      copyTensorParts(from.map((range, layer) => [range, defined(to[layer])]));
    }
  }

  blockAt(block: number): DeviceBlock {
    const ranges = this.#ranges(block);
    const { layerBytes } = this.#sizes;
    type Move = (range: TensorRange, address: Pointer) => Promise<void>;
    const each = async (move: Move, at: Pointer): Promise<void> => {
      for (const [layer, range] of ranges.entries()) {
        await move(range, at + BigInt(layer * layerBytes));
      }
    };
    return {
      read: (target) => each(readTensor, target),
      write: (source) => each(writeTensor, source),
    };
  }

  [Symbol.dispose](): void {
    this.#tensors[Symbol.dispose]();
  }

  /** The block's part of every layer. */
  #ranges(block: number): TensorRange[] {
    const { blockCount } = this.#options;
    const { layerBytes: bytes } = this.#sizes;
    assert(Number.isInteger(block) && block >= 0 && block < blockCount, "a block of the pool");
    return this.#layers.map((tensor) => ({ tensor, offset: block * bytes, bytes }));
  }
}
