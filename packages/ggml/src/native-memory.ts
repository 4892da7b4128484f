// A large native allocation of its own, such as the block pool of a KV cache: zeroed pages that
// the operating system hands out on first touch.

import koffi from "koffi";
import { LociError } from "@loci/core";
import type { Device } from "./device/device.ts";
import { loadGgml } from "./load-ggml.ts";
import type { Pointer } from "./pointer.ts";

/** Tensors one allocation can carry. */
const tensorsMax = 16;

export class NativeMemory implements Disposable {
  readonly address: Pointer;
  /** The memory as bytes; valid until disposed. */
  readonly bytes: ArrayBuffer;
  readonly #buffer: Pointer;
  readonly #context: Pointer;

  /**
   * With `device`, memory that it copies from and to fastest (pinned, where there is such). LociError
   * out_of_memory when the allocation fails.
   */
  constructor(byteLength: number, device: Device | null = null) {
    const { base } = loadGgml();
    const pinned = device === null ? null : base.deviceHostBufferType(device.pointer);
    const buffer = base.bufferTypeAlloc(pinned ?? base.cpuBufferType(), byteLength);
    const context = base.init({
      mem_size: base.tensorOverhead() * tensorsMax,
      mem_buffer: null,
      no_alloc: true,
    });
    if (buffer === null || context === null) {
      throw new LociError("out_of_memory", `${byteLength} bytes of memory cannot be had.`, {
        remedy: "Lower --kv-memory.",
      });
    }
    this.#buffer = buffer;
    this.#context = context;
    this.address = base.bufferBase(buffer);
    this.bytes = koffi.view(this.address, byteLength);
  }

  /** A tensor over the start of this memory. */
  tensor(type: number, ...dimensions: readonly number[]): Pointer {
    const { base, node } = loadGgml();
    const ne = BigInt64Array.from(dimensions, BigInt);
    const tensor = node.newTensor(this.#context, type, dimensions.length, ne);
    base.tensorAlloc(this.#buffer, tensor, this.address);
    return tensor;
  }

  [Symbol.dispose](): void {
    const { base } = loadGgml();
    base.free(this.#context);
    base.bufferFree(this.#buffer);
  }
}
