// NVIDIA's driver, spoken to without a toolkit or a compiler: a card, its primary context (which ggml's CUDA
// library uses, too, so that addresses and events are good on both sides), kernels, memory and streams.
// Tested on an emulation (native/cuda/emulated); not run on a card yet.

import koffi, { type LibraryHandle } from "koffi";
import { LociError, assert, defined } from "@loci/core";
import { bindFunctions } from "../bind.ts";
import type { Pointer } from "../pointer.ts";
import { type DriverFunctions, driverPrototypes } from "./driver-functions.ts";

/** A kernel's launch; all three sizes as CUDA counts them. */
export interface CudaLaunch {
  readonly kernel: string;
  readonly gridX: number;
  readonly gridY: number;
  readonly threads: number;
  /** Dynamic shared memory of each block of threads. */
  readonly sharedBytes: number;
}

/** Numbers of CUdevice_attribute. */
const attributes = { processors: 16, major: 75, minor: 76, sharedBytesMax: 97 } as const;
const maxDynamicSharedSize = 8;
/** Blocks get more than this only after it was asked for. */
const sharedBytesUnasked = 48 * 1024;
const streamNonBlocking = 1;
const outOfMemory = 2;

const defaultPath = process.platform === "win32" ? "nvcuda.dll" : "libcuda.so.1";
/** A collected library would be unloaded under the driver's own threads. */
const librariesKept: LibraryHandle[] = [];

export class CudaDriver implements Disposable {
  /** The card's, as its maker calls it. */
  readonly name: string;
  /** 90 = 9.0. */
  readonly computeCapability: number;
  readonly processors: number;
  /** The most that a block of threads can have. */
  readonly sharedBytesMax: number;
  readonly #functions: DriverFunctions;
  readonly #device: number;
  readonly #context: Pointer;

  /**
   * Opens card `ordinal` of those that the driver shows. LociError native_library_missing without a
   * driver or a card, native_library_mismatch when the driver is too old.
   */
  constructor(path: string = defaultPath, ordinal = 0) {
    this.#functions = openDriver(path);
    this.#check(this.#functions.init(0), "starting the driver");
    const number = new Int32Array(1);
    this.#check(this.#functions.deviceCount(number), "counting cards");
    if (ordinal >= defined(number[0])) throw missing("There is no such NVIDIA card.", null);
    this.#check(this.#functions.device(number, ordinal), "opening the card");
    this.#device = defined(number[0]);
    this.name = this.#deviceName();
    const { major, minor, processors, sharedBytesMax } = attributes;
    this.computeCapability = this.#attribute(major) * 10 + this.#attribute(minor);
    this.processors = this.#attribute(processors);
    this.sharedBytesMax = this.#attribute(sharedBytesMax);
    this.#context = this.#handle((target) => this.#functions.contextRetain(target, this.#device));
    this.makeCurrent();
  }

  /** Calls of this thread go to the card from now on; ggml may have chosen another one. */
  makeCurrent(): void {
    this.#check(this.#functions.contextSetCurrent(this.#context), "choosing the card");
  }

  /** Loads machine code or PTX. LociError native_library_mismatch when it is none for this card. */
  loadModule(image: Uint8Array): CudaModule {
    const terminated = new Uint8Array(image.length + 1);
    terminated.set(image);
    const module = this.#handle((target) => this.#functions.moduleLoad(target, terminated));
    return new CudaModule(this.#functions, this.#check.bind(this), module);
  }

  createStream(): CudaStream {
    const stream = this.#handle((target) =>
      this.#functions.streamCreate(target, streamNonBlocking),
    );
    return new CudaStream(this.#functions, this.#check.bind(this), stream);
  }

  /** LociError out_of_memory when the card has not that much. */
  allocate(bytes: number): CudaMemory {
    const address = this.#handle((target) => this.#functions.memoryAllocate(target, bytes));
    return new CudaMemory(this.#functions, address, bytes);
  }

  [Symbol.dispose](): void {
    this.#functions.contextRelease(this.#device);
  }

  #deviceName(): string {
    const text = new Uint8Array(256);
    this.#check(this.#functions.deviceName(text, text.length, this.#device), "naming the card");
    return new TextDecoder().decode(text.subarray(0, text.indexOf(0)));
  }

  #attribute(attribute: number): number {
    const value = new Int32Array(1);
    const { deviceAttribute } = this.#functions;
    this.#check(deviceAttribute(value, attribute, this.#device), "asking the card");
    return defined(value[0]);
  }

  #handle(create: (target: BigUint64Array) => number): Pointer {
    const target = new BigUint64Array(1);
    this.#check(create(target), "creating an object");
    return defined(target[0]);
  }

  #check(result: number, what: string): void {
    if (result === 0) return;
    const name: [string | null] = [null];
    this.#functions.errorName(result, name);
    throw driverError(result, `${what}: ${name[0] ?? `CUDA error ${result}`}`);
  }
}

type Check = (result: number, what: string) => void;

export class CudaModule implements Disposable {
  readonly #functions: DriverFunctions;
  readonly #check: Check;
  readonly #module: Pointer;
  readonly #kernels = new Map<string, Pointer>();

  constructor(functions: DriverFunctions, check: Check, module: Pointer) {
    this.#functions = functions;
    this.#check = check;
    this.#module = module;
  }

  /** Enqueues a kernel whose one parameter is the struct that `parameters` holds. */
  launch(launch: CudaLaunch, parameters: ArrayBufferView, stream: CudaStream): void {
    const { gridX, gridY, threads, sharedBytes } = launch;
    const kernel = this.#kernel(launch);
    const address = koffi.address(parameters.buffer) + BigInt(parameters.byteOffset);
    const result = this.#functions.launch(
      kernel,
      gridX,
      gridY,
      1,
      threads,
      1,
      1,
      sharedBytes,
      stream.handle,
      new BigUint64Array([address]),
      null,
    );
    this.#check(result, `launching ${launch.kernel}`);
  }

  #kernel({ kernel, sharedBytes }: CudaLaunch): Pointer {
    const known = this.#kernels.get(kernel);
    if (known !== undefined) return known;
    const target = new BigUint64Array(1);
    this.#check(this.#functions.moduleFunction(target, this.#module, kernel), `finding ${kernel}`);
    const found = defined(target[0]);
    if (sharedBytes > sharedBytesUnasked) {
      const { functionSetAttribute } = this.#functions;
      const result = functionSetAttribute(found, maxDynamicSharedSize, sharedBytes);
      this.#check(result, `shared memory for ${kernel}`);
    }
    this.#kernels.set(kernel, found);
    return found;
  }

  [Symbol.dispose](): void {
    this.#functions.moduleUnload(this.#module);
  }
}

/** Commands that the card carries out one after the other. */
export class CudaStream implements Disposable {
  readonly handle: Pointer;
  readonly #functions: DriverFunctions;
  readonly #check: Check;

  constructor(functions: DriverFunctions, check: Check, handle: Pointer) {
    this.#functions = functions;
    this.#check = check;
    this.handle = handle;
  }

  /** What is enqueued next waits until `event`, as it was recorded last, has come. */
  waitFor(event: Pointer): void {
    this.#check(this.#functions.streamWaitEvent(this.handle, event, 0), "waiting for an event");
  }

  /** `event` comes when what was enqueued so far is done. */
  record(event: Pointer): void {
    this.#check(this.#functions.eventRecord(event, this.handle), "recording an event");
  }

  /** The driver has read `source` when this returns, unless it is pinned memory. */
  upload(target: Pointer, source: ArrayBufferView): void {
    const { byteLength } = source;
    const result = this.#functions.copyToDevice(target, source, byteLength, this.handle);
    this.#check(result, "copying to the card");
  }

  /** Fills `target` when the stream gets there, which this waits for. */
  download(target: ArrayBufferView, source: Pointer): void {
    const { byteLength } = target;
    const result = this.#functions.copyFromDevice(target, source, byteLength, this.handle);
    this.#check(result, "copying from the card");
    this.synchronize();
  }

  /** Sets `words` times 32 bits. */
  fill(target: Pointer, value: number, words: number): void {
    this.#check(this.#functions.fill(target, value, words, this.handle), "filling memory");
  }

  /** Blocks this thread until all is done. LociError internal when a kernel failed. */
  synchronize(): void {
    this.#check(this.#functions.streamSynchronize(this.handle), "computing");
  }

  [Symbol.dispose](): void {
    this.#functions.streamDestroy(this.handle);
  }
}

export class CudaMemory implements Disposable {
  readonly address: Pointer;
  readonly bytes: number;
  readonly #functions: DriverFunctions;

  constructor(functions: DriverFunctions, address: Pointer, bytes: number) {
    this.#functions = functions;
    this.address = address;
    this.bytes = bytes;
  }

  [Symbol.dispose](): void {
    this.#functions.memoryFree(this.address);
  }
}

function openDriver(path: string): DriverFunctions {
  let library: LibraryHandle;
  try {
    library = koffi.load(path, { lazy: true });
  } catch (error) {
    throw missing("There is no NVIDIA driver on this machine.", error);
  }
  librariesKept.push(library);
  return bindFunctions<DriverFunctions>(library, driverPrototypes);
}

function missing(message: string, cause: unknown): LociError {
  return new LociError("native_library_missing", message, {
    remedy: "Install NVIDIA's driver, or use --device cpu.",
    cause,
  });
}

/** Results of loading code that the card or the driver cannot run; see CUresult. */
const mismatches: ReadonlySet<number> = new Set([200, 209, 218, 222, 500]);

function driverError(result: number, message: string): LociError {
  assert(result !== 0, "something failed");
  if (result === outOfMemory) {
    return new LociError("out_of_memory", `The card has no memory left: ${message}.`, {
      remedy: "Lower --kv-memory.",
    });
  }
  if (mismatches.has(result)) {
    return new LociError("native_library_mismatch", `The kernels do not fit the card: ${message}.`);
  }
  if (result === 100) return missing("There is no NVIDIA card on this machine.", null);
  return new LociError("internal", `The NVIDIA driver failed: ${message}.`);
}
