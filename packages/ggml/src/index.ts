export { binaryPackageVersion, findBinaryPackage, ggmlVersion } from "./binary-package.ts";
export { CpuBackend, cpuFunction } from "./cpu-backend.ts";
export type { Backend } from "./device/backend.ts";
export { DeviceBackend } from "./device/device-backend.ts";
export {
  copyTensorParts,
  DeviceTensors,
  readTensor,
  writeTensor,
  type TensorRange,
} from "./device/device-tensors.ts";
export { DeviceWeights } from "./device/device-weights.ts";
export {
  chooseDevice,
  cpuDevice,
  listDevices,
  loadInstalledLibraries,
  type Device,
} from "./device/device.ts";
export { Graph, tensorBytes, type CustomOperator, type RopeParams } from "./graph.ts";
export { loadGgml, type Ggml } from "./load-ggml.ts";
export { mapFile, type MappedFile } from "./memory-map.ts";
export { NativeMemory } from "./native-memory.ts";
export type { Pointer } from "./pointer.ts";
export { quantizeRows } from "./quantize-rows.ts";
export { tensorType } from "./tensor-type.ts";
export { FileSource, MemorySource, type ByteSource } from "./gguf/byte-source.ts";
export { ggmlTypes, ggmlTypesByName, type GgmlType } from "./gguf/ggml-types.ts";
export { parseGguf, readGguf } from "./gguf/gguf-file.ts";
export type {
  GgufArray,
  GgufFile,
  GgufTensor,
  GgufValue,
  GgufValueType,
} from "./gguf/gguf-format.ts";
export { checkNotSplit, checkVocabulary } from "./gguf/gguf-vocabulary-check.ts";
export {
  encodeGguf,
  writeGguf,
  type GgufContent,
  type GgufWriteTensor,
  type GgufWriteValue,
} from "./gguf/gguf-writer.ts";
export { planAttention, type PlanOptions, type PlanSlice } from "./kernel/attention-plan.ts";
export {
  loadKernelLibrary,
  type KernelLayer,
  type KernelLibrary,
  type KernelWorkspace,
  type KernelMemory,
} from "./kernel/kernel-library.ts";
export { kvBlockLayout, type KvBlockLayout } from "./kernel/kv-layout.ts";
export { attentionPlanCapacity } from "./kernel/plan-layout.ts";
export { GrammarState } from "./llama/grammar-state.ts";
export { LlamaOracle, type LlamaOracleOptions, type OracleToken } from "./llama/llama-oracle.ts";
export { Vocabulary } from "./llama/vocabulary.ts";
export { WeightBuffers } from "./weight-buffers.ts";
export type { WeightLocation, WeightStore } from "./weight-store.ts";
export { tryLockFile } from "./file-lock.ts";
export {
  checksumBytes,
  type BlockMove,
  type BlockTransfer,
  type FilePlace,
  type MemoryPlace,
  type MoveResult,
  type TransferLayout,
} from "./transfer/block-transfer.ts";
export { createBlockTransfer } from "./transfer/create-block-transfer.ts";
export {
  hostBlockAt,
  type BlockMemory,
  type DeviceBlock,
  type KvPool,
} from "./transfer/kv-pool.ts";
export { RestoreGates } from "./transfer/restore-gates.ts";
export { memoryView } from "./transfer/memory-view.ts";
export { writeXxh64 } from "./transfer/xxh64.ts";
