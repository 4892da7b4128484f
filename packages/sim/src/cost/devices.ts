// Accelerators as their makers' data sheets describe them: dense 16-bit tensor throughput without
// sparsity, memory and its bandwidth, the link to the host.

/** Published peak figures of one device. */
export interface DeviceShape {
  readonly name: string;
  readonly memoryBytes: number;
  readonly memoryBytesPerSecond: number;
  /** Dense 16-bit operations; a multiply-add counts as two. */
  readonly flopsPerSecond: number;
  /** One direction of the link to host memory. */
  readonly hostBytesPerSecond: number;
  readonly source: string;
}

/** "GB" of these memories are binary: nvidia-smi shows 81,920 MiB for an 80GB device. */
const gib = 1024 ** 3;
const pcie4 = 32e9;
const pcie5 = 64e9;

export const deviceShapes: Readonly<Record<string, DeviceShape>> = {
  "a100-40": {
    name: "A100-40GB",
    memoryBytes: 40 * gib,
    memoryBytesPerSecond: 1.555e12,
    flopsPerSecond: 312e12,
    hostBytesPerSecond: pcie4,
    source: "NVIDIA A100 data sheet: 40 GB HBM2 at 1,555 GB/s, 312 TFLOPS FP16, PCIe 4.0 x16",
  },
  "a100-80": {
    name: "A100-80GB",
    memoryBytes: 80 * gib,
    memoryBytesPerSecond: 2.039e12,
    flopsPerSecond: 312e12,
    // S3's machine links its devices by eight lanes.
    hostBytesPerSecond: pcie4 / 2,
    source: "NVIDIA A100 data sheet: SXM 80 GB HBM2e at 2,039 GB/s, 312 TFLOPS FP16; PCIe 4.0 x8",
  },
  h100: {
    name: "H100-80GB",
    memoryBytes: 80 * gib,
    memoryBytesPerSecond: 3.35e12,
    flopsPerSecond: 989e12,
    hostBytesPerSecond: pcie5,
    source: "NVIDIA H100 data sheet: SXM5 80 GB at 3.35 TB/s, 989 TFLOPS FP16 dense, PCIe 5.0 x16",
  },
};
