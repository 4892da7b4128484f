// The functions of the CUDA driver that we call. Handles and device addresses are 64-bit numbers; each
// returns a CUresult, 0 = done.

import type { Prototypes } from "../bind.ts";
import type { Pointer } from "../pointer.ts";

export type CudaResult = number;
/** Receives a handle or an address. */
export type HandleTarget = BigUint64Array;

export interface DriverFunctions extends Record<string, (...args: never[]) => unknown> {
  init: (flags: number) => CudaResult;
  deviceCount: (count: Int32Array) => CudaResult;
  device: (device: Int32Array, ordinal: number) => CudaResult;
  deviceName: (name: Uint8Array, length: number, device: number) => CudaResult;
  deviceAttribute: (value: Int32Array, attribute: number, device: number) => CudaResult;
  contextRetain: (context: HandleTarget, device: number) => CudaResult;
  contextRelease: (device: number) => CudaResult;
  contextSetCurrent: (context: Pointer) => CudaResult;
  moduleLoad: (module: HandleTarget, image: Uint8Array) => CudaResult;
  moduleUnload: (module: Pointer) => CudaResult;
  moduleFunction: (target: HandleTarget, module: Pointer, name: string) => CudaResult;
  functionSetAttribute: (kernel: Pointer, attribute: number, value: number) => CudaResult;
  launch: (
    kernel: Pointer,
    ...launch: [
      gridX: number,
      gridY: number,
      gridZ: number,
      blockX: number,
      blockY: number,
      blockZ: number,
      sharedBytes: number,
      stream: Pointer,
      parameters: BigUint64Array,
      extra: null,
    ]
  ) => CudaResult;
  streamCreate: (stream: HandleTarget, flags: number) => CudaResult;
  streamDestroy: (stream: Pointer) => CudaResult;
  streamSynchronize: (stream: Pointer) => CudaResult;
  streamWaitEvent: (stream: Pointer, event: Pointer, flags: number) => CudaResult;
  eventRecord: (event: Pointer, stream: Pointer) => CudaResult;
  memoryAllocate: (address: HandleTarget, bytes: number) => CudaResult;
  memoryFree: (address: Pointer) => CudaResult;
  copyToDevice: (
    ...copy: [target: Pointer, source: ArrayBufferView, bytes: number, stream: Pointer]
  ) => CudaResult;
  copyFromDevice: (
    ...copy: [target: ArrayBufferView, source: Pointer, bytes: number, stream: Pointer]
  ) => CudaResult;
  fill: (...fill: [target: Pointer, value: number, words: number, stream: Pointer]) => CudaResult;
  errorName: (result: CudaResult, name: [string | null]) => CudaResult;
}

export const driverPrototypes: Prototypes<DriverFunctions> = {
  init: "int cuInit(unsigned int flags)",
  deviceCount: "int cuDeviceGetCount(_Out_ int * count)",
  device: "int cuDeviceGet(_Out_ int * device, int ordinal)",
  deviceName: "int cuDeviceGetName(_Out_ uint8_t * name, int length, int device)",
  deviceAttribute: "int cuDeviceGetAttribute(_Out_ int * value, int attribute, int device)",
  contextRetain: "int cuDevicePrimaryCtxRetain(_Out_ uint64_t * context, int device)",
  contextRelease: "int cuDevicePrimaryCtxRelease_v2(int device)",
  contextSetCurrent: "int cuCtxSetCurrent(uint64_t context)",
  moduleLoad: "int cuModuleLoadData(_Out_ uint64_t * module, const void * image)",
  moduleUnload: "int cuModuleUnload(uint64_t module)",
  moduleFunction:
    "int cuModuleGetFunction(_Out_ uint64_t * target, uint64_t module, const char * name)",
  functionSetAttribute: "int cuFuncSetAttribute(uint64_t kernel, int attribute, int value)",
  launch:
    "int cuLaunchKernel(uint64_t kernel, unsigned int gridX, unsigned int gridY, " +
    "unsigned int gridZ, unsigned int blockX, unsigned int blockY, unsigned int blockZ, " +
    "unsigned int sharedBytes, uint64_t stream, const uint64_t * parameters, void * extra)",
  streamCreate: "int cuStreamCreate(_Out_ uint64_t * stream, unsigned int flags)",
  streamDestroy: "int cuStreamDestroy_v2(uint64_t stream)",
  streamSynchronize: "int cuStreamSynchronize(uint64_t stream)",
  streamWaitEvent: "int cuStreamWaitEvent(uint64_t stream, uint64_t event, unsigned int flags)",
  eventRecord: "int cuEventRecord(uint64_t event, uint64_t stream)",
  memoryAllocate: "int cuMemAlloc_v2(_Out_ uint64_t * address, size_t bytes)",
  memoryFree: "int cuMemFree_v2(uint64_t address)",
  copyToDevice:
    "int cuMemcpyHtoDAsync_v2(uint64_t target, const void * source, size_t bytes, uint64_t stream)",
  copyFromDevice:
    "int cuMemcpyDtoHAsync_v2(_Out_ void * target, uint64_t source, size_t bytes, uint64_t stream)",
  fill: "int cuMemsetD32Async(uint64_t target, unsigned int value, size_t words, uint64_t stream)",
  errorName: "int cuGetErrorName(int result, _Out_ const char ** name)",
};
