// The part of ggml's C interface that loci uses, as one table: TypeScript types beside C
// prototypes. Tensors, contexts, buffers and backends are opaque addresses.

import type { Prototypes } from "./bind.ts";
import type { Pointer } from "./pointer.ts";

type P = Pointer;
type OrNull = Pointer | null;

/** Functions of libggml-base: tensors, graphs, allocation, backends, quantisation. */
export interface GgmlBaseFunctions extends Readonly<Record<string, (...args: never[]) => unknown>> {
  version(): string;
  tensorOverhead(): number;
  graphOverhead(nodes: number, gradients: boolean): number;
  typeSize(type: number): number;
  blockSize(type: number): number;
  rowSize(type: number, elements: number): number;
  init(params: { mem_size: number; mem_buffer: OrNull; no_alloc: boolean }): OrNull;
  free(context: P): void;
  getData(tensor: P): OrNull;
  nbytes(tensor: P): number;
  /** What a node computes, e.g. `MUL_MAT`. */
  opName(tensor: P): string;
  tensorTypeName(type: number): string;
  setInput(tensor: P): void;
  setOutput(tensor: P): void;
  newGraph(context: P, nodes: number, gradients: boolean): P;
  buildForwardExpand(graph: P, tensor: P): void;
  graphNodeCount(graph: P): number;
  graphNode(graph: P, index: number): P;
  quantizeChunk(
    type: number,
    source: Float32Array,
    target: Uint8Array,
    start: number,
    rows: number,
    rowLength: number,
    importance: null,
  ): number;
  quantizeInit(type: number): void;
  logSet(callback: OrNull, data: OrNull): void;
  threadpoolParamsInit(params: Uint8Array, threads: number): void;
  backendFree(backend: P): void;
  backendGraphCompute(backend: P, graph: P): number;
  bufferFree(buffer: P): void;
  bufferBase(buffer: P): P;
  bufferSetUsage(buffer: P, usage: number): void;
  bufferTypeAlloc(bufferType: P, bytes: number): OrNull;
  bufferTypeAllocSize(bufferType: P, tensor: P): number;
  bufferTypeName(bufferType: P): string;
  bufferTypeIsHost(bufferType: P): boolean;
  cpuBufferFromPointer(address: P, bytes: number): OrNull;
  cpuBufferType(): P;
  tensorAlloc(buffer: P, tensor: P, address: P): number;
  tensorSet(tensor: P, data: P | Uint8Array, offset: number, bytes: number): void;
  tensorGet(tensor: P, data: P, offset: number, bytes: number): void;
  tensorCopy(source: P, target: P): void;
  viewInit(view: P): number;
  allocContextTensors(context: P, bufferType: P): OrNull;
  bufferSize(buffer: P): number;
  bufferClear(buffer: P, value: number): void;
  gallocrNew(bufferType: P): P;
  gallocrFree(allocator: P): void;
  gallocrAllocGraph(allocator: P, graph: P): boolean;
  gallocrBufferSize(allocator: P, index: number): number;
  deviceInit(device: P, params: null): OrNull;
  deviceRegistry(device: P): P;
  deviceSupportsOp(device: P, tensor: P): boolean;
  deviceName(device: P): string;
  deviceDescription(device: P): string;
  /** 0 = CPU, 1 = GPU, 2 = GPU on the CPU's memory, 3 = helps the CPU. */
  deviceType(device: P): number;
  deviceMemory(device: P, free: BigUint64Array, total: BigUint64Array): void;
  deviceBufferType(device: P): P;
  deviceHostBufferType(device: P): OrNull;
  registryName(registry: P): string;
  registryProcAddress(registry: P, name: string): OrNull;
}

export const ggmlBasePrototypes: Prototypes<GgmlBaseFunctions> = {
  version: "const char * ggml_version()",
  tensorOverhead: "size_t ggml_tensor_overhead()",
  graphOverhead: "size_t ggml_graph_overhead_custom(size_t size, bool grads)",
  typeSize: "size_t ggml_type_size(int type)",
  blockSize: "int64_t ggml_blck_size(int type)",
  rowSize: "size_t ggml_row_size(int type, int64_t ne)",
  init: "void * ggml_init(ggml_init_params params)",
  free: "void ggml_free(void * ctx)",
  getData: "void * ggml_get_data(void * tensor)",
  nbytes: "size_t ggml_nbytes(void * tensor)",
  opName: "const char * ggml_op_desc(void * tensor)",
  tensorTypeName: "const char * ggml_type_name(int type)",
  setInput: "void ggml_set_input(void * tensor)",
  setOutput: "void ggml_set_output(void * tensor)",
  newGraph: "void * ggml_new_graph_custom(void * ctx, size_t size, bool grads)",
  buildForwardExpand: "void ggml_build_forward_expand(void * graph, void * tensor)",
  graphNodeCount: "int ggml_graph_n_nodes(void * graph)",
  graphNode: "void * ggml_graph_node(void * graph, int i)",
  quantizeChunk:
    "size_t ggml_quantize_chunk(int type, float * src, void * dst, int64_t start, int64_t nrows, int64_t n_per_row, void * imatrix)",
  quantizeInit: "void ggml_quantize_init(int type)",
  logSet: "void ggml_log_set(void * callback, void * data)",
  threadpoolParamsInit: "void ggml_threadpool_params_init(void * params, int n_threads)",
  backendFree: "void ggml_backend_free(void * backend)",
  backendGraphCompute: "int ggml_backend_graph_compute(void * backend, void * graph)",
  bufferFree: "void ggml_backend_buffer_free(void * buffer)",
  bufferBase: "void * ggml_backend_buffer_get_base(void * buffer)",
  bufferSetUsage: "void ggml_backend_buffer_set_usage(void * buffer, int usage)",
  bufferTypeAlloc: "void * ggml_backend_buft_alloc_buffer(void * buft, size_t size)",
  bufferTypeAllocSize: "size_t ggml_backend_buft_get_alloc_size(void * buft, void * tensor)",
  bufferTypeName: "const char * ggml_backend_buft_name(void * buft)",
  bufferTypeIsHost: "bool ggml_backend_buft_is_host(void * buft)",
  cpuBufferFromPointer: "void * ggml_backend_cpu_buffer_from_ptr(void * ptr, size_t size)",
  cpuBufferType: "void * ggml_backend_cpu_buffer_type()",
  tensorAlloc: "int ggml_backend_tensor_alloc(void * buffer, void * tensor, void * addr)",
  tensorSet:
    "void ggml_backend_tensor_set(void * tensor, const void * data, size_t offset, size_t size)",
  tensorGet: "void ggml_backend_tensor_get(void * tensor, void * data, size_t offset, size_t size)",
  tensorCopy: "void ggml_backend_tensor_copy(void * source, void * target)",
  viewInit: "int ggml_backend_view_init(void * view)",
  allocContextTensors: "void * ggml_backend_alloc_ctx_tensors_from_buft(void * ctx, void * buft)",
  bufferClear: "void ggml_backend_buffer_clear(void * buffer, uint8_t value)",
  bufferSize: "size_t ggml_backend_buffer_get_size(void * buffer)",
  gallocrNew: "void * ggml_gallocr_new(void * buft)",
  gallocrFree: "void ggml_gallocr_free(void * galloc)",
  gallocrAllocGraph: "bool ggml_gallocr_alloc_graph(void * galloc, void * graph)",
  gallocrBufferSize: "size_t ggml_gallocr_get_buffer_size(void * galloc, int id)",
  deviceInit: "void * ggml_backend_dev_init(void * device, const char * params)",
  deviceRegistry: "void * ggml_backend_dev_backend_reg(void * device)",
  deviceSupportsOp: "bool ggml_backend_dev_supports_op(void * device, void * op)",
  deviceName: "const char * ggml_backend_dev_name(void * device)",
  deviceDescription: "const char * ggml_backend_dev_description(void * device)",
  deviceType: "int ggml_backend_dev_type(void * device)",
  deviceMemory: "void ggml_backend_dev_memory(void * device, size_t * free, size_t * total)",
  deviceBufferType: "void * ggml_backend_dev_buffer_type(void * device)",
  deviceHostBufferType: "void * ggml_backend_dev_host_buffer_type(void * device)",
  registryName: "const char * ggml_backend_reg_name(void * reg)",
  registryProcAddress: "void * ggml_backend_reg_get_proc_address(void * reg, const char * name)",
};

/** Functions of libggml: which backends there are, and their devices. */
export interface GgmlRegistryFunctions extends Readonly<
  Record<string, (...args: never[]) => unknown>
> {
  loadAllFrom(directory: string): void;
  /** Null when the library cannot be used here. */
  load(path: string): OrNull;
  deviceByType(type: number): OrNull;
  deviceCount(): number;
  device(index: number): P;
}

export const ggmlRegistryPrototypes: Prototypes<GgmlRegistryFunctions> = {
  loadAllFrom: "void ggml_backend_load_all_from_path(const char * path)",
  load: "void * ggml_backend_load(const char * path)",
  deviceByType: "void * ggml_backend_dev_by_type(int type)",
  deviceCount: "size_t ggml_backend_dev_count()",
  device: "void * ggml_backend_dev_get(size_t index)",
};

/** Functions that make graph nodes; all take the graph's context first. */
export interface GgmlNodeFunctions extends Readonly<Record<string, (...args: never[]) => unknown>> {
  newTensor(context: P, type: number, dimensions: number, ne: BigInt64Array): P;
  view1d(context: P, a: P, ne0: number, offset: number): P;
  view2d(context: P, a: P, ne0: number, ne1: number, nb1: number, offset: number): P;
  view3d(...args: [P, P, number, number, number, number, number, number]): P;
  reshape2d(context: P, a: P, ne0: number, ne1: number): P;
  reshape3d(context: P, a: P, ne0: number, ne1: number, ne2: number): P;
  mulMat(context: P, a: P, b: P): P;
  mulMatId(context: P, experts: P, b: P, ids: P): P;
  add(context: P, a: P, b: P): P;
  mul(context: P, a: P, b: P): P;
  div(context: P, a: P, b: P): P;
  scale(context: P, a: P, factor: number): P;
  tanh(context: P, a: P): P;
  rmsNorm(context: P, a: P, epsilon: number): P;
  rope(
    ...args: [
      P,
      P,
      P,
      OrNull,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ]
  ): P;
  getRows(context: P, a: P, rows: P): P;
  setRows(context: P, target: P, source: P, rows: P): P;
  swigluSplit(context: P, gate: P, up: P): P;
  gegluSplit(context: P, gate: P, up: P): P;
  swiglu(context: P, a: P): P;
  softMax(context: P, a: P): P;
  sumRows(context: P, a: P): P;
  clamp(context: P, a: P, low: number, high: number): P;
  argsortTopK(context: P, a: P, k: number): P;
  argmax(context: P, a: P): P;
  permute(context: P, a: P, axis0: number, axis1: number, axis2: number, axis3: number): P;
  cont(context: P, a: P): P;
  concat(context: P, a: P, b: P, dimension: number): P;
  cast(context: P, a: P, type: number): P;
  flashAttention(...args: [P, P, P, P, P, number, number, number]): P;
  custom(
    ...args: [P, number, number, number, number, number, BigUint64Array, number, P, number, OrNull]
  ): P;
}

export const ggmlNodePrototypes: Prototypes<GgmlNodeFunctions> = {
  newTensor: "void * ggml_new_tensor(void * ctx, int type, int n_dims, int64_t * ne)",
  view1d: "void * ggml_view_1d(void * ctx, void * a, int64_t ne0, size_t offset)",
  view2d:
    "void * ggml_view_2d(void * ctx, void * a, int64_t ne0, int64_t ne1, size_t nb1, size_t offset)",
  view3d:
    "void * ggml_view_3d(void * ctx, void * a, int64_t ne0, int64_t ne1, int64_t ne2, size_t nb1, size_t nb2, size_t offset)",
  reshape2d: "void * ggml_reshape_2d(void * ctx, void * a, int64_t ne0, int64_t ne1)",
  reshape3d: "void * ggml_reshape_3d(void * ctx, void * a, int64_t ne0, int64_t ne1, int64_t ne2)",
  mulMat: "void * ggml_mul_mat(void * ctx, void * a, void * b)",
  mulMatId: "void * ggml_mul_mat_id(void * ctx, void * as, void * b, void * ids)",
  add: "void * ggml_add(void * ctx, void * a, void * b)",
  mul: "void * ggml_mul(void * ctx, void * a, void * b)",
  div: "void * ggml_div(void * ctx, void * a, void * b)",
  scale: "void * ggml_scale(void * ctx, void * a, float s)",
  tanh: "void * ggml_tanh(void * ctx, void * a)",
  rmsNorm: "void * ggml_rms_norm(void * ctx, void * a, float eps)",
  rope: "void * ggml_rope_ext(void * ctx, void * a, void * b, void * c, int n_dims, int mode, int n_ctx_orig, float freq_base, float freq_scale, float ext_factor, float attn_factor, float beta_fast, float beta_slow)",
  getRows: "void * ggml_get_rows(void * ctx, void * a, void * b)",
  setRows: "void * ggml_set_rows(void * ctx, void * a, void * b, void * c)",
  swigluSplit: "void * ggml_swiglu_split(void * ctx, void * a, void * b)",
  gegluSplit: "void * ggml_geglu_split(void * ctx, void * a, void * b)",
  swiglu: "void * ggml_swiglu(void * ctx, void * a)",
  softMax: "void * ggml_soft_max(void * ctx, void * a)",
  sumRows: "void * ggml_sum_rows(void * ctx, void * a)",
  clamp: "void * ggml_clamp(void * ctx, void * a, float min, float max)",
  argsortTopK: "void * ggml_argsort_top_k(void * ctx, void * a, int k)",
  argmax: "void * ggml_argmax(void * ctx, void * a)",
  permute: "void * ggml_permute(void * ctx, void * a, int axis0, int axis1, int axis2, int axis3)",
  concat: "void * ggml_concat(void * ctx, void * a, void * b, int dim)",
  cont: "void * ggml_cont(void * ctx, void * a)",
  cast: "void * ggml_cast(void * ctx, void * a, int type)",
  flashAttention:
    "void * ggml_flash_attn_ext(void * ctx, void * q, void * k, void * v, void * mask, float scale, float max_bias, float logit_softcap)",
  custom:
    "void * ggml_custom_4d(void * ctx, int type, int64_t ne0, int64_t ne1, int64_t ne2, int64_t ne3, void ** args, int n_args, void * fun, int n_tasks, void * userdata)",
};
