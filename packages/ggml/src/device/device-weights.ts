// A model's weights in a device's memory: named while the architecture is built, then copied from the
// mapped file in pieces.

import { assert } from "@loci/core";
import type { MappedFile } from "../memory-map.ts";
import type { Pointer } from "../pointer.ts";
import type { WeightLocation, WeightStore } from "../weight-store.ts";
import type { Device } from "./device.ts";
import { DeviceTensors, writeTensor } from "./device-tensors.ts";

/** Copied at a time: devices set aside as much of the process's memory for it. */
const pieceBytes = 16 * 1024 ** 2;

export class DeviceWeights implements WeightStore {
  readonly #file: MappedFile;
  readonly #tensors: DeviceTensors;
  readonly #byName = new Map<string, { tensor: Pointer; location: WeightLocation }>();

  /** `tensorsMax` bounds the tensors made from this file. */
  constructor(file: MappedFile, tensorsMax: number, device: Device) {
    this.#file = file;
    this.#tensors = new DeviceTensors({
      device,
      tensorsMax,
      usage: "weights",
      remedy: "Use a smaller or more quantised model, or --device cpu.",
    });
  }

  get copiedBytes(): number {
    return this.#tensors.bytes;
  }

  /** One tensor serves as a table and for products alike. */
  map(location: WeightLocation): Pointer {
    const known = this.#byName.get(location.name);
    if (known !== undefined) return known.tensor;
    const tensor = this.#tensors.tensor(location.type, location.dimensions);
    this.#byName.set(location.name, { tensor, location });
    return tensor;
  }

  matrix(location: WeightLocation): Pointer {
    return this.map(location);
  }

  async load(): Promise<void> {
    this.#tensors.allocate();
    for (const { tensor, location } of this.#byName.values()) {
      const { fileOffset, byteLength } = location;
      assert(fileOffset + byteLength <= this.#file.bytes, "the reader checked the file's ranges");
      for (let offset = 0; offset < byteLength; offset += pieceBytes) {
        const range = { tensor, offset, bytes: Math.min(pieceBytes, byteLength - offset) };
        const source = this.#file.address + BigInt(fileOffset + offset);
        await writeTensor(range, source);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#tensors[Symbol.dispose]();
  }
}
