// A model's weights as ggml tensors: most lie in the mapped file itself; matrices whose type has a
// faster interleaved form on this CPU are copied once into a repacked buffer.

import koffi from "koffi";
import { LociError, assert, defined } from "@loci/core";
import { cpuFunction } from "./cpu-backend.ts";
import { loadGgml } from "./load-ggml.ts";
import type { MappedFile } from "./memory-map.ts";
import type { Pointer } from "./pointer.ts";
import { tensorType } from "./tensor-type.ts";
import type { WeightLocation, WeightStore } from "./weight-store.ts";

/** Entries of the null-terminated list of extra buffer types; one or two in reality. */
const extraTypesMax = 8;

const usageWeights = 1;
const statusSuccess = 0;
/** Offset of `buffer` in ggml_tensor. */
const bufferFieldOffset = 8;

export class WeightBuffers implements WeightStore {
  readonly #file: MappedFile;
  readonly #context: Pointer;
  readonly #mapped: Pointer;
  readonly #repackType: Pointer | null;
  readonly #buffers: Pointer[] = [];
  #repackedBytes = 0;

  /** `tensorsMax` bounds the tensors made from this file. */
  constructor(file: MappedFile, tensorsMax: number) {
    const { base } = loadGgml();
    this.#file = file;
    const context = base.init({
      mem_size: base.tensorOverhead() * (tensorsMax * 4 + 8),
      mem_buffer: null,
      no_alloc: true,
    });
    if (context === null) throw new LociError("out_of_memory", "No memory for the weights.");
    this.#context = context;
    const mapped = base.cpuBufferFromPointer(file.address, file.bytes);
    if (mapped === null) throw new LociError("out_of_memory", "No memory for the weights.");
    base.bufferSetUsage(mapped, usageWeights);
    this.#mapped = mapped;
    this.#buffers.push(mapped);
    this.#repackType = findRepackType();
  }

  /** What was repacked. */
  get copiedBytes(): number {
    return this.#repackedBytes;
  }

  /** A tensor that reads the file's own pages. */
  map(location: WeightLocation): Pointer {
    const tensor = this.#newTensor(location);
    const address = this.#file.address + BigInt(location.fileOffset);
    this.#place(this.#mapped, tensor, address);
    return tensor;
  }

  /** A matrix for products: repacked where that is faster on this CPU, else mapped. */
  matrix(location: WeightLocation): Pointer {
    return this.#tryRepack(location) ?? this.map(location);
  }

  /** Everything is in the file, or was repacked at once. */
  async load(): Promise<void> {}

  [Symbol.dispose](): void {
    const { base } = loadGgml();
    for (const buffer of this.#buffers) base.bufferFree(buffer);
    base.free(this.#context);
  }

  #newTensor(location: WeightLocation): Pointer {
    return loadGgml().node.newTensor(
      this.#context,
      location.type,
      location.dimensions.length,
      BigInt64Array.from(location.dimensions, BigInt),
    );
  }

  #place(buffer: Pointer, tensor: Pointer, address: Pointer): void {
    const status = loadGgml().base.tensorAlloc(buffer, tensor, address);
    if (status !== statusSuccess) throw new LociError("internal", "A weight cannot be placed.");
  }

  #tryRepack(location: WeightLocation): Pointer | null {
    if (this.#repackType === null || !this.#canRepack(location, this.#repackType)) return null;
    const { base } = loadGgml();
    const tensor = this.#newTensor(location);
    const bytes = base.bufferTypeAllocSize(this.#repackType, tensor);
    const buffer = base.bufferTypeAlloc(this.#repackType, bytes);
    if (buffer === null) return null;
    this.#buffers.push(buffer);
    base.bufferSetUsage(buffer, usageWeights);
    this.#place(buffer, tensor, base.bufferBase(buffer));
    assert(base.nbytes(tensor) === location.byteLength, "a tensor's size matches its file range");
    const source = this.#file.address + BigInt(location.fileOffset);
    base.tensorSet(tensor, source, 0, location.byteLength);
    this.#repackedBytes += bytes;
    return tensor;
  }

  /** Asks the device with a trial product: repacking a type without a kernel would abort. */
  #canRepack(location: WeightLocation, repackType: Pointer): boolean {
    const [inner, , experts] = location.dimensions;
    if (location.dimensions.length > 3) return false;
    const { base, node, device } = loadGgml();
    const buffer = base.bufferTypeAlloc(repackType, 0);
    if (buffer === null) return false;
    const weight = this.#newTensor(location);
    koffi.encode(weight, bufferFieldOffset, "void *", buffer);
    const newInput = (type: number, ...ne: number[]): Pointer =>
      node.newTensor(this.#context, type, ne.length, BigInt64Array.from(ne, BigInt));
    const x = defined(inner);
    const product =
      experts === undefined
        ? node.mulMat(this.#context, weight, newInput(tensorType.f32, x, 512))
        : node.mulMatId(
            this.#context,
            weight,
            newInput(tensorType.f32, x, 1, 512),
            newInput(tensorType.i32, 1, 512),
          );
    const supported = base.deviceSupportsOp(device, product);
    base.bufferFree(buffer);
    return supported;
  }
}

/** The CPU device's buffer type for interleaved weights, if this CPU has one. */
function findRepackType(): Pointer | null {
  const { base, device } = loadGgml();
  const extraTypes = cpuFunction("void * ggml_backend_dev_get_extra_bufts(void * device)");
  const list = extraTypes(device) as Pointer | null;
  if (list === null) return null;
  for (let index = 0; index < extraTypesMax; index++) {
    const type = koffi.decode(list, index * 8, "void *") as Pointer | null;
    if (type === null) return null;
    if (base.bufferTypeName(type) === "CPU_REPACK") return type;
  }
  return null;
}
