// A computation graph of one shape: built once, given its own memory, then computed any number of
// times with new inputs. Methods make nodes; shapes follow ggml: dimension 0 is the fastest.

import koffi from "koffi";
import { LociError, assert, defined } from "@loci/core";
import { type Device, cpuDevice } from "./device/device.ts";
import { TensorMirror } from "./device/tensor-mirror.ts";
import type { GgmlNodeFunctions } from "./ggml-functions.ts";
import { loadGgml } from "./load-ggml.ts";
import type { Pointer } from "./pointer.ts";

/** How positions are rotated; see `ggml_rope_ext`. */
export interface RopeParams {
  readonly dimensions: number;
  /** 0 = adjacent pairs (llama), 2 = halves (NeoX: qwen, phi, gemma). */
  readonly mode: number;
  readonly contextOriginal: number;
  readonly frequencyBase: number;
  readonly frequencyScale: number;
  readonly extFactor: number;
  readonly attentionFactor: number;
  readonly betaFast: number;
  readonly betaSlow: number;
  /** Divides each frequency; null = none. */
  readonly factors: Pointer | null;
}

export interface CustomOperator {
  /** Type and dimensions of the result. */
  readonly type: number;
  readonly dimensions: readonly [number, number, number];
  readonly inputs: readonly Pointer[];
  /** Address of `void fn(ggml_tensor * dst, int ith, int nth, void * userdata)`. */
  readonly function: Pointer;
  readonly userData: Pointer | null;
}

/** Lets ggml run a custom operator on all of its threads. */
const tasksMax = -1;

export class Graph implements Disposable {
  readonly #context: Pointer;
  readonly #graph: Pointer;
  readonly #node: GgmlNodeFunctions;
  readonly #inputs: Pointer[] = [];
  readonly #outputs: Pointer[] = [];
  #allocator: Pointer | null = null;
  #mirror: TensorMirror | null = null;

  constructor(nodesMax: number) {
    const { base, node } = loadGgml();
    const bytes = base.tensorOverhead() * nodesMax + base.graphOverhead(nodesMax, false);
    const context = base.init({ mem_size: bytes, mem_buffer: null, no_alloc: true });
    if (context === null) throw new LociError("out_of_memory", "No memory for a graph.");
    this.#context = context;
    this.#node = node;
    this.#graph = base.newGraph(context, nodesMax, false);
  }

  /** The finished graph, for a backend. */
  get pointer(): Pointer {
    assert(this.#allocator !== null, "the graph is allocated");
    return this.#graph;
  }

  /** A tensor that the caller fills before each computation. */
  input(type: number, ...dimensions: readonly number[]): Pointer {
    const tensor = this.#node.newTensor(
      this.#context,
      type,
      dimensions.length,
      BigInt64Array.from(dimensions, BigInt),
    );
    loadGgml().base.setInput(tensor);
    this.#inputs.push(tensor);
    return tensor;
  }

  /** Adds `tensor` and all it depends on; its data stays readable after the computation. */
  output(tensor: Pointer): Pointer {
    loadGgml().base.setOutput(tensor);
    this.#outputs.push(tensor);
    this.expand(tensor);
    return tensor;
  }

  /** Adds `tensor` and all it depends on, in this order. */
  expand(tensor: Pointer): void {
    loadGgml().base.buildForwardExpand(this.#graph, tensor);
  }

  /**
   * Gives the graph's tensors memory of their own on the device that will compute it; no node can be
   * added afterwards. LociError not_supported when the device cannot compute one of them.
   */
  allocate(device: Device = cpuDevice()): void {
    const { base } = loadGgml();
    assert(this.#allocator === null, "a graph is allocated once");
    if (!device.isHost) checkSupported(this.#graph, device);
    this.#allocator = base.gallocrNew(base.deviceBufferType(device.pointer));
    if (!base.gallocrAllocGraph(this.#allocator, this.#graph)) {
      throw new LociError("out_of_memory", "There is not enough memory to compute a step.", {
        remedy: "Lower --max-num-batched-tokens or --kv-memory.",
      });
    }
    if (device.isHost) return;
    const hasMemory = (tensor: Pointer): boolean => base.getData(tensor) !== null;
    this.#mirror = new TensorMirror(device, this.#inputs.filter(hasMemory), this.#outputs);
  }

  /** An input or output in the process's memory; null when no node uses the input. */
  bytes(tensor: Pointer): ArrayBuffer | null {
    if (loadGgml().base.getData(tensor) === null) return null;
    return this.#mirror === null ? tensorBytes(tensor) : this.#mirror.bytes(tensor);
  }

  /** Brings what was written into the inputs' bytes to the device. */
  sendInputs(): void {
    this.#mirror?.send();
  }

  /** Brings the outputs from the device to their bytes. */
  async fetchOutputs(): Promise<void> {
    await this.#mirror?.fetch();
  }

  get computeBytes(): number {
    return loadGgml().base.gallocrBufferSize(defined(this.#allocator), 0);
  }

  [Symbol.dispose](): void {
    const { base } = loadGgml();
    this.#mirror?.[Symbol.dispose]();
    if (this.#allocator !== null) base.gallocrFree(this.#allocator);
    base.free(this.#context);
  }

  mulMat(weight: Pointer, x: Pointer): Pointer {
    return this.#node.mulMat(this.#context, weight, x);
  }

  /** Products with the experts that `ids` names for each column. */
  mulMatId(experts: Pointer, x: Pointer, ids: Pointer): Pointer {
    return this.#node.mulMatId(this.#context, experts, x, ids);
  }

  add(a: Pointer, b: Pointer): Pointer {
    return this.#node.add(this.#context, a, b);
  }

  mul(a: Pointer, b: Pointer): Pointer {
    return this.#node.mul(this.#context, a, b);
  }

  div(a: Pointer, b: Pointer): Pointer {
    return this.#node.div(this.#context, a, b);
  }

  scale(a: Pointer, factor: number): Pointer {
    return this.#node.scale(this.#context, a, factor);
  }

  tanh(a: Pointer): Pointer {
    return this.#node.tanh(this.#context, a);
  }

  /** RMS norm over dimension 0, times `weight`. */
  rmsNorm(a: Pointer, weight: Pointer, epsilon: number): Pointer {
    return this.mul(this.#node.rmsNorm(this.#context, a, epsilon), weight);
  }

  /** Rotates `a` [head size, heads, tokens] by each token's position. */
  rope(a: Pointer, positions: Pointer, params: RopeParams): Pointer {
    return this.#node.rope(
      this.#context,
      a,
      positions,
      params.factors,
      params.dimensions,
      params.mode,
      params.contextOriginal,
      params.frequencyBase,
      params.frequencyScale,
      params.extFactor,
      params.attentionFactor,
      params.betaFast,
      params.betaSlow,
    );
  }

  getRows(a: Pointer, rows: Pointer): Pointer {
    return this.#node.getRows(this.#context, a, rows);
  }

  setRows(target: Pointer, source: Pointer, rows: Pointer): Pointer {
    return this.#node.setRows(this.#context, target, source, rows);
  }

  swiglu(gate: Pointer, up: Pointer): Pointer {
    return this.#node.swigluSplit(this.#context, gate, up);
  }

  /** SwiGLU of one tensor whose first half is the gate. */
  swigluJoined(gateUp: Pointer): Pointer {
    return this.#node.swiglu(this.#context, gateUp);
  }

  geglu(gate: Pointer, up: Pointer): Pointer {
    return this.#node.gegluSplit(this.#context, gate, up);
  }

  softMax(a: Pointer): Pointer {
    return this.#node.softMax(this.#context, a);
  }

  sumRows(a: Pointer): Pointer {
    return this.#node.sumRows(this.#context, a);
  }

  clamp(a: Pointer, low: number, high: number): Pointer {
    return this.#node.clamp(this.#context, a, low, high);
  }

  argsortTopK(a: Pointer, k: number): Pointer {
    return this.#node.argsortTopK(this.#context, a, k);
  }

  argmax(a: Pointer): Pointer {
    return this.#node.argmax(this.#context, a);
  }

  cont(a: Pointer): Pointer {
    return this.#node.cont(this.#context, a);
  }

  /** Two matrices side by side: the columns of `a`, then those of `b`. */
  concatColumns(a: Pointer, b: Pointer): Pointer {
    return this.#node.concat(this.#context, a, b, 1);
  }

  cast(a: Pointer, type: number): Pointer {
    return this.#node.cast(this.#context, a, type);
  }

  permute(a: Pointer, axes: readonly [number, number, number, number]): Pointer {
    return this.#node.permute(this.#context, a, ...axes);
  }

  reshape2d(a: Pointer, ne0: number, ne1: number): Pointer {
    return this.#node.reshape2d(this.#context, a, ne0, ne1);
  }

  reshape3d(a: Pointer, dimensions: readonly [number, number, number]): Pointer {
    return this.#node.reshape3d(this.#context, a, ...dimensions);
  }

  view1d(a: Pointer, ne0: number, offsetBytes: number): Pointer {
    return this.#node.view1d(this.#context, a, ne0, offsetBytes);
  }

  view2d(
    a: Pointer,
    dimensions: readonly [number, number],
    strideBytes: number,
    offsetBytes: number,
  ): Pointer {
    return this.#node.view2d(this.#context, a, ...dimensions, strideBytes, offsetBytes);
  }

  view3d(
    a: Pointer,
    dimensions: readonly [number, number, number],
    strideBytes: readonly [number, number],
    offsetBytes: number,
  ): Pointer {
    return this.#node.view3d(this.#context, a, ...dimensions, ...strideBytes, offsetBytes);
  }

  /** Attention over contiguous keys and values; mask is f16 [keys, queries]. */
  flashAttention(
    inputs: readonly [query: Pointer, key: Pointer, value: Pointer, mask: Pointer],
    scale: number,
    softCap: number,
  ): Pointer {
    return this.#node.flashAttention(this.#context, ...inputs, scale, 0, softCap);
  }

  custom(operator: CustomOperator): Pointer {
    return this.#node.custom(
      this.#context,
      operator.type,
      ...operator.dimensions,
      1,
      BigUint64Array.from(operator.inputs),
      operator.inputs.length,
      operator.function,
      tasksMax,
      operator.userData,
    );
  }
}

/** ggml's devices abort on a node that they have no code for. */
function checkSupported(graph: Pointer, device: Device): void {
  const { base } = loadGgml();
  for (let index = 0; index < base.graphNodeCount(graph); index++) {
    const node = base.graphNode(graph, index);
    if (base.deviceSupportsOp(device.pointer, node)) continue;
    throw new LociError(
      "not_supported",
      `The device ${device.name} cannot compute ${base.opName(node)} as this model needs it.`,
      { remedy: "Use --device cpu, other number formats, or less --kv-memory." },
    );
  }
}

/** A view of a tensor's bytes in native memory; valid while its graph or buffer lives. */
export function tensorBytes(tensor: Pointer): ArrayBuffer {
  const { base } = loadGgml();
  const address = defined(base.getData(tensor), "the tensor has memory");
  return koffi.view(address, base.nbytes(tensor));
}
