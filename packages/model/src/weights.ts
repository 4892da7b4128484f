// A model's weights by name, each checked against the shape the architecture expects: ggml aborts
// on operands that do not fit, so a lying file has to be refused here.

import { LociError, defined } from "@loci/core";
import {
  type GgufFile,
  type GgufTensor,
  type MappedFile,
  type Pointer,
  type Device,
  DeviceWeights,
  WeightBuffers,
  type WeightStore,
  ggmlTypes,
  mapFile,
  tensorType,
} from "@loci/ggml";

/** Types that ggml's CPU backend multiplies with. */
const matrixTypes: ReadonlySet<string> = new Set([
  "f32",
  "f16",
  "bf16",
  "q4_0",
  "q4_1",
  "q5_0",
  "q5_1",
  "q8_0",
  "q2_K",
  "q3_K",
  "q4_K",
  "q5_K",
  "q6_K",
  "iq4_nl",
  "iq4_xs",
  "iq2_xxs",
  "iq2_xs",
  "iq2_s",
  "iq3_xxs",
  "iq3_s",
  "iq1_s",
  "iq1_m",
  "tq1_0",
  "tq2_0",
  "mxfp4",
]);

export class Weights implements Disposable {
  readonly #file: GgufFile;
  readonly #mapped: MappedFile;
  readonly #store: WeightStore;
  readonly #made = new Map<string, Pointer>();

  constructor(file: GgufFile, device: Device) {
    this.#file = file;
    this.#mapped = mapFile(file.path, file.fileBytes);
    this.#store = device.isHost
      ? new WeightBuffers(this.#mapped, file.tensors.size)
      : new DeviceWeights(this.#mapped, file.tensors.size, device);
  }

  /** The mapped file, to guard it against shrinking. */
  get mapped(): MappedFile {
    return this.#mapped;
  }

  /** Bytes held besides the file: repacked, or on a device. */
  get copiedBytes(): number {
    return this.#store.copiedBytes;
  }

  /** After all weights were asked for: brings them to where they are used. LociError out_of_memory. */
  load(): Promise<void> {
    return this.#store.load();
  }

  has(name: string): boolean {
    return this.#file.tensors.has(name);
  }

  /** A matrix [inner, outer] or experts [inner, outer, experts], for products. */
  matrix(name: string, ...dimensions: readonly number[]): Pointer {
    return this.#once(`matrix ${name}`, () => {
      const tensor = this.#checked(name, dimensions);
      this.#requireType(tensor, matrixTypes);
      return this.#store.matrix(tensor);
    });
  }

  /** A table [length, rows] whose rows are looked up. */
  table(name: string, ...dimensions: readonly number[]): Pointer {
    return this.#once(`table ${name}`, () => {
      const tensor = this.#checked(name, dimensions);
      this.#requireType(tensor, matrixTypes);
      return this.#store.map(tensor);
    });
  }

  /** A vector of f32. */
  vector(name: string, length: number): Pointer {
    return this.#once(`vector ${name}`, () => {
      const tensor = this.#checked(name, [length]);
      this.#requireType(tensor, new Set(["f32"]));
      return this.#store.map(tensor);
    });
  }

  /** As `vector`, or null when the file has none of this name. */
  optionalVector(name: string, length: number): Pointer | null {
    return this.has(name) ? this.vector(name, length) : null;
  }

  [Symbol.dispose](): void {
    this.#store[Symbol.dispose]();
    this.#mapped[Symbol.dispose]();
  }

  #once(key: string, make: () => Pointer): Pointer {
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const tensor = make();
    this.#made.set(key, tensor);
    return tensor;
  }

  #checked(name: string, dimensions: readonly number[]): GgufTensor {
    const tensor = this.#file.tensors.get(name);
    if (tensor === undefined) {
      throw new LociError("model_file_invalid", `The model file has no tensor ${name}.`, {
        remedy: "Convert the model again.",
      });
    }
    const trimmed = [...tensor.dimensions];
    while (trimmed.length > dimensions.length && trimmed.at(-1) === 1) trimmed.pop();
    const fits =
      trimmed.length === dimensions.length &&
      trimmed.every((size, index) => size === dimensions[index]);
    if (fits) return { ...tensor, dimensions: trimmed };
    throw new LociError(
      "model_file_invalid",
      `The model file's tensor ${name} has shape [${tensor.dimensions.join(", ")}]; ` +
        `[${dimensions.join(", ")}] is needed.`,
    );
  }

  #requireType(tensor: GgufTensor, types: ReadonlySet<string>): void {
    const { name } = defined(ggmlTypes.get(tensor.type), "the reader knows the type");
    if (types.has(name) || tensor.type === tensorType.f32) return;
    throw new LociError(
      "unsupported_tensor_type",
      `The model file's tensor ${tensor.name} has type ${name}, which cannot be used for it.`,
    );
  }
}
