// A graph's inputs and outputs in the process's memory, for a graph that another device computes:
// written here and sent before a computation, fetched after it. On the CPU there is nothing to send,
// because the tensors themselves lie in the process's memory.

import koffi from "koffi";
import { defined } from "@loci/core";
import { loadGgml } from "../load-ggml.ts";
import { NativeMemory } from "../native-memory.ts";
import type { Pointer } from "../pointer.ts";
import type { Device } from "./device.ts";
import { type TensorRange, readTensor } from "./device-tensors.ts";

/** Where typed arrays of any element may start. */
const alignment = 64;

interface Place extends TensorRange {
  /** In the mirror's memory. */
  readonly at: number;
}

export class TensorMirror implements Disposable {
  readonly #memory: NativeMemory;
  readonly #inputs: readonly Place[];
  readonly #outputs: readonly Place[];
  readonly #places = new Map<Pointer, Place>();

  /** Of tensors that have memory on the device. */
  constructor(device: Device, inputs: readonly Pointer[], outputs: readonly Pointer[]) {
    let end = 0;
    const place = (tensor: Pointer): Place => {
      const made = { tensor, offset: 0, bytes: loadGgml().base.nbytes(tensor), at: end };
      end += Math.ceil(made.bytes / alignment) * alignment;
      this.#places.set(tensor, made);
      return made;
    };
    this.#inputs = inputs.map(place);
    this.#outputs = outputs.map(place);
    this.#memory = new NativeMemory(end, device);
  }

  /** The tensor's bytes as they were fetched, or are to be sent. */
  bytes(tensor: Pointer): ArrayBuffer {
    const { at, bytes } = defined(this.#places.get(tensor), "an input or output of the graph");
    return koffi.view(this.#memory.address + BigInt(at), bytes);
  }

  /** Sends all inputs. */
  send(): void {
    const { base } = loadGgml();
    for (const { tensor, at, bytes } of this.#inputs) {
      base.tensorSet(tensor, this.#memory.address + BigInt(at), 0, bytes);
    }
  }

  /** Fetches all outputs. */
  async fetch(): Promise<void> {
    for (const place of this.#outputs) {
      await readTensor(place, this.#memory.address + BigInt(place.at));
    }
  }

  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]();
  }
}
