// Tensors that live in a device's memory for long: a model's weights, the pool of a KV cache. Named
// first, then given memory all at once, in as many buffers as the device needs for it.

import koffi from "koffi";
import { LociError, assert } from "@loci/core";
import { callAsync } from "../bind.ts";
import { loadGgml } from "../load-ggml.ts";
import type { Pointer } from "../pointer.ts";
import type { Device } from "./device.ts";

const usageWeights = 1;
const usageAny = 0;
/** Offset of `type` in ggml_tensor. */
const typeFieldOffset = 0;

export interface DeviceTensorsOptions {
  readonly device: Device;
  readonly tensorsMax: number;
  /** `weights` are read by products and never change. */
  readonly usage: "weights" | "any";
  /** What to do when there is not enough memory. */
  readonly remedy: string;
}

export class DeviceTensors implements Disposable {
  readonly #options: DeviceTensorsOptions;
  readonly #context: Pointer;
  #buffer: Pointer | null = null;

  constructor(options: DeviceTensorsOptions) {
    const { base } = loadGgml();
    const context = base.init({
      mem_size: base.tensorOverhead() * options.tensorsMax,
      mem_buffer: null,
      no_alloc: true,
    });
    if (context === null) throw new LociError("out_of_memory", "No memory for tensors.");
    this.#options = options;
    this.#context = context;
  }

  /** Bytes taken on the device. */
  get bytes(): number {
    return this.#buffer === null ? 0 : loadGgml().base.bufferSize(this.#buffer);
  }

  /** A tensor that `allocate` will place. */
  tensor(type: number, dimensions: readonly number[]): Pointer {
    assert(this.#buffer === null, "tensors are named before they are placed");
    const ne = BigInt64Array.from(dimensions, BigInt);
    return loadGgml().node.newTensor(this.#context, type, dimensions.length, ne);
  }

  /** Places all tensors, filled with zeros. LociError out_of_memory. */
  allocate(): void {
    const { base } = loadGgml();
    const { device, usage, remedy } = this.#options;
    assert(this.#buffer === null, "tensors are placed once");
    const buffer = base.allocContextTensors(this.#context, base.deviceBufferType(device.pointer));
    if (buffer === null) {
      throw new LociError("out_of_memory", `The device ${device.name} has not enough memory.`, {
        remedy,
      });
    }
    this.#buffer = buffer;
    base.bufferSetUsage(buffer, usage === "weights" ? usageWeights : usageAny);
    base.bufferClear(buffer, 0);
  }

  [Symbol.dispose](): void {
    const { base } = loadGgml();
    if (this.#buffer !== null) base.bufferFree(this.#buffer);
    base.free(this.#context);
  }
}

/** A part of a tensor, in bytes. */
export interface TensorRange {
  readonly tensor: Pointer;
  readonly offset: number;
  readonly bytes: number;
}

/** Fills part of a tensor from memory at `source`, on a worker thread. */
export async function writeTensor(range: TensorRange, source: Pointer): Promise<void> {
  const { tensor, offset, bytes } = checked(range);
  await callAsync(loadGgml().base.tensorSet, tensor, source, offset, bytes);
}

/** Copies part of a tensor to memory at `target`, on a worker thread. */
export async function readTensor(range: TensorRange, target: Pointer): Promise<void> {
  const { tensor, offset, bytes } = checked(range);
  await callAsync(loadGgml().base.tensorGet, tensor, target, offset, bytes);
}

/** ggml aborts on a range outside of its tensor. */
function checked(range: TensorRange): TensorRange {
  const size = loadGgml().base.nbytes(range.tensor);
  assert(range.offset >= 0 && range.offset + range.bytes <= size, "a range of the tensor");
  return range;
}

/** Copies parts of tensors to parts of the same size and type, on their device. */
export function copyTensorParts(pairs: readonly (readonly [TensorRange, TensorRange])[]): void {
  const { base, node } = loadGgml();
  const context = base.init({
    mem_size: base.tensorOverhead() * pairs.length * 2,
    mem_buffer: null,
    no_alloc: true,
  });
  if (context === null) throw new LociError("out_of_memory", "No memory for tensors.");
  const view = ({ tensor, offset, bytes }: TensorRange): Pointer => {
    const made = node.view1d(context, tensor, elementsOf(tensor, bytes), offset);
    base.viewInit(made);
    return made;
  };
  for (const [source, target] of pairs) {
    base.tensorCopy(view(checked(source)), view(checked(target)));
  }
  base.free(context);
}

function elementsOf(tensor: Pointer, bytes: number): number {
  const { base } = loadGgml();
  const type = koffi.decode(tensor, typeFieldOffset, "int") as number;
  return (bytes / base.typeSize(type)) * base.blockSize(type);
}
